//! `outbox_events`: what is to be published, put down in the transaction that made it true.
//!
//! An event is published at least once. Of one topic and key, events are handed out in their
//! order, and the next only when those before it are published or in the same claim. That order
//! is the one of their numbers, which equals the one of their commits as long as one transaction
//! at a time writes a key: so it is for the keys that are record ids.

use std::time::Duration;

use chrono::{DateTime, Utc};
use contract::{EventId, RecordId};
use serde::Serialize;
use serde_json::Value as Json;

use super::batch::rows;
use crate::database::{Dialect, Transaction};
use crate::lease::until;
use crate::row::{FromRow, Row};
use crate::time::now;
use crate::value::{list, values};
use crate::{Owner, Store, StoreError};

/// An event to be published.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NewEvent {
    pub event_id: EventId,
    pub record_id: RecordId,
    pub topic: String,
    /// Events of one key stay in order; the record's id, where nothing else is meant.
    pub event_key: String,
    /// References to the raw object, never what it holds.
    pub payload: Json,
    pub headers: Json,
}

/// An event that was claimed.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxEvent {
    pub sequence: i64,
    pub event_id: EventId,
    pub record_id: RecordId,
    pub topic: String,
    pub event_key: String,
    pub payload: Json,
    pub headers: Json,
    pub created_at: DateTime<Utc>,
    /// Claims, this one included.
    pub attempts: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct OutboxLag {
    pub unpublished: i64,
    pub oldest_created_at: Option<DateTime<Utc>>,
}

impl FromRow for OutboxEvent {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            sequence: row.integer("sequence")?,
            event_id: row.parsed("event_id")?,
            record_id: row.parsed("record_id")?,
            topic: row.text("topic")?,
            event_key: row.text("event_key")?,
            payload: row.json_if_any("payload")?.unwrap_or_default(),
            headers: row.json_if_any("headers")?.unwrap_or_default(),
            created_at: row.time("created_at")?,
            attempts: row.integer("attempts")?,
        })
    }
}

