//! Silver: one submission's accepted rows, one folder per month.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use contract::{AtomicMonth, LayoutId, SubmissionId};
use datafusion::prelude::{SessionContext, col, lit};
use futures::TryStreamExt;
use inspect::{Shelf, ShelfLimits};

use crate::parquet_file::ParquetFile;
use crate::session::read_parquet;
use crate::{GoldRows, Key, LakeError, Objects, SubmissionPlace};

/// What all months together may hold in memory before the largest is written out as a part.
const BUFFER_BYTES: usize = 64 * 1024 * 1024;

/// Writes accepted rows to `silver/…/atomic_month=…/part-*.parquet`, in the order they come.
/// A file may spread over hundreds of months, so rows wait in memory by month and the largest
/// month is written out when the bound is reached; a part is encoded while the next rows come.
pub struct SilverWriter {
    objects: Objects,
    place: SubmissionPlace,
    schema: SchemaRef,
    shelf: Shelf,
    parts: BTreeMap<AtomicMonth, usize>,
    /// The last part that went, which is being encoded.
    last: Option<ParquetFile>,
}

impl SilverWriter {
    pub fn new(objects: &Objects, place: &SubmissionPlace, schema: SchemaRef) -> Self {
        Self {
            objects: objects.clone(),
            place: place.clone(),
            schema,
            shelf: Shelf::new(ShelfLimits {
                bytes: BUFFER_BYTES,
                month_rows: usize::MAX,
                month_bytes: usize::MAX,
            }),
            parts: BTreeMap::new(),
            last: None,
        }
    }

    /// Takes the rows of one month.
    pub async fn write(&mut self, month: AtomicMonth, rows: RecordBatch) -> Result<(), LakeError> {
        for (month, batches) in self.shelf.put(month, rows) {
            self.write_part(month, batches).await?;
        }
        Ok(())
    }

    async fn write_part(
        &mut self,
        month: AtomicMonth,
        batches: Vec<RecordBatch>,
    ) -> Result<(), LakeError> {
        self.close_last().await?;
        let part = self.parts.entry(month).or_default();
        let key = Key::SilverPart {
            place: &self.place,
            month,
            part: *part,
        }
        .to_string();
        *part += 1;
        let mut file = ParquetFile::create(&self.objects, key, self.schema.clone())?;
        for batch in &batches {
            file.write(batch).await?;
        }
        drop(batches);
        file.begin_row_group().await?;
        self.last = Some(file);
        Ok(())
    }

    async fn close_last(&mut self) -> Result<(), LakeError> {
        match self.last.take() {
            Some(file) => file.close().await.map(drop),
            None => Ok(()),
        }
    }

    /// Writes what still waits; returns the rows of each month.
    pub async fn close(mut self) -> Result<Vec<(AtomicMonth, u64)>, LakeError> {
        for (month, batches) in self.shelf.rest() {
            self.write_part(month, batches).await?;
        }
        self.close_last().await?;
        Ok(self.shelf.rows().into_iter().collect())
    }
}

/// A layout's rows as submitter gold holds them: its columns and lineage, then which submission
/// and layout each row came from.
pub fn gold_submitter_schema(silver: &Schema) -> SchemaRef {
    let mut fields: Vec<_> = silver.fields().iter().cloned().collect();
    for name in ["source_submission_id", "source_layout_id"] {
        fields.push(Arc::new(Field::new(name, DataType::Utf8, false)));
    }
    Arc::new(Schema::new(fields))
}

/// One month of one submission's silver, in file order, as rows of submitter gold.
pub async fn read_silver_month(
    context: &SessionContext,
    objects: &Objects,
    place: &SubmissionPlace,
    layout: &LayoutId,
    submission: SubmissionId,
    month: AtomicMonth,
) -> Result<GoldRows, LakeError> {
    let subject = format!("silver of submission {submission}, {month}");
    let keys = month_keys(objects, place, month).await?;
    let rows = read_parquet(context, objects, &keys, &subject).await?;
    let columns: Vec<_> = rows
        .schema()
        .fields()
        .iter()
        .map(|field| col(quoted(field.name())))
        .collect();
    let lineage = [
        lit(submission.to_string()).alias("source_submission_id"),
        lit(layout.to_string()).alias("source_layout_id"),
    ];
    let rows = rows
        .sort(file_order())
        .and_then(|rows| rows.select(columns.into_iter().chain(lineage).collect::<Vec<_>>()))
        .map_err(LakeError::plan(&subject))?
        .execute_stream()
        .await
        .map_err(LakeError::execution(&subject))?;
    Ok(GoldRows { subject, rows })
}

/// The order in which rows stood in the submission.
pub(crate) fn file_order() -> Vec<datafusion::logical_expr::SortExpr> {
    ["source_file", "source_row"]
        .map(|column| col(column).sort(true, false))
        .to_vec()
}

/// A column's name as DataFusion takes it literally.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

/// The month's part files, in order.
pub(crate) async fn month_keys(
    objects: &Objects,
    place: &SubmissionPlace,
    month: AtomicMonth,
) -> Result<Vec<String>, LakeError> {
    parquet_keys(objects, &Key::SilverMonth { place, month }.to_string()).await
}

/// Every Parquet file under a folder, sorted by key.
pub(crate) async fn parquet_keys(
    objects: &Objects,
    folder: &str,
) -> Result<Vec<String>, LakeError> {
    let mut keys: Vec<String> = objects
        .list(folder)
        .map_ok(|object| object.key)
        .try_filter(|key| std::future::ready(key.ends_with(".parquet")))
        .try_collect()
        .await?;
    keys.sort();
    Ok(keys)
}
