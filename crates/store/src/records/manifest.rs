//! `raw_object_manifest`, and beside each object what else is known of its record: the facts from
//! which a reconciler decides.

use chrono::{DateTime, Utc};
use contract::RecordId;
use serde::Serialize;

use super::admission::IngestState;
use super::conditions::Conditions;
use super::dead_letters::DeadLetterState;
use super::ledger::{Stage, StageStatus};
use crate::row::{FromRow, Row};
use crate::text_enum::text_enum;
use crate::{Store, StoreError};

text_enum! {
    ManifestState, "state of a raw object" {
        /// It was to be written; whether it is there, only the object store knows.
        Planned = "PLANNED",
        Written = "WRITTEN",
    }
}

/// A raw object and its record, as far as it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ManifestEntry {
    pub record_id: RecordId,
    pub source: String,
    pub record_type: String,
    pub object_key: String,
    pub sha256: String,
    pub size_bytes: i64,
    pub content_type: String,
    pub state: ManifestState,
    pub correlation_id: String,
    pub created_at: DateTime<Utc>,
    pub written_at: Option<DateTime<Utc>>,
    /// `None`: the request was given up, or its key has expired.
    pub ingest_state: Option<IngestState>,
    /// Until when its request is being worked on.
    pub ingest_lease_until: Option<DateTime<Utc>>,
    /// Events of the record that the outbox ever held.
    pub events: i64,
    /// Those of them that are not published yet.
    pub unpublished_events: i64,
    /// `None`: the normaliser has never begun with it.
    pub normalize_status: Option<StageStatus>,
    /// The object's hash that the canonical record was made from; `None` where there is none.
    pub canonical_sha256: Option<String>,
    pub open_dead_letters: i64,
}

/// All of what is given must hold.
#[derive(Debug, Clone, Default)]
pub struct ManifestFilter {
    /// Planned then or later.
    pub from: Option<DateTime<Utc>>,
    /// Planned before.
    pub to: Option<DateTime<Utc>>,
    pub source: Option<String>,
    pub record_type: Option<String>,
    /// Only those.
    pub record_ids: Option<Vec<RecordId>>,
    /// Only what follows the last of the page before.
    pub after: Option<RecordId>,
}

impl FromRow for ManifestEntry {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            record_id: row.parsed("record_id")?,
            source: row.text("source")?,
            record_type: row.text("record_type")?,
            object_key: row.text("object_key")?,
            sha256: row.text("sha256")?,
            size_bytes: row.integer("size_bytes")?,
            content_type: row.text("content_type")?,
            state: row.parsed("state")?,
            correlation_id: row.text("correlation_id")?,
            created_at: row.time("created_at")?,
            written_at: row.time_if_any("written_at")?,
            ingest_state: row.parsed_if_any("ingest_state")?,
            ingest_lease_until: row.time_if_any("ingest_lease_until")?,
            events: row.integer("events")?,
            unpublished_events: row.integer("unpublished_events")?,
            normalize_status: row.parsed_if_any("normalize_status")?,
            canonical_sha256: row.text_if_any("canonical_sha256")?,
            open_dead_letters: row.integer("open_dead_letters")?,
        })
    }
}

impl Store {
    /// The next so many, by record id: in the order in which ids of version 7 were made.
    pub async fn manifest_page(
        &self,
        filter: &ManifestFilter,
        limit: u32,
    ) -> Result<Vec<ManifestEntry>, StoreError> {
        let dialect = self.database.dialect();
        let mut conditions = Conditions::default();
        conditions.add("created_at >= ?", filter.from);
        conditions.add("created_at < ?", filter.to);
        conditions.add("source = ?", filter.source.as_ref());
        conditions.add("record_type = ?", filter.record_type.as_ref());
        conditions.add("record_id > ?", filter.after);
        conditions.add_each("record_id", filter.record_ids.as_deref(), |n| {
            dialect.each(n)
        });
        let limit = conditions.bind(limit);
        let normalize = conditions.bind(Stage::Normalize);
        let open = conditions.bind(DeadLetterState::Open);
        let sql = format!(
            "SELECT page.*, request.state AS ingest_state,
                 request.lease_until AS ingest_lease_until,
                 (SELECT count(*) FROM outbox_events AS event
                  WHERE event.record_id = page.record_id) AS events,
                 (SELECT count(*) FROM outbox_events AS event
                  WHERE event.record_id = page.record_id AND event.published_at IS NULL)
                     AS unpublished_events,
                 ledger.status AS normalize_status, canonical.sha256 AS canonical_sha256,
                 (SELECT count(*) FROM dead_letters AS letter
                  WHERE letter.record_id = page.record_id AND letter.state = {open})
                     AS open_dead_letters
             FROM (SELECT * FROM raw_object_manifest WHERE {}
                   ORDER BY record_id LIMIT {limit}) AS page
             LEFT JOIN ingest_idempotency AS request ON request.record_id = page.record_id
             LEFT JOIN processing_stage_state AS ledger
                 ON ledger.record_id = page.record_id AND ledger.stage = {normalize}
             LEFT JOIN canonical_records AS canonical ON canonical.record_id = page.record_id
             ORDER BY page.record_id",
            conditions.sql()
        );
        self.database.all(sql, conditions.values()).await
    }
}
