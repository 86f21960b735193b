//! A closed group becomes a submission, once: the exact object versions that it consists of are
//! taken in the same transaction, so two processes that see the same group cannot both have it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use contract::SubmissionId;
use serde_json::json;

use crate::audit::record;
use crate::database::{Transaction, placeholders};
use crate::time::to_micros;
use crate::value::{list, values};
use crate::{GroupingMethod, InboxObject, Owner, Store, StoreError, SubmissionState};

/// Rows per insert: its parameters stay well below what either database accepts.
const INSERT_ROWS: usize = 500;

#[derive(Debug, Clone)]
pub struct NewSubmission {
    pub id: SubmissionId,
    pub grouping_key: String,
    pub grouping_method: GroupingMethod,
    pub files: Vec<NewFile>,
    /// Keys of objects that are taken without being files, such as the marker.
    pub also_taken: Vec<String>,
    pub received_at: DateTime<Utc>,
}

/// One file, as the exact object version that was seen.
#[derive(Debug, Clone)]
pub struct NewFile {
    pub ordinal: i64,
    pub object_key: String,
    pub file_name: String,
    pub size_bytes: i64,
    pub etag: Option<String>,
    pub last_modified: DateTime<Utc>,
    /// The submission that had taken this version when it was seen: `None` for a new object,
    /// `Some` where a late file has re-opened the group and the file is submitted again.
    pub taken_by: Option<SubmissionId>,
    /// Where its copy will lie.
    pub raw_key: String,
}

impl NewFile {
    fn is_still(&self, object: &InboxObject) -> bool {
        object.size_bytes == self.size_bytes
            && object.etag == self.etag
            && object.last_modified == to_micros(self.last_modified)
            && object.submission_id == self.taken_by
    }
}

impl Store {
    /// Makes the submission (`RECEIVED`, not staged) with its files and takes their objects.
    /// `None`, and nothing is changed, where an object has changed or was taken since it was
    /// seen: somebody else registered the group, or it is not as it was.
    pub async fn register(&self, new: &NewSubmission) -> Result<Option<()>, StoreError> {
        let mut transaction = self.database.begin().await?;
        if !still_as_seen(&mut transaction, new).await? {
            return Ok(None);
        }
        insert(&mut transaction, new).await?;
        take(&mut transaction, new).await?;
        let detail = json!({
            "grouping_key": new.grouping_key,
            "grouping_method": new.grouping_method,
            "files": new.files.len(),
            "size_bytes": new.files.iter().map(|file| file.size_bytes).sum::<i64>(),
        });
        let (actor, id) = (Owner::this_process(), new.id.to_string());
        let subject = ("submission", id.as_str());
        record(
            &mut transaction,
            new.received_at,
            actor.as_str(),
            "submission.registered",
            subject,
            detail,
        )
        .await?;
        transaction.commit().await?;
        Ok(Some(()))
    }
}

/// Compares the files with what is known of their objects, and keeps both as they are until the
/// transaction ends.
async fn still_as_seen(
    transaction: &mut Transaction,
    new: &NewSubmission,
) -> Result<bool, StoreError> {
    let dialect = transaction.dialect();
    // Locked in the order of their keys: two registrations wait for each other, never in a ring.
    let sql = format!(
        "SELECT * FROM inbox_object WHERE object_key IN {} ORDER BY object_key {}",
        dialect.each(1),
        dialect.lock_rows()
    );
    let keys = new
        .files
        .iter()
        .map(|file| &file.object_key)
        .chain(&new.also_taken);
    let objects: Vec<InboxObject> = transaction.all(sql, vec![list(keys)]).await?;
    let objects: HashMap<_, _> = objects
        .iter()
        .map(|object| (object.key.as_str(), object))
        .collect();
    let is_still = |file: &NewFile| {
        objects
            .get(file.object_key.as_str())
            .is_some_and(|object| file.is_still(object))
    };
    Ok(new.files.iter().all(is_still))
}

async fn insert(transaction: &mut Transaction, new: &NewSubmission) -> Result<(), StoreError> {
    let sql = "INSERT INTO submission
                   (submission_id, grouping_key, grouping_method, state, received_at, updated_at)
               VALUES ($1, $2, $3, $4, $5, $6)";
    let values = values![
        new.id,
        &new.grouping_key,
        new.grouping_method,
        SubmissionState::Received,
        new.received_at,
        new.received_at,
    ];
    transaction.execute(sql, values).await?;
    for files in new.files.chunks(INSERT_ROWS) {
        let sql = format!(
            "INSERT INTO submission_file
                 (submission_id, ordinal, object_key, file_name, size_bytes, etag, raw_key)
             VALUES {}",
            placeholders(files.len(), 7)
        );
        let values = files.iter().flat_map(|file| {
            values![
                new.id,
                file.ordinal,
                &file.object_key,
                &file.file_name,
                file.size_bytes,
                &file.etag,
                &file.raw_key,
            ]
        });
        transaction.execute(sql, values.collect()).await?;
    }
    Ok(())
}

async fn take(transaction: &mut Transaction, new: &NewSubmission) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE inbox_object SET submission_id = $2 WHERE object_key IN {}",
        transaction.dialect().each(1)
    );
    let keys = new
        .files
        .iter()
        .map(|file| &file.object_key)
        .chain(&new.also_taken);
    transaction
        .execute(sql, vec![list(keys), new.id.into()])
        .await?;
    Ok(())
}
