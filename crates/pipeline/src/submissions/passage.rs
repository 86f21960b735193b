//! A submission on its way through the inspector: where its rows go and what is counted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use contract::{AtomicMonth, SubmissionId};
use inspect::{ControlTotals, FileEnd, KEY_MEMORY_BYTES, KeyLedger, Spill, Statistics};

use super::archive::{ArchiveReport, Members};
use super::judge::{FileTally, Judge};
use super::looked::{Looked, Wanted};
use super::outlet::{Outlet, Written, WrittenFiles};
use super::report::{FileReport, ParseReport, ReasonCounter};
use crate::PipelineError;
use crate::catalog::Layout;

/// How many unknown members of a file are counted, lest members named after values fill the memory.
const UNKNOWN_MEMBERS_MAX: usize = 10_000;

/// All files of a submission.
pub(crate) struct Passage {
    pub(super) judge: Arc<Judge>,
    outlet: Outlet,
    pub(super) members: Members,
    months: BTreeMap<AtomicMonth, u64>,
    rejected: ReasonCounter,
    warnings: ReasonCounter,
    failures: ReasonCounter,
    pub(super) files: Vec<FileReport>,
    pub(super) archives: Vec<ArchiveReport>,
}

impl Passage {
    pub(crate) fn open(judge: Arc<Judge>, outlet: Outlet, members: Members) -> Self {
        Self {
            outlet,
            members,
            months: BTreeMap::new(),
            rejected: ReasonCounter::default(),
            warnings: ReasonCounter::default(),
            failures: ReasonCounter::default(),
            files: Vec::new(),
            archives: Vec::new(),
            judge,
        }
    }

    pub(super) fn is_by_month(&self) -> bool {
        self.outlet.is_by_month()
    }

    /// Writes what still waits and says what was found. Rows in are accepted plus rejected, or
    /// it is our failure.
    pub(crate) async fn close(
        self,
        submission_id: Option<SubmissionId>,
    ) -> Result<(ParseReport, Option<WrittenFiles>), PipelineError> {
        let Written {
            rows_accepted,
            rows_rejected,
            files,
        } = self.outlet.close().await?;
        let (judge, contract) = (&self.judge, &self.judge.layout.contract);
        let report = ParseReport {
            submission_id,
            layout_id: contract.layout.clone(),
            contract_hash: contract.content_hash.clone(),
            rows_in: self.files.iter().map(|file| file.rows_in).sum(),
            rows_accepted,
            rows_rejected,
            months: self.months,
            reject_reasons: judge.described(self.rejected.into_counts()),
            warnings: judge.described(self.warnings.into_counts()),
            failures: judge.described(self.failures.into_counts()),
            files: self.files,
            archives: self.archives,
        };
        if report.rows_in != report.rows_accepted + report.rows_rejected {
            return Err(PipelineError::RowsLost {
                rows_in: report.rows_in,
                accepted: report.rows_accepted,
                rejected: report.rows_rejected,
            });
        }
        Ok((report, files))
    }

    /// Sends a block's rows on. Blocks come in the file's order.
    pub(super) async fn take(
        &mut self,
        file: &mut FilePassage,
        mut looked: Looked,
    ) -> Result<(), PipelineError> {
        if let Some(ledger) = &mut file.ledger {
            looked.compare_keys(ledger, &self.judge, file.wanted)?;
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
        self.outlet.reject(name, &inspected.rejects).await?;
        // The rows are in `looked.rows` too.
        drop(inspected);
        looked.rows.count(&mut self.months);
        Ok(self.outlet.accept(looked.rows).await?)
    }
}

/// One file on its way.
pub(super) struct FilePassage {
    pub(super) report: FileReport,
    statistics: Statistics,
    /// Paths of JSON members that the contract does not read.
    unknown_members: BTreeSet<String>,
    control: ControlTotals,
    wanted: Wanted,
    /// Where the contract wants its natural key to be unique.
    ledger: Option<KeyLedger>,
    tallies: Vec<FileTally>,
}

impl FilePassage {
    pub(super) fn new(report: FileReport, layout: &Layout, wanted: Wanted) -> Self {
        let spill: Spill = Box::new(|| Ok(Box::new(tempfile::tempfile()?)));
        Self {
            report,
            statistics: Statistics::default(),
            unknown_members: BTreeSet::new(),
            control: layout.plan.control_totals(),
            wanted,
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
