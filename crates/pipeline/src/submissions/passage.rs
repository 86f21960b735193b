//! A submission on its way through the inspector: where its rows go and what is counted.

use std::collections::BTreeSet;
use std::sync::Arc;

use contract::SubmissionId;
use inspect::{
    Block, ControlTotals, FileEnd, KEY_MEMORY_BYTES, KeyLedger, Months, Spill, Statistics,
};
use lake::{Objects, QuarantineWriter, SilverWriter, SubmissionPlace};
use store::SubmissionFile;

use super::judge::{FileTally, Judge};
use super::looked::{Looked, Working};
use super::report::{FileReport, ParseReport, ReasonCounter};
use crate::PipelineError;
use crate::catalog::Layout;
use crate::fault::{self, FaultPoint};

/// How many unknown members of a file are counted, lest members named after values fill the memory.
const UNKNOWN_MEMBERS_MAX: usize = 10_000;

/// All files of a submission.
pub(super) struct Passage {
    pub(super) judge: Arc<Judge>,
    silver: SilverWriter,
    quarantine: QuarantineWriter,
    rejected: ReasonCounter,
    warnings: ReasonCounter,
    failures: ReasonCounter,
    pub(super) files: Vec<FileReport>,
}

impl Passage {
    pub(super) fn open(objects: &Objects, place: &SubmissionPlace, judge: Judge) -> Self {
        Self {
            silver: SilverWriter::new(objects, place, judge.layout.plan.schema()),
            quarantine: QuarantineWriter::new(objects, place),
            rejected: ReasonCounter::default(),
            warnings: ReasonCounter::default(),
            failures: ReasonCounter::default(),
            files: Vec::new(),
            judge: Arc::new(judge),
        }
    }

    /// Writes what still waits and says what was found. Rows in are accepted plus rejected, or
    /// it is our failure.
    pub(super) async fn close(
        self,
        submission: SubmissionId,
    ) -> Result<ParseReport, PipelineError> {
        let months = self.silver.close().await?;
        fault::point(FaultPoint::SilverWritten);
        let rows_rejected = self.quarantine.close().await?;
        fault::point(FaultPoint::QuarantineWritten);
        let (judge, contract) = (&self.judge, &self.judge.layout.contract);
        let report = ParseReport {
            submission_id: submission,
            layout_id: contract.layout.clone(),
            contract_hash: contract.content_hash.clone(),
            rows_in: self.files.iter().map(|file| file.rows_in).sum(),
            rows_accepted: months.iter().map(|(_, rows)| rows).sum(),
            rows_rejected,
            months: months.into_iter().collect(),
            reject_reasons: judge.described(self.rejected.into_counts()),
            warnings: judge.described(self.warnings.into_counts()),
            failures: judge.described(self.failures.into_counts()),
            files: self.files,
        };
        if report.rows_in != report.rows_accepted + report.rows_rejected {
            return Err(PipelineError::RowsLost {
                submission,
                rows_in: report.rows_in,
                accepted: report.rows_accepted,
                rejected: report.rows_rejected,
            });
        }
        Ok(report)
    }

    /// Inspects blocks on all cores and sends on what is ready, in order.
    pub(super) async fn inspect(
        &mut self,
        file: &mut FilePassage,
        working: &mut Working,
        blocks: Vec<Block>,
    ) -> Result<(), PipelineError> {
        for block in blocks {
            if let Some(looked) = working.push(block).await? {
                self.take(file, looked).await?;
            }
        }
        Ok(())
    }

    /// Sends a block's rows on, to silver and quarantine. Blocks come in the file's order.
    pub(super) async fn take(
        &mut self,
        file: &mut FilePassage,
        mut looked: Looked,
    ) -> Result<(), PipelineError> {
        if let Some(ledger) = &mut file.ledger {
            looked.compare_keys(ledger, &self.judge, file.months)?;
        }
        let name = file.report.file_name.as_str();
        let mut inspected = looked.inspected;
        let rows = inspected.rows();
        for (count, tally) in file.tallies.iter_mut().zip(&looked.tallies) {
            count.add(tally, |index| rows.row(index));
        }
        for reject in &inspected.rejects {
            for problem in &reject.problems {
                self.rejected.add(name, reject.row, problem);
            }
        }
        for warning in &inspected.warnings {
            self.warnings.add(name, warning.row, &warning.problem);
        }
        for failure in &inspected.failures {
            self.failures.add(name, failure.row, &failure.problem);
        }
        file.control.take(&inspected.accepted);
        file.report.rows_in += inspected.rows_in;
        file.report.rows_accepted += inspected.accepted.num_rows() as u64;
        file.report.rows_rejected += inspected.rejects.len() as u64;
        file.statistics.merge(&inspected.statistics);
        let room = UNKNOWN_MEMBERS_MAX.saturating_sub(file.unknown_members.len());
        let unknown = std::mem::take(&mut inspected.unknown_members).into_iter();
        file.unknown_members.extend(unknown.take(room));
        self.quarantine.write(name, &inspected.rejects).await?;
        // The rows are in `months` too.
        drop(inspected);
        for (month, rows) in looked.months {
            self.silver.write(month, rows).await?;
        }
        Ok(())
    }
}

/// One file on its way.
pub(super) struct FilePassage {
    report: FileReport,
    statistics: Statistics,
    /// Paths of JSON members that the contract does not read.
    unknown_members: BTreeSet<String>,
    control: ControlTotals,
    months: Months,
    /// Where the contract wants its natural key to be unique.
    ledger: Option<KeyLedger>,
    tallies: Vec<FileTally>,
}

impl FilePassage {
    pub(super) fn new(file: &SubmissionFile, layout: &Layout, months: Months) -> Self {
        let report = FileReport {
            file_name: file.file_name.clone(),
            sha256: file.sha256.clone().unwrap_or_default(),
            size_bytes: file.size_bytes as u64,
            ..FileReport::default()
        };
        let spill: Spill = Box::new(|| Ok(Box::new(tempfile::tempfile()?)));
        Self {
            report,
            statistics: Statistics::default(),
            unknown_members: BTreeSet::new(),
            control: layout.plan.control_totals(),
            months,
            ledger: KeyLedger::new(&layout.plan, KEY_MEMORY_BYTES, spill),
            tallies: vec![FileTally::default(); layout.measures.iter().len()],
        }
    }

    /// The file was read to its end.
    pub(super) fn end(mut self, mut end: FileEnd, judge: &Judge) -> FileReport {
        self.control.judge(&mut end);
        end.unknown_columns.extend(self.unknown_members);
        self.report.end(end, &self.statistics);
        self.report.thresholds = judge.thresholds(&self.tallies);
        self.report
    }
}
