//! The end of a request: its answer is stored and its event put into the outbox, in one
//! transaction; or it is given up; or its key expires.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use contract::RecordId;
use serde::Serialize;

use super::admission::IngestState;
use super::batch::rows;
use super::manifest::ManifestState;
use super::outbox::{NewEvent, insert_events};
use crate::database::Transaction;
use crate::value::{list, values};
use crate::{Moved, Owner, Store, StoreError};

/// A request whose object is written.
#[derive(Debug, Clone, Serialize)]
pub struct CompletedIngest {
    pub client: String,
    pub idempotency_key: String,
    /// As it was admitted: of a resumed request, the earlier one's.
    pub record_id: RecordId,
    pub response_status: u16,
    pub response_body: String,
    #[serde(skip)]
    pub event: NewEvent,
}

/// A request whose object could not be written.
#[derive(Debug, Clone, Serialize)]
pub struct AbandonedIngest {
    pub client: String,
    pub idempotency_key: String,
    pub record_id: RecordId,
}

/// How many keys are free again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ExpiredKeys {
    pub done: u64,
    /// Requests that were cut short and never asked for again.
    pub in_progress: u64,
}

impl Store {
    /// Stores the answers. `No`: the lease was lost, so that somebody else completes the request
    /// or has done so; its answer must not be given as ours.
    pub async fn complete(
        &self,
        ingests: &[CompletedIngest],
        owner: &Owner,
        now: DateTime<Utc>,
    ) -> Result<Vec<Moved>, StoreError> {
        if ingests.is_empty() {
            return Ok(Vec::new());
        }
        let mut transaction = self.database.begin().await?;
        let mut done = store_responses(&mut transaction, ingests, owner).await?;
        let sql = format!(
            "UPDATE raw_object_manifest SET state = $2, written_at = $3
             WHERE record_id {} AND state = $4",
            transaction.dialect().one_of(1)
        );
        let mut values = vec![list(&done)];
        values.extend(values![ManifestState::Written, now, ManifestState::Planned]);
        transaction.execute(sql, values).await?;
        let mut moved = Vec::with_capacity(ingests.len());
        let mut events = Vec::with_capacity(done.len());
        for ingest in ingests {
            if done.remove(&ingest.record_id) {
                events.push(&ingest.event);
                moved.push(Moved::Yes(()));
            } else {
                moved.push(Moved::No);
            }
        }
        insert_events(&mut transaction, &events, now).await?;
        transaction.commit().await?;
        Ok(moved)
    }

    /// Frees the keys, so that the clients may try again at once. The manifest's rows stay
    /// `PLANNED`: the objects may have been written all the same.
    pub async fn abandon(
        &self,
        ingests: &[AbandonedIngest],
        owner: &Owner,
    ) -> Result<u64, StoreError> {
        let mut transaction = self.database.begin().await?;
        let sql = format!(
            "DELETE FROM ingest_idempotency
             WHERE (client, idempotency_key, record_id) IN (
                 SELECT client, idempotency_key, record_id FROM {})
               AND state = $2 AND lease_owner = $3",
            transaction.dialect().batch(1, REQUEST_COLUMNS)
        );
        let mut values = vec![rows(ingests)];
        values.extend(values![IngestState::InProgress, owner]);
        let freed = transaction.execute(sql, values).await?;
        transaction.commit().await?;
        Ok(freed)
    }

    /// Forgets up to so many keys whose time is over and that nobody works on.
    pub async fn expire_idempotency_keys(
        &self,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<ExpiredKeys, StoreError> {
        let mut transaction = self.database.begin().await?;
        let sql = format!(
            "DELETE FROM ingest_idempotency WHERE (client, idempotency_key) IN (
                 SELECT client, idempotency_key FROM ingest_idempotency
                 WHERE expires_at <= $1 AND (lease_until IS NULL OR lease_until <= $1)
                 ORDER BY expires_at LIMIT $2 {})
             RETURNING state",
            transaction.dialect().skip_locked()
        );
        let mut expired = ExpiredKeys {
            done: 0,
            in_progress: 0,
        };
        for row in transaction.rows(sql, values![now, limit]).await? {
            match row.parsed("state")? {
                IngestState::Done => expired.done += 1,
                IngestState::InProgress => expired.in_progress += 1,
            }
        }
        transaction.commit().await?;
        Ok(expired)
    }
}

const REQUEST_COLUMNS: &str = "client text, idempotency_key text, record_id text";

/// The records whose answers are stored now.
async fn store_responses(
    transaction: &mut Transaction,
    ingests: &[CompletedIngest],
    owner: &Owner,
) -> Result<HashSet<RecordId>, StoreError> {
    let columns = format!("{REQUEST_COLUMNS}, response_status bigint, response_body text");
    let sql = format!(
        "UPDATE ingest_idempotency
         SET state = $2, response_status = batch.response_status,
             response_body = batch.response_body, lease_owner = NULL, lease_until = NULL
         FROM {}
         WHERE ingest_idempotency.client = batch.client
           AND ingest_idempotency.idempotency_key = batch.idempotency_key
           AND ingest_idempotency.record_id = batch.record_id
           AND state = $3 AND lease_owner = $4
         RETURNING ingest_idempotency.record_id",
        transaction.dialect().batch(1, &columns)
    );
    let mut values = vec![rows(ingests)];
    values.extend(values![IngestState::Done, IngestState::InProgress, owner]);
    let rows = transaction.rows(sql, values).await?;
    rows.iter().map(|row| row.parsed("record_id")).collect()
}
