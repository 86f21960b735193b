//! `job_runs` and `job_checkpoints`: every attempt at a piece of work, and how far a long one
//! came. A run is its own record, so it writes no audit entry.

use chrono::{DateTime, Utc};
use contract::RunId;
use serde::Serialize;

use crate::audit::limit;
use crate::row::{FromRow, Row};
use crate::text_enum::text_enum;
use crate::time::now;
use crate::value::values;
use crate::{Moved, Next, Owner, Store, StoreError, retries};

text_enum! {
    RunStatus, "run status" {
        Running = "RUNNING",
        Succeeded = "SUCCEEDED",
        Failed = "FAILED",
        /// Its process ended before it did.
        Interrupted = "INTERRUPTED",
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    pub run_id: RunId,
    pub job: String,
    pub subject: String,
    pub status: RunStatus,
    /// Counted from the last success of the same job and subject; the first is 1.
    pub attempt: i64,
    pub counts: Option<serde_json::Value>,
    pub error: Option<String>,
    pub owner: String,
    pub started_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// A run that has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartedRun {
    pub run_id: RunId,
    /// As [`Run::attempt`].
    pub attempt: i64,
    /// Attempts since the last success that no outage explains, this one included.
    pub strikes: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub enum RunOutcome {
    Succeeded { counts: serde_json::Value },
    Failed { error: String, next: Next },
}

#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    pub job: Option<String>,
    pub subject: Option<String>,
    pub status: Option<RunStatus>,
    /// `None`: all.
    pub limit: Option<u32>,
}

impl FromRow for Run {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            run_id: row.parsed("run_id")?,
            job: row.text("job")?,
            subject: row.text("subject")?,
            status: row.parsed("status")?,
            attempt: row.integer("attempt")?,
            counts: row.json_if_any("counts")?,
            error: row.text_if_any("error")?,
            owner: row.text("owner")?,
            started_at: row.time("started_at")?,
            finished_at: row.time_if_any("finished_at")?,
        })
    }
}

impl Store {
    /// Begins a run. Another of the same work that has not ended is over: whoever begins this one
    /// holds the lease.
    pub async fn start_run(
        &self,
        job: &str,
        subject: &str,
        owner: &Owner,
    ) -> Result<StartedRun, StoreError> {
        let mut transaction = self.database.begin().await?;
        let sql = "UPDATE job_runs SET status = $3, finished_at = $4
                   WHERE job = $1 AND subject = $2 AND status = $5";
        let (interrupted, running) = (RunStatus::Interrupted, RunStatus::Running);
        let values = values![job, subject, interrupted, now(), running];
        transaction.execute(sql, values).await?;
        let (attempt, strikes) = retries::begin(&mut transaction, job, subject).await?;
        let run_id = RunId::new();
        let sql = "INSERT INTO job_runs (run_id, job, subject, status, attempt, owner, started_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let values = values![run_id, job, subject, running, attempt, owner, now()];
        transaction.execute(sql, values).await?;
        transaction.commit().await?;
        Ok(StartedRun {
            run_id,
            attempt,
            strikes,
        })
    }

    /// `No`: the run is not running; it was taken for interrupted.
    pub async fn finish_run(&self, id: RunId, outcome: &RunOutcome) -> Result<Moved, StoreError> {
        let (status, counts, error) = match outcome {
            RunOutcome::Succeeded { counts } => (RunStatus::Succeeded, Some(counts.clone()), None),
            RunOutcome::Failed { error, .. } => (RunStatus::Failed, None, Some(error.as_str())),
        };
        let mut transaction = self.database.begin().await?;
        let sql = "UPDATE job_runs SET status = $2, counts = $3, error = $4, finished_at = $5
                   WHERE run_id = $1 AND status = $6 RETURNING *";
        let values = values![id, status, counts, error, now(), RunStatus::Running];
        let Some(run) = transaction.first::<Run>(sql, values).await? else {
            return Ok(Moved::No);
        };
        let (job, subject) = (&run.job, &run.subject);
        match outcome {
            RunOutcome::Succeeded { .. } => {
                retries::forget(&mut transaction, job, subject).await?;
            }
            RunOutcome::Failed { error, next } => {
                retries::put_off(&mut transaction, job, subject, *next, error).await?;
            }
        }
        transaction.commit().await?;
        Ok(Moved::Yes(()))
    }

    pub async fn run(&self, id: RunId) -> Result<Option<Run>, StoreError> {
        let sql = "SELECT * FROM job_runs WHERE run_id = $1";
        self.database.first(sql, values![id]).await
    }

    /// Newest first.
    pub async fn runs(&self, filter: &RunFilter) -> Result<Vec<Run>, StoreError> {
        let sql = "SELECT * FROM job_runs
                   WHERE ($1 IS NULL OR job = $1) AND ($2 IS NULL OR subject = $2)
                     AND ($3 IS NULL OR status = $3)
                   ORDER BY run_id DESC LIMIT $4";
        let values = values![
            &filter.job,
            &filter.subject,
            filter.status,
            limit(filter.limit)
        ];
        self.database.all(sql, values).await
    }

    /// Replaces the checkpoint of that job and subject. The text is JSON, kept as it is.
    pub async fn save_checkpoint(
        &self,
        job: &str,
        subject: &str,
        checkpoint: &str,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO job_checkpoints (job, subject, checkpoint, updated_at)
                   VALUES ($1, $2, $3, $4)
                   ON CONFLICT (job, subject) DO UPDATE
                   SET checkpoint = excluded.checkpoint, updated_at = excluded.updated_at";
        self.database
            .execute(sql, values![job, subject, checkpoint, now()])
            .await
            .map(drop)
    }

    /// Takes a turn that comes once in so long, however many ask for it. `false`: somebody has.
    pub async fn take_turn(
        &self,
        job: &str,
        subject: &str,
        every: std::time::Duration,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let sql = "INSERT INTO job_checkpoints (job, subject, checkpoint, updated_at)
                   VALUES ($1, $2, '{}', $3)
                   ON CONFLICT (job, subject) DO UPDATE SET updated_at = excluded.updated_at
                   WHERE job_checkpoints.updated_at <= $4";
        let values = values![job, subject, now, now - every];
        self.database
            .execute(sql, values)
            .await
            .map(|rows| rows > 0)
    }

    pub async fn checkpoint(&self, job: &str, subject: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT checkpoint FROM job_checkpoints WHERE job = $1 AND subject = $2";
        let rows = self.database.rows(sql, values![job, subject]).await?;
        rows.first().map(|row| row.text("checkpoint")).transpose()
    }

    pub async fn clear_checkpoint(&self, job: &str, subject: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM job_checkpoints WHERE job = $1 AND subject = $2";
        self.database
            .execute(sql, values![job, subject])
            .await
            .map(drop)
    }
}
