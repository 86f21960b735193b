//! Quarantine: a submission's rejected rows with their raw text and every reason.

use std::fmt;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Builder, ListBuilder, RecordBatch, StringBuilder, StructBuilder,
};
use arrow::datatypes::{DataType, Field, Fields, Int64Type, Schema, SchemaRef};
use bytes::Bytes;
use inspect::Reject;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Serialize;

use crate::parquet_file::ParquetFile;
use crate::silver::parquet_keys;
use crate::{Key, LakeError, Objects, SubmissionPlace};

/// Rejects held in memory before they are handed to the Parquet encoder.
pub(crate) const BATCH_ROWS: usize = 8 * 1024;
/// What waits for the encoder, as Arrow: rejects have their whole text with them.
const ROW_GROUP_BYTES: usize = 16 * 1024 * 1024;
/// Rows per part file.
const PART_ROWS: usize = 1024 * 1024;

fn reason_fields() -> Fields {
    Fields::from(vec![
        Field::new("column", DataType::Utf8, true),
        Field::new("rule", DataType::Utf8, false),
        Field::new("expected", DataType::Utf8, false),
    ])
}

/// `raw_text` is the record as UTF-8; where it is not UTF-8, offending bytes show as U+FFFD and
/// the exact bytes are found by `source_offset` and `source_length` in the raw file.
pub(crate) fn schema() -> SchemaRef {
    let reason = Field::new_list_field(DataType::Struct(reason_fields()), false);
    Arc::new(Schema::new(vec![
        Field::new("submission_id", DataType::Utf8, false),
        Field::new("source_file", DataType::Utf8, false),
        Field::new("source_row", DataType::Int64, false),
        Field::new("source_offset", DataType::Int64, false),
        Field::new("source_length", DataType::Int64, false),
        Field::new("reasons", DataType::List(Arc::new(reason)), false),
        Field::new("raw_text", DataType::Utf8, false),
    ]))
}

/// Writes rejects to `quarantine/…/part-*.parquet`, in the order they come.
pub struct QuarantineWriter {
    objects: Objects,
    place: SubmissionPlace,
    builder: Builder,
    file: Option<ParquetFile>,
    parts: usize,
    rows: u64,
}

impl QuarantineWriter {
    pub fn new(objects: &Objects, place: &SubmissionPlace) -> Self {
        Self {
            objects: objects.clone(),
            place: place.clone(),
            builder: Builder::new(),
            file: None,
            parts: 0,
            rows: 0,
        }
    }

    pub async fn write(&mut self, source_file: &str, rejects: &[Reject]) -> Result<(), LakeError> {
        let submission = self.place.submission.to_string();
        for reject in rejects {
            self.builder.append(&submission, source_file, reject);
            self.rows += 1;
            if self.builder.rows() >= BATCH_ROWS {
                self.flush().await?;
            }
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), LakeError> {
        let batch = self.builder.finish()?;
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let key = Key::QuarantinePart {
                    place: &self.place,
                    part: self.parts,
                }
                .to_string();
                self.parts += 1;
                let file = ParquetFile::create(&self.objects, key, schema())?;
                none.insert(file.with_row_groups_of(ROW_GROUP_BYTES))
            }
        };
        file.write(&batch).await?;
        if file.rows() >= PART_ROWS {
            self.close_part().await?;
        }
        Ok(())
    }

    async fn close_part(&mut self) -> Result<(), LakeError> {
        if let Some(file) = self.file.take() {
            file.close().await?;
        }
        Ok(())
    }

    /// Writes what still waits; returns the number of rows. Without rejects there is no file.
    pub async fn close(mut self) -> Result<u64, LakeError> {
        self.flush().await?;
        self.close_part().await?;
        Ok(self.rows)
    }
}

pub(crate) struct Builder {
    submission: StringBuilder,
    source_file: StringBuilder,
    source_row: Int64Builder,
    source_offset: Int64Builder,
    source_length: Int64Builder,
    reasons: ListBuilder<StructBuilder>,
    raw_text: StringBuilder,
    rows: usize,
}

