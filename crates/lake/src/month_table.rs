//! Gold: Delta tables partitioned by `atomic_month`, replaced a month at a time.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use chrono::{Duration, Utc};
use contract::AtomicMonth;
use datafusion::execution::SendableRecordBatchStream;
use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake_core::kernel::{Action, Add, MetadataExt, Remove, StructType};
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use deltalake_core::{DeltaTable, FilterOp, FilterValue};
use futures::TryStreamExt;
use object_store::prefix::PrefixStore;

use crate::parquet_file::ParquetFile;
use crate::{LakeError, Objects};

/// A part file is closed once it holds about this much.
const PART_BYTES: usize = 128 * 1024 * 1024;
const MONTH_COLUMN: &str = "atomic_month";

/// A Delta table in a folder of its own, partitioned by month. A month is replaced in one
/// commit, so a reader of the table sees the old rows or the new ones; files that the commit
/// retires are deleted after it, so a plain Parquet reader of the folder is right too.
pub struct MonthTable {
    objects: Objects,
    folder: String,
    /// What stands in the files: everything but the partition column.
    schema: SchemaRef,
    retention: Duration,
}

/// What a replacement did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplacedMonth {
    pub rows: u64,
    pub delta_version: i64,
}

impl MonthTable {
    /// `folder` is a key that ends in `/`; retired files stay for `retention`.
    pub fn new(objects: &Objects, folder: String, schema: SchemaRef, retention: Duration) -> Self {
        let nullable = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
        let schema = Arc::new(Schema::new(nullable.collect::<Vec<_>>()));
        Self { objects: objects.clone(), folder, schema, retention }
    }

