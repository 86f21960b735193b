use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::available_parallelism;

use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use contract::{AtomicMonth, MonthSource, Severity};
use futures::TryStreamExt;
use inspect::{Block, Inspected, Problem, Reject, Splitter, Statistics};
use lake::{Key, QuarantineWriter, SilverWriter};
use serde_json::json;
use store::{FileCounts, Parsed, Submission, SubmissionFile};
use tokio::task::JoinHandle;

use super::classify::base_name;
use super::report::{FileReport, ParseReport, ReasonCounter};
use super::{Classified, classified};
use crate::catalog::Layout;
use crate::fault::{self, FaultPoint};
use crate::{Event, Pipeline, PipelineError};

/// A submission on its way through the inspector: where its rows go and what was counted.
struct Passage {
    layout: Arc<Layout>,
    silver: SilverWriter,
    quarantine: QuarantineWriter,
    rejected: ReasonCounter,
    warnings: ReasonCounter,
    failures: ReasonCounter,
    files: Vec<FileReport>,
}

/// One file's end: it was read, or it is not readable as this contract and why.
type FileOutcome = Result<(), String>;

impl Pipeline {
    /// Reads every file once: accepted rows to silver, rejects to quarantine, counts to the
    /// report. What an earlier attempt left is cleared first; nobody reads it before the state
    /// says `PARSED`.
    pub(crate) async fn parse(
        &self,
        submission: &Submission,
    ) -> Result<serde_json::Value, PipelineError> {
        let Classified { place, layout, .. } = classified(submission)?;
        let layout = self.catalog.layout(&layout)?.clone();
        let silver_folder = Key::Silver { place: &place }.to_string();
        let quarantine_folder = Key::Quarantine { place: &place }.to_string();
        self.objects.delete_folder(&silver_folder).await?;
        self.objects.delete_folder(&quarantine_folder).await?;
        fault::point(FaultPoint::SilverCleared);

        let month_column = match &layout.contract.atomic_month {
            Some(MonthSource::Column(name)) => Some(name.as_str()),
            Some(MonthSource::FileNamePart(_)) | None => None,
        };
        let mut passage = Passage {
            silver: SilverWriter::new(&self.objects, &place, layout.plan.schema(), month_column)?,
            quarantine: QuarantineWriter::new(&self.objects, &place),
            rejected: ReasonCounter::default(),
            warnings: ReasonCounter::default(),
            failures: ReasonCounter::default(),
            files: Vec::new(),
            layout,
        };
        let files = self
            .store
            .submission_files(submission.submission_id)
            .await?;
        for file in &files {
            if let Err(unreadable) = self.pass_file(submission, file, &mut passage).await? {
                drop(passage);
                self.objects.delete_folder(&silver_folder).await?;
                self.objects.delete_folder(&quarantine_folder).await?;
                let reason = format!("`{}` cannot be read: {unreadable}", file.file_name);
                self.store
                    .fail_parse(submission.submission_id, &self.owner, &reason, None)
                    .await?;
                self.tell(Event::ParseFailed {
                    submission: submission.submission_id,
                    reason: reason.clone(),
                });
                return Ok(json!({ "unreadable": reason }));
            }
        }
        self.finish_parse(submission, passage, &files, &silver_folder)
            .await
    }

