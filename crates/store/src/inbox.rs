//! `inbox_object`: every object version seen in the inbox, and which submission took it.
//!
//! A listing is compared page by page: one query per page, and writes only for what is new or
//! has changed, so that a large inbox where nothing happened costs nothing but its listing.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use contract::SubmissionId;
use serde::Serialize;

use crate::database::placeholders;
use crate::row::{FromRow, Row};
use crate::time::to_micros;
use crate::value::{Value, list, values};
use crate::{Store, StoreError};

/// Rows per insert: its parameters stay well below what either database accepts.
const INSERT_ROWS: usize = 500;

/// One object of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenObject {
    pub key: String,
    pub grouping_key: String,
    pub size_bytes: i64,
    pub etag: Option<String>,
    pub last_modified: DateTime<Utc>,
}

/// What a page of a listing held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SeenCounts {
    pub new: u64,
    pub changed: u64,
    pub unchanged: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InboxObject {
    pub key: String,
    pub grouping_key: String,
    pub size_bytes: i64,
    pub etag: Option<String>,
    pub last_modified: DateTime<Utc>,
    pub first_seen_at: DateTime<Utc>,
    /// When this version was first seen.
    pub changed_at: DateTime<Utc>,
    /// The submission that took this version.
    pub submission_id: Option<SubmissionId>,
}

/// A group with something in it that no submission has taken yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenGroup {
    pub grouping_key: String,
    /// All of the group's objects, taken ones too, by key.
    pub objects: Vec<InboxObject>,
}

impl FromRow for InboxObject {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let SeenObject {
            key,
            grouping_key,
            size_bytes,
            etag,
            last_modified,
        } = SeenObject::from_row(row)?;
        Ok(Self {
            key,
            grouping_key,
            size_bytes,
            etag,
            last_modified,
            first_seen_at: row.time("first_seen_at")?,
            changed_at: row.time("changed_at")?,
            submission_id: row.parsed_if_any("submission_id")?,
        })
    }
}

impl FromRow for SeenObject {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            key: row.text("object_key")?,
            grouping_key: row.text("grouping_key")?,
            size_bytes: row.integer("size_bytes")?,
            etag: row.text_if_any("etag")?,
            last_modified: row.time("last_modified")?,
        })
    }
}

impl SeenObject {
    /// Whether a listing shows what was seen before.
    fn is_version(&self, seen: &Self) -> bool {
        self.size_bytes == seen.size_bytes
            && self.etag == seen.etag
            && self.last_modified == to_micros(seen.last_modified)
    }
}

impl Store {
    /// Compares one page of a listing (some 1,000 objects, each key once) with what is known and
    /// writes what is new or changed. A changed object is one that no submission has taken.
    pub async fn record_seen(
        &self,
        page: &[SeenObject],
        now: DateTime<Utc>,
    ) -> Result<SeenCounts, StoreError> {
        let sql = format!(
            // No more than tells whether it changed: all of an inbox is compared.
            "SELECT object_key, grouping_key, size_bytes, etag, last_modified
             FROM inbox_object WHERE object_key IN {}",
            self.database.dialect().each(1)
        );
        let keys = list(page.iter().map(|object| &object.key));
        let known: Vec<SeenObject> = self.database.all(sql, vec![keys]).await?;
        let known: HashMap<_, _> = known
            .iter()
            .map(|object| (object.key.as_str(), object))
            .collect();

        let mut counts = SeenCounts::default();
        let mut fresh = Vec::new();
        for seen in page {
            match known.get(seen.key.as_str()) {
                // An object of another grouping depth is grouped anew; it is the same version.
                Some(object)
                    if object.is_version(seen) && object.grouping_key == seen.grouping_key =>
                {
                    counts.unchanged += 1;
                    continue;
                }
                Some(object) if object.is_version(seen) => counts.unchanged += 1,
                Some(_) => counts.changed += 1,
                None => counts.new += 1,
            }
            fresh.push(seen);
        }
        if !fresh.is_empty() {
            self.write_seen(&fresh, now).await?;
        }
        Ok(counts)
    }