    /// Replaces the month by the rows of the streams, in their order. `attempt` makes the new
    /// files' names unlike those of any other attempt; `note` goes into the commit's metadata.
    pub async fn replace_month(
        &self,
        month: AtomicMonth,
        sources: Vec<SendableRecordBatchStream>,
        attempt: &str,
        note: serde_json::Value,
    ) -> Result<ReplacedMonth, LakeError> {
        let table = self.open_or_create().await?;
        let mut actions = self.evolve(&table)?;
        let added = self.write_parts(month, sources, attempt).await?;
        let rows = added.iter().map(|part| part.rows).sum();
        actions.extend(self.active(&table, month).await?.into_iter().map(Action::Remove));
        actions.extend(added.into_iter().map(|part| Action::Add(part.add)));
        let operation = DeltaOperation::Write {
            mode: SaveMode::Overwrite,
            partition_by: Some(vec![MONTH_COLUMN.to_owned()]),
            predicate: Some(format!("{MONTH_COLUMN} = '{month}'")),
        };
        let snapshot = table.snapshot().map_err(LakeError::delta(&self.folder))?;
        let properties = CommitProperties::default().with_metadata([("lazaret".to_owned(), note)]);
        let commit = CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(snapshot.snapshot()), table.log_store(), operation)
            .await
            .map_err(LakeError::delta(&self.folder))?;
        let delta_version = commit.version() as i64;
        self.sweep(month).await?;
        Ok(ReplacedMonth { rows, delta_version })
    }

    fn log_store(&self) -> LogStoreRef {
        let root = self.objects.store();
        let prefixed = PrefixStore::new(root.clone(), self.objects.path_of(&self.folder));
        let url = self.objects.url_of(&self.folder);
        default_logstore(Arc::new(prefixed), root, &url, &StorageConfig::default())
    }

    async fn open(&self) -> Result<Option<DeltaTable>, LakeError> {
        let mut table = DeltaTable::new(self.log_store());
        let exists = table.verify_deltatable_existence().await;
        if !exists.map_err(LakeError::delta(&self.folder))? {
            return Ok(None);
        }
        table.load().await.map_err(LakeError::delta(&self.folder))?;
        Ok(Some(table))
    }

    async fn open_or_create(&self) -> Result<DeltaTable, LakeError> {
        if let Some(table) = self.open().await? {
            return Ok(table);
        }
        let created = CreateBuilder::new()
            .with_log_store(self.log_store())
            .with_save_mode(SaveMode::Ignore)
            .with_columns(self.delta_schema()?.fields().cloned())
            .with_partition_columns([MONTH_COLUMN])
            .await;
        match created {
            Ok(table) => Ok(table),
            // Another process may have created it between the look and the attempt.
            Err(error) => self.open().await?.ok_or_else(|| LakeError::delta(&self.folder)(error)),
        }
    }

    fn delta_schema(&self) -> Result<StructType, LakeError> {
        let mut fields: Vec<_> = self.schema.fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new(MONTH_COLUMN, DataType::Utf8, true)));
        (&Schema::new(fields)).try_into_kernel().map_err(LakeError::arrow("the Delta schema"))
    }

    /// New columns join the table's schema; a column that changed its type is refused.
    fn evolve(&self, table: &DeltaTable) -> Result<Vec<Action>, LakeError> {
        let snapshot = table.snapshot().map_err(LakeError::delta(&self.folder))?;
        let current = snapshot.schema();
        let wanted = self.delta_schema()?;
        let mut fields: Vec<_> = current.fields().cloned().collect();
        for field in wanted.fields() {
            match current.field(field.name()) {
                None => fields.push(field.clone()),
                Some(known) if known.data_type() == field.data_type() => {}
                Some(known) => {
                    let problem = format!(
                        "column `{}` is {} in the table and {} now; a type cannot change in place: \
                         give the column a new name, or move the table's folder away and rebuild",
                        field.name(),
                        known.data_type(),
                        field.data_type()
                    );
                    return Err(LakeError::Delta { table: self.folder.clone(), problem });
                }
            }
        }
        if fields.len() == current.fields().count() {
            return Ok(Vec::new());
        }
        let grown = StructType::try_new(fields)
            .map_err(|error| LakeError::Delta { table: self.folder.clone(), problem: error.to_string() })?;
        let metadata = snapshot
            .metadata()
            .clone()
            .with_schema(&grown)
            .map_err(|error| LakeError::Delta { table: self.folder.clone(), problem: error.to_string() })?;
        Ok(vec![Action::Metadata(metadata)])
    }

    async fn active(&self, table: &DeltaTable, month: AtomicMonth) -> Result<Vec<Remove>, LakeError> {
        let month = month.to_string();
        let filter = [(MONTH_COLUMN, FilterOp::Eq, FilterValue::Scalar(&month))];
        table
            .get_active_add_actions_by_partitions(&filter)
            .map_ok(|file| file.remove_action(true))
            .try_collect()
            .await
            .map_err(LakeError::delta(&self.folder))
    }

    async fn write_parts(
        &self,
        month: AtomicMonth,
        sources: Vec<SendableRecordBatchStream>,
        attempt: &str,
    ) -> Result<Vec<Part>, LakeError> {
        let mut parts = Vec::new();
        let mut open: Option<ParquetFile> = None;
        for mut source in sources {
            let reading = || LakeError::execution(format!("reading rows for `{}` {month}", self.folder));
            while let Some(batch) = source.try_next().await.map_err(reading())? {
                let batch = RecordBatch::try_new(self.schema.clone(), batch.columns().to_vec())
                    .map_err(LakeError::arrow("fitting rows to the gold schema"))?;
                let file = match &mut open {
                    Some(file) => file,
                    none => {
                        let name = format!("part-{:05}-{attempt}.parquet", parts.len());
                        let key = format!("{}{MONTH_COLUMN}={month}/{name}", self.folder);
                        none.insert(ParquetFile::create(&self.objects, key, self.schema.clone())?)
                    }
                };
                file.write(&batch).await?;
                if file.size_bytes() >= PART_BYTES {
                    parts.extend(self.close_part(open.take(), month).await?);
                }
            }
        }
        parts.extend(self.close_part(open, month).await?);
        Ok(parts)
    }

    async fn close_part(&self, file: Option<ParquetFile>, month: AtomicMonth) -> Result<Option<Part>, LakeError> {
        let Some(file) = file else { return Ok(None) };
        let path = file.key().trim_start_matches(self.folder.as_str()).to_owned();
        let rows = file.rows() as u64;
        let (_, size_bytes) = file.close().await?;
        let add = Add {
            path,
            partition_values: HashMap::from([(MONTH_COLUMN.to_owned(), Some(month.to_string()))]),
            size: size_bytes as i64,
            modification_time: Utc::now().timestamp_millis(),
            data_change: true,
            // Only the count: minima and maxima would put patients' values into the log.
            stats: Some(format!(r#"{{"numRecords":{rows}}}"#)),
            ..Add::default()
        };
        Ok(Some(Part { add, rows }))
    }

    /// Deletes the month's files that the table no longer names and whose retention is over:
    /// retired ones, and what a crashed attempt left.
    async fn sweep(&self, month: AtomicMonth) -> Result<(), LakeError> {
        let Some(table) = self.open().await? else { return Ok(()) };
        let active: Vec<String> =
            self.active(&table, month).await?.into_iter().map(|file| file.path).collect();
        let partition = format!("{}{MONTH_COLUMN}={month}/", self.folder);
        let listed: Vec<_> = self.objects.list(&partition).try_collect().await?;
        let over = Utc::now() - self.retention;
        for object in listed {
            let name = object.key.trim_start_matches(self.folder.as_str());
            if !active.iter().any(|path| path == name) && object.last_modified <= over {
                self.objects.delete(&object.key).await?;
            }
        }
        Ok(())
    }
}

struct Part {
    add: Add,
    rows: u64,
}
