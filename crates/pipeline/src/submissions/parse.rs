use std::sync::Arc;

use bytes::Bytes;
use chrono::Utc;
use contract::{AtomicMonth, MonthSource};
use futures::TryStreamExt;
use inspect::{Compression, Months, Splitter, Unpacker, Unreadable};
use lake::Key;
use serde_json::json;
use store::{FileCounts, Parsed, Submission, SubmissionFile};

use super::classify::{base_name, matched};
use super::judge::Judge;
use super::looked::Working;
use super::passage::{FilePassage, Passage};
use super::report::ParseReport;
use super::{Classified, classified};
use crate::catalog::Layout;
use crate::fault::{self, FaultPoint};
use crate::{Event, Pipeline, PipelineError};

/// How much of a compressed file is unpacked at a time, so that a bomb comes out in pieces.
const PACKED_PIECE_BYTES: usize = 32 << 10;

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
        let Classified {
            submitter,
            place,
            layout,
        } = classified(submission)?;
        let layout = self.catalog.layout(&layout)?.clone();
        let judge = Judge::new(layout, submitter, Utc::now().date_naive());
        let silver_folder = Key::Silver { place: &place }.to_string();
        let quarantine_folder = Key::Quarantine { place: &place }.to_string();
        self.objects.delete_folder(&silver_folder).await?;
        self.objects.delete_folder(&quarantine_folder).await?;
        fault::point(FaultPoint::SilverCleared);

        let mut passage = Passage::open(&self.objects, &place, judge);
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
                    .await?
                    .yes()
                    .ok_or(PipelineError::LeaseLost)?;
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
        let layout = passage.judge.layout.clone();
        let report = passage.close(submission.submission_id).await?;
        let too_many = self.too_many_rejects(submission, &layout, &report);
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

        let parsed = parsed(&report, files);
        match too_many {
            Some(reason) => {
                self.store
                    .fail_parse(
                        submission.submission_id,
                        &self.owner,
                        &reason,
                        Some(&parsed),
                    )
                    .await?
                    .yes()
                    .ok_or(PipelineError::LeaseLost)?;
                self.tell(Event::ParseFailed {
                    submission: submission.submission_id,
                    reason,
                });
            }
            None => {
                self.store
                    .finish_parse(submission.submission_id, &self.owner, &parsed)
                    .await?
                    .yes()
                    .ok_or(PipelineError::LeaseLost)?;
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
            "warnings": parsed.warnings,
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
        let judge = Arc::clone(&passage.judge);
        let months = match months(&judge.layout, &file.file_name) {
            Ok(months) => months,
            Err(unreadable) => return Ok(Err(unreadable)),
        };
        let plan = judge.layout.plan.for_file(&file.file_name);
        let mut counts = FilePassage::new(file, &judge.layout, months);
        let mut splitter = Splitter::new(&plan);
        let mut chunks = self
            .objects
            .read(&file.raw_key, file.size_bytes as u64, None);
        let mut working = Working::new(&judge, months);
        let mut unpacker = Unpacker::new();
        while let Some(chunk) = chunks.try_next().await? {
            let packed = unpacker.compression().or_else(|| Compression::of(&chunk));
            let piece_bytes = packed.map_or(chunk.len(), |_| PACKED_PIECE_BYTES);
            for piece in chunk.chunks(piece_bytes.max(1)) {
                let mut blocks = Vec::new();
                let pushed = unpacker.push(piece, |text| {
                    blocks.extend(splitter.push(text)?);
                    Ok::<(), Unreadable>(())
                });
                if let Err(unreadable) = pushed {
                    return Ok(Err(unreadable.to_string()));
                }
                passage.inspect(&mut counts, &mut working, blocks).await?;
            }
            self.tell(Event::Parsing {
                submission: submission.submission_id,
                file_name: &file.file_name,
                bytes: chunk.len() as u64,
                of: file.size_bytes as u64,
            });
        }
        let mut blocks = Vec::new();
        let finished = unpacker
            .finish(|text| {
                blocks.extend(splitter.push(text)?);
                Ok::<(), Unreadable>(())
            })
            .and_then(|()| splitter.finish());
        let end = match finished {
            Ok((last, end)) => {
                blocks.extend(last);
                end
            }
            Err(unreadable) => return Ok(Err(unreadable.to_string())),
        };
        passage.inspect(&mut counts, &mut working, blocks).await?;
        while let Some(looked) = working.next().await? {
            passage.take(&mut counts, looked).await?;
        }
        passage.files.push(counts.end(end, &judge));
        Ok(Ok(()))
    }
}

/// Where the months of a file's rows come from, or why its name gives none.
fn months(layout: &Layout, file_name: &str) -> Result<Months, String> {
    let part = match &layout.contract.atomic_month {
        None => return Ok(Months::Fixed(AtomicMonth::Unknown)),
        Some(MonthSource::Column(name)) => {
            let schema = layout.plan.schema();
            return Ok(Months::of_column(&schema, name)
                .expect("a contract's month column holds dates or timestamps"));
        }
        Some(MonthSource::FileNamePart(part)) => part,
    };
    let parts = layout
        .contract
        .file_name
        .as_ref()
        .and_then(|grammar| matched(grammar, base_name(file_name)));
    parts
        .and_then(|parts| AtomicMonth::from_file_name_part(parts.get(part)?).ok())
        .map(Months::Fixed)
        .ok_or_else(|| {
            format!(
                "the part `{part}` of its name is no month: write YYYY, YYYYMM or YYYY-MM there"
            )
        })
}

fn parsed(report: &ParseReport, files: &[SubmissionFile]) -> Parsed {
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
        warnings: report
            .warnings
            .iter()
            .map(|reason| reason.rows as i64)
            .sum(),
        bytes_in: files.iter().map(|file| file.size_bytes).sum(),
        files: counts.collect(),
        months: report
            .months
            .iter()
            .map(|(month, rows)| (*month, *rows as i64))
            .collect(),
    }
}
