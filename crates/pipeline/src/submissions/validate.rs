use std::sync::Arc;

use chrono::Utc;
use contract::{AtomicMonth, Contract, Rule, Severity};
use lake::Key;
use serde_json::json;
use store::{Submission, SubmissionState, Verdict};

use super::judge::Judge;
use super::report::{FileReport, ParseReport, ReasonCount};
use super::{Classified, classified};
use crate::fault::{self, FaultPoint};
use crate::{Event, Pipeline, PipelineError};

/// What a verdict rests on.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) rows_accepted: u64,
    pub(crate) min_rows: u64,
    /// Accepted rows without a month, where the layout has one.
    pub(crate) rows_without_month: u64,
    pub(crate) row_warnings: u64,
    /// Rules and thresholds of severity `fail` that are broken, by rows, by a file or by the whole.
    pub(crate) failed_rules: Vec<String>,
    /// Whole-file rules and thresholds of severity `warn` that are broken.
    pub(crate) warned_rules: Vec<String>,
}

impl Facts {
    pub(crate) fn of(report: &ParseReport, contract: &Contract, min_rows: u64) -> Self {
        let months = &report.months;
        let without_month = contract.atomic_month.as_ref();
        let without_month = without_month.and_then(|_| months.get(&AtomicMonth::Unknown));
        let mut facts = Self {
            rows_accepted: report.rows_accepted,
            min_rows,
            rows_without_month: without_month.copied().unwrap_or(0),
            row_warnings: report.warnings.iter().map(|reason| reason.rows).sum(),
            failed_rules: report.failures.iter().map(ReasonCount::named).collect(),
            warned_rules: Vec::new(),
        };
        facts.add_files(&report.files);
        facts
    }

    /// Rules over the whole that are broken.
    pub(crate) fn add_rules(&mut self, judge: &Judge, broken: Vec<&Rule>) {
        for rule in broken {
            let (severity, told) = judge.file_rule(rule);
            self.broken_whole(severity, told);
        }
    }

    /// What is wrong with single files as a whole.
    fn add_files(&mut self, files: &[FileReport]) {
        for file in files {
            for finding in &file.findings {
                self.broken_whole(finding.severity, finding.named());
            }
            for threshold in &file.thresholds {
                if let Some(fault) = threshold.fault() {
                    let told = format!("{fault}, in {}", file.file_name);
                    self.broken_whole(threshold.severity, told);
                }
            }
        }
    }

    /// A rule or threshold over a whole file is broken.
    fn broken_whole(&mut self, severity: Severity, told: String) {
        match severity {
            Severity::Fail | Severity::Reject => self.failed_rules.push(told),
            Severity::Warn => self.warned_rules.push(told),
        }
    }
}

/// The verdict: fails on a broken `fail` rule or too few rows; any warning is said.
pub(crate) fn decide_verdict(facts: &Facts) -> Verdict {
    let warnings = facts.row_warnings + facts.rows_without_month + facts.warned_rules.len() as u64;
    let mut failures = Vec::new();
    if !facts.failed_rules.is_empty() {
        failures.push(format!(
            "rules of severity `fail` are broken: {}",
            facts.failed_rules.join(", ")
        ));
    }
    if facts.rows_accepted < facts.min_rows {
        failures.push(format!(
            "{} rows were accepted, and at least {} are expected",
            facts.rows_accepted, facts.min_rows
        ));
    }
    let (state, reason) = if !failures.is_empty() {
        (SubmissionState::ValidationFailed, Some(failures.join("; ")))
    } else if warnings > 0 {
        (
            SubmissionState::ValidatedWithWarnings,
            Some(warning_text(facts)),
        )
    } else {
        (SubmissionState::Validated, None)
    };
    Verdict {
        state,
        reason,
        warnings: warnings as i64,
    }
}

