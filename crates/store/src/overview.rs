//! How it goes, in numbers: for those who watch.

use chrono::{DateTime, Utc};
use contract::{FeedName, FileType};
use serde::Serialize;

use crate::row::{FromRow, Row};
use crate::value::values;
use crate::{RunStatus, Store, StoreError};

/// All submissions together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    pub rows_in: i64,
    pub rows_accepted: i64,
    pub rows_rejected: i64,
    pub bytes_in: i64,
}

/// How many runs of a job ended how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunCount {
    pub job: String,
    pub status: RunStatus,
    pub runs: i64,
}

/// What a feed has sent of one file type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeedState {
    #[serde(skip)]
    pub feed: FeedName,
    #[serde(skip)]
    pub file_type: FileType,
    pub submissions: i64,
    /// When one was last validated.
    pub last_success: Option<DateTime<Utc>>,
    pub last_received: DateTime<Utc>,
    /// Submissions with a step that is due.
    pub backlog: i64,
    /// When the oldest of these was received.
    pub oldest_due: Option<DateTime<Utc>>,
}

impl FromRow for Totals {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            rows_in: row.integer("rows_in")?,
            rows_accepted: row.integer("rows_accepted")?,
            rows_rejected: row.integer("rows_rejected")?,
            bytes_in: row.integer("bytes_in")?,
        })
    }
}

impl FromRow for RunCount {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            job: row.text("job")?,
            status: row.parsed("status")?,
            runs: row.integer("runs")?,
        })
    }
}

impl FromRow for FeedState {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            feed: row.parsed("feed")?,
            file_type: row.parsed("file_type")?,
            submissions: row.integer("submissions")?,
            last_success: row.time_if_any("last_success")?,
            last_received: row.time("last_received")?,
            backlog: row.integer("backlog")?,
            oldest_due: row.time_if_any("oldest_due")?,
        })
    }
}

/// A step of the submission is due: it waits on no person.
const IS_DUE: &str =
    "competed_at IS NULL AND state NOT IN ('NEEDS_REVIEW', 'PARSE_FAILED', 'VALIDATION_FAILED')";

impl Store {
    /// Proves that the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.database.rows("SELECT 1", vec![]).await.map(drop)
    }

    pub async fn totals(&self) -> Result<Totals, StoreError> {
        let sql = "SELECT CAST(coalesce(sum(rows_in), 0) AS BIGINT) AS rows_in,
                          CAST(coalesce(sum(rows_accepted), 0) AS BIGINT) AS rows_accepted,
                          CAST(coalesce(sum(rows_rejected), 0) AS BIGINT) AS rows_rejected,
                          CAST(coalesce(sum(bytes_in), 0) AS BIGINT) AS bytes_in
                   FROM submission";
        Ok(self.database.first(sql, vec![]).await?.unwrap_or_default())
    }

    pub async fn run_counts(&self) -> Result<Vec<RunCount>, StoreError> {
        let sql = "SELECT job, status, count(*) AS runs FROM job_runs
                   GROUP BY job, status ORDER BY job, status";
        self.database.all(sql, vec![]).await
    }

    /// Submissions and months that somebody works on now.
    pub async fn leases(&self, now: DateTime<Utc>) -> Result<i64, StoreError> {
        let sql = "SELECT (SELECT count(*) FROM submission WHERE lease_until > $1)
                        + (SELECT count(*) FROM submitter_gold_winner WHERE lease_until > $1)
                        + (SELECT count(*) FROM canonical_rebuild_queue WHERE lease_until > $1) AS leases";
        let rows = self.database.rows(sql, values![now]).await?;
        rows.first().map_or(Ok(0), |row| row.integer("leases"))
    }

    /// Every feed and file type that something was classified as.
    pub async fn feed_states(&self) -> Result<Vec<FeedState>, StoreError> {
        let sql = format!(
            "SELECT feed, file_type, count(*) AS submissions,
                    max(CASE WHEN state IN ('VALIDATED', 'VALIDATED_WITH_WARNINGS') THEN updated_at END)
                        AS last_success,
                    max(received_at) AS last_received,
                    count(CASE WHEN {IS_DUE} THEN 1 END) AS backlog,
                    min(CASE WHEN {IS_DUE} THEN received_at END) AS oldest_due
             FROM submission WHERE feed IS NOT NULL AND file_type IS NOT NULL
             GROUP BY feed, file_type ORDER BY feed, file_type"
        );
        self.database.all(sql, vec![]).await
    }

    /// When the oldest submission was received whose next step is due.
    pub async fn oldest_due(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let sql = format!("SELECT min(received_at) AS oldest FROM submission WHERE {IS_DUE}");
        let rows = self.database.rows(sql, vec![]).await?;
        rows.first()
            .map_or(Ok(None), |row| row.time_if_any("oldest"))
    }
}
