use chrono::{DateTime, Utc};
use contract::{FeedName, FileType, LayoutId, StateCode, SubmissionId, SubmitterId};
use serde::Serialize;

use crate::row::{FromRow, Row};
use crate::{GroupingMethod, StoreError, SubmissionState};

/// One group accepted for processing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Submission {
    pub submission_id: SubmissionId,
    pub grouping_key: String,
    pub grouping_method: GroupingMethod,
    pub state: SubmissionState,
    /// Why it needs review or has failed.
    pub state_reason: Option<String>,
    pub submitter_id: Option<SubmitterId>,
    pub file_type: Option<FileType>,
    pub layout_version: Option<u32>,
    pub feed: Option<FeedName>,
    /// The state that the submitter reports to.
    pub jurisdiction: Option<StateCode>,
    /// Set when staged.
    pub content_hash: Option<String>,
    pub duplicate_of: Option<SubmissionId>,
    pub received_at: DateTime<Utc>,
    pub staged_at: Option<DateTime<Utc>>,
    pub updated_at: DateTime<Utc>,
    /// How often it was claimed, over all its steps.
    pub attempts: i64,
    pub rows_in: Option<i64>,
    pub rows_accepted: Option<i64>,
    pub rows_rejected: Option<i64>,
    pub warnings: Option<i64>,
    pub bytes_in: Option<i64>,
    /// When its months were decided.
    pub competed_at: Option<DateTime<Utc>>,
    pub lease_owner: Option<String>,
    pub lease_until: Option<DateTime<Utc>>,
}

/// One file of a submission, and the object that it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubmissionFile {
    pub submission_id: SubmissionId,
    pub ordinal: i64,
    pub object_key: String,
    pub file_name: String,
    pub size_bytes: i64,
    pub etag: Option<String>,
    pub raw_key: String,
    pub sha256: Option<String>,
    pub rows_in: Option<i64>,
    pub rows_accepted: Option<i64>,
    pub rows_rejected: Option<i64>,
}

impl Submission {
    pub fn layout(&self) -> Option<LayoutId> {
        Some(LayoutId {
            file_type: self.file_type.clone()?,
            version: self.layout_version?,
        })
    }
}

impl FromRow for Submission {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            submission_id: row.parsed("submission_id")?,
            grouping_key: row.text("grouping_key")?,
            grouping_method: row.parsed("grouping_method")?,
            state: row.parsed("state")?,
            state_reason: row.text_if_any("state_reason")?,
            submitter_id: row.parsed_if_any("submitter_id")?,
            file_type: row.parsed_if_any("file_type")?,
            layout_version: row.version_if_any("layout_version")?,
            feed: row.parsed_if_any("feed")?,
            jurisdiction: row.parsed_if_any("jurisdiction")?,
            content_hash: row.text_if_any("content_hash")?,
            duplicate_of: row.parsed_if_any("duplicate_of")?,
            received_at: row.time("received_at")?,
            staged_at: row.time_if_any("staged_at")?,
            updated_at: row.time("updated_at")?,
            attempts: row.integer("attempts")?,
            rows_in: row.integer_if_any("rows_in")?,
            rows_accepted: row.integer_if_any("rows_accepted")?,
            rows_rejected: row.integer_if_any("rows_rejected")?,
            warnings: row.integer_if_any("warnings")?,
            bytes_in: row.integer_if_any("bytes_in")?,
            competed_at: row.time_if_any("competed_at")?,
            lease_owner: row.text_if_any("lease_owner")?,
            lease_until: row.time_if_any("lease_until")?,
        })
    }
}

impl FromRow for SubmissionFile {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            submission_id: row.parsed("submission_id")?,
            ordinal: row.integer("ordinal")?,
            object_key: row.text("object_key")?,
            file_name: row.text("file_name")?,
            size_bytes: row.integer("size_bytes")?,
            etag: row.text_if_any("etag")?,
            raw_key: row.text("raw_key")?,
            sha256: row.text_if_any("sha256")?,
            rows_in: row.integer_if_any("rows_in")?,
            rows_accepted: row.integer_if_any("rows_accepted")?,
            rows_rejected: row.integer_if_any("rows_rejected")?,
        })
    }
}
