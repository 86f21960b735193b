//! `job_retry`: work that failed, when it may be tried again, and what waits for a person.
//!
//! Every run counts as an attempt when it begins, so that work which kills its process is counted
//! too. Success forgets them all.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::audit::record;
use crate::database::Transaction;
use crate::row::{FromRow, Row};
use crate::text_enum::text_enum;
use crate::time::now;
use crate::value::values;
use crate::{Moved, Store, StoreError};

text_enum! {
    /// A kind of work, as `job_runs` names it.
    Job, "job" {
        Register = "register",
        Stage = "stage",
        Parse = "parse",
        Validate = "validate",
        Compete = "compete",
        SubmitterGold = "submitter_gold",
        CanonicalRebuild = "canonical_rebuild",
    }
}

/// Work that has failed since it last succeeded, or that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Retry {
    pub job: String,
    pub subject: String,
    /// Runs begun since the last success.
    pub attempts: i64,
    /// Those that no outage explains.
    pub strikes: i64,
    pub not_before: Option<DateTime<Utc>>,
    /// Since when nobody tries it any more.
    pub stopped_at: Option<DateTime<Utc>>,
    pub error: Option<String>,
    pub updated_at: DateTime<Utc>,
}

/// What becomes of work that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It may be tried again then.
    After(DateTime<Utc>),
    /// The same, and the failure is not held against it: a service was away.
    AfterOutage(DateTime<Utc>),
    /// It waits for a person.
    Stop,
}

/// What a claim leaves alone.
#[derive(Debug)]
pub struct Except<'a, K> {
    /// Pieces of work that the caller names.
    pub keys: &'a [K],
    /// Those that wait after a failure, and those that were stopped.
    pub waiting: bool,
    /// Submissions of a submitter that has as many in work already, in all processes.
    pub busy: Option<u32>,
}

impl<K> Clone for Except<'_, K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Except<'_, K> {}

impl<'a, K> From<&'a [K]> for Except<'a, K> {
    fn from(keys: &'a [K]) -> Self {
        Self {
            keys,
            waiting: false,
            busy: None,
        }
    }
}
impl<'a, K, const N: usize> From<&'a [K; N]> for Except<'a, K> {
    fn from(keys: &'a [K; N]) -> Self {
        keys.as_slice().into()
    }
}

impl<K> Except<'_, K> {
    /// A condition on the rows of a claim: `subject` is SQL for the work's name, `$now` the instant.
    pub(crate) fn may_be_tried(&self, job: Job, subject: &str, now: usize) -> String {
        if !self.waiting {
            return "TRUE".to_owned();
        }
        format!(
            "NOT EXISTS (SELECT 1 FROM job_retry
                 WHERE job_retry.job = '{job}' AND job_retry.subject = {subject}
                   AND (stopped_at IS NOT NULL OR not_before > ${now}))"
        )
    }
}

impl FromRow for Retry {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            job: row.text("job")?,
            subject: row.text("subject")?,
            attempts: row.integer("attempts")?,
            strikes: row.integer("strikes")?,
            not_before: row.time_if_any("not_before")?,
            stopped_at: row.time_if_any("stopped_at")?,
            error: row.text_if_any("error")?,
            updated_at: row.time("updated_at")?,
        })
    }
}

impl Store {
    /// Work of these jobs that waits after a failure or was stopped, oldest first.
    pub async fn retries(&self) -> Result<Vec<Retry>, StoreError> {
        let sql = "SELECT * FROM job_retry WHERE not_before IS NOT NULL OR stopped_at IS NOT NULL
                   ORDER BY updated_at, job, subject";
        self.database.all(sql, vec![]).await
    }

    /// Whether that work has failed since it last succeeded.
    pub async fn has_failed(&self, job: &str, subject: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM job_retry WHERE job = $1 AND subject = $2";
        let rows = self.database.rows(sql, values![job, subject]).await?;
        Ok(!rows.is_empty())
    }

    /// Forgets what that work has failed, so that it is tried at once. `No`: it has not.
    pub async fn try_again(
        &self,
        job: &str,
        subject: &str,
        actor: &str,
    ) -> Result<Moved, StoreError> {
        let mut transaction = self.database.begin().await?;
        let sql = "DELETE FROM job_retry WHERE job = $1 AND subject = $2
                     AND (not_before IS NOT NULL OR stopped_at IS NOT NULL)";
        if transaction.execute(sql, values![job, subject]).await? == 0 {
            return Ok(Moved::No);
        }
        let detail = serde_json::json!({ "job": job });
        record(
            &mut transaction,
            now(),
            actor,
            "job.retried",
            ("work", subject),
            detail,
        )
        .await?;
        transaction.commit().await?;
        Ok(Moved::Yes(()))
    }

    /// The same for everything that waits or was stopped; says how much that was.
    pub async fn try_all_again(&self, actor: &str) -> Result<u64, StoreError> {
        let mut transaction = self.database.begin().await?;
        let sql = "DELETE FROM job_retry WHERE not_before IS NOT NULL OR stopped_at IS NOT NULL";
        let forgotten = transaction.execute(sql, vec![]).await?;
        if forgotten > 0 {
            let detail = serde_json::json!({ "works": forgotten });
            let subject = ("work", "all");
            record(
                &mut transaction,
                now(),
                actor,
                "job.retried",
                subject,
                detail,
            )
            .await?;
            transaction.commit().await?;
        }
        Ok(forgotten)
    }
}

/// Counts a run that begins; returns attempts and strikes, this one included.
pub(crate) async fn begin(
    transaction: &mut Transaction,
    job: &str,
    subject: &str,
) -> Result<(i64, i64), StoreError> {
    let sql = "INSERT INTO job_retry (job, subject, attempts, strikes, updated_at)
               VALUES ($1, $2, 1, 1, $3)
               ON CONFLICT (job, subject) DO UPDATE
               SET attempts = job_retry.attempts + 1, strikes = job_retry.strikes + 1,
                   updated_at = excluded.updated_at
               RETURNING attempts, strikes";
    let rows = transaction.rows(sql, values![job, subject, now()]).await?;
    let row = rows.first().expect("an upsert returns its row");
    Ok((row.integer("attempts")?, row.integer("strikes")?))
}

pub(crate) async fn forget(
    transaction: &mut Transaction,
    job: &str,
    subject: &str,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM job_retry WHERE job = $1 AND subject = $2";
    transaction
        .execute(sql, values![job, subject])
        .await
        .map(drop)
}

/// Notes what becomes of work that failed.
pub(crate) async fn put_off(
    transaction: &mut Transaction,
    job: &str,
    subject: &str,
    next: Next,
    error: &str,
) -> Result<(), StoreError> {
    let (forgiven, not_before, stopped_at) = match next {
        Next::After(at) => (0_i64, Some(at), None),
        Next::AfterOutage(at) => (1, Some(at), None),
        Next::Stop => (0, None, Some(now())),
    };
    let sql = "UPDATE job_retry SET strikes = strikes - $3, not_before = $4, stopped_at = $5,
                   error = $6, updated_at = $7
               WHERE job = $1 AND subject = $2";
    let values = values![job, subject, forgiven, not_before, stopped_at, error, now()];
    transaction.execute(sql, values).await.map(drop)
}