fn warning_text(facts: &Facts) -> String {
    let mut parts = Vec::new();
    if facts.row_warnings > 0 {
        parts.push(format!("warnings on rows: {}", facts.row_warnings));
    }
    if facts.rows_without_month > 0 {
        parts.push(format!(
            "rows without a month, which stay out of gold: {}",
            facts.rows_without_month
        ));
    }
    if !facts.warned_rules.is_empty() {
        parts.push(format!(
            "whole-file rules are broken: {}",
            facts.warned_rules.join(", ")
        ));
    }
    parts.join("; ")
}

impl Pipeline {
    /// Runs the whole-file rules over silver and gives the verdict.
    pub(crate) async fn validate(
        &self,
        submission: &Submission,
    ) -> Result<serde_json::Value, PipelineError> {
        let Classified {
            submitter,
            place,
            layout,
        } = classified(submission)?;
        let layout = self.catalog.layout(&layout)?;
        let judge = Judge::new(Arc::clone(layout), Some(submitter), Utc::now().date_naive());
        let report = self.parse_report(submission).await?;
        let min_rows = self.min_rows(submission, layout.contract.thresholds.min_rows);
        let mut facts = Facts::of(&report, &layout.contract, min_rows);
        let broken = layout.file_rules.broken_by(&self.objects, &place).await?;
        facts.add_rules(&judge, broken);
        let verdict = decide_verdict(&facts);
        let counts = json!({ "state": verdict.state.as_str(), "warnings": verdict.warnings });
        self.store
            .finish_validation(submission.submission_id, &self.owner, &verdict)
            .await?
            .yes()
            .ok_or(PipelineError::LeaseLost)?;
        fault::point(FaultPoint::Validated);
        self.tell(Event::Validated {
            submission: submission.submission_id,
            state: verdict.state,
            reason: verdict.reason,
        });
        Ok(counts)
    }

    fn min_rows(&self, submission: &Submission, of_contract: u64) -> u64 {
        let feed = submission
            .feed
            .as_ref()
            .and_then(|name| self.catalog.feeds.get(name));
        feed.and_then(|feed| feed.min_rows).unwrap_or(of_contract)
    }

    /// The report that parsing left beside silver.
    pub async fn parse_report(
        &self,
        submission: &Submission,
    ) -> Result<ParseReport, PipelineError> {
        let place = classified(submission)?.place;
        let key = Key::ParseReport { place: &place }.to_string();
        let text = self.objects.get(&key).await?;
        serde_json::from_slice(&text).map_err(|error| PipelineError::Document {
            key,
            what: "a parse report",
            problem: error.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use SubmissionState::{Validated, ValidatedWithWarnings, ValidationFailed};

    fn check(change: impl FnOnce(&mut Facts), state: SubmissionState, warnings: i64) {
        let mut facts = Facts {
            rows_accepted: 10,
            min_rows: 1,
            ..Facts::default()
        };
        change(&mut facts);
        let verdict = decide_verdict(&facts);
        assert_eq!(
            (verdict.state, verdict.warnings),
            (state, warnings),
            "{facts:?}"
        );
        assert_eq!(verdict.reason.is_none(), state == Validated, "{facts:?}");
    }

    #[test]
    fn a_sound_submission_is_validated_and_any_warning_is_said() {
        check(|_| {}, Validated, 0);
        check(|facts| facts.row_warnings = 3, ValidatedWithWarnings, 3);
        check(
            |facts| facts.rows_without_month = 2,
            ValidatedWithWarnings,
            2,
        );
        check(
            |facts| facts.warned_rules.push("r".into()),
            ValidatedWithWarnings,
            1,
        );
    }

    #[test]
    fn a_broken_fail_rule_and_too_few_rows_fail_it() {
        check(
            |facts| facts.failed_rules.push("r".into()),
            ValidationFailed,
            0,
        );
        check(|facts| facts.rows_accepted = 0, ValidationFailed, 0);
        check(
            |facts| {
                facts.row_warnings = 1;
                facts.rows_accepted = 0;
            },
            ValidationFailed,
            1,
        );
    }
}
