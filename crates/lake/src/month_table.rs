//! Gold: Delta tables partitioned by `atomic_month`, replaced a month at a time.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::Array;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Duration, Utc};
use contract::AtomicMonth;
use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake_core::kernel::{Action, Add, MetadataExt, Remove, StructType};
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::protocol::SaveMode;
use deltalake_core::{DeltaTable, DeltaTableError, FilterOp, FilterValue};
use futures::TryStreamExt;
use object_store::prefix::PrefixStore;

use crate::{LakeError, Objects, Replacement};

pub(crate) const MONTH_COLUMN: &str = "atomic_month";

/// A Delta table in a folder of its own, partitioned by month. A month is replaced in one
/// commit, so a reader of the table sees the old rows or the new ones; files that the commit
/// retires are deleted after it, so a plain Parquet reader of the folder is right too.
pub struct MonthTable {
    pub(crate) objects: Objects,
    pub(crate) folder: String,
    /// What stands in the files: everything but the partition column.
    pub(crate) schema: SchemaRef,
    /// Indices of the columns that no row may leave empty.
    required: Vec<usize>,
    retention: Duration,
}

impl MonthTable {
    /// `folder` is a key that ends in `/`; retired files stay for `retention`. A row that leaves
    /// a column empty which the schema says is not null stops its month; the stored schema itself
    /// is nullable throughout, so that columns can join and requirements can change.
    pub fn new(objects: &Objects, folder: String, schema: SchemaRef, retention: Duration) -> Self {
        let not_null = |(index, field): (usize, &FieldRef)| (!field.is_nullable()).then_some(index);
        let required = schema
            .fields()
            .iter()
            .enumerate()
            .filter_map(not_null)
            .collect();
        let nullable = schema
            .fields()
            .iter()
            .map(|field| field.as_ref().clone().with_nullable(true));
        let schema = Arc::new(Schema::new(nullable.collect::<Vec<_>>()));
        Self {
            objects: objects.clone(),
            folder,
            schema,
            required,
            retention,
        }
    }