    async fn write_seen(
        &self,
        fresh: &[&SeenObject],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        // Two processes that list at once lock the rows in the same order.
        let mut fresh = fresh.to_vec();
        fresh.sort_by(|a, b| a.key.cmp(&b.key));
        let mut transaction = self.database.begin().await?;
        for rows in fresh.chunks(INSERT_ROWS) {
            // Compared again here: another process may have recorded the version meanwhile, and
            // a submission may have taken it.
            let sql = format!(
                "INSERT INTO inbox_object (object_key, grouping_key, size_bytes, etag, last_modified,
                                           first_seen_at, changed_at)
                 VALUES {}
                 ON CONFLICT (object_key) DO UPDATE SET
                     grouping_key = excluded.grouping_key,
                     size_bytes = excluded.size_bytes,
                     etag = excluded.etag,
                     last_modified = excluded.last_modified,
                     changed_at = CASE WHEN {SAME_VERSION} THEN inbox_object.changed_at ELSE excluded.changed_at END,
                     submission_id = CASE WHEN {SAME_VERSION} THEN inbox_object.submission_id END",
                placeholders(rows.len(), 7)
            );
            let values = rows
                .iter()
                .flat_map(|seen| seen_values(seen, now))
                .collect();
            transaction.execute(sql, values).await?;
        }
        transaction.commit().await
    }

    /// Forgets objects that are gone from the inbox and that no submission has taken.
    pub async fn forget_seen(&self, keys: &[String]) -> Result<u64, StoreError> {
        let sql = format!(
            "DELETE FROM inbox_object WHERE object_key IN {} AND submission_id IS NULL",
            self.database.dialect().each(1)
        );
        self.database.execute(sql, vec![list(keys)]).await
    }

    /// Groups with at least one object version that no submission has taken, with all of their
    /// objects: a late file brings its whole group back into view.
    pub async fn open_groups(&self) -> Result<Vec<OpenGroup>, StoreError> {
        let sql = "SELECT * FROM inbox_object
                   WHERE grouping_key IN (SELECT grouping_key FROM inbox_object WHERE submission_id IS NULL)
                   ORDER BY grouping_key, object_key";
        let objects = self.database.all(sql, vec![]).await?;
        Ok(groups_of(objects))
    }

    /// The group of that key, if it is open.
    pub async fn open_group(&self, grouping_key: &str) -> Result<Option<OpenGroup>, StoreError> {
        let sql = "SELECT * FROM inbox_object WHERE grouping_key = $1 ORDER BY object_key";
        let objects: Vec<InboxObject> = self.database.all(sql, values![grouping_key]).await?;
        let is_open = objects.iter().any(|object| object.submission_id.is_none());
        Ok(groups_of(objects).pop().filter(|_| is_open))
    }
}

/// Objects in the order of their groups, by group.
fn groups_of(objects: Vec<InboxObject>) -> Vec<OpenGroup> {
    let mut groups: Vec<OpenGroup> = Vec::new();
    for object in objects {
        match groups.last_mut() {
            Some(group) if group.grouping_key == object.grouping_key => {
                group.objects.push(object);
            }
            _ => groups.push(OpenGroup {
                grouping_key: object.grouping_key.clone(),
                objects: vec![object],
            }),
        }
    }
    groups
}

const SAME_VERSION: &str = "inbox_object.size_bytes = excluded.size_bytes
    AND inbox_object.etag IS NOT DISTINCT FROM excluded.etag
    AND inbox_object.last_modified = excluded.last_modified";

fn seen_values(seen: &SeenObject, now: DateTime<Utc>) -> Vec<Value> {
    values![
        &seen.key,
        &seen.grouping_key,
        seen.size_bytes,
        &seen.etag,
        seen.last_modified,
        now,
        now,
    ]
}
