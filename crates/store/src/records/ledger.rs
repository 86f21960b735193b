//! `processing_stage_state` and `processing_attempts`: how far each record came, and every try.
//! An attempt is committed before its step begins, so that one which is cut short is known: it
//! has no end.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use contract::{AttemptId, RecordId};
use serde::Serialize;

use super::batch::rows;
use super::canonical::{CanonicalRecord, insert_canonical};
use crate::database::Transaction;
use crate::text_enum::text_enum;
use crate::time::now;
use crate::value::values;
use crate::{Owner, Store, StoreError};

text_enum! {
    /// A step of a record's way that the ledger follows.
    Stage, "stage" {
        /// From the raw object to the canonical record.
        Normalize = "normalize",
    }
}

text_enum! {
    StageStatus, "stage status" {
        Started = "STARTED",
        /// For good: a repeat that fails takes nothing back.
        Succeeded = "SUCCEEDED",
        /// The last attempt failed, and another may succeed.
        Retrying = "RETRYING",
        /// Given up.
        Dead = "DEAD",
    }
}

text_enum! {
    AttemptOutcome, "outcome of an attempt" {
        Succeeded = "SUCCEEDED",
        Failed = "FAILED",
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NewAttempt {
    pub record_id: RecordId,
    pub stage: Stage,
}

/// An attempt that has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Attempt {
    pub attempt_id: AttemptId,
    pub record_id: RecordId,
    pub stage: Stage,
    /// The record's first at this stage is 1.
    #[serde(rename = "attempt")]
    pub number: i64,
}

#[derive(Debug, Clone)]
pub struct NormalizedRecord {
    pub attempt: Attempt,
    pub record: CanonicalRecord,
}

#[derive(Debug, Clone)]
pub struct FailedAttempt {
    pub attempt: Attempt,
    pub error_code: String,
    /// What went wrong, without any value of the record.
    pub error: String,
    /// Whether another attempt may succeed.
    pub retryable: bool,
}

/// Whether a canonical record is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    Yes,
    /// It was written before, and stays as it is.
    AlreadyThere,
}

impl Store {
    /// Begins an attempt for each, in their order. A record may be among them twice.
    pub async fn begin_attempts(
        &self,
        new: &[NewAttempt],
        owner: &Owner,
    ) -> Result<Vec<Attempt>, StoreError> {
        if new.is_empty() {
            return Ok(Vec::new());
        }
        let now = now();
        let mut transaction = self.database.begin().await?;
        let mut next = count_attempts(&mut transaction, new, now).await?;
        let mut attempts = Vec::with_capacity(new.len());
        for &NewAttempt { record_id, stage } in new {
            let number = next
                .get_mut(&(record_id, stage))
                .expect("each was counted in this transaction");
            attempts.push(Attempt {
                attempt_id: AttemptId::new(),
                record_id,
                stage,
                number: *number,
            });
            *number += 1;
        }
        let sql = format!(
            "INSERT INTO processing_attempts
                 (attempt_id, record_id, stage, attempt, owner, started_at)
             SELECT attempt_id, record_id, stage, attempt, $2, $3 FROM {}",
            transaction.dialect().batch(
                1,
                "attempt_id text, record_id text, stage text, attempt bigint"
            )
        );
        let mut values = vec![rows(&attempts)];
        values.extend(values![owner, now]);
        transaction.execute(sql, values).await?;
        transaction.commit().await?;
        Ok(attempts)
    }

    /// Writes the canonical records, each once however often it comes, and ends their attempts
    /// in success.
    pub async fn normalized(
        &self,
        normalized: &[NormalizedRecord],
    ) -> Result<Vec<Inserted>, StoreError> {
        if normalized.is_empty() {
            return Ok(Vec::new());
        }
        let records: Vec<_> = normalized.iter().map(|one| &one.record).collect();
        let ended: Vec<_> = normalized
            .iter()
            .map(|one| Ended::success(one.attempt))
            .collect();
        let mut transaction = self.database.begin().await?;
        let mut inserted = insert_canonical(&mut transaction, &records).await?;
        end(&mut transaction, &ended).await?;
        transaction.commit().await?;
        Ok(records
            .iter()
            .map(|record| {
                if inserted.remove(&record.record_id) {
                    Inserted::Yes
                } else {
                    Inserted::AlreadyThere
                }
            })
            .collect())
    }

    /// Ends the attempts in failure: the stage is `RETRYING` where another may succeed, else
    /// `DEAD`.
    pub async fn fail_attempts(&self, failed: &[FailedAttempt]) -> Result<(), StoreError> {
        if failed.is_empty() {
            return Ok(());
        }
        let ended: Vec<_> = failed.iter().map(Ended::failure).collect();
        let mut transaction = self.database.begin().await?;
        end(&mut transaction, &ended).await?;
        transaction.commit().await
    }
}

