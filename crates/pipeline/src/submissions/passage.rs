//! A submission on its way through the inspector: where its rows go and what is counted.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::sync::Arc;
use std::thread::available_parallelism;

use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use arrow::record_batch::RecordBatch;
use contract::{AtomicMonth, MonthSource, Severity, SubmissionId};
use inspect::{Block, ControlTotals, Inspected, Plan, Problem, Reject, Statistics};
use lake::{Objects, QuarantineWriter, SilverWriter, SubmissionPlace};
use store::SubmissionFile;
use tokio::task::JoinHandle;

use super::report::{FileReport, ParseReport, ReasonCounter};
use crate::PipelineError;
use crate::catalog::Layout;
use crate::fault::{self, FaultPoint};

/// How many unknown members of a file are counted, lest members named after values fill the memory.
const UNKNOWN_MEMBERS_MAX: usize = 10_000;

/// All files of a submission.
pub(super) struct Passage {
    pub(super) layout: Arc<Layout>,
    silver: SilverWriter,
    quarantine: QuarantineWriter,
    rejected: ReasonCounter,
    warnings: ReasonCounter,
    failures: ReasonCounter,
    pub(super) files: Vec<FileReport>,
}

impl Passage {
    pub(super) fn open(
        objects: &Objects,
        place: &SubmissionPlace,
        layout: Arc<Layout>,
    ) -> Result<Self, PipelineError> {
        let month_column = match &layout.contract.atomic_month {
            Some(MonthSource::Column(name)) => Some(name.as_str()),
            Some(MonthSource::FileNamePart(_)) | None => None,
        };
        Ok(Self {
            silver: SilverWriter::new(objects, place, layout.plan.schema(), month_column)?,
            quarantine: QuarantineWriter::new(objects, place),
            rejected: ReasonCounter::default(),
            warnings: ReasonCounter::default(),
            failures: ReasonCounter::default(),
            files: Vec::new(),
            layout,
        })
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
        let report = ParseReport {
            submission_id: submission,
            layout_id: self.layout.contract.layout.clone(),
            contract_hash: self.layout.contract.content_hash.clone(),
            rows_in: self.files.iter().map(|file| file.rows_in).sum(),
            rows_accepted: months.iter().map(|(_, rows)| rows).sum(),
            rows_rejected,
            months: months.into_iter().collect(),
            reject_reasons: self.rejected.into_counts(),
            warnings: self.warnings.into_counts(),
            failures: self.failures.into_counts(),
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
            if let Some(inspected) = working.push(block).await? {
                self.take(file, inspected).await?;
            }
        }
        Ok(())
    }

    /// Sends a block's rows on: SQL rules first, then silver and quarantine.
    pub(super) async fn take(
        &mut self,
        file: &mut FilePassage,
        mut inspected: Inspected,
    ) -> Result<(), PipelineError> {
        let name = file.report.file_name.as_str();
        self.apply_row_rules(name, &mut inspected)?;
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
        self.quarantine.write(name, &inspected.rejects).await?;
        self.silver.write(&inspected.accepted, file.month).await?;
        file.control.take(&inspected.accepted);
        file.report.rows_in += inspected.rows_in;
        file.report.rows_accepted += inspected.accepted.num_rows() as u64;
        file.report.rows_rejected += inspected.rejects.len() as u64;
        file.statistics.merge(&inspected.statistics);
        let room = UNKNOWN_MEMBERS_MAX.saturating_sub(file.unknown_members.len());
        let unknown = inspected.unknown_members.into_iter();
        file.unknown_members.extend(unknown.take(room));
        Ok(())
    }

