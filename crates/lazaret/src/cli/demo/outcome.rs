//! What the demo tells: gathered from the store and the reports that the runs left.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use contract::{AtomicMonth, FileType, LayoutId, StateCode, SubmissionId};
use pipeline::{Pipeline, ReasonCount, StepFailure};
use serde::Serialize;
use store::{
    Build, BuildFilter, BuildStatus, MonthKey, Run, RunFilter, Submission, SubmissionFilter,
    SubmissionState, Winner, WinnerFilter, WinnerKey,
};

use super::next::next_commands;
use crate::cli::Failure;
use crate::cli::canonical::Sources;
use crate::cli::submission::parse_report;
use crate::configuration::{OVERLAYS, process_environment};

/// What the runs themselves leave nowhere else.
#[derive(Default)]
pub(super) struct Waves {
    /// As they stood before the second wave.
    pub(super) winners_before: Vec<Winner>,
    pub(super) failures: Vec<StepFailure>,
    pub(super) elapsed: Duration,
    pub(super) bytes_read: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    pub(super) project: PathBuf,
    pub(super) submissions: Vec<DemoSubmission>,
    pub(super) rows_in: i64,
    pub(super) rows_accepted: i64,
    pub(super) rows_rejected: i64,
    pub(super) reject_reasons: Vec<LayoutReason>,
    pub(super) warnings: Vec<LayoutReason>,
    pub(super) winners: usize,
    pub(super) winners_changed: Vec<ChangedWinner>,
    pub(super) canonical: Vec<CanonicalMonth>,
    pub(super) canonical_rows: i64,
    pub(super) failures: Vec<StepFailure>,
    pub(super) failed_builds: Vec<FailedBuild>,
    pub(super) bytes_read: u64,
    /// From the first look into the inbox to the last canonical month.
    pub(super) elapsed_seconds: f64,
    /// Of it, the seconds of each step.
    pub(super) step_seconds: BTreeMap<String, f64>,
    /// Through the inspector into silver and quarantine.
    pub(super) megabytes_per_second: f64,
    /// Environment variables that would lead the commands below away from the demo.
    pub(super) overlaid_by: Vec<&'static str>,
    pub(super) next: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct DemoSubmission {
    pub(super) submission_id: SubmissionId,
    pub(super) grouping_key: String,
    pub(super) grouping_method: &'static str,
    pub(super) layout_id: Option<LayoutId>,
    pub(super) state: SubmissionState,
    pub(super) reason: Option<String>,
    pub(super) rows_in: Option<i64>,
    pub(super) rows_accepted: Option<i64>,
    pub(super) rows_rejected: Option<i64>,
    pub(super) warnings: Option<i64>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct LayoutReason {
    pub(super) layout_id: LayoutId,
    pub(super) column: Option<String>,
    pub(super) rule: String,
    pub(super) expected: String,
    pub(super) rows: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct ChangedWinner {
    #[serde(flatten)]
    pub(super) key: WinnerKey,
    pub(super) from: SubmissionId,
    pub(super) rows_before: Option<i64>,
    pub(super) to: SubmissionId,
    pub(super) rows_now: Option<i64>,
}

#[derive(Debug, Serialize)]
pub(super) struct CanonicalMonth {
    pub(super) state: StateCode,
    pub(super) file_type: FileType,
    pub(super) atomic_month: AtomicMonth,
    pub(super) rows: i64,
    pub(super) submitters: BTreeSet<String>,
    pub(super) layouts: BTreeSet<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct FailedBuild {
    #[serde(flatten)]
    pub(super) key: MonthKey,
    pub(super) reason: Option<String>,
}

impl Outcome {
    pub(super) fn is_sound(&self) -> bool {
        self.failures.is_empty() && self.failed_builds.is_empty()
    }
}

pub(super) async fn gather(
    pipeline: &Pipeline,
    project: &Path,
    waves: Waves,
) -> Result<Outcome, Failure> {
    let store = &pipeline.store;
    let mut submissions = store.submissions(&SubmissionFilter::default()).await?;
    submissions.reverse();
    let (rejects, warnings) = reasons(pipeline, &submissions).await?;
    let winners = store.winners(&WinnerFilter::default()).await?;
    let builds = store.builds(&BuildFilter::default()).await?;
    let canonical = months(&builds);
    let changed = changed_winners(&waves.winners_before, &winners);
    let next = next_commands(pipeline, project, &submissions, &changed, &canonical).await?;
    let sum = |count: fn(&Submission) -> Option<i64>| submissions.iter().filter_map(count).sum();
    let step_seconds = step_seconds(&store.runs(&RunFilter::default()).await?);
    let parse_seconds = step_seconds.get("parse").copied().unwrap_or_default();
    Ok(Outcome {
        project: project.to_owned(),
        rows_in: sum(|submission| submission.rows_in),
        rows_accepted: sum(|submission| submission.rows_accepted),
        rows_rejected: sum(|submission| submission.rows_rejected),
        submissions: submissions.iter().map(demo_submission).collect(),
        reject_reasons: rejects,
        warnings,
        winners: winners.len(),
        winners_changed: changed,
        canonical_rows: canonical.iter().map(|month| month.rows).sum(),
        canonical,
        failures: waves.failures,
        failed_builds: failed(&builds),
        bytes_read: waves.bytes_read,
        elapsed_seconds: waves.elapsed.as_secs_f64(),
        megabytes_per_second: waves.bytes_read as f64 / 1e6 / parse_seconds.max(0.001),
        step_seconds,
        overlaid_by: OVERLAYS
            .into_iter()
            .filter(|name| process_environment(name).is_some())
            .collect(),
        next,
    })
}

fn step_seconds(runs: &[Run]) -> BTreeMap<String, f64> {
    let mut seconds: BTreeMap<String, f64> = BTreeMap::new();
    for run in runs {
        if let Some(finished) = run.finished_at {
            let took = finished - run.started_at;
            *seconds.entry(run.job.clone()).or_default() +=
                took.num_microseconds().unwrap_or(0) as f64 / 1e6;
        }
    }
    seconds
}

fn demo_submission(submission: &Submission) -> DemoSubmission {
    DemoSubmission {
        submission_id: submission.submission_id,
        grouping_key: submission.grouping_key.clone(),
        grouping_method: submission.grouping_method.as_str(),
        layout_id: submission.layout(),
        state: submission.state,
        reason: submission.state_reason.clone(),
        rows_in: submission.rows_in,
        rows_accepted: submission.rows_accepted,
        rows_rejected: submission.rows_rejected,
        warnings: submission.warnings,
    }
}

/// Why rows were rejected and warned of, over all submissions of a layout, most frequent first.
async fn reasons(
    pipeline: &Pipeline,
    submissions: &[Submission],
) -> Result<(Vec<LayoutReason>, Vec<LayoutReason>), Failure> {
    let (mut rejects, mut warnings) = (Reasons::default(), Reasons::default());
    for submission in submissions {
        if let Some(report) = parse_report(pipeline, submission).await? {
            rejects.add(&report.layout_id, &report.reject_reasons);
            warnings.add(&report.layout_id, &report.warnings);
        }
    }
    Ok((rejects.into_sorted(), warnings.into_sorted()))
}

#[derive(Default)]
struct Reasons(BTreeMap<(LayoutId, Option<String>, String, String), u64>);

impl Reasons {
    fn add(&mut self, layout: &LayoutId, reasons: &[ReasonCount]) {
        for reason in reasons {
            let key = (
                layout.clone(),
                reason.column.clone(),
                reason.rule.clone(),
                reason.expected.clone(),
            );
            *self.0.entry(key).or_default() += reason.rows;
        }
    }

    fn into_sorted(self) -> Vec<LayoutReason> {
        let all = self
            .0
            .into_iter()
            .map(|((layout_id, column, rule, expected), rows)| LayoutReason {
                layout_id,
                column,
                rule,
                expected,
                rows,
            });
        let mut all: Vec<LayoutReason> = all.collect();
        all.sort_by_key(|reason| std::cmp::Reverse(reason.rows));
        all
    }
}

/// Months for which another submission stands now.
fn changed_winners(before: &[Winner], now: &[Winner]) -> Vec<ChangedWinner> {
    let before: BTreeMap<String, &Winner> = before
        .iter()
        .map(|winner| (winner.key.to_string(), winner))
        .collect();
    let changed = now.iter().filter_map(|winner| {
        let old = before.get(&winner.key.to_string())?;
        (old.submission_id != winner.submission_id).then(|| ChangedWinner {
            key: winner.key.clone(),
            from: old.submission_id,
            rows_before: old.gold_rows,
            to: winner.submission_id,
            rows_now: winner.gold_rows,
        })
    });
    changed.collect()
}

/// Each canonical month by its last success. `builds` are newest first.
fn months(builds: &[Build]) -> Vec<CanonicalMonth> {
    let mut months = BTreeMap::new();
    for build in builds
        .iter()
        .filter(|build| build.status == BuildStatus::Succeeded)
    {
        months.entry(&build.key).or_insert(build);
    }
    let month = |(key, build): (&MonthKey, &Build)| {
        let sources = Sources::of(build);
        CanonicalMonth {
            state: key.state.clone(),
            file_type: key.file_type.clone(),
            atomic_month: key.atomic_month,
            rows: build.rows.unwrap_or(0),
            submitters: sources.submitters,
            layouts: sources.layouts,
        }
    };
    months.into_iter().map(month).collect()
}

/// Months whose last build failed. `builds` are newest first.
fn failed(builds: &[Build]) -> Vec<FailedBuild> {
    let mut last = BTreeMap::new();
    for build in builds {
        last.entry(&build.key).or_insert(build);
    }
    let failed = last
        .into_values()
        .filter(|build| build.status == BuildStatus::Failed);
    failed
        .map(|build| FailedBuild {
            key: build.key.clone(),
            reason: build.reason.clone(),
        })
        .collect()
}