/// Counts the attempts of each record and stage. Returns the number of the first of them.
async fn count_attempts(
    transaction: &mut Transaction,
    new: &[NewAttempt],
    now: DateTime<Utc>,
) -> Result<HashMap<(RecordId, Stage), i64>, StoreError> {
    #[derive(Serialize)]
    struct Count {
        record_id: RecordId,
        stage: Stage,
        attempts: i64,
    }
    let mut counts: HashMap<_, i64> = HashMap::new();
    for attempt in new {
        *counts
            .entry((attempt.record_id, attempt.stage))
            .or_default() += 1;
    }
    let mut batch: Vec<_> = counts
        .iter()
        .map(|(&(record_id, stage), &attempts)| Count {
            record_id,
            stage,
            attempts,
        })
        .collect();
    // In one order, so that two batches do not wait for each other's rows.
    batch.sort_by_key(|count| (count.record_id, count.stage));
    let sql = format!(
        "INSERT INTO processing_stage_state (record_id, stage, status, attempts, updated_at)
         SELECT record_id, stage, $2, attempts, $3 FROM {} WHERE TRUE
         ON CONFLICT (record_id, stage) DO UPDATE
         SET status = CASE WHEN processing_stage_state.status = $4
                      THEN processing_stage_state.status ELSE excluded.status END,
             attempts = processing_stage_state.attempts + excluded.attempts,
             updated_at = excluded.updated_at
         RETURNING record_id, stage, attempts",
        transaction
            .dialect()
            .batch(1, "record_id text, stage text, attempts bigint")
    );
    let mut values = vec![rows(&batch)];
    values.extend(values![StageStatus::Started, now, StageStatus::Succeeded]);
    let rows = transaction.rows(sql, values).await?;
    rows.iter()
        .map(|row| {
            let key = (row.parsed("record_id")?, row.parsed("stage")?);
            let these = counts.get(&key).copied().unwrap_or_default();
            Ok((key, row.integer("attempts")? - these + 1))
        })
        .collect()
}

/// How an attempt ended, and what that makes of its stage.
#[derive(Serialize)]
struct Ended<'a> {
    attempt_id: AttemptId,
    record_id: RecordId,
    stage: Stage,
    outcome: AttemptOutcome,
    status: StageStatus,
    error_code: Option<&'a str>,
    error: Option<&'a str>,
}

impl<'a> Ended<'a> {
    fn success(attempt: Attempt) -> Ended<'a> {
        Ended {
            attempt_id: attempt.attempt_id,
            record_id: attempt.record_id,
            stage: attempt.stage,
            outcome: AttemptOutcome::Succeeded,
            status: StageStatus::Succeeded,
            error_code: None,
            error: None,
        }
    }

    fn failure(failed: &'a FailedAttempt) -> Ended<'a> {
        Ended {
            outcome: AttemptOutcome::Failed,
            status: if failed.retryable {
                StageStatus::Retrying
            } else {
                StageStatus::Dead
            },
            error_code: Some(&failed.error_code),
            error: Some(&failed.error),
            ..Ended::success(failed.attempt)
        }
    }
}

async fn end(transaction: &mut Transaction, ended: &[Ended<'_>]) -> Result<(), StoreError> {
    let now = now();
    let batch = transaction.dialect().batch(
        1,
        "attempt_id text, record_id text, stage text, outcome text, status text, \
         error_code text, error text",
    );
    let sql = format!(
        "UPDATE processing_attempts SET outcome = batch.outcome, finished_at = $2,
             error_code = batch.error_code, error = batch.error
         FROM {batch}
         WHERE processing_attempts.attempt_id = batch.attempt_id AND finished_at IS NULL"
    );
    let mut values = vec![rows(ended)];
    values.extend(values![now]);
    transaction.execute(sql, values).await?;
    let sql = format!(
        "UPDATE processing_stage_state SET status = batch.status, error_code = batch.error_code,
             error = batch.error, updated_at = $2
         FROM {batch}
         WHERE processing_stage_state.record_id = batch.record_id
           AND processing_stage_state.stage = batch.stage
           AND processing_stage_state.status <> $3"
    );
    let mut values = vec![rows(ended)];
    values.extend(values![now, StageStatus::Succeeded]);
    transaction.execute(sql, values).await?;
    Ok(())
}

/// Moves the stage of records that have not succeeded.
pub(super) async fn mark_stage(
    transaction: &mut Transaction,
    records: &HashSet<(RecordId, Stage)>,
    status: StageStatus,
) -> Result<(), StoreError> {
    #[derive(Serialize)]
    struct Mark {
        record_id: RecordId,
        stage: Stage,
    }
    let marks: Vec<_> = records
        .iter()
        .map(|&(record_id, stage)| Mark { record_id, stage })
        .collect();
    let sql = format!(
        "UPDATE processing_stage_state SET status = $2, updated_at = $3 FROM {}
         WHERE processing_stage_state.record_id = batch.record_id
           AND processing_stage_state.stage = batch.stage
           AND processing_stage_state.status <> $4",
        transaction.dialect().batch(1, "record_id text, stage text")
    );
    let mut values = vec![rows(&marks)];
    values.extend(values![status, now(), StageStatus::Succeeded]);
    transaction.execute(sql, values).await?;
    Ok(())
}