impl Store {
    /// Claims up to so many events of the topics, in order. While the lease holds, nobody else
    /// gets them, nor a later event of their keys.
    pub async fn claim_outbox(
        &self,
        owner: &Owner,
        topics: &[String],
        limit: u32,
        lease: Duration,
        now: DateTime<Utc>,
    ) -> Result<Vec<OutboxEvent>, StoreError> {
        // Whoever waits for events asks often, and SQLite has one writer for all.
        let waiting = "SELECT 1 FROM outbox_events WHERE published_at IS NULL LIMIT 1";
        if self.database.rows(waiting, vec![]).await?.is_empty() {
            return Ok(Vec::new());
        }
        let mut transaction = self.database.begin().await?;
        let dialect = transaction.dialect();
        if dialect == Dialect::Postgres {
            // A queue is walked from its head. A planner whose statistics are older than the queue
            // would rather sort all of it, at every claim.
            transaction
                .execute("SET LOCAL enable_sort = off", vec![])
                .await?;
        }
        // What another claimer has locked is passed over, so its row still looks free here: NOT
        // EXISTS keeps the later events of its key out as well.
        let sql = format!(
            "WITH candidate AS MATERIALIZED (
                 SELECT sequence, topic, event_key FROM outbox_events AS due
                 WHERE published_at IS NULL AND topic {}
                   AND (lease_until IS NULL OR lease_until <= $2)
                   AND (SELECT leased.sequence FROM outbox_events AS leased
                        WHERE leased.topic = due.topic AND leased.event_key = due.event_key
                          AND leased.sequence < due.sequence AND leased.published_at IS NULL
                          AND leased.lease_until > $2 LIMIT 1) IS NULL
                 ORDER BY sequence LIMIT $3 {})
             UPDATE outbox_events SET lease_owner = $4, lease_until = $5, attempts = attempts + 1
             WHERE sequence IN (
                 SELECT sequence FROM candidate
                 WHERE NOT EXISTS (
                     SELECT 1 FROM outbox_events AS earlier
                     WHERE earlier.topic = candidate.topic
                       AND earlier.event_key = candidate.event_key
                       AND earlier.sequence < candidate.sequence
                       AND earlier.published_at IS NULL
                       AND earlier.sequence NOT IN (SELECT sequence FROM candidate)))
             RETURNING *",
            dialect.one_of(1),
            dialect.skip_locked()
        );
        let mut values = vec![list(topics)];
        values.extend(values![now, limit, owner, until(now, lease)]);
        let mut claimed: Vec<OutboxEvent> = transaction.all(sql, values).await?;
        transaction.commit().await?;
        claimed.sort_by_key(|event| event.sequence);
        Ok(claimed)
    }

    /// The events are out. Returns how many were still this owner's: the others were claimed by
    /// somebody else meanwhile and are published twice.
    pub async fn mark_published(
        &self,
        events: &[EventId],
        owner: &Owner,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let sql = format!(
            "UPDATE outbox_events SET published_at = $3, lease_owner = NULL, lease_until = NULL
             WHERE event_id {} AND lease_owner = $2 AND published_at IS NULL",
            self.database.dialect().one_of(1)
        );
        let mut values = vec![list(events)];
        values.extend(values![owner, now]);
        self.database.execute(sql, values).await
    }

    /// Gives the events back, still to be published. Returns how many were this owner's.
    pub async fn release_outbox(
        &self,
        events: &[EventId],
        owner: &Owner,
    ) -> Result<u64, StoreError> {
        let sql = format!(
            "UPDATE outbox_events SET lease_owner = NULL, lease_until = NULL
             WHERE event_id {} AND lease_owner = $2 AND published_at IS NULL",
            self.database.dialect().one_of(1)
        );
        let mut values = vec![list(events)];
        values.extend(values![owner]);
        self.database.execute(sql, values).await
    }

    /// Prolongs the leases that are still held; how many.
    pub async fn renew_outbox(
        &self,
        events: &[EventId],
        owner: &Owner,
        until: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let sql = format!(
            "UPDATE outbox_events SET lease_until = $3
             WHERE event_id {} AND lease_owner = $2 AND published_at IS NULL",
            self.database.dialect().one_of(1)
        );
        let mut values = vec![list(events)];
        values.extend(values![owner, until]);
        self.database.execute(sql, values).await
    }

    pub async fn outbox_lag(&self) -> Result<OutboxLag, StoreError> {
        let sql = "SELECT count(*) AS unpublished,
                       (SELECT created_at FROM outbox_events WHERE published_at IS NULL
                        ORDER BY sequence LIMIT 1) AS oldest_created_at
                   FROM outbox_events WHERE published_at IS NULL";
        let rows = self.database.rows(sql, vec![]).await?;
        let row = rows.first().expect("an aggregate has one row");
        Ok(OutboxLag {
            unpublished: row.integer("unpublished")?,
            oldest_created_at: row.time_if_any("oldest_created_at")?,
        })
    }

    /// Puts events into the outbox, to be published (again). Returns how many are new: one whose
    /// id is there already, published or not, is left alone.
    pub async fn enqueue_events(&self, events: &[NewEvent]) -> Result<u64, StoreError> {
        let events: Vec<_> = events.iter().collect();
        let mut transaction = self.database.begin().await?;
        let added = insert_events(&mut transaction, &events, now()).await?;
        transaction.commit().await?;
        Ok(added)
    }
}

/// Numbers the events in their order.
pub(super) async fn insert_events(
    transaction: &mut Transaction,
    events: &[&NewEvent],
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    if events.is_empty() {
        return Ok(0);
    }
    let sql = format!(
        "INSERT INTO outbox_events
             (event_id, record_id, topic, event_key, payload, headers, created_at)
         SELECT event_id, record_id, topic, event_key, payload, headers, $2 FROM {} WHERE TRUE
         ON CONFLICT (event_id) DO NOTHING",
        transaction.dialect().batch(
            1,
            "event_id text, record_id text, topic text, event_key text, payload jsonb, \
             headers jsonb"
        )
    );
    let mut values = vec![rows(events)];
    values.extend(values![now]);
    transaction.execute(sql, values).await
}