    async fn finish_parse(
        &self,
        submission: &Submission,
        passage: Passage,
        files: &[SubmissionFile],
        silver_folder: &str,
    ) -> Result<serde_json::Value, PipelineError> {
        let Classified { place, .. } = classified(submission)?;
        let months = passage.silver.close().await?;
        fault::point(FaultPoint::SilverWritten);
        let rows_rejected = passage.quarantine.close().await?;
        fault::point(FaultPoint::QuarantineWritten);
        let sum = |count: fn(&FileReport) -> u64| passage.files.iter().map(count).sum::<u64>();
        let warnings = passage.warnings.rows();
        let report = ParseReport {
            submission_id: submission.submission_id,
            layout_id: passage.layout.contract.layout.clone(),
            contract_hash: passage.layout.contract.content_hash.clone(),
            rows_in: sum(|file| file.rows_in),
            rows_accepted: months.iter().map(|(_, rows)| rows).sum(),
            rows_rejected,
            months: months.iter().copied().collect::<BTreeMap<_, _>>(),
            reject_reasons: passage.rejected.into_counts(),
            warnings: passage.warnings.into_counts(),
            failures: passage.failures.into_counts(),
            files: passage.files,
        };
        if report.rows_in != report.rows_accepted + report.rows_rejected {
            return Err(PipelineError::RowsLost {
                submission: submission.submission_id,
                rows_in: report.rows_in,
                accepted: report.rows_accepted,
                rejected: report.rows_rejected,
            });
        }
        let too_many = self.too_many_rejects(submission, &passage.layout, &report);
        if too_many.is_some() {
            // Rows that will not be used must not lie where used rows lie.
            self.objects.delete_folder(silver_folder).await?;
        }
        let text = serde_json::to_vec_pretty(&report).expect("a report is plain JSON");
        self.objects
            .put(
                &Key::ParseReport { place: &place }.to_string(),
                Bytes::from(text),
            )
            .await?;
        fault::point(FaultPoint::ReportWritten);

        let parsed = parsed(&report, files, warnings);
        match too_many {
            Some(reason) => {
                self.store
                    .fail_parse(
                        submission.submission_id,
                        &self.owner,
                        &reason,
                        Some(&parsed),
                    )
                    .await?;
                self.tell(Event::ParseFailed {
                    submission: submission.submission_id,
                    reason,
                });
            }
            None => {
                self.store
                    .finish_parse(submission.submission_id, &self.owner, &parsed)
                    .await?;
                self.tell(Event::Parsed {
                    submission: submission.submission_id,
                    rows_in: report.rows_in,
                    rows_accepted: report.rows_accepted,
                    rows_rejected: report.rows_rejected,
                });
            }
        }
        fault::point(FaultPoint::Parsed);
        Ok(json!({
            "rows_in": report.rows_in,
            "rows_accepted": report.rows_accepted,
            "rows_rejected": report.rows_rejected,
            "warnings": warnings,
        }))
    }

    fn too_many_rejects(
        &self,
        submission: &Submission,
        layout: &Layout,
        report: &ParseReport,
    ) -> Option<String> {
        let feed = submission
            .feed
            .as_ref()
            .and_then(|name| self.catalog.feeds.get(name));
        let limit = feed
            .and_then(|feed| feed.reject_ratio)
            .unwrap_or(layout.contract.thresholds.reject_ratio);
        let ratio = report.rows_rejected as f64 / (report.rows_in.max(1)) as f64;
        (ratio > limit).then(|| {
            format!(
                "{} of {} rows were rejected, {:.1}%, and the limit is {:.1}%: `lazaret quarantine list {}` shows why",
                report.rows_rejected,
                report.rows_in,
                ratio * 100.0,
                limit * 100.0,
                submission.submission_id
            )
        })
    }

    /// Splits one file in order and inspects its blocks on all cores, keeping their order.
    async fn pass_file(
        &self,
        submission: &Submission,
        file: &SubmissionFile,
        passage: &mut Passage,
    ) -> Result<FileOutcome, PipelineError> {
        let month = match fixed_month(&passage.layout, &file.file_name) {
            Ok(month) => month,
            Err(unreadable) => return Ok(Err(unreadable)),
        };
        let plan = passage.layout.plan.for_file(&file.file_name);
        let mut counts = FilePassage::new(file, month);
        let mut splitter = Splitter::new(&plan);
        let mut chunks = self
            .objects
            .read(&file.raw_key, file.size_bytes as u64, None);
        let mut working = Working::new();
        while let Some(chunk) = chunks.try_next().await? {
            let blocks = match splitter.push(&chunk) {
                Ok(blocks) => blocks,
                Err(unreadable) => return Ok(Err(unreadable.to_string())),
            };
            for block in blocks {
                if let Some(inspected) = working.push(block).await? {
                    passage.take(&mut counts, inspected).await?;
                }
            }
            self.tell(Event::Parsing {
                submission: submission.submission_id,
                file_name: &file.file_name,
                bytes: chunk.len() as u64,
                of: file.size_bytes as u64,
            });
        }
        let (blocks, end) = match splitter.finish() {
            Ok(finished) => finished,
            Err(unreadable) => return Ok(Err(unreadable.to_string())),
        };
        for block in blocks {
            if let Some(inspected) = working.push(block).await? {
                passage.take(&mut counts, inspected).await?;
            }
        }
        while let Some(inspected) = working.next().await? {
            passage.take(&mut counts, inspected).await?;
        }
        counts.report.end(end, &counts.statistics);
        passage.files.push(counts.report);
        Ok(Ok(()))
    }
}

