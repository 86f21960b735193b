//! `canonical_schema` and `canonical_mapping`: the canonical registry as last synced.

use chrono::{DateTime, Utc};
use contract::{FileType, LayoutId};
use serde::Serialize;

use crate::layouts::{compare, finish};
use crate::row::{FromRow, Row};
use crate::time::now;
use crate::value::values;
use crate::{Registered, Store, StoreError};

#[derive(Debug, Clone, Serialize)]
pub struct RegisteredSchema {
    pub file_type: FileType,
    pub version: u32,
    pub content_hash: String,
    pub title: String,
    pub document: String,
    pub synced_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Serialize)]
pub struct RegisteredMapping {
    pub layout: LayoutId,
    pub version: u32,
    pub canonical_schema_version: u32,
    pub content_hash: String,
    pub document: String,
    pub synced_at: DateTime<Utc>,
}

impl FromRow for RegisteredSchema {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            file_type: row.parsed("file_type")?,
            version: row.version("version")?,
            content_hash: row.text("content_hash")?,
            title: row.text("title")?,
            document: row.text("document")?,
            synced_at: row.time("synced_at")?,
        })
    }
}

impl FromRow for RegisteredMapping {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            layout: LayoutId {
                file_type: row.parsed("file_type")?,
                version: row.version("layout_version")?,
            },
            version: row.version("version")?,
            canonical_schema_version: row.version("canonical_schema_version")?,
            content_hash: row.text("content_hash")?,
            document: row.text("document")?,
            synced_at: row.time("synced_at")?,
        })
    }
}

impl Store {
    pub async fn sync_schema(
        &self,
        file_type: &FileType,
        version: u32,
        title: &str,
        content_hash: &str,
        document: &str,
    ) -> Result<Registered, StoreError> {
        let mut transaction = self.database.begin().await?;
        let sql = format!(
            "SELECT content_hash FROM canonical_schema WHERE file_type = $1 AND version = $2 {}",
            transaction.dialect().lock_rows()
        );
        let known = transaction.rows(sql, values![file_type, version]).await?;
        let registered = compare(&known, content_hash)?;
        let sql = "INSERT INTO canonical_schema
                       (file_type, version, content_hash, title, document, synced_at)
                   VALUES ($1, $2, $3, $4, $5, $6)
                   ON CONFLICT (file_type, version) DO UPDATE
                   SET content_hash = excluded.content_hash, title = excluded.title,
                       document = excluded.document, synced_at = excluded.synced_at";
        let values = values![file_type, version, content_hash, title, document, now()];
        let subject = ("canonical_schema", &*format!("{file_type}/v{version}"));
        finish(transaction, registered, sql, values, subject, content_hash).await
    }

    pub async fn sync_mapping(
        &self,
        layout: &LayoutId,
        version: u32,
        canonical_schema_version: u32,
        content_hash: &str,
        document: &str,
    ) -> Result<Registered, StoreError> {
        let mut transaction = self.database.begin().await?;
        let sql = format!(
            "SELECT content_hash FROM canonical_mapping
             WHERE file_type = $1 AND layout_version = $2 AND version = $3 {}",
            transaction.dialect().lock_rows()
        );
        let known = transaction
            .rows(sql, values![&layout.file_type, layout.version, version])
            .await?;
        let registered = compare(&known, content_hash)?;
        let sql = "INSERT INTO canonical_mapping
                       (file_type, layout_version, version, canonical_schema_version, content_hash,
                        document, synced_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7)
                   ON CONFLICT (file_type, layout_version, version) DO UPDATE
                   SET canonical_schema_version = excluded.canonical_schema_version,
                       content_hash = excluded.content_hash, document = excluded.document,
                       synced_at = excluded.synced_at";
        let values = values![
            &layout.file_type,
            layout.version,
            version,
            canonical_schema_version,
            content_hash,
            document,
            now(),
        ];
        let subject = ("canonical_mapping", &*format!("{layout}/v{version}"));
        finish(transaction, registered, sql, values, subject, content_hash).await
    }

    /// By file type and version.
    pub async fn schemas(&self) -> Result<Vec<RegisteredSchema>, StoreError> {
        let sql = "SELECT * FROM canonical_schema ORDER BY file_type, version";
        self.database.all(sql, vec![]).await
    }

    /// By layout and version.
    pub async fn mappings(&self) -> Result<Vec<RegisteredMapping>, StoreError> {
        let sql = "SELECT * FROM canonical_mapping ORDER BY file_type, layout_version, version";
        self.database.all(sql, vec![]).await
    }
}