    /// Runs the contract's SQL rules over the accepted rows; rows that break one of severity
    /// `reject` or `fail` leave them with their raw text.
    fn apply_row_rules(
        &mut self,
        file: &str,
        inspected: &mut Inspected,
    ) -> Result<(), PipelineError> {
        if self.layout.row_rules.is_empty() || inspected.accepted.num_rows() == 0 {
            return Ok(());
        }
        let rows = RowNumbers::of(&inspected.accepted);
        let mut refused: BTreeMap<usize, Vec<Problem>> = BTreeMap::new();
        let mut warned = Vec::new();
        for (rule, broken) in self.layout.row_rules.broken(&inspected.accepted)? {
            let problem = Problem {
                column: None,
                rule: rule.id.as_str().into(),
                detail: rule.explanation.as_str().into(),
            };
            for row in broken {
                match rule.severity {
                    Severity::Warn => warned.push((row, problem.clone())),
                    Severity::Reject => refused.entry(row).or_default().push(problem.clone()),
                    Severity::Fail => {
                        self.failures.add(file, rows.row(row), &problem);
                        refused.entry(row).or_default().push(problem.clone());
                    }
                }
            }
        }
        // A warning is of an accepted row.
        for (row, problem) in warned {
            if !refused.contains_key(&row) {
                self.warnings.add(file, rows.row(row), &problem);
            }
        }
        if refused.is_empty() {
            return Ok(());
        }
        let refused_rows: HashSet<u64> = refused.keys().map(|row| rows.row(*row)).collect();
        inspected
            .warnings
            .retain(|warning| !refused_rows.contains(&warning.row));
        let keep: BooleanArray = (0..inspected.accepted.num_rows())
            .map(|row| Some(!refused.contains_key(&row)))
            .collect();
        for (row, problems) in refused {
            let (offset, length) = rows.bytes(row);
            inspected.rejects.push(Reject {
                row: rows.row(row),
                offset: offset as u64,
                length: length as u64,
                raw: inspected.raw_row(offset, length),
                problems,
            });
        }
        inspected.rejects.sort_by_key(|reject| reject.row);
        inspected.accepted = filter_record_batch(&inspected.accepted, &keep)
            .map_err(|_| PipelineError::Interrupted("filtering rows"))?;
        Ok(())
    }
}

/// The lineage columns of a batch.
struct RowNumbers {
    row: arrow::array::Int64Array,
    offset: arrow::array::Int64Array,
    length: arrow::array::Int64Array,
}

impl RowNumbers {
    fn of(batch: &RecordBatch) -> Self {
        use arrow::array::AsArray;
        let column = |name: &str| {
            let found = batch
                .column_by_name(name)
                .expect("the inspector gives every row its lineage");
            found.as_primitive::<arrow::datatypes::Int64Type>().clone()
        };
        Self {
            row: column("source_row"),
            offset: column("source_offset"),
            length: column("source_length"),
        }
    }

    fn row(&self, index: usize) -> u64 {
        self.row.value(index) as u64
    }

    fn bytes(&self, index: usize) -> (i64, i64) {
        (self.offset.value(index), self.length.value(index))
    }
}

/// One file on its way.
pub(super) struct FilePassage {
    /// The month of every row, where the file's name gives it.
    month: AtomicMonth,
    pub(super) report: FileReport,
    pub(super) statistics: Statistics,
    /// Paths of JSON members that the contract does not read.
    pub(super) unknown_members: BTreeSet<String>,
    pub(super) control: ControlTotals,
}

impl FilePassage {
    pub(super) fn new(file: &SubmissionFile, month: AtomicMonth, plan: &Plan) -> Self {
        let report = FileReport {
            file_name: file.file_name.clone(),
            sha256: file.sha256.clone().unwrap_or_default(),
            size_bytes: file.size_bytes as u64,
            ..FileReport::default()
        };
        Self {
            month,
            report,
            statistics: Statistics::default(),
            unknown_members: BTreeSet::new(),
            control: plan.control_totals(),
        }
    }
}

/// Blocks under inspection, oldest first. At most two per core are in flight.
pub(super) struct Working {
    limit: usize,
    blocks: VecDeque<JoinHandle<Inspected>>,
}

impl Working {
    pub(super) fn new() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self {
            limit: 2 * cores,
            blocks: VecDeque::new(),
        }
    }

    /// Starts a block; where enough are in flight, waits for the oldest and returns it.
    pub(super) async fn push(&mut self, block: Block) -> Result<Option<Inspected>, PipelineError> {
        self.blocks
            .push_back(tokio::task::spawn_blocking(move || block.inspect()));
        if self.blocks.len() > self.limit {
            self.next().await
        } else {
            Ok(None)
        }
    }

    pub(super) async fn next(&mut self) -> Result<Option<Inspected>, PipelineError> {
        match self.blocks.pop_front() {
            None => Ok(None),
            Some(block) => block
                .await
                .map(Some)
                .map_err(|_| PipelineError::Interrupted("inspecting a block")),
        }
    }
}