    /// Opens the table (it is made where it is not there) to replace months of it. A column that
    /// changed its type is refused here, before anything is written.
    pub async fn replace(&self) -> Result<Replacement<'_>, LakeError> {
        let delta = self.open_or_create().await?;
        let evolution = self.evolve(&delta)?;
        Ok(Replacement::new(self, delta, evolution))
    }

    pub(crate) fn require_values(
        &self,
        batch: &RecordBatch,
        subject: &str,
    ) -> Result<(), LakeError> {
        match self
            .required
            .iter()
            .find(|index| batch.column(**index).null_count() > 0)
        {
            None => Ok(()),
            Some(index) => Err(LakeError::RequiredIsEmpty {
                subject: subject.to_owned(),
                column: self.schema.field(*index).name().clone(),
            }),
        }
    }

    /// The batch's columns in the table's order, found by name: a contract may have changed since
    /// the rows were written, and columns taken by position would change places unseen.
    pub(crate) fn fit(&self, batch: &RecordBatch) -> Result<RecordBatch, LakeError> {
        let column = |field: &FieldRef| {
            let found = batch.column_by_name(field.name()).cloned();
            found.ok_or_else(|| LakeError::Delta {
                table: self.folder.clone(),
                problem: format!(
                    "the rows have no column `{}`: their contract changed after they were parsed",
                    field.name()
                ),
                transient: false,
            })
        };
        let columns = self.schema.fields().iter().map(column);
        RecordBatch::try_new(self.schema.clone(), columns.collect::<Result<_, _>>()?)
            .map_err(LakeError::arrow("fitting rows to the gold schema"))
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

    /// The newest version of a table that is known to be there.
    pub(crate) async fn reopen(&self) -> Result<DeltaTable, LakeError> {
        self.open().await?.ok_or_else(|| LakeError::Delta {
            table: self.folder.clone(),
            problem: "it was removed while months of it were written".into(),
            transient: true,
        })
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
            Err(error) => self
                .open()
                .await?
                .ok_or_else(|| LakeError::delta(&self.folder)(error)),
        }
    }

    fn delta_schema(&self) -> Result<StructType, LakeError> {
        let mut fields: Vec<_> = self.schema.fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new(MONTH_COLUMN, DataType::Utf8, true)));
        (&Schema::new(fields))
            .try_into_kernel()
            .map_err(LakeError::arrow("the Delta schema"))
    }

    /// New columns join the table's schema; a column that changed its type is refused.
    pub(crate) fn evolve(&self, table: &DeltaTable) -> Result<Vec<Action>, LakeError> {
        let snapshot = table.snapshot().map_err(LakeError::delta(&self.folder))?;
        let current = snapshot.schema();
        let wanted = self.delta_schema()?;
        let refuse = |problem: String| LakeError::Delta {
            table: self.folder.clone(),
            problem,
            transient: false,
        };
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
                    return Err(refuse(problem));
                }
            }
        }
        if fields.len() == current.fields().count() {
            return Ok(Vec::new());
        }
        let grown = StructType::try_new(fields).map_err(|error| refuse(error.to_string()))?;
        let metadata = snapshot
            .metadata()
            .clone()
            .with_schema(&grown)
            .map_err(|error| refuse(error.to_string()))?;
        Ok(vec![Action::Metadata(metadata)])
    }

    /// Deletes files of the months that the table no longer names and whose retention is over:
    /// retired ones, and what a crashed attempt left.
    pub(crate) async fn sweep(
        &self,
        months: impl Iterator<Item = &AtomicMonth>,
    ) -> Result<(), LakeError> {
        let Some(delta) = self.open().await? else {
            return Ok(());
        };
        let retired = self.retired(&delta).await?;
        let over = Utc::now().checked_sub_signed(self.retention);
        for month in months {
            let active = active(&delta, *month).await;
            let active = active.map_err(LakeError::delta(&self.folder))?;
            let listed: Vec<_> = self
                .objects
                .list(&self.partition(*month))
                .try_collect()
                .await?;
            for object in listed {
                let Some(name) = object.key.strip_prefix(&self.folder) else {
                    continue;
                };
                // What a crashed attempt left was never in the table: it counts from its writing.
                let retired_at = retired.get(name).copied().unwrap_or(object.last_modified);
                let kept = active.iter().any(|file| file.path == name);
                if !kept && over.is_some_and(|over| retired_at <= over) {
                    self.objects.delete(&object.key).await?;
                }
            }
        }
        Ok(())
    }

    /// When each file that the log still remembers left the table.
    async fn retired(
        &self,
        delta: &DeltaTable,
    ) -> Result<HashMap<String, DateTime<Utc>>, LakeError> {
        let failed = || LakeError::delta(&self.folder);
        if self.retention.is_zero() {
            return Ok(HashMap::new());
        }
        let log_store = delta.log_store();
        let snapshot = delta.snapshot().map_err(failed())?;
        let tombstones: Vec<_> = snapshot
            .all_tombstones(&*log_store)
            .try_collect()
            .await
            .map_err(failed())?;
        let times = tombstones.into_iter().filter_map(|file| {
            let at = DateTime::from_timestamp_millis(file.deletion_timestamp()?)?;
            Some((file.path().into_owned(), at))
        });
        Ok(times.collect())
    }

    /// Deletes parts that did not get into the table: a plain Parquet reader of the folder would
    /// take them for rows.
    pub(crate) async fn discard(
        &self,
        months: &BTreeMap<AtomicMonth, Vec<Add>>,
    ) -> Result<(), LakeError> {
        let Some(delta) = self.open().await? else {
            return Ok(());
        };
        for (month, parts) in months {
            let active = active(&delta, *month).await;
            let active = active.map_err(LakeError::delta(&self.folder))?;
            for part in parts {
                if !active.iter().any(|file| file.path == part.path) {
                    let key = format!("{}{}", self.folder, part.path);
                    self.objects.delete(&key).await?;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn partition(&self, month: AtomicMonth) -> String {
        format!("{}{MONTH_COLUMN}={month}/", self.folder)
    }
}

/// The files that hold a month in that version of the table, as the actions that retire them.
pub(crate) async fn active(
    delta: &DeltaTable,
    month: AtomicMonth,
) -> Result<Vec<Remove>, DeltaTableError> {
    let month = month.to_string();
    let filter = [(MONTH_COLUMN, FilterOp::Eq, FilterValue::Scalar(&month))];
    delta
        .get_active_add_actions_by_partitions(&filter)
        .map_ok(|file| file.remove_action(true))
        .try_collect()
        .await
}
