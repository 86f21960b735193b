//! The outcome of a parse: counts, months and the move, all or nothing.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use contract::{AtomicMonth, SubmissionId};
use serde_json::json;

use crate::audit::record;
use crate::database::{Transaction, placeholders};
use crate::time::now;
use crate::value::values;
use crate::{Moved, Owner, Store, StoreError, SubmissionState};

/// What a parse counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parsed {
    pub rows_in: i64,
    pub rows_accepted: i64,
    pub rows_rejected: i64,
    pub warnings: i64,
    pub bytes_in: i64,
    pub files: Vec<FileCounts>,
    /// Accepted rows by month, the unknown one too.
    pub months: Vec<(AtomicMonth, i64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileCounts {
    pub ordinal: i64,
    pub rows_in: i64,
    pub rows_accepted: i64,
    pub rows_rejected: i64,
}

impl Store {
    /// `READY_FOR_PARSE` → `PARSED`; the lease ends.
    pub async fn finish_parse(
        &self,
        id: SubmissionId,
        owner: &Owner,
        parsed: &Parsed,
    ) -> Result<Moved, StoreError> {
        self.end_parse(id, owner, SubmissionState::Parsed, None, Some(parsed))
            .await
    }

    /// `READY_FOR_PARSE` → `PARSE_FAILED`, with the counts as far as it came; the lease ends.
    pub async fn fail_parse(
        &self,
        id: SubmissionId,
        owner: &Owner,
        reason: &str,
        counts: Option<&Parsed>,
    ) -> Result<Moved, StoreError> {
        self.end_parse(
            id,
            owner,
            SubmissionState::ParseFailed,
            Some(reason),
            counts,
        )
        .await
    }

    async fn end_parse(
        &self,
        id: SubmissionId,
        owner: &Owner,
        state: SubmissionState,
        reason: Option<&str>,
        counts: Option<&Parsed>,
    ) -> Result<Moved, StoreError> {
        let now = now();
        let mut transaction = self.database.begin().await?;
        let sql = "UPDATE submission SET state = $3, state_reason = $4, rows_in = $5,
                       rows_accepted = $6, rows_rejected = $7, warnings = $8, bytes_in = $9,
                       updated_at = $10, lease_owner = NULL, lease_until = NULL
                   WHERE submission_id = $1 AND lease_owner = $2 AND state = $11";
        let values = values![
            id,
            owner,
            state,
            reason,
            counts.map(|c| c.rows_in),
            counts.map(|c| c.rows_accepted),
            counts.map(|c| c.rows_rejected),
            counts.map(|c| c.warnings),
            counts.map(|c| c.bytes_in),
            now,
            SubmissionState::ReadyForParse,
        ];
        if transaction.execute(sql, values).await? == 0 {
            return Ok(Moved::No);
        }
        clear_counts(&mut transaction, id).await?;
        if let Some(counts) = counts {
            write_counts(&mut transaction, id, counts).await?;
        }
        let action = match state {
            SubmissionState::Parsed => "submission.parsed",
            _ => "submission.parse_failed",
        };
        record_parse(&mut transaction, now, owner, action, id, reason, counts).await?;
        transaction.commit().await?;
        Ok(Moved::Yes(()))
    }

    /// `PARSE_FAILED` or `VALIDATION_FAILED` → `READY_FOR_PARSE`, as if it had never been parsed:
    /// an operator has mended the cause.
    pub async fn retry(&self, id: SubmissionId, actor: &str) -> Result<Moved, StoreError> {
        let now = now();
        let mut transaction = self.database.begin().await?;
        let sql = "UPDATE submission SET state = $2, state_reason = NULL, rows_in = NULL,
                       rows_accepted = NULL, rows_rejected = NULL, warnings = NULL, bytes_in = NULL,
                       competed_at = NULL, updated_at = $3, lease_owner = NULL, lease_until = NULL
                   WHERE submission_id = $1 AND state IN ($4, $5)";
        let values = values![
            id,
            SubmissionState::ReadyForParse,
            now,
            SubmissionState::ParseFailed,
            SubmissionState::ValidationFailed,
        ];
        if transaction.execute(sql, values).await? == 0 {
            return Ok(Moved::No);
        }
        clear_counts(&mut transaction, id).await?;
        let subject = ("submission", &*id.to_string());
        record(
            &mut transaction,
            now,
            actor,
            "submission.retried",
            subject,
            json!({}),
        )
        .await?;
        transaction.commit().await?;
        Ok(Moved::Yes(()))
    }
}

async fn clear_counts(transaction: &mut Transaction, id: SubmissionId) -> Result<(), StoreError> {
    let sql =
        "UPDATE submission_file SET rows_in = NULL, rows_accepted = NULL, rows_rejected = NULL
               WHERE submission_id = $1";
    transaction.execute(sql, values![id]).await?;
    let sql = "DELETE FROM submission_month WHERE submission_id = $1";
    transaction.execute(sql, values![id]).await?;
    Ok(())
}

async fn write_counts(
    transaction: &mut Transaction,
    id: SubmissionId,
    counts: &Parsed,
) -> Result<(), StoreError> {
    for file in &counts.files {
        let sql = "UPDATE submission_file SET rows_in = $3, rows_accepted = $4, rows_rejected = $5
                   WHERE submission_id = $1 AND ordinal = $2";
        let values = values![
            id,
            file.ordinal,
            file.rows_in,
            file.rows_accepted,
            file.rows_rejected
        ];
        transaction.execute(sql, values).await?;
    }
    // A month that two files name is one row.
    let mut months = BTreeMap::new();
    for (month, rows) in &counts.months {
        *months.entry(*month).or_insert(0) += rows;
    }
    let months: Vec<_> = months.into_iter().collect();
    for months in months.chunks(INSERT_ROWS) {
        let sql = format!(
            "INSERT INTO submission_month (submission_id, atomic_month, rows) VALUES {}",
            placeholders(months.len(), 3)
        );
        let values = months
            .iter()
            .flat_map(|(month, rows)| values![id, *month, *rows])
            .collect();
        transaction.execute(sql, values).await?;
    }
    Ok(())
}

/// Rows per insert: its parameters stay well below what either database accepts.
const INSERT_ROWS: usize = 500;

async fn record_parse(
    transaction: &mut Transaction,
    now: DateTime<Utc>,
    owner: &Owner,
    action: &str,
    id: SubmissionId,
    reason: Option<&str>,
    counts: Option<&Parsed>,
) -> Result<(), StoreError> {
    let detail = json!({
        "reason": reason,
        "rows_in": counts.map(|c| c.rows_in),
        "rows_accepted": counts.map(|c| c.rows_accepted),
        "rows_rejected": counts.map(|c| c.rows_rejected),
        "warnings": counts.map(|c| c.warnings),
    });
    let subject = ("submission", &*id.to_string());
    record(transaction, now, owner.as_str(), action, subject, detail).await
}
