//! Months on their way into a gold table: written one by one, visible in one commit.

use std::collections::{BTreeMap, HashMap};

use chrono::Utc;
use contract::AtomicMonth;
use datafusion::execution::SendableRecordBatchStream;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties, TransactionError};
use deltalake_core::kernel::{Action, Add};
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use deltalake_core::{DeltaTable, DeltaTableError};
use futures::TryStreamExt;

use crate::month_table::{MONTH_COLUMN, active};
use crate::parquet_file::ParquetFile;
use crate::{LakeError, MonthTable};

/// A part file is closed once it holds about this much.
const PART_BYTES: usize = 128 * 1024 * 1024;
/// How often a commit is tried where other processes' commits come before it.
const COMMIT_ATTEMPTS: usize = 5;

/// Rows on their way into a gold table.
pub struct GoldRows {
    /// Whose they are, for messages.
    pub subject: String,
    pub rows: SendableRecordBatchStream,
}

/// Months of one table on their way into one commit. Dropping it instead leaves files that no
/// reader of the table sees and that the next replacement sweeps.
pub struct Replacement<'a> {
    table: &'a MonthTable,
    delta: DeltaTable,
    evolution: Vec<Action>,
    months: BTreeMap<AtomicMonth, Vec<Add>>,
}

impl<'a> Replacement<'a> {
    pub(crate) fn new(table: &'a MonthTable, delta: DeltaTable, evolution: Vec<Action>) -> Self {
        Self {
            table,
            delta,
            evolution,
            months: BTreeMap::new(),
        }
    }

    /// Writes the month's new rows, those of the streams in their order, and returns how many.
    /// `attempt` makes the files' names unlike those of any other attempt.
    pub async fn write(
        &mut self,
        month: AtomicMonth,
        sources: Vec<GoldRows>,
        attempt: &str,
    ) -> Result<u64, LakeError> {
        let mut parts = Vec::new();
        let mut rows = 0;
        let mut open: Option<ParquetFile> = None;
        for GoldRows {
            subject,
            rows: mut source,
        } in sources
        {
            while let Some(batch) = source
                .try_next()
                .await
                .map_err(LakeError::execution(&subject))?
            {
                let batch = self.table.fit(&batch)?;
                self.table.require_values(&batch, &subject)?;
                rows += batch.num_rows() as u64;
                let file = match &mut open {
                    Some(file) => file,
                    none => {
                        let name = format!("part-{:05}-{attempt}.parquet", parts.len());
                        let key = self.table.partition(month) + &name;
                        none.insert(ParquetFile::create(
                            &self.table.objects,
                            key,
                            self.table.schema.clone(),
                        )?)
                    }
                };
                file.write(&batch).await?;
                if file.size_bytes() >= PART_BYTES
                    && let Some(full) = open.take()
                {
                    parts.push(self.close_part(full, month).await?);
                }
            }
        }
        if let Some(last) = open {
            parts.push(self.close_part(last, month).await?);
        }
        self.months.insert(month, parts);
        Ok(rows)
    }

    async fn close_part(&self, file: ParquetFile, month: AtomicMonth) -> Result<Add, LakeError> {
        let path = file
            .key()
            .trim_start_matches(self.table.folder.as_str())
            .to_owned();
        let rows = file.rows();
        let size_bytes = file.close().await?;
        Ok(Add {
            path,
            partition_values: HashMap::from([(MONTH_COLUMN.to_owned(), Some(month.to_string()))]),
            size: size_bytes as i64,
            modification_time: Utc::now().timestamp_millis(),
            data_change: true,
            // Only the count: minima and maxima would put patients' values into the log.
            stats: Some(format!(r#"{{"numRecords":{rows}}}"#)),
            ..Add::default()
        })
    }

    /// Replaces all written months in one commit and returns the table's version. `note` goes
    /// into the commit's metadata. Where Delta takes another process's commit for a conflict, the
    /// table is read again and the commit repeated: the months are ours, whatever else changed.
    pub async fn commit(mut self, note: serde_json::Value) -> Result<i64, LakeError> {
        if self.months.is_empty() {
            return Ok(version_of(&self.delta));
        }
        let mut attempt = 1;
        let version = loop {
            self.require_parts().await?;
            let error = match self.try_commit(note.clone()).await {
                Ok(version) => break version,
                Err(error) => error,
            };
            // An error does not say that nothing was committed: the table does.
            let delta = self.table.reopen().await?;
            if self.holds_ours(&delta).await? {
                break version_of(&delta);
            }
            if attempt == COMMIT_ATTEMPTS || !is_conflict(&error) {
                self.table.discard(&self.months).await?;
                return Err(LakeError::delta(&self.table.folder)(error));
            }
            attempt += 1;
            self.evolution = self.table.evolve(&delta)?;
            self.delta = delta;
        };
        self.table.sweep(self.months.keys()).await?;
        Ok(version)
    }

    /// Refuses where another process, which should not have been at it, has replaced a month
    /// meanwhile and swept the new parts away: the table would name files that are gone.
    async fn require_parts(&self) -> Result<(), LakeError> {
        let table = self.table;
        for (month, parts) in &self.months {
            let partition = table.partition(*month);
            let listed: Vec<String> = table
                .objects
                .list(&partition)
                .map_ok(|object| object.key)
                .try_collect()
                .await?;
            let is_there = |part: &Add| listed.contains(&format!("{}{}", table.folder, part.path));
            if !parts.iter().all(is_there) {
                table.discard(&self.months).await?;
                return Err(LakeError::Delta {
                    table: table.folder.clone(),
                    problem: format!("another process has replaced {month} meanwhile"),
                    transient: true,
                });
            }
        }
        Ok(())
    }

    async fn try_commit(&self, note: serde_json::Value) -> Result<i64, DeltaTableError> {
        let mut actions = self.evolution.clone();
        for (month, parts) in &self.months {
            let retired = active(&self.delta, *month).await?;
            actions.extend(retired.into_iter().map(Action::Remove));
            actions.extend(parts.iter().cloned().map(Action::Add));
        }
        let listed: Vec<String> = self
            .months
            .keys()
            .map(|month| format!("'{month}'"))
            .collect();
        let operation = DeltaOperation::Write {
            mode: SaveMode::Overwrite,
            partition_by: Some(vec![MONTH_COLUMN.to_owned()]),
            predicate: Some(format!("{MONTH_COLUMN} IN ({})", listed.join(", "))),
        };
        let properties = CommitProperties::default().with_metadata([("lazaret".to_owned(), note)]);
        let snapshot = self.delta.snapshot()?.snapshot();
        CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(snapshot), self.delta.log_store(), operation)
            .await
            .map(|commit| commit.version() as i64)
    }

    /// Whether that version of the table holds the new parts.
    async fn holds_ours(&self, delta: &DeltaTable) -> Result<bool, LakeError> {
        let mut written = false;
        for (month, parts) in &self.months {
            let active = active(delta, *month).await;
            let active = active.map_err(LakeError::delta(&self.table.folder))?;
            let is_active = |part: &Add| active.iter().any(|file| file.path == part.path);
            if !parts.iter().all(is_active) {
                return Ok(false);
            }
            written |= !parts.is_empty();
        }
        Ok(written)
    }
}

fn version_of(delta: &DeltaTable) -> i64 {
    delta.version().map_or(0, |version| version as i64)
}

fn is_conflict(error: &DeltaTableError) -> bool {
    matches!(
        error,
        DeltaTableError::Transaction {
            source: TransactionError::CommitConflict(_)
        }
    )
}