impl Passage {
    /// Sends a block's rows on: SQL rules first, then silver and quarantine.
    async fn take(
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
        file.report.rows_in += inspected.rows_in;
        file.report.rows_accepted += inspected.accepted.num_rows() as u64;
        file.report.rows_rejected += inspected.rejects.len() as u64;
        file.statistics.merge(&inspected.statistics);
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
        for (rule, broken) in self.layout.row_rules.broken(&inspected.accepted)? {
            let problem = Problem {
                column: None,
                rule: rule.id.as_str().into(),
                detail: rule.explanation.as_str().into(),
            };
            for row in broken {
                match rule.severity {
                    Severity::Warn => self.warnings.add(file, rows.row(row), &problem),
                    Severity::Reject => refused.entry(row).or_default().push(problem.clone()),
                    Severity::Fail => {
                        self.failures.add(file, rows.row(row), &problem);
                        refused.entry(row).or_default().push(problem.clone());
                    }
                }
            }
        }
        if refused.is_empty() {
            return Ok(());
        }
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
struct FilePassage {
    /// The month of every row, where the file's name gives it.
    month: AtomicMonth,
    report: FileReport,
    statistics: Statistics,
}

impl FilePassage {
    fn new(file: &SubmissionFile, month: AtomicMonth) -> Self {
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
        }
    }
}

/// Blocks under inspection, oldest first. At most two per core are in flight.
struct Working {
    limit: usize,
    blocks: VecDeque<JoinHandle<Inspected>>,
}

impl Working {
    fn new() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self {
            limit: 2 * cores,
            blocks: VecDeque::new(),
        }
    }

    /// Starts a block; where enough are in flight, waits for the oldest and returns it.
    async fn push(&mut self, block: Block) -> Result<Option<Inspected>, PipelineError> {
        self.blocks
            .push_back(tokio::task::spawn_blocking(move || block.inspect()));
        if self.blocks.len() > self.limit {
            self.next().await
        } else {
            Ok(None)
        }
    }

    async fn next(&mut self) -> Result<Option<Inspected>, PipelineError> {
        match self.blocks.pop_front() {
            None => Ok(None),
            Some(block) => block
                .await
                .map(Some)
                .map_err(|_| PipelineError::Interrupted("inspecting a block")),
        }
    }
}

/// The month that a file's name gives to all its rows, where the contract says so.
fn fixed_month(layout: &Layout, file_name: &str) -> Result<AtomicMonth, String> {
    let Some(MonthSource::FileNamePart(part)) = &layout.contract.atomic_month else {
        return Ok(AtomicMonth::Unknown);
    };
    let parts = layout
        .contract
        .file_name
        .as_ref()
        .and_then(|grammar| grammar.matches(base_name(file_name)));
    parts
        .and_then(|parts| AtomicMonth::from_file_name_part(parts.get(part)?).ok())
        .ok_or_else(|| {
            format!(
                "the part `{part}` of its name is no month: write YYYY, YYYYMM or YYYY-MM there"
            )
        })
}

fn parsed(report: &ParseReport, files: &[SubmissionFile], warnings: u64) -> Parsed {
    let counts = files
        .iter()
        .zip(&report.files)
        .map(|(file, report)| FileCounts {
            ordinal: file.ordinal,
            rows_in: report.rows_in as i64,
            rows_accepted: report.rows_accepted as i64,
            rows_rejected: report.rows_rejected as i64,
        });
    Parsed {
        rows_in: report.rows_in as i64,
        rows_accepted: report.rows_accepted as i64,
        rows_rejected: report.rows_rejected as i64,
        warnings: warnings as i64,
        bytes_in: files.iter().map(|file| file.size_bytes).sum(),
        files: counts.collect(),
        months: report
            .months
            .iter()
            .map(|(month, rows)| (*month, *rows as i64))
            .collect(),
    }
}
