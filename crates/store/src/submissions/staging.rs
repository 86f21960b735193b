//! Staging: hashes and classification, and an operator's assignment where there was none.

use chrono::{DateTime, Utc};
use contract::{FeedName, LayoutId, StateCode, SubmissionId, SubmitterId};
use serde::Serialize;
use serde_json::json;

use super::duplicates::recognise_duplicate;
use crate::audit::record;
use crate::database::{Lock, Transaction};
use crate::time::now;
use crate::value::values;
use crate::{Moved, Owner, Store, StoreError, SubmissionState};

/// Whose file in which layout a submission is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Classification {
    pub submitter_id: SubmitterId,
    pub jurisdiction: StateCode,
    pub layout: LayoutId,
    pub feed: Option<FeedName>,
}

/// The outcome of staging.
#[derive(Debug, Clone)]
pub struct Staged {
    /// Of all its files, whatever they are called.
    pub content_hash: String,
    /// Or why it could not be classified.
    pub classification: Result<Classification, String>,
}

impl Store {
    /// Notes a file's hash once its copy is in raw storage.
    pub async fn record_file_hash(
        &self,
        id: SubmissionId,
        ordinal: i64,
        sha256: &str,
        size_bytes: i64,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE submission_file SET sha256 = $3, size_bytes = $4
                   WHERE submission_id = $1 AND ordinal = $2";
        self.database
            .execute(sql, values![id, ordinal, sha256, size_bytes])
            .await
            .map(drop)
    }

    /// `RECEIVED` → `READY_FOR_PARSE`, or `NEEDS_REVIEW` with the reason; the lease ends. Returns
    /// the earlier submission of the same submitter with the same content, if there is one.
    pub async fn finish_staging(
        &self,
        id: SubmissionId,
        owner: &Owner,
        staged: &Staged,
        now: DateTime<Utc>,
    ) -> Result<Moved<Option<SubmissionId>>, StoreError> {
        let (state, reason, classification) = match &staged.classification {
            Ok(classification) => (SubmissionState::ReadyForParse, None, Some(classification)),
            Err(reason) => (SubmissionState::NeedsReview, Some(reason.as_str()), None),
        };
        let mut transaction = self.database.begin().await?;
        transaction
            .lock(Lock::Content(&staged.content_hash))
            .await?;
        let sql = "UPDATE submission SET state = $3, state_reason = $4, content_hash = $5,
                       submitter_id = $6, jurisdiction = $7, file_type = $8, layout_version = $9,
                       feed = $10, staged_at = $11, updated_at = $11,
                       lease_owner = NULL, lease_until = NULL
                   WHERE submission_id = $1 AND lease_owner = $2 AND state = $12";
        let values = values![
            id,
            owner,
            state,
            reason,
            &staged.content_hash,
            classification.map(|c| &c.submitter_id),
            classification.map(|c| &c.jurisdiction),
            classification.map(|c| &c.layout.file_type),
            classification.map(|c| i64::from(c.layout.version)),
            classification.and_then(|c| c.feed.as_ref()),
            now,
            SubmissionState::Received,
        ];
        if transaction.execute(sql, values).await? == 0 {
            return Ok(Moved::No);
        }
        let duplicate_of = recognise_duplicate(&mut transaction, id, &staged.content_hash).await?;
        let detail = json!({
            "state": state,
            "reason": reason,
            "classification": classification,
            "content_hash": staged.content_hash,
            "duplicate_of": duplicate_of,
        });
        let subject = ("submission", &*id.to_string());
        record(
            &mut transaction,
            now,
            owner.as_str(),
            "submission.staged",
            subject,
            detail,
        )
        .await?;
        transaction.commit().await?;
        Ok(Moved::Yes(duplicate_of))
    }

    /// `NEEDS_REVIEW` → `READY_FOR_PARSE`: an operator says what it is.
    pub async fn assign(
        &self,
        id: SubmissionId,
        classification: &Classification,
        actor: &str,
    ) -> Result<Moved, StoreError> {
        let now = now();
        let mut transaction = self.database.begin().await?;
        let content_hash = content_hash(&mut transaction, id).await?;
        if let Some(hash) = &content_hash {
            transaction.lock(Lock::Content(hash)).await?;
        }
        let sql = "UPDATE submission SET state = $2, state_reason = NULL, submitter_id = $3,
                       jurisdiction = $4, file_type = $5, layout_version = $6, feed = $7,
                       updated_at = $8
                   WHERE submission_id = $1 AND state = $9";
        let values = values![
            id,
            SubmissionState::ReadyForParse,
            &classification.submitter_id,
            &classification.jurisdiction,
            &classification.layout.file_type,
            classification.layout.version,
            classification.feed.as_ref(),
            now,
            SubmissionState::NeedsReview,
        ];
        if transaction.execute(sql, values).await? == 0 {
            return Ok(Moved::No);
        }
        let duplicate_of = match &content_hash {
            Some(hash) => recognise_duplicate(&mut transaction, id, hash).await?,
            None => None,
        };
        let detail = json!({ "classification": classification, "duplicate_of": duplicate_of });
        let subject = ("submission", &*id.to_string());
        record(
            &mut transaction,
            now,
            actor,
            "submission.assigned",
            subject,
            detail,
        )
        .await?;
        transaction.commit().await?;
        Ok(Moved::Yes(()))
    }
}

/// It never changes once the submission is staged.
async fn content_hash(
    transaction: &mut Transaction,
    id: SubmissionId,
) -> Result<Option<String>, StoreError> {
    let sql = "SELECT content_hash FROM submission WHERE submission_id = $1";
    let rows = transaction.rows(sql, values![id]).await?;
    Ok(rows
        .first()
        .map(|row| row.text_if_any("content_hash"))
        .transpose()?
        .flatten())
}
