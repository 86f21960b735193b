//! Columns of a row group, encoded apart from each other.

use std::io;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use super::variety::Variety;

/// A row group's columns are encoded in that many tasks.
const TASKS: usize = 8;
/// A page ends where its values reach that size, uncompressed.
const PAGE_BYTES: usize = 1 << 20;
const PAGE_ROWS: usize = 1 << 17;

/// How rows of one schema are written: zstd, and each column in the encoding that its values
/// call for. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ParquetSchema(Arc<Columns>);

#[derive(Debug)]
struct Columns {
    schema: SchemaRef,
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    field: FieldRef,
    few: ArrowRowGroupWriterFactory,
    many: ArrowRowGroupWriterFactory,
}

impl ParquetSchema {
    /// # Errors
    /// Parquet has no such type.
    pub fn new(schema: SchemaRef) -> Result<Self, ParquetError> {
        let columns = schema.fields().iter().map(Column::new);
        let columns = columns.collect::<Result<_, _>>()?;
        Ok(Self(Arc::new(Columns { schema, columns })))
    }

    pub fn arrow(&self) -> SchemaRef {
        Arc::clone(&self.0.schema)
    }
}

impl Column {
    fn new(field: &FieldRef) -> Result<Self, ParquetError> {
        let schema = Arc::new(Schema::new(vec![Arc::clone(field)]));
        let factory = |properties: WriterPropertiesBuilder| {
            let writer =
                ArrowWriter::try_new(io::sink(), Arc::clone(&schema), Some(properties.build()))?;
            Ok::<_, ParquetError>(writer.into_serialized_writer()?.1)
        };
        let path = ColumnPath::from(field.name().as_str());
        let mut many = properties();
        if let Some(encoding) = without_dictionary(field.data_type()) {
            many = many
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, encoding);
        }
        Ok(Self {
            field: Arc::clone(field),
            few: factory(properties())?,
            many: factory(many)?,
        })
    }

    /// One writer per leaf of the column.
    fn writers(&self, pieces: &[ArrayRef]) -> Result<Vec<ArrowColumnWriter>, ParquetError> {
        match Variety::of(pieces) {
            Variety::Few => &self.few,
            Variety::Many => &self.many,
        }
        .create_column_writers(0)
    }

    fn encode(&self, pieces: Vec<ArrayRef>) -> Result<Vec<ArrowColumnChunk>, ParquetError> {
        let mut writers = self.writers(&pieces)?;
        for piece in pieces {
            let leaves = compute_leaves(&self.field, &piece)?;
            for (writer, leaf) in writers.iter_mut().zip(&leaves) {
                writer.write(leaf)?;
            }
        }
        writers.into_iter().map(ArrowColumnWriter::close).collect()
    }
}

/// The encoding of a column of many different values; none where a dictionary is all there is.
fn without_dictionary(data_type: &DataType) -> Option<Encoding> {
    match data_type {
        DataType::Utf8 => Some(Encoding::PLAIN),
        DataType::Int64 | DataType::Date32 | DataType::Timestamp(..) => {
            Some(Encoding::DELTA_BINARY_PACKED)
        }
        // Up to 18 digits Parquet keeps them as integers.
        DataType::Decimal128(1..=18, _) => Some(Encoding::DELTA_BINARY_PACKED),
        DataType::Decimal128(..) => Some(Encoding::PLAIN),
        _ => None,
    }
}

pub(super) fn properties() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(
            ZstdLevel::try_new(1).expect("1 is a zstd level"),
        ))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_created_by("lazaret".to_owned())
}

/// Rows that will be one row group of one file.
#[derive(Debug)]
pub struct RowGroup {
    schema: ParquetSchema,
    batches: Vec<RecordBatch>,
}

impl RowGroup {
    /// Batches of that schema, in their order.
    pub fn new(schema: &ParquetSchema, batches: Vec<RecordBatch>) -> Self {
        Self {
            schema: schema.clone(),
            batches,
        }
    }

    /// What is to be done, by columns in their order: each on any thread, at any time. The rows
    /// of a task are let go when it is done.
    pub fn into_tasks(self) -> Vec<ColumnTask> {
        let columns = self.schema.0.columns.len();
        let mut tasks = Vec::with_capacity(TASKS);
        let at_once = columns.div_ceil(TASKS).max(1);
        for first in (0..columns).step_by(at_once) {
            let pieces = (first..columns.min(first + at_once)).map(|column| {
                let pieces = self.batches.iter();
                pieces
                    .map(|batch| Arc::clone(batch.column(column)))
                    .collect()
            });
            tasks.push(ColumnTask {
                schema: self.schema.clone(),
                first,
                pieces: pieces.collect(),
            });
        }
        tasks
    }
}

/// Some columns of a row group, not encoded yet.
#[derive(Debug)]
pub struct ColumnTask {
    schema: ParquetSchema,
    first: usize,
    pieces: Vec<Vec<ArrayRef>>,
}

impl ColumnTask {
    /// Pure: the same rows give the same bytes.
    ///
    /// # Errors
    /// A column is not of the schema's type.
    pub fn encode(self) -> Result<EncodedColumns, ParquetError> {
        let columns = &self.schema.0.columns[self.first..];
        let mut chunks = Vec::with_capacity(self.pieces.len());
        for (column, pieces) in columns.iter().zip(self.pieces) {
            chunks.extend(column.encode(pieces)?);
        }
        Ok(EncodedColumns { chunks })
    }
}

/// Columns of a row group, ready for [`super::ParquetFile::append`].
#[derive(Debug)]
pub struct EncodedColumns {
    pub(super) chunks: Vec<ArrowColumnChunk>,
}
