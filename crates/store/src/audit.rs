//! `audit_log`: who did what to what, in the order it happened. A detail names ids, counts and
//! reasons, never a value of a cell.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::database::Transaction;
use crate::row::{FromRow, Row};
use crate::time::now;
use crate::value::values;
use crate::{Store, StoreError};

/// Something to be kept on record.
#[derive(Debug, Clone)]
pub struct Audit {
    pub actor: String,
    /// Noun and past participle, such as `submission.registered`.
    pub action: String,
    pub subject_kind: String,
    pub subject_id: String,
    pub detail: serde_json::Value,
}

#[derive(Debug, Clone, Serialize)]
pub struct AuditEntry {
    pub audit_id: i64,
    pub at: DateTime<Utc>,
    pub actor: String,
    pub action: String,
    pub subject_kind: String,
    pub subject_id: String,
    pub detail: serde_json::Value,
}

#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    pub subject_id: Option<String>,
    /// The newest so many; `None`: all.
    pub limit: Option<u32>,
}

impl FromRow for AuditEntry {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            audit_id: row.integer("audit_id")?,
            at: row.time("at")?,
            actor: row.text("actor")?,
            action: row.text("action")?,
            subject_kind: row.text("subject_kind")?,
            subject_id: row.text("subject_id")?,
            detail: row.json_if_any("detail")?.unwrap_or_default(),
        })
    }
}

impl Store {
    pub async fn audit(&self, audit: Audit) -> Result<(), StoreError> {
        let mut transaction = self.database.begin().await?;
        let subject = (audit.subject_kind.as_str(), audit.subject_id.as_str());
        record(
            &mut transaction,
            now(),
            &audit.actor,
            &audit.action,
            subject,
            audit.detail,
        )
        .await?;
        transaction.commit().await
    }

    /// The newest entries, oldest of them first.
    pub async fn audit_log(&self, filter: &AuditFilter) -> Result<Vec<AuditEntry>, StoreError> {
        let sql = "SELECT * FROM audit_log WHERE $1 IS NULL OR subject_id = $1
                   ORDER BY audit_id DESC LIMIT $2";
        let values = values![&filter.subject_id, limit(filter.limit)];
        let mut entries: Vec<AuditEntry> = self.database.all(sql, values).await?;
        entries.reverse();
        Ok(entries)
    }
}

/// Writes the entry in the transaction whose change it tells of.
pub(crate) async fn record(
    transaction: &mut Transaction,
    at: DateTime<Utc>,
    actor: &str,
    action: &str,
    (subject_kind, subject_id): (&str, &str),
    detail: serde_json::Value,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO audit_log (at, actor, action, subject_kind, subject_id, detail)
               VALUES ($1, $2, $3, $4, $5, $6)";
    let values = values![at, actor, action, subject_kind, subject_id, detail];
    transaction.execute(sql, values).await?;
    Ok(())
}

/// A `LIMIT` that no table reaches where there is none.
pub(crate) fn limit(limit: Option<u32>) -> i64 {
    limit.map_or(i64::MAX, i64::from)
}
