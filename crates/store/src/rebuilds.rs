//! `canonical_rebuild_queue`: months whose canonical partition is out of date. A month waits
//! once, however many changes ask for it, and one process at a time builds it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use contract::SubmissionId;
use serde::Serialize;
use serde_json::json;

use crate::audit::record;
use crate::builds::interrupt_running;
use crate::database::{Lock, Transaction};
use crate::lease::until;
use crate::month_key::MONTH_KEY_SQL;
use crate::row::{FromRow, Row};
use crate::time::now;
use crate::value::{list, values};
use crate::{Except, Job, MonthKey, Owner, Store, StoreError};

/// A rebuild that was asked for and not yet done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueuedRebuild {
    pub queue_id: i64,
    #[serde(flatten)]
    pub key: MonthKey,
    pub reason: String,
    /// The submission that brought it about.
    pub submission_id: Option<SubmissionId>,
    pub enqueued_at: DateTime<Utc>,
    pub lease_owner: Option<String>,
    pub lease_until: Option<DateTime<Utc>>,
}

/// A month to be built, with all requests that its build answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedRebuild {
    pub key: MonthKey,
    pub queue_ids: Vec<i64>,
}

impl FromRow for QueuedRebuild {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            queue_id: row.integer("queue_id")?,
            key: MonthKey::from_row(row)?,
            reason: row.text("reason")?,
            submission_id: row.parsed_if_any("submission_id")?,
            enqueued_at: row.time("enqueued_at")?,
            lease_owner: row.text_if_any("lease_owner")?,
            lease_until: row.time_if_any("lease_until")?,
        })
    }
}

impl Store {
    /// Asks for a month to be built. `false`: a request that nobody has taken up is there already.
    pub async fn enqueue_rebuild(
        &self,
        key: &MonthKey,
        reason: &str,
        submission_id: Option<SubmissionId>,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.database.begin().await?;
        let actor = Owner::this_process();
        let added = enqueue(
            &mut transaction,
            key,
            reason,
            submission_id,
            actor.as_str(),
            now(),
        )
        .await?;
        transaction.commit().await?;
        Ok(added)
    }

    /// Claims the month that has waited longest and is none of the exceptions, with all of its
    /// requests. A month under a living lease is left alone, also if it was asked for again
    /// meanwhile.
    pub async fn claim_rebuild<'a>(
        &self,
        owner: &Owner,
        lease: Duration,
        now: DateTime<Utc>,
        except: impl Into<Except<'a, MonthKey>>,
    ) -> Result<Option<ClaimedRebuild>, StoreError> {
        let except = except.into();
        let mut transaction = self.database.begin().await?;
        transaction.lock(Lock::RebuildQueue).await?;
        let sql = format!(
            "SELECT state, file_type, atomic_month, min(queue_id) AS first
             FROM canonical_rebuild_queue
             WHERE processed_at IS NULL AND {MONTH_KEY_SQL} NOT IN {} AND {}
             GROUP BY state, file_type, atomic_month
             HAVING count(CASE WHEN lease_until > $1 THEN 1 END) = 0
             ORDER BY first LIMIT 1",
            transaction.dialect().each(2),
            except.may_be_tried(Job::CanonicalRebuild, &format!("({MONTH_KEY_SQL})"), 1)
        );
        let Some(key) = transaction
            .first::<MonthKey>(sql, values![now, list(except.keys)])
            .await?
        else {
            return Ok(None);
        };
        let claimed = take(&mut transaction, key, owner, lease, now).await?;
        transaction.commit().await?;
        Ok(Some(claimed))
    }

    /// Claims that very month with all of its requests, unless a living lease is on it or nothing
    /// waits for it.
    pub async fn claim_month(
        &self,
        key: &MonthKey,
        owner: &Owner,
        lease: Duration,
        now: DateTime<Utc>,
    ) -> Result<Option<ClaimedRebuild>, StoreError> {
        let mut transaction = self.database.begin().await?;
        transaction.lock(Lock::RebuildQueue).await?;
        let sql = "SELECT queue_id FROM canonical_rebuild_queue
                   WHERE processed_at IS NULL AND state = $1 AND file_type = $2 AND atomic_month = $3
                     AND lease_until > $4";
        let values = values![&key.state, &key.file_type, key.atomic_month, now];
        if !transaction.rows(sql, values).await?.is_empty() {
            return Ok(None);
        }
        let claimed = take(&mut transaction, key.clone(), owner, lease, now).await?;
        if claimed.queue_ids.is_empty() {
            return Ok(None);
        }
        transaction.commit().await?;
        Ok(Some(claimed))
    }

    /// Prolongs a lease that is still held. `false`: somebody else has the month now.
    pub async fn renew_rebuild_lease(
        &self,
        queue_ids: &[i64],
        owner: &Owner,
        until: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.database.begin().await?;
        let mut renewed = 0;
        for queue_id in queue_ids {
            let sql = "UPDATE canonical_rebuild_queue SET lease_until = $3
                       WHERE queue_id = $1 AND lease_owner = $2 AND processed_at IS NULL";
            renewed += transaction
                .execute(sql, values![*queue_id, owner, until])
                .await?;
        }
        transaction.commit().await?;
        Ok(renewed > 0)
    }

    /// Gives the month back, still due: the work failed for reasons of our own.
    pub async fn release_rebuild(
        &self,
        queue_ids: &[i64],
        owner: &Owner,
    ) -> Result<(), StoreError> {
        let mut transaction = self.database.begin().await?;
        for queue_id in queue_ids {
            let sql = "UPDATE canonical_rebuild_queue SET lease_owner = NULL, lease_until = NULL
                       WHERE queue_id = $1 AND lease_owner = $2 AND processed_at IS NULL";
            transaction.execute(sql, values![*queue_id, owner]).await?;
        }
        transaction.commit().await
    }

    /// In the order they were asked for.
    pub async fn pending_rebuilds(&self) -> Result<Vec<QueuedRebuild>, StoreError> {
        let sql =
            "SELECT * FROM canonical_rebuild_queue WHERE processed_at IS NULL ORDER BY queue_id";
        self.database.all(sql, vec![]).await
    }
}

