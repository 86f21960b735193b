//! `canonical_build`: every build of a canonical month, what it was made from and how it ended.

use chrono::{DateTime, Utc};
use contract::{AtomicMonth, BuildId, FileType, StateCode};
use serde::Serialize;
use serde_json::json;

use crate::audit::{limit, record};
use crate::database::{Lock, Transaction};
use crate::row::{FromRow, Row};
use crate::text_enum::text_enum;
use crate::time::now;
use crate::value::{Value, values};
use crate::{MonthKey, Moved, Owner, Store, StoreError};

text_enum! {
    BuildStatus, "build status" {
        Running = "RUNNING",
        Succeeded = "SUCCEEDED",
        /// The inputs are those of the last success; nothing was written.
        Skipped = "SKIPPED",
        Failed = "FAILED",
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Build {
    pub build_id: BuildId,
    #[serde(flatten)]
    pub key: MonthKey,
    pub status: BuildStatus,
    /// Of all inputs: winners, their content, mappings, schema.
    pub fingerprint: String,
    pub canonical_schema_version: u32,
    pub rows: Option<i64>,
    /// The inputs, as JSON.
    pub sources: String,
    pub reason: Option<String>,
    pub delta_version: Option<i64>,
    pub started_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone)]
pub struct NewBuild {
    pub id: BuildId,
    pub key: MonthKey,
    pub fingerprint: String,
    pub canonical_schema_version: u32,
    pub sources_json: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildOutcome {
    Succeeded { rows: i64, delta_version: i64 },
    Skipped,
    Failed { reason: String },
}

#[derive(Debug, Clone, Default)]
pub struct BuildFilter {
    pub state: Option<StateCode>,
    pub file_type: Option<FileType>,
    pub atomic_month: Option<AtomicMonth>,
    /// `None`: all.
    pub limit: Option<u32>,
}

impl FromRow for Build {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            build_id: row.parsed("build_id")?,
            key: MonthKey::from_row(row)?,
            status: row.parsed("status")?,
            fingerprint: row.text("fingerprint")?,
            canonical_schema_version: row.version("canonical_schema_version")?,
            rows: row.integer_if_any("rows")?,
            sources: row.text("sources")?,
            reason: row.text_if_any("reason")?,
            delta_version: row.integer_if_any("delta_version")?,
            started_at: row.time("started_at")?,
            finished_at: row.time_if_any("finished_at")?,
        })
    }
}

impl BuildOutcome {
    fn status(&self) -> BuildStatus {
        match self {
            Self::Succeeded { .. } => BuildStatus::Succeeded,
            Self::Skipped => BuildStatus::Skipped,
            Self::Failed { .. } => BuildStatus::Failed,
        }
    }

    fn rows(&self) -> Option<i64> {
        match self {
            Self::Succeeded { rows, .. } => Some(*rows),
            Self::Skipped | Self::Failed { .. } => None,
        }
    }

    fn delta_version(&self) -> Option<i64> {
        match self {
            Self::Succeeded { delta_version, .. } => Some(*delta_version),
            Self::Skipped | Self::Failed { .. } => None,
        }
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::Failed { reason } => Some(reason),
            Self::Succeeded { .. } | Self::Skipped => None,
        }
    }
}

