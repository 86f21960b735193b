//! Submitter gold follows the winners: a winner whose rows are not there yet is due.

use std::time::Duration;

use chrono::{DateTime, Utc};
use contract::SubmissionId;
use serde_json::json;

use super::{WHERE_KEY, WINNER_KEY_SQL, Winner, WinnerKey};
use crate::audit::record;
use crate::lease::until;
use crate::time::now;
use crate::value::{list, values};
use crate::{Except, Job, Moved, Owner, Store, StoreError};

/// Submitter gold does not hold the winner's rows.
const DUE: &str = "(gold_submission_id IS NULL OR gold_submission_id <> submission_id)";

impl Store {
    /// Claims a winner that submitter gold does not hold yet, the longest waiting first, whose
    /// lease is free or has lapsed and which is none of the exceptions.
    pub async fn claim_gold<'a>(
        &self,
        owner: &Owner,
        lease: Duration,
        now: DateTime<Utc>,
        except: impl Into<Except<'a, WinnerKey>>,
    ) -> Result<Option<Winner>, StoreError> {
        let except = except.into();
        let mut transaction = self.database.begin().await?;
        let dialect = transaction.dialect();
        let sql = format!(
            "UPDATE submitter_gold_winner SET lease_owner = $1, lease_until = $2
             WHERE (state, file_type, submitter_id, atomic_month) = (
                 SELECT state, file_type, submitter_id, atomic_month FROM submitter_gold_winner
                 WHERE {DUE} AND (lease_until IS NULL OR lease_until <= $3)
                   AND {WINNER_KEY_SQL} NOT IN {} AND {}
                 ORDER BY chosen_at, state, file_type, submitter_id, atomic_month LIMIT 1 {})
             RETURNING *",
            dialect.each(4),
            except.may_be_tried(Job::SubmitterGold, &format!("({WINNER_KEY_SQL})"), 3),
            dialect.skip_locked()
        );
        let values = values![owner, until(now, lease), now, list(except.keys)];
        let claimed = transaction.first(sql, values).await?;
        transaction.commit().await?;
        Ok(claimed)
    }

    /// Claims that very winner, if submitter gold does not hold it and its lease is free.
    pub async fn claim_that_gold(
        &self,
        key: &WinnerKey,
        owner: &Owner,
        lease: Duration,
        now: DateTime<Utc>,
    ) -> Result<Option<Winner>, StoreError> {
        let mut transaction = self.database.begin().await?;
        let sql = format!(
            "UPDATE submitter_gold_winner SET lease_owner = $5, lease_until = $6
             WHERE {WHERE_KEY} AND {DUE} AND (lease_until IS NULL OR lease_until <= $7)
             RETURNING *"
        );
        let mut values = key.values();
        values.extend(values![owner, until(now, lease), now]);
        let claimed = transaction.first(sql, values).await?;
        transaction.commit().await?;
        Ok(claimed)
    }

    /// Winners that submitter gold does not hold and that nobody has claimed, the longest waiting
    /// first.
    pub async fn due_gold(&self, now: DateTime<Utc>) -> Result<Vec<Winner>, StoreError> {
        let sql = format!(
            "SELECT * FROM submitter_gold_winner
             WHERE {DUE} AND (lease_until IS NULL OR lease_until <= $1)
             ORDER BY chosen_at, state, file_type, submitter_id, atomic_month"
        );
        self.database.all(sql, values![now]).await
    }

    /// Prolongs a lease that is still held. `false`: somebody else has the month now.
    pub async fn renew_gold_lease(
        &self,
        key: &WinnerKey,
        owner: &Owner,
        until: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let sql = format!(
            "UPDATE submitter_gold_winner SET lease_until = $6 WHERE {WHERE_KEY} AND lease_owner = $5"
        );
        let mut values = key.values();
        values.extend(values![owner, until]);
        self.database
            .execute(sql, values)
            .await
            .map(|rows| rows > 0)
    }

    /// Notes which submission's rows submitter gold holds now; the lease ends. If the winner has
    /// changed while they were written, the month is still due.
    pub async fn finish_gold(
        &self,
        key: &WinnerKey,
        owner: &Owner,
        submission_id: SubmissionId,
        rows: i64,
    ) -> Result<Moved, StoreError> {
        let mut transaction = self.database.begin().await?;
        let sql = format!(
            "UPDATE submitter_gold_winner
             SET gold_submission_id = $6, gold_rows = $7, lease_owner = NULL, lease_until = NULL
             WHERE {WHERE_KEY} AND lease_owner = $5"
        );
        let mut values = key.values();
        values.extend(values![owner, submission_id, rows]);
        if transaction.execute(sql, values).await? == 0 {
            return Ok(Moved::No);
        }
        let detail = json!({ "submission_id": submission_id, "rows": rows });
        let subject = ("winner", &*key.to_string());
        record(
            &mut transaction,
            now(),
            owner.as_str(),
            "gold.written",
            subject,
            detail,
        )
        .await?;
        transaction.commit().await?;
        Ok(Moved::Yes(()))
    }

    /// Gives the month back, still due: the work failed for reasons of our own.
    pub async fn release_gold(&self, key: &WinnerKey, owner: &Owner) -> Result<(), StoreError> {
        let sql = format!(
            "UPDATE submitter_gold_winner SET lease_owner = NULL, lease_until = NULL
             WHERE {WHERE_KEY} AND lease_owner = $5"
        );
        let mut values = key.values();
        values.extend(values![owner]);
        self.database.execute(sql, values).await.map(drop)
    }
}
