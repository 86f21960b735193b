//! Silver: one submission's accepted rows, one folder per month.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Date32Type, Field, Schema, SchemaRef, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use chrono::{Datelike, NaiveDate};
use contract::{AtomicMonth, LayoutId, SubmissionId};
use datafusion::prelude::{SessionContext, col, lit};
use futures::TryStreamExt;

use crate::parquet_file::ParquetFile;
use crate::session::read_parquet;
use crate::{GoldRows, Key, LakeError, Objects, SubmissionPlace};

/// What all months together may hold in memory before the largest is written out as a part.
const BUFFER_BYTES: usize = 64 * 1024 * 1024;

/// Writes accepted rows to `silver/…/atomic_month=…/part-*.parquet`, in the order they come.
/// A file may spread over hundreds of months, so rows wait in memory by month and the largest
/// month is written out when the bound is reached.
pub struct SilverWriter {
    objects: Objects,
    place: SubmissionPlace,
    schema: SchemaRef,
    /// Index of the column that a row's month comes from.
    month_column: Option<usize>,
    waiting: BTreeMap<AtomicMonth, Waiting>,
    waiting_bytes: usize,
    buffer_bytes: usize,
}

#[derive(Default)]
struct Waiting {
    batches: Vec<RecordBatch>,
    bytes: usize,
    parts: usize,
    rows: u64,
}

impl SilverWriter {
    pub fn new(
        objects: &Objects,
        place: &SubmissionPlace,
        schema: SchemaRef,
        month_column: Option<&str>,
    ) -> Result<Self, LakeError> {
        let month_column = month_column
            .map(|name| schema.index_of(name))
            .transpose()
            .map_err(LakeError::arrow("the month column"))?;
        Ok(Self {
            objects: objects.clone(),
            place: place.clone(),
            schema,
            month_column,
            waiting: BTreeMap::new(),
            waiting_bytes: 0,
            buffer_bytes: BUFFER_BYTES,
        })
    }

    /// Takes rows whose months are read from the month column; `fixed_month` (from the file's
    /// name) stands where the contract has no such column.
    pub async fn write(
        &mut self,
        batch: &RecordBatch,
        fixed_month: AtomicMonth,
    ) -> Result<(), LakeError> {
        match self.month_column {
            None => self.wait(fixed_month, batch.clone()),
            Some(index) => {
                for (month, rows) in rows_by_month(batch.column(index)) {
                    let of_month = if rows.len() == batch.num_rows() {
                        batch.clone()
                    } else {
                        take_record_batch(batch, &UInt32Array::from(rows))
                            .map_err(LakeError::arrow("splitting rows by month"))?
                    };
                    self.wait(month, of_month);
                }
            }
        }
        while self.waiting_bytes > self.buffer_bytes {
            let largest = self.waiting.iter().max_by_key(|(_, waiting)| waiting.bytes);
            let month = *largest.expect("bytes wait, so some month holds them").0;
            self.flush(month).await?;
        }
        Ok(())
    }

    fn wait(&mut self, month: AtomicMonth, batch: RecordBatch) {
        if batch.num_rows() == 0 {
            return;
        }
        let bytes = batch.get_array_memory_size();
        let waiting = self.waiting.entry(month).or_default();
        waiting.bytes += bytes;
        waiting.rows += batch.num_rows() as u64;
        waiting.batches.push(batch);
        self.waiting_bytes += bytes;
    }

    async fn flush(&mut self, month: AtomicMonth) -> Result<(), LakeError> {
        let Some(waiting) = self.waiting.get_mut(&month) else {
            return Ok(());
        };
        let batches = std::mem::take(&mut waiting.batches);
        self.waiting_bytes -= std::mem::take(&mut waiting.bytes);
        if batches.is_empty() {
            return Ok(());
        }
        let key = Key::SilverPart {
            place: &self.place,
            month,
            part: waiting.parts,
        }
        .to_string();
        waiting.parts += 1;
        let rows =
            concat_batches(&self.schema, &batches).map_err(LakeError::arrow("joining batches"))?;
        let mut file = ParquetFile::create(&self.objects, key, self.schema.clone())?;
        file.write(&rows).await?;
        file.close().await?;
        Ok(())
    }

    /// Writes what still waits; returns the rows of each month.
    pub async fn close(mut self) -> Result<Vec<(AtomicMonth, u64)>, LakeError> {
        let months: Vec<AtomicMonth> = self.waiting.keys().copied().collect();
        for month in months {
            self.flush(month).await?;
        }
        Ok(self
            .waiting
            .into_iter()
            .map(|(month, waiting)| (month, waiting.rows))
            .collect())
    }
}

/// Row numbers of each month, in row order.
fn rows_by_month(column: &ArrayRef) -> BTreeMap<AtomicMonth, Vec<u32>> {
    const MICROSECONDS_PER_DAY: i64 = 86_400_000_000;
    let days: Vec<Option<i64>> = match column.data_type() {
        DataType::Date32 => column
            .as_primitive::<Date32Type>()
            .iter()
            .map(|day| day.map(i64::from))
            .collect(),
        _ => column
            .as_primitive::<TimestampMicrosecondType>()
            .iter()
            .map(|instant| instant.map(|micros| micros.div_euclid(MICROSECONDS_PER_DAY)))
            .collect(),
    };
    let mut months: BTreeMap<AtomicMonth, Vec<u32>> = BTreeMap::new();
    for (row, day) in days.into_iter().enumerate() {
        months.entry(month_of(day)).or_default().push(row as u32);
    }
    months
}

fn month_of(day: Option<i64>) -> AtomicMonth {
    const EPOCH_FROM_COMMON_ERA: i64 = 719_163;
    day.and_then(|day| i32::try_from(day + EPOCH_FROM_COMMON_ERA).ok())
        .and_then(NaiveDate::from_num_days_from_ce_opt)
        .map_or(AtomicMonth::Unknown, |date| {
            AtomicMonth::new(date.year(), date.month())
        })
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