impl Builder {
    pub(crate) fn new() -> Self {
        let item = Field::new_list_field(DataType::Struct(reason_fields()), false);
        Self {
            submission: StringBuilder::new(),
            source_file: StringBuilder::new(),
            source_row: Int64Builder::new(),
            source_offset: Int64Builder::new(),
            source_length: Int64Builder::new(),
            reasons: ListBuilder::new(StructBuilder::from_fields(reason_fields(), 0))
                .with_field(item),
            raw_text: StringBuilder::new(),
            rows: 0,
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn append(&mut self, submission: &str, source_file: &str, reject: &Reject) {
        self.submission.append_value(submission);
        self.source_file.append_value(source_file);
        self.source_row.append_value(reject.row as i64);
        self.source_offset.append_value(reject.offset as i64);
        self.source_length.append_value(reject.length as i64);
        self.raw_text
            .append_value(String::from_utf8_lossy(&reject.raw));
        let reasons = self.reasons.values();
        for problem in &reject.problems {
            let texts = [
                problem.column.as_deref(),
                Some(&*problem.rule),
                Some(&*problem.detail),
            ];
            for (index, text) in texts.into_iter().enumerate() {
                reasons
                    .field_builder::<StringBuilder>(index)
                    .expect("every field of a reason is text")
                    .append_option(text);
            }
            reasons.append(true);
        }
        self.reasons.append(true);
        self.rows += 1;
    }

    pub(crate) fn finish(&mut self) -> Result<RecordBatch, LakeError> {
        self.rows = 0;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.submission.finish()),
            Arc::new(self.source_file.finish()),
            Arc::new(self.source_row.finish()),
            Arc::new(self.source_offset.finish()),
            Arc::new(self.source_length.finish()),
            Arc::new(self.reasons.finish()),
            Arc::new(self.raw_text.finish()),
        ];
        RecordBatch::try_new(schema(), columns)
            .map_err(LakeError::arrow("building quarantine rows"))
    }
}

/// A row in quarantine. `raw_text` holds patients' values: show it only where asked to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuarantinedRow {
    pub source_file: String,
    pub source_row: i64,
    pub source_offset: i64,
    pub source_length: i64,
    pub reasons: Vec<QuarantinedReason>,
    pub raw_text: String,
}

/// Why a row was rejected: the column (none for a rule about the whole row), the rule, and what
/// the contract expected.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct QuarantinedReason {
    pub column: Option<String>,
    pub rule: String,
    pub expected: String,
}

/// `paid: type (a decimal)`.
impl fmt::Display for QuarantinedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(column) = &self.column {
            write!(f, "{column}: ")?;
        }
        write!(f, "{} ({})", self.rule, self.expected)
    }
}

/// A submission's quarantined rows in file order, up to `limit`.
pub async fn read_quarantine(
    objects: &Objects,
    place: &SubmissionPlace,
    limit: usize,
) -> Result<Vec<QuarantinedRow>, LakeError> {
    let mut rows = Vec::new();
    for key in parquet_keys(objects, &Key::Quarantine { place }.to_string()).await? {
        if rows.len() >= limit {
            break;
        }
        let bytes = objects.get(&key).await?;
        read_part(&key, bytes, limit, &mut rows)?;
    }
    Ok(rows)
}

fn read_part(
    key: &str,
    bytes: Bytes,
    limit: usize,
    rows: &mut Vec<QuarantinedRow>,
) -> Result<(), LakeError> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(LakeError::parquet("open", key))?;
    for batch in reader {
        let batch = batch.map_err(LakeError::arrow("reading quarantine rows"))?;
        let number =
            |column: usize, row: usize| batch.column(column).as_primitive::<Int64Type>().value(row);
        for row in 0..batch.num_rows() {
            if rows.len() >= limit {
                return Ok(());
            }
            rows.push(QuarantinedRow {
                source_file: batch.column(1).as_string::<i32>().value(row).to_owned(),
                source_row: number(2, row),
                source_offset: number(3, row),
                source_length: number(4, row),
                reasons: read_reasons(&batch.column(5).as_list::<i32>().value(row)),
                raw_text: batch.column(6).as_string::<i32>().value(row).to_owned(),
            });
        }
    }
    Ok(())
}

pub(crate) fn read_reasons(list: &ArrayRef) -> Vec<QuarantinedReason> {
    let reasons = list.as_struct();
    let text = |column: usize, row: usize| {
        let values = reasons.column(column).as_string::<i32>();
        (!values.is_null(row)).then(|| values.value(row).to_owned())
    };
    (0..reasons.len())
        .map(|row| QuarantinedReason {
            column: text(0, row),
            rule: text(1, row).unwrap_or_default(),
            expected: text(2, row).unwrap_or_default(),
        })
        .collect()
}