impl Store {
    /// Notes the intent to build. The caller has claimed the month: whatever else of it is
    /// marked as running was left behind, and is marked as interrupted.
    pub async fn start_build(&self, new: &NewBuild) -> Result<(), StoreError> {
        let now = now();
        let owner = Owner::this_process();
        let mut transaction = self.database.begin().await?;
        interrupt_running(&mut transaction, &new.key, &owner, now).await?;
        let sql = "INSERT INTO canonical_build
                       (build_id, state, file_type, atomic_month, status, fingerprint,
                        canonical_schema_version, sources, started_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let values = values![
            new.id,
            &new.key.state,
            &new.key.file_type,
            new.key.atomic_month,
            BuildStatus::Running,
            &new.fingerprint,
            new.canonical_schema_version,
            &new.sources_json,
            now,
        ];
        transaction.execute(sql, values).await?;
        let detail = json!({ "month": new.key.to_string(), "fingerprint": new.fingerprint });
        let subject = ("canonical_build", &*new.id.to_string());
        record(
            &mut transaction,
            now,
            owner.as_str(),
            "build.started",
            subject,
            detail,
        )
        .await?;
        transaction.commit().await
    }

    /// The build's outcome, and its requests as processed, failed or not: a retry is asked for
    /// anew. `No`: the build is not running, because somebody else took the month over.
    pub async fn finish_build(
        &self,
        id: BuildId,
        outcome: &BuildOutcome,
        queue_ids: &[i64],
        key: &MonthKey,
        owner: &Owner,
        now: DateTime<Utc>,
    ) -> Result<Moved, StoreError> {
        let mut transaction = self.database.begin().await?;
        // A claim touches the queue's rows first and builds after; this waits for it.
        transaction.lock(Lock::RebuildQueue).await?;
        let sql = "UPDATE canonical_build SET status = $2, rows = $3, delta_version = $4,
                       reason = $5, finished_at = $6
                   WHERE build_id = $1 AND status = $7";
        let values = values![
            id,
            outcome.status(),
            outcome.rows(),
            outcome.delta_version(),
            outcome.reason(),
            now,
            BuildStatus::Running,
        ];
        if transaction.execute(sql, values).await? == 0 {
            return Ok(Moved::No);
        }
        for queue_id in queue_ids {
            let sql = "UPDATE canonical_rebuild_queue
                       SET processed_at = $3, build_id = $4, lease_owner = NULL, lease_until = NULL
                       WHERE queue_id = $1 AND lease_owner = $2 AND processed_at IS NULL";
            transaction
                .execute(sql, values![*queue_id, owner, now, id])
                .await?;
        }
        let detail = json!({
            "month": key.to_string(),
            "status": outcome.status(),
            "rows": outcome.rows(),
            "reason": outcome.reason(),
        });
        let subject = ("canonical_build", &*id.to_string());
        record(
            &mut transaction,
            now,
            owner.as_str(),
            "build.finished",
            subject,
            detail,
        )
        .await?;
        transaction.commit().await?;
        Ok(Moved::Yes(()))
    }

    /// The build whose rows the month holds, where that is certain: one that failed or was
    /// interrupted after the last success may have been committed, and then nothing is certain.
    pub async fn standing_build(&self, key: &MonthKey) -> Result<Option<Build>, StoreError> {
        let sql = "SELECT * FROM (
                       SELECT * FROM canonical_build
                       WHERE state = $1 AND file_type = $2 AND atomic_month = $3 AND status <> $4
                       ORDER BY started_at DESC, build_id DESC LIMIT 1) AS last
                   WHERE status = $5";
        let mut values = month_values(key);
        values.extend(values![BuildStatus::Skipped, BuildStatus::Succeeded]);
        self.database.first(sql, values).await
    }

    /// Newest first.
    pub async fn builds(&self, filter: &BuildFilter) -> Result<Vec<Build>, StoreError> {
        let sql = "SELECT * FROM canonical_build
                   WHERE ($1 IS NULL OR state = $1) AND ($2 IS NULL OR file_type = $2)
                     AND ($3 IS NULL OR atomic_month = $3)
                   ORDER BY started_at DESC, build_id DESC LIMIT $4";
        let values = values![
            filter.state.as_ref(),
            filter.file_type.as_ref(),
            filter.atomic_month,
            limit(filter.limit),
        ];
        self.database.all(sql, values).await
    }
}

fn month_values(key: &MonthKey) -> Vec<Value> {
    values![&key.state, &key.file_type, key.atomic_month]
}

/// Marks what is left of earlier builds of a month that was just claimed.
pub(crate) async fn interrupt_running(
    transaction: &mut Transaction,
    key: &MonthKey,
    owner: &Owner,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let sql = "UPDATE canonical_build SET status = $5, reason = $6, finished_at = $7
               WHERE state = $1 AND file_type = $2 AND atomic_month = $3 AND status = $4
               RETURNING build_id";
    let mut values = month_values(key);
    values.extend(values![
        BuildStatus::Running,
        BuildStatus::Failed,
        "interrupted",
        now
    ]);
    for row in transaction.rows(sql, values).await? {
        let build_id = row.text("build_id")?;
        let detail = json!({ "month": key.to_string() });
        let subject = ("canonical_build", build_id.as_str());
        record(
            transaction,
            now,
            owner.as_str(),
            "build.interrupted",
            subject,
            detail,
        )
        .await?;
    }
    Ok(())
}
