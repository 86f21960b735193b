//! `layout_registry`: the contracts as registered, with the text that was in force.

use chrono::{DateTime, Utc};
use contract::LayoutId;
use serde::Serialize;
use serde_json::json;

use crate::audit::record;
use crate::database::Transaction;
use crate::row::{FromRow, Row};
use crate::time::now;
use crate::value::values;
use crate::{Owner, Store, StoreError};

#[derive(Debug, Clone, Serialize)]
pub struct Layout {
    pub layout: LayoutId,
    pub content_hash: String,
    pub title: String,
    pub document: String,
    pub registered_at: DateTime<Utc>,
}

/// What registering a document found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Registered {
    New,
    Unchanged,
    /// The same version was there with another content; it is replaced, and audited as changed.
    Changed,
}

impl FromRow for Layout {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            layout: LayoutId {
                file_type: row.parsed("file_type")?,
                version: row.version("version")?,
            },
            content_hash: row.text("content_hash")?,
            title: row.text("title")?,
            document: row.text("document")?,
            registered_at: row.time("registered_at")?,
        })
    }
}

impl Store {
    pub async fn register_layout(
        &self,
        layout: &LayoutId,
        title: &str,
        content_hash: &str,
        document: &str,
    ) -> Result<Registered, StoreError> {
        let mut transaction = self.database.begin().await?;
        let sql = format!(
            "SELECT content_hash FROM layout_registry WHERE file_type = $1 AND version = $2 {}",
            transaction.dialect().lock_rows()
        );
        let known = transaction
            .rows(sql, values![&layout.file_type, layout.version])
            .await?;
        let registered = compare(&known, content_hash)?;
        let sql = "INSERT INTO layout_registry
                       (file_type, version, content_hash, title, document, registered_at)
                   VALUES ($1, $2, $3, $4, $5, $6)
                   ON CONFLICT (file_type, version) DO UPDATE
                   SET content_hash = excluded.content_hash, title = excluded.title,
                       document = excluded.document, registered_at = excluded.registered_at";
        let values = values![
            &layout.file_type,
            layout.version,
            content_hash,
            title,
            document,
            now()
        ];
        let subject = ("layout", &*layout.to_string());
        finish(transaction, registered, sql, values, subject, content_hash).await
    }

    pub async fn layouts(&self) -> Result<Vec<Layout>, StoreError> {
        let sql = "SELECT * FROM layout_registry ORDER BY file_type, version";
        self.database.all(sql, vec![]).await
    }
}

/// What the stored content hash, if any, says about the document that is offered.
pub(crate) fn compare(known: &[Row], content_hash: &str) -> Result<Registered, StoreError> {
    Ok(
        match known
            .first()
            .map(|row| row.text("content_hash"))
            .transpose()?
        {
            None => Registered::New,
            Some(known) if known == content_hash => Registered::Unchanged,
            Some(_) => Registered::Changed,
        },
    )
}

/// Writes the document and its audit entry unless it is there already.
pub(crate) async fn finish(
    mut transaction: Transaction,
    registered: Registered,
    sql: &'static str,
    values: Vec<crate::value::Value>,
    subject: (&str, &str),
    content_hash: &str,
) -> Result<Registered, StoreError> {
    let verb = match registered {
        Registered::Unchanged => return Ok(registered),
        Registered::New => "registered",
        Registered::Changed => "changed",
    };
    transaction.execute(sql, values).await?;
    let action = format!("{}.{verb}", subject.0);
    let detail = json!({ "content_hash": content_hash });
    let actor = Owner::this_process();
    record(
        &mut transaction,
        now(),
        actor.as_str(),
        &action,
        subject,
        detail,
    )
    .await?;
    transaction.commit().await?;
    Ok(registered)
}
