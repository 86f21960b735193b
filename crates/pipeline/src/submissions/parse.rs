use std::sync::Arc;

use bytes::Bytes;
use chrono::Utc;
use lake::Key;
use serde_json::json;
use store::{FileCounts, Parsed, Submission, SubmissionFile};

use super::archive::Members;
use super::judge::Judge;
use super::outlet::Outlet;
use super::passage::Passage;
use super::reading::{FileOutcome, SourceFile};
use super::report::{FileReport, ParseReport, over_limit};
use super::{Classified, classified};
use crate::catalog::Layout;
use crate::fault::{self, FaultPoint};
use crate::{Event, Pipeline, PipelineError, Source};

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
        let today = Utc::now().date_naive();
        let judge = Arc::new(Judge::new(layout, Some(submitter), today));
        let silver_folder = Key::Silver { place: &place }.to_string();
        let quarantine_folder = Key::Quarantine { place: &place }.to_string();
        self.objects.delete_folder(&silver_folder).await?;
        self.objects.delete_folder(&quarantine_folder).await?;
        fault::point(FaultPoint::SilverCleared);

        let outlet = Outlet::project(&self.objects, &place, judge.layout.plan.schema());
        let mut passage = Passage::open(judge, outlet, Members::All);
        let files = self
            .store
            .submission_files(submission.submission_id)
            .await?;
        for file in &files {
            if let Err(unreadable) = self.read(submission, file, &mut passage).await? {
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

    async fn read(
        &self,
        submission: &Submission,
        file: &SubmissionFile,
        passage: &mut Passage,
    ) -> Result<FileOutcome, PipelineError> {
        let (submission, of) = (submission.submission_id, file.size_bytes as u64);
        let watch = |bytes| {
            self.tell(Event::Parsing {
                submission,
                file_name: &file.file_name,
                bytes,
                of,
            });
        };
        let file = SourceFile {
            name: &file.file_name,
            sha256: file.sha256.as_deref().unwrap_or_default(),
            source: &self.staged(file),
        };
        passage.read(&file, &watch).await
    }

    /// A submission's file as it was staged.
    pub(crate) fn staged(&self, file: &SubmissionFile) -> Source {
        Source::Object {
            objects: self.objects.clone(),
            key: file.raw_key.clone(),
            size_bytes: file.size_bytes as u64,
        }
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
        let (report, _) = passage.close(Some(submission.submission_id)).await?;
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
        over_limit(report, limit).map(|told| {
            let id = submission.submission_id;
            format!("{told}: `lazaret quarantine list {id}` shows why")
        })
    }
}

fn parsed(report: &ParseReport, files: &[SubmissionFile]) -> Parsed {
    let counts = files.iter().map(|file| {
        let read = report.files.iter();
        let read = read.filter(|read| read.submitted_name() == file.file_name);
        let sum = |rows: fn(&FileReport) -> u64| read.clone().map(rows).sum::<u64>() as i64;
        FileCounts {
            ordinal: file.ordinal,
            rows_in: sum(|read| read.rows_in),
            rows_accepted: sum(|read| read.rows_accepted),
            rows_rejected: sum(|read| read.rows_rejected),
        }
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
