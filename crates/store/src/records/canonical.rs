//! `canonical_records`: what came of the requests, once each.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use contract::RecordId;
use serde::Serialize;

use super::batch::{rows, time};
use super::conditions::Conditions;
use super::payload::Payload;
use crate::database::Transaction;
use crate::row::{FromRow, Row};
use crate::{Store, StoreError};

#[derive(Debug, Clone, Serialize)]
pub struct CanonicalRecord {
    pub record_id: RecordId,
    pub source: String,
    pub record_type: String,
    pub payload: Payload,
    /// When it happened, as the client said (`occurred_at`).
    #[serde(serialize_with = "time")]
    pub ingested_at: DateTime<Utc>,
    /// This and the next two: `None` for the first version of the API.
    pub event_version: Option<String>,
    pub record_kind: Option<String>,
    pub schema_hint: Option<String>,
    pub object_key: String,
    /// Of the raw object, in hex.
    pub sha256: String,
    pub correlation_id: String,
    #[serde(serialize_with = "time")]
    pub created_at: DateTime<Utc>,
}

/// A place in the order of canonical records: by the time when they happened, then by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CanonicalCursor {
    pub ingested_at: DateTime<Utc>,
    pub record_id: RecordId,
}

/// All of what is given must hold.
#[derive(Debug, Clone, Default)]
pub struct CanonicalFilter {
    pub source: Option<String>,
    pub record_type: Option<String>,
    /// The first instant.
    pub from: Option<DateTime<Utc>>,
    /// The first instant that is not meant any more.
    pub to: Option<DateTime<Utc>>,
    pub schema_hint: Option<String>,
    pub correlation_id: Option<String>,
    /// Only those.
    pub record_ids: Option<Vec<RecordId>>,
}

impl CanonicalRecord {
    pub fn cursor(&self) -> CanonicalCursor {
        CanonicalCursor {
            ingested_at: self.ingested_at,
            record_id: self.record_id,
        }
    }
}

impl FromRow for CanonicalRecord {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let payload = Payload::parse(row.json_text("payload")?);
        Ok(Self {
            record_id: row.parsed("record_id")?,
            source: row.text("source")?,
            record_type: row.text("record_type")?,
            payload: payload.map_err(|error| StoreError::Unreadable {
                column: "payload",
                reason: error.to_string(),
            })?,
            ingested_at: row.time("ingested_at")?,
            event_version: row.text_if_any("event_version")?,
            record_kind: row.text_if_any("record_kind")?,
            schema_hint: row.text_if_any("schema_hint")?,
            object_key: row.text("object_key")?,
            sha256: row.text("sha256")?,
            correlation_id: row.text("correlation_id")?,
            created_at: row.time("created_at")?,
        })
    }
}

impl CanonicalFilter {
    fn conditions(&self, each: impl Fn(usize) -> String) -> Conditions {
        let mut conditions = Conditions::default();
        conditions.add("source = ?", self.source.as_ref());
        conditions.add("record_type = ?", self.record_type.as_ref());
        conditions.add("ingested_at >= ?", self.from);
        conditions.add("ingested_at < ?", self.to);
        conditions.add("schema_hint = ?", self.schema_hint.as_ref());
        conditions.add("correlation_id = ?", self.correlation_id.as_ref());
        conditions.add_each("record_id", self.record_ids.as_deref(), each);
        conditions
    }
}

impl Store {
    /// The next so many after the cursor, in its order.
    pub async fn canonical_records(
        &self,
        filter: &CanonicalFilter,
        after: Option<CanonicalCursor>,
        limit: u32,
    ) -> Result<Vec<CanonicalRecord>, StoreError> {
        let dialect = self.database.dialect();
        let mut conditions = filter.conditions(|n| dialect.each(n));
        if let Some(after) = after {
            let at = conditions.bind(after.ingested_at);
            let id = conditions.bind(after.record_id);
            conditions.require(format!("(ingested_at, record_id) > ({at}, {id})"));
        }
        let limit = conditions.bind(limit);
        let sql = format!(
            "SELECT * FROM canonical_records WHERE {}
             ORDER BY ingested_at, record_id LIMIT {limit}",
            conditions.sql()
        );
        self.database.all(sql, conditions.values()).await
    }

    pub async fn count_canonical(&self, filter: &CanonicalFilter) -> Result<i64, StoreError> {
        let dialect = self.database.dialect();
        let conditions = filter.conditions(|n| dialect.each(n));
        let sql = format!(
            "SELECT count(*) AS records FROM canonical_records WHERE {}",
            conditions.sql()
        );
        let rows = self.database.rows(sql, conditions.values()).await?;
        rows.first()
            .expect("an aggregate has one row")
            .integer("records")
    }
}

/// Writes those that are not there. Returns them.
pub(super) async fn insert_canonical(
    transaction: &mut Transaction,
    records: &[&CanonicalRecord],
) -> Result<HashSet<RecordId>, StoreError> {
    const COLUMNS: &str = "record_id, source, record_type, payload, ingested_at, event_version,
             record_kind, schema_hint, object_key, sha256, correlation_id, created_at";
    let sql = format!(
        "INSERT INTO canonical_records ({COLUMNS}) SELECT {COLUMNS} FROM {} WHERE TRUE
         ON CONFLICT (record_id) DO NOTHING RETURNING record_id",
        transaction.dialect().batch(
            1,
            "record_id text, source text, record_type text, payload jsonb, \
             ingested_at timestamptz, event_version text, record_kind text, schema_hint text, \
             object_key text, sha256 text, correlation_id text, created_at timestamptz"
        )
    );
    let rows = transaction.rows(sql, vec![rows(records)]).await?;
    rows.iter().map(|row| row.parsed("record_id")).collect()
}
