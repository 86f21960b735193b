use chrono::{DateTime, Utc};
use pipeline::{GroupDecision, Pipeline, decide_group};
use serde::Serialize;
use store::{QueuedRebuild, Run, RunFilter, RunStatus, SubmissionState};

use super::output::{Answer, Table, count, instant, plural, show};
use super::tally::WaitingGroup;
use super::{Done, Failure, Globals, project};

const RUNS_SHOWN: u32 = 10;
const FAILURES_SHOWN: u32 = 5;

#[derive(Debug, Serialize)]
struct Status {
    submissions: Vec<StateCount>,
    /// Submissions whose next step is due: nothing waits on a person.
    backlog: i64,
    needs_review: i64,
    waiting_groups: Vec<WaitingGroup>,
    /// Groups that are whole and not registered yet.
    due_groups: Vec<String>,
    /// Groups with a marker and no file.
    empty_groups: Vec<String>,
    pending_rebuilds: Vec<QueuedRebuild>,
    last_runs: Vec<Run>,
    last_failures: Vec<Run>,
}

#[derive(Debug, Serialize)]
struct StateCount {
    state: SubmissionState,
    submissions: i64,
}

pub(crate) async fn run(globals: &Globals) -> Result<Done, Failure> {
    let pipeline = project::open_to_read(globals).await?;
    show(globals.format, &read(&pipeline, Utc::now()).await?)?;
    Ok(Done::Well)
}

async fn read(pipeline: &Pipeline, now: DateTime<Utc>) -> Result<Status, Failure> {
    let store = &pipeline.store;
    let counts = store.count_by_state().await?;
    let of = |wanted: &[SubmissionState]| {
        counts
            .iter()
            .filter(|(state, _)| wanted.contains(state))
            .map(|(_, count)| count)
            .sum()
    };
    let mut status = Status {
        backlog: of(&[
            SubmissionState::Received,
            SubmissionState::ReadyForParse,
            SubmissionState::Parsed,
        ]),
        needs_review: of(&[SubmissionState::NeedsReview]),
        submissions: Vec::new(),
        waiting_groups: Vec::new(),
        due_groups: Vec::new(),
        empty_groups: Vec::new(),
        pending_rebuilds: store.pending_rebuilds().await?,
        last_runs: store
            .runs(&RunFilter {
                limit: Some(RUNS_SHOWN),
                ..RunFilter::default()
            })
            .await?,
        last_failures: store
            .runs(&RunFilter {
                status: Some(RunStatus::Failed),
                limit: Some(FAILURES_SHOWN),
                ..RunFilter::default()
            })
            .await?,
    };
    for (state, submissions) in counts {
        status.submissions.push(StateCount { state, submissions });
    }
    for group in store.open_groups().await? {
        match decide_group(&group, pipeline.settings.quiescence, now) {
            GroupDecision::Close(_) => status.due_groups.push(group.grouping_key),
            GroupDecision::WaitForFiles => status.empty_groups.push(group.grouping_key),
            GroupDecision::WaitUntil(closes_at) => {
                status.waiting_groups.push(WaitingGroup {
                    grouping_key: group.grouping_key,
                    closes_at,
                });
            }
        }
    }
    Ok(status)
}

impl Answer for Status {
    fn text(&self) -> String {
        let mut text = String::new();
        if self.submissions.is_empty() {
            text += "no submissions yet: drop files into the inbox, then `lazaret run --once`\n";
        } else {
            let mut states = Table::new(["state", "#submissions"]);
            for found in &self.submissions {
                states.row([found.state.as_str().to_owned(), count(found.submissions)]);
            }
            text += &format!("{states}\n");
        }
        text += &format!("\nbacklog: {} due\n", plural(self.backlog, "submission"));
        if self.needs_review > 0 {
            text += &format!(
                "{} to review: `lazaret submission list --state NEEDS_REVIEW` shows them, `lazaret submission \
                 assign` releases one\n",
                plural(self.needs_review, "submission")
            );
        }
        for group in &self.waiting_groups {
            text += &format!(
                "waiting: {} closes at {} unless something in it changes\n",
                group.grouping_key,
                instant(group.closes_at)
            );
        }
        for group in &self.due_groups {
            text += &format!("whole: {group}; the next `lazaret run --once` takes it\n");
        }
        for group in &self.empty_groups {
            text += &format!("empty: {group} has a marker and no file\n");
        }
        text += &format!(
            "canonical: {} due for a rebuild\n",
            plural(self.months_due() as u64, "month")
        );
        if !self.last_runs.is_empty() {
            text += &format!("\nlast runs\n{}\n", runs_table(&self.last_runs));
        }
        if !self.last_failures.is_empty() {
            text += "\nlast failures\n";
            for run in &self.last_failures {
                let error = run.error.as_deref().unwrap_or_default();
                text += &format!(
                    "  {} {} {}: {error}\n",
                    instant(run.started_at),
                    run.job,
                    run.subject
                );
            }
        }
        text
    }
}

impl Status {
    fn months_due(&self) -> usize {
        let months: std::collections::BTreeSet<_> =
            self.pending_rebuilds.iter().map(|row| &row.key).collect();
        months.len()
    }
}

fn runs_table(runs: &[Run]) -> Table {
    let mut table = Table::new([
        "started", "job", "subject", "status", "#attempt", "#seconds",
    ]);
    for run in runs {
        let seconds = run
            .finished_at
            .map(|end| (end - run.started_at).num_milliseconds() as f64 / 1_000.0);
        table.row([
            instant(run.started_at),
            run.job.clone(),
            run.subject.clone(),
            run.status.as_str().to_owned(),
            run.attempt.to_string(),
            seconds
                .map(|seconds| format!("{seconds:.2}"))
                .unwrap_or_default(),
        ]);
    }
    table
}
