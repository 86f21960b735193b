//! What incidents are judged by, read in the transaction that judges them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use contract::{BuildId, FeedName, FileType, RunId, SubmissionId};

use super::{AlertScope, Incident, IncidentKind};
use crate::database::Transaction;
use crate::month_key::MONTH_KEY_SQL;
use crate::row::{FromRow, Row};
use crate::value::values;
use crate::winners::WINNER_KEY_SQL;
use crate::{BuildStatus, MonthKey, Run, RunStatus, StoreError, SubmissionState};

/// The subject of `alert_watch` that stands for the database itself.
const EVERYTHING: &str = "*";

#[derive(Debug, Clone, Default)]
pub struct AlertFacts {
    /// Feeds that have a window.
    pub feeds: BTreeMap<FeedName, FeedSeen>,
    /// Those that were parsed or failed, in the order they were received.
    pub submissions: Vec<WatchedSubmission>,
    /// Pieces of work that are due and whose last finished run failed.
    pub failed_runs: Vec<FailedRun>,
    /// Months whose last finished build failed.
    pub failed_months: Vec<FailedMonth>,
    pub open: Vec<Incident>,
    /// The last success of each open failure's work.
    pub successes: BTreeMap<String, RunId>,
    /// The last resolved incident of each subject whose reject ratio was too high.
    pub settled: BTreeMap<String, Incident>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedSeen {
    pub first_seen: DateTime<Utc>,
    /// When its newest validated submission was received; a repetition of old content is none.
    pub last_received: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedSubmission {
    pub submission_id: SubmissionId,
    pub feed: Option<FeedName>,
    pub file_type: Option<FileType>,
    pub state: SubmissionState,
    pub state_reason: Option<String>,
    pub received_at: DateTime<Utc>,
    pub rows_in: Option<i64>,
    pub rows_rejected: Option<i64>,
    /// Of a failed one that nobody is told of yet, the run that found it.
    pub run_id: Option<RunId>,
    /// Of the same, every name that its submitter gave.
    pub names: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedRun {
    pub run: Run,
    /// Of one that nobody is told of yet, every name that a submitter gave.
    pub names: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedMonth {
    pub key: MonthKey,
    pub build_id: BuildId,
    /// The last run for that month, if a run built it.
    pub run_id: Option<RunId>,
    pub reason: Option<String>,
}

impl FailedRun {
    /// The subject of its incident. No job's name holds a `/`.
    pub fn subject(&self) -> String {
        format!("{}/{}", self.run.job, self.run.subject)
    }
}

impl FromRow for WatchedSubmission {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            submission_id: row.parsed("submission_id")?,
            feed: row.parsed_if_any("feed")?,
            file_type: row.parsed_if_any("file_type")?,
            state: row.parsed("state")?,
            state_reason: row.text_if_any("state_reason")?,
            received_at: row.time("received_at")?,
            rows_in: row.integer_if_any("rows_in")?,
            rows_rejected: row.integer_if_any("rows_rejected")?,
            run_id: None,
            names: Vec::new(),
        })
    }
}

pub(super) async fn read(
    transaction: &mut Transaction,
    scope: &AlertScope,
) -> Result<AlertFacts, StoreError> {
    let since = watched_since(transaction, EVERYTHING, scope.now).await?;
    let sql = "SELECT * FROM alert_incident WHERE resolved_at IS NULL
               ORDER BY opened_at, incident_id";
    let open: Vec<Incident> = transaction.all(sql, vec![]).await?;
    let mut facts = AlertFacts {
        feeds: feeds(transaction, scope).await?,
        submissions: submissions(transaction, scope, since, &open).await?,
        failed_runs: failed_runs(transaction, since, &open).await?,
        failed_months: failed_months(transaction, since).await?,
        settled: settled(transaction).await?,
        ..AlertFacts::default()
    };
    for incident in &open {
        let Some((job, subject)) = incident.subject.split_once('/') else {
            continue;
        };
        if incident.kind == IncidentKind::Failure
            && let Some(run) = last_run(transaction, &[job], subject, true).await?
        {
            facts.successes.insert(incident.subject.clone(), run);
        }
    }
    facts.open = open;
    Ok(facts)
}

/// Since when the subject is watched; from now on where it was not yet.
async fn watched_since(
    transaction: &mut Transaction,
    subject: &str,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, StoreError> {
    let sql = "INSERT INTO alert_watch (subject, since) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    transaction.execute(sql, values![subject, now]).await?;
    let sql = "SELECT since FROM alert_watch WHERE subject = $1";
    let rows = transaction.rows(sql, values![subject]).await?;
    rows.first().map_or(Ok(now), |row| row.time("since"))
}

async fn feeds(
    transaction: &mut Transaction,
    scope: &AlertScope,
) -> Result<BTreeMap<FeedName, FeedSeen>, StoreError> {
    let mut feeds = BTreeMap::new();
    for feed in &scope.feeds {
        let first_seen = watched_since(transaction, feed.as_str(), scope.now).await?;
        let sql = "SELECT max(received_at) AS last FROM submission
                   WHERE feed = $1 AND state IN ($2, $3) AND duplicate_of IS NULL";
        let values = values![
            feed,
            SubmissionState::Validated,
            SubmissionState::ValidatedWithWarnings
        ];
        let rows = transaction.rows(sql, values).await?;
        let last_received = match rows.first() {
            Some(row) => row.time_if_any("last")?,
            None => None,
        };
        let seen = FeedSeen {
            first_seen,
            last_received,
        };
        feeds.insert(feed.clone(), seen);
    }
    Ok(feeds)
}

async fn submissions(
    transaction: &mut Transaction,
    scope: &AlertScope,
    since: DateTime<Utc>,
    open: &[Incident],
) -> Result<Vec<WatchedSubmission>, StoreError> {
    let from = scope.now - scope.history;
    let sql = "SELECT submission_id, feed, file_type, state, state_reason, received_at, rows_in,
                      rows_rejected
               FROM submission
               WHERE received_at >= $1 AND (rows_in IS NOT NULL OR state IN ($2, $3))
               ORDER BY received_at, submission_id";
    let values = values![
        since.max(from),
        SubmissionState::ParseFailed,
        SubmissionState::ValidationFailed
    ];
    let mut submissions: Vec<WatchedSubmission> = transaction.all(sql, values).await?;
    for submission in &mut submissions {
        let id = submission.submission_id;
        let job = match submission.state {
            SubmissionState::ParseFailed => "parse",
            SubmissionState::ValidationFailed => "validate",
            _ => continue,
        };
        let subject = id.to_string();
        let told = |incident: &Incident| {
            incident.kind == IncidentKind::FailedSubmission && incident.subject == subject
        };
        if !open.iter().any(told) {
            submission.run_id = last_run(transaction, &[job], &subject, false).await?;
            submission.names = names_of_submission(transaction, id).await?;
        }
    }
    Ok(submissions)
}

/// The newest run of one of the jobs for that subject.
async fn last_run(
    transaction: &mut Transaction,
    jobs: &[&str],
    subject: &str,
    succeeded: bool,
) -> Result<Option<RunId>, StoreError> {
    let sql = format!(
        "SELECT run_id FROM job_runs WHERE subject = $2 AND job IN {}
           AND ($3 IS NULL OR status = $3)
         ORDER BY run_id DESC LIMIT 1",
        transaction.dialect().each(1)
    );
    let status = succeeded.then_some(RunStatus::Succeeded);
    let mut values = vec![crate::value::list(jobs)];
    values.extend(values![subject, status]);
    let rows = transaction.rows(sql, values).await?;
    rows.first().map(|row| row.parsed("run_id")).transpose()
}

async fn failed_runs(
    transaction: &mut Transaction,
    since: DateTime<Utc>,
    open: &[Incident],
) -> Result<Vec<FailedRun>, StoreError> {
    let sql = "SELECT * FROM job_runs AS failed
               WHERE status = $1 AND finished_at >= $3
                 AND NOT EXISTS (
                     SELECT 1 FROM job_runs AS later
                     WHERE later.job = failed.job AND later.subject = failed.subject
                       AND later.run_id > failed.run_id AND later.status IN ($1, $2))
               ORDER BY run_id";
    let values = values![RunStatus::Failed, RunStatus::Succeeded, since];
    let runs: Vec<Run> = transaction.all(sql, values).await?;
    let mut failed = Vec::new();
    for run in runs {
        if !is_due(transaction, &run.job, &run.subject).await? {
            continue;
        }
        let mut run = FailedRun {
            run,
            names: Vec::new(),
        };
        let subject = run.subject();
        let told = |incident: &Incident| {
            incident.kind == IncidentKind::Failure && incident.subject == subject
        };
        if !open.iter().any(told) {
            run.names = match run.run.subject.parse() {
                Ok(id) => names_of_submission(transaction, id).await?,
                Err(_) if run.run.job == "register" => {
                    names_of_group(transaction, &run.run.subject).await?
                }
                Err(_) => Vec::new(),
            };
        }
        failed.push(run);
    }
    Ok(failed)
}

/// Whether the work is still to be done: another run may have done it without being asked for
/// this piece, or its process may have died between doing it and saying so.
async fn is_due(
    transaction: &mut Transaction,
    job: &str,
    subject: &str,
) -> Result<bool, StoreError> {
    use SubmissionState::{Parsed, ReadyForParse, Received, Validated, ValidatedWithWarnings};
    let states = match job {
        "stage" => Some([Received, Received]),
        "parse" => Some([ReadyForParse, ReadyForParse]),
        "validate" => Some([Parsed, Parsed]),
        "compete" => Some([Validated, ValidatedWithWarnings]),
        _ => None,
    };
    let (sql, values) = match (job, states) {
        (_, Some([state, other])) => (
            "SELECT 1 FROM submission
             WHERE submission_id = $1 AND state IN ($2, $3) AND competed_at IS NULL"
                .to_owned(),
            values![subject, state, other],
        ),
        ("register", _) => (
            "SELECT 1 FROM inbox_object WHERE grouping_key = $1 AND submission_id IS NULL LIMIT 1"
                .to_owned(),
            values![subject],
        ),
        ("submitter_gold", _) => (
            format!(
                "SELECT 1 FROM submitter_gold_winner
                 WHERE {WINNER_KEY_SQL} = $1
                   AND (gold_submission_id IS NULL OR gold_submission_id <> submission_id)"
            ),
            values![subject],
        ),
        ("canonical_rebuild", _) => (
            format!(
                "SELECT 1 FROM canonical_rebuild_queue
                 WHERE processed_at IS NULL AND {MONTH_KEY_SQL} = $1 LIMIT 1"
            ),
            values![subject],
        ),
        _ => return Ok(true),
    };
    Ok(!transaction.rows(sql, values).await?.is_empty())
}

async fn failed_months(
    transaction: &mut Transaction,
    since: DateTime<Utc>,
) -> Result<Vec<FailedMonth>, StoreError> {
    // A build that was interrupted is built again without anybody's doing.
    let sql = "SELECT * FROM canonical_build AS failed
               WHERE status = $1 AND finished_at >= $3 AND reason <> 'interrupted'
                 AND NOT EXISTS (
                     SELECT 1 FROM canonical_build AS later
                     WHERE later.state = failed.state AND later.file_type = failed.file_type
                       AND later.atomic_month = failed.atomic_month AND later.status <> $2
                       AND later.started_at > failed.started_at)
               ORDER BY started_at, build_id";
    let values = values![BuildStatus::Failed, BuildStatus::Running, since];
    let mut failed = Vec::new();
    for row in transaction.rows(sql, values).await? {
        let key = MonthKey::from_row(&row)?;
        let subject = key.to_string();
        failed.push(FailedMonth {
            build_id: row.parsed("build_id")?,
            reason: row.text_if_any("reason")?,
            run_id: last_run(transaction, &["canonical_rebuild"], &subject, false).await?,
            key,
        });
    }
    Ok(failed)
}

async fn settled(transaction: &mut Transaction) -> Result<BTreeMap<String, Incident>, StoreError> {
    let sql = "SELECT * FROM alert_incident AS settled
               WHERE kind = $1 AND resolved_at IS NOT NULL
                 AND NOT EXISTS (
                     SELECT 1 FROM alert_incident AS later
                     WHERE later.kind = settled.kind AND later.subject = settled.subject
                       AND later.resolved_at IS NOT NULL
                       AND (later.resolved_at, later.incident_id)
                           > (settled.resolved_at, settled.incident_id))";
    let incidents: Vec<Incident> = transaction
        .all(sql, values![IncidentKind::RejectRatio])
        .await?;
    Ok(incidents
        .into_iter()
        .map(|incident| (incident.subject.clone(), incident))
        .collect())
}

/// What the submitter named: its group, its files.
async fn names_of_submission(
    transaction: &mut Transaction,
    id: SubmissionId,
) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT grouping_key AS name FROM submission WHERE submission_id = $1
               UNION SELECT object_key FROM submission_file WHERE submission_id = $1
               UNION SELECT file_name FROM submission_file WHERE submission_id = $1";
    names(transaction, sql, &id.to_string()).await
}

async fn names_of_group(
    transaction: &mut Transaction,
    grouping_key: &str,
) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT $1 AS name
               UNION SELECT object_key FROM inbox_object WHERE grouping_key = $1";
    names(transaction, sql, grouping_key).await
}

async fn names(
    transaction: &mut Transaction,
    sql: &'static str,
    subject: &str,
) -> Result<Vec<String>, StoreError> {
    let rows = transaction.rows(sql, values![subject]).await?;
    rows.iter().map(|row| row.text("name")).collect()
}