/// Leases all of a month's requests. Builds of it that a process left running are marked as
/// interrupted.
async fn take(
    transaction: &mut Transaction,
    key: MonthKey,
    owner: &Owner,
    lease: Duration,
    now: DateTime<Utc>,
) -> Result<ClaimedRebuild, StoreError> {
    let sql = "UPDATE canonical_rebuild_queue SET lease_owner = $4, lease_until = $5
               WHERE processed_at IS NULL AND state = $1 AND file_type = $2 AND atomic_month = $3
               RETURNING queue_id";
    let until = until(now, lease);
    let values = values![&key.state, &key.file_type, key.atomic_month, owner, until];
    let rows = transaction.rows(sql, values).await?;
    let mut queue_ids = rows
        .iter()
        .map(|row| row.integer("queue_id"))
        .collect::<Result<Vec<_>, _>>()?;
    queue_ids.sort_unstable();
    interrupt_running(transaction, &key, owner, now).await?;
    Ok(ClaimedRebuild { key, queue_ids })
}

/// Adds the request in the transaction whose change it answers, unless one waits already. One
/// that is being built does not count: it may have read its inputs before the change.
pub(crate) async fn enqueue(
    transaction: &mut Transaction,
    key: &MonthKey,
    reason: &str,
    submission_id: Option<SubmissionId>,
    actor: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    transaction.lock(Lock::RebuildQueue).await?;
    let sql = "INSERT INTO canonical_rebuild_queue
                   (state, file_type, atomic_month, reason, submission_id, enqueued_at)
               SELECT $1, $2, $3, $4, $5, $6
               WHERE NOT EXISTS (
                   SELECT 1 FROM canonical_rebuild_queue
                   WHERE processed_at IS NULL AND lease_owner IS NULL
                     AND state = $1 AND file_type = $2 AND atomic_month = $3)";
    let values = values![
        &key.state,
        &key.file_type,
        key.atomic_month,
        reason,
        submission_id,
        now
    ];
    if transaction.execute(sql, values).await? == 0 {
        return Ok(false);
    }
    let detail = json!({ "reason": reason, "submission_id": submission_id });
    let subject = ("canonical_month", &*key.to_string());
    record(transaction, now, actor, "rebuild.enqueued", subject, detail).await?;
    Ok(true)
}
