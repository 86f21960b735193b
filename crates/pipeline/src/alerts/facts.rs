//! From what the store holds to what incidents are decided by: feeds' limits are put beside
//! their submissions, and error texts lose the names that submitters gave.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use contract::{BuildId, Feed, FeedName, FileType, RunId, SubmissionId};
use store::{AlertFacts, SubmissionState};

use super::incident::Resolution;
use crate::withheld::Vocabulary;

/// What is known when incidents are decided.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    pub(super) feeds: Vec<FeedFact>,
    /// In the order they were received.
    pub(super) submissions: Vec<SubmissionFact>,
    pub(super) failures: Vec<FailureFact>,
    pub(super) failed_months: Vec<MonthFact>,
    /// The last success of a failure's work, by the incident's subject.
    pub(super) successes: BTreeMap<String, RunId>,
    /// Per subject the submission up to which reject ratios are settled.
    pub(super) settled: BTreeMap<String, Position>,
    /// Feeds that there are.
    pub(super) known_feeds: BTreeSet<FeedName>,
}

/// A submission's place in the order of receipt.
pub(super) type Position = (DateTime<Utc>, SubmissionId);

/// A feed that has a window.
#[derive(Debug, Clone)]
pub(super) struct FeedFact {
    pub(super) feed: FeedName,
    pub(super) within: Duration,
    pub(super) watched_since: DateTime<Utc>,
    pub(super) last_received: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone)]
pub(super) struct SubmissionFact {
    pub(super) submission_id: SubmissionId,
    pub(super) received_at: DateTime<Utc>,
    pub(super) feed: Option<FeedName>,
    pub(super) file_type: Option<FileType>,
    pub(super) state: SubmissionState,
    /// Rows in, rows rejected.
    pub(super) rows: Option<(i64, i64)>,
    /// The feed's; none where the feed is gone.
    pub(super) reject_ratio_max: Option<f64>,
    pub(super) run_id: Option<RunId>,
    pub(super) error: String,
}

#[derive(Debug, Clone)]
pub(super) struct FailureFact {
    /// Of the incident.
    pub(super) subject: String,
    pub(super) job: String,
    /// What it worked on, where that is no name of a submitter's.
    pub(super) shown: Option<String>,
    pub(super) run_id: RunId,
    pub(super) attempt: i64,
    pub(super) error: String,
}

#[derive(Debug, Clone)]
pub(super) struct MonthFact {
    pub(super) month: String,
    pub(super) build_id: BuildId,
    pub(super) run_id: Option<RunId>,
    pub(super) error: String,
}

impl SubmissionFact {
    pub(super) fn position(&self) -> Position {
        (self.received_at, self.submission_id)
    }

    /// Whether more was rejected than the feed's alert allows; none where nothing tells.
    pub(super) fn is_over(&self) -> Option<bool> {
        let (rows_in, rejected) = self.rows.filter(|(rows_in, _)| *rows_in > 0)?;
        Some(rejected as f64 / rows_in as f64 > self.reject_ratio_max?)
    }
}

pub(super) fn gather(
    feeds: &BTreeMap<FeedName, Feed>,
    vocabulary: &Vocabulary,
    known: &AlertFacts,
) -> Facts {
    let submissions = known.submissions.iter().map(|submission| SubmissionFact {
        submission_id: submission.submission_id,
        received_at: submission.received_at,
        feed: submission.feed.clone(),
        file_type: submission.file_type.clone(),
        state: submission.state,
        rows: submission.rows_in.zip(submission.rows_rejected),
        reject_ratio_max: submission
            .feed
            .as_ref()
            .and_then(|name| Some(feeds.get(name)?.alert_reject_ratio)),
        run_id: submission.run_id,
        error: vocabulary.shown(
            submission.state_reason.as_deref().unwrap_or_default(),
            &submission.names,
        ),
    });
    let failures = known.failed_runs.iter().map(|failed| FailureFact {
        subject: failed.subject(),
        job: failed.run.job.clone(),
        shown: shown(&failed.run.job, &failed.run.subject),
        run_id: failed.run.run_id,
        attempt: failed.run.attempt,
        error: vocabulary.shown(
            failed.run.error.as_deref().unwrap_or_default(),
            &failed.names,
        ),
    });
    let failed_months = known.failed_months.iter().map(|failed| MonthFact {
        month: failed.key.to_string(),
        build_id: failed.build_id,
        run_id: failed.run_id,
        error: vocabulary.shown(failed.reason.as_deref().unwrap_or_default(), &[]),
    });
    let windows = known.feeds.iter().filter_map(|(name, seen)| {
        Some(FeedFact {
            feed: name.clone(),
            within: feeds.get(name)?.fresh_within?,
            watched_since: seen.first_seen,
            last_received: seen.last_received,
        })
    });
    Facts {
        feeds: windows.collect(),
        submissions: submissions.collect(),
        failures: failures.collect(),
        failed_months: failed_months.collect(),
        successes: known.successes.clone(),
        settled: settled(known),
        known_feeds: feeds.keys().cloned().collect(),
    }
}

/// What a job works on. A group's name is the submitter's own; other subjects are ids of ours.
fn shown(job: &str, subject: &str) -> Option<String> {
    let by_id = ["stage", "parse", "validate", "compete"];
    let by_month = ["submitter_gold", "canonical_rebuild"];
    let is_id = by_id.contains(&job) && subject.parse::<SubmissionId>().is_ok();
    (is_id || by_month.contains(&job) || job == "heartbeat").then(|| subject.to_owned())
}

fn settled(known: &AlertFacts) -> BTreeMap<String, Position> {
    let by_submission =
        known
            .settled
            .iter()
            .filter_map(|(subject, incident)| match Resolution::of(incident)? {
                Resolution::Submission {
                    submission_id,
                    received_at,
                    ..
                } => Some((subject.clone(), (received_at, submission_id))),
                _ => None,
            });
    by_submission.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_named_where_no_submitter_named_it() {
        let id = SubmissionId::new().to_string();
        for (job, subject, is_shown) in [
            ("parse", id.as_str(), true),
            ("parse", "smith john", false),
            ("register", "north/visit/smith john", false),
            ("submitter_gold", "wa/visit/north/2024-01", true),
            ("canonical_rebuild", "wa/visit/2024-01", true),
            ("heartbeat", "bootstrap", true),
            ("a job of later", "smith john", false),
        ] {
            let expected = is_shown.then(|| subject.to_owned());
            assert_eq!(shown(job, subject), expected, "{job} {subject}");
        }
    }
}
