//! Columns of a row group, encoded apart from each other.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::file::writer::SerializedRowGroupWriter;
use parquet::schema::types::{ColumnDescPtr, ColumnPath};
use zstd::bulk::Compressor;

use super::numbering::Physical;
use super::pages::{Chunk, PAGE_BYTES, ZSTD_LEVEL};
use super::parcel::Parcel;
use super::piece::Piece;
use super::variety::Variety;
use super::{dictionary_chunk, text_chunk};

/// A row group's columns are encoded in that many tasks.
const TASKS: usize = 8;
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
    /// Of the column itself, or of its first leaf where it is nested.
    descriptor: ColumnDescPtr,
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
            writer.into_serialized_writer()
        };
        let path = ColumnPath::from(field.name().as_str());
        let mut many = properties();
        if let Some(encoding) = without_dictionary(field.data_type()) {
            many = many
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, encoding);
        }
        let (writer, few) = factory(properties())?;
        Ok(Self {
            field: Arc::clone(field),
            descriptor: writer.schema_descr().column(0),
            few,
            many: factory(many)?.1,
        })
    }

    fn encode(
        &self,
        pieces: Vec<Piece>,
        compressor: &mut Compressor<'_>,
        chunks: &mut Vec<EncodedColumn>,
    ) -> Result<(), ParquetError> {
        let data_type = self.field.data_type();
        let physical = Physical::of(data_type);
        let variety = physical.map_or(Variety::Few, |physical| Variety::of(physical, &pieces));
        if variety == Variety::Few
            && let Some(physical) = physical
            && let Some(chunk) =
                dictionary_chunk::encode(&self.descriptor, physical, &pieces, compressor)?
        {
            chunks.push(EncodedColumn::Own(chunk));
            return Ok(());
        }
        if variety == Variety::Many && physical == Some(Physical::Text) {
            let chunk = text_chunk::encode(&self.descriptor, &pieces, compressor)?;
            chunks.push(EncodedColumn::Own(chunk));
            return Ok(());
        }
        // One writer per leaf of the column.
        let mut writers = match variety {
            Variety::Few => self.few.create_column_writers(0)?,
            Variety::Many => self.many.create_column_writers(0)?,
        };
        for piece in pieces {
            let leaves = compute_leaves(&self.field, &piece.into_array(data_type)?)?;
            for (writer, leaf) in writers.iter_mut().zip(&leaves) {
                writer.write(leaf)?;
            }
        }
        for writer in writers {
            chunks.push(EncodedColumn::General(writer.close()?));
        }
        Ok(())
    }
}

/// The encoding of a column of many different numbers; none where a dictionary is all there is.
fn without_dictionary(data_type: &DataType) -> Option<Encoding> {
    match data_type {
        DataType::Int64 | DataType::Date32 | DataType::Timestamp(..) => {
            Some(Encoding::DELTA_BINARY_PACKED)
        }
        // Up to 18 digits Parquet keeps them as integers.
        DataType::Decimal128(1..=18, _) => Some(Encoding::DELTA_BINARY_PACKED),
        _ => None,
    }
}

pub(super) fn properties() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(
            ZstdLevel::try_new(ZSTD_LEVEL).expect("it is a zstd level"),
        ))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_created_by("lazaret".to_owned())
}

/// Rows that will be one row group of one file.
#[derive(Debug)]
pub struct RowGroup {
    schema: ParquetSchema,
    /// By column, in row order.
    columns: Vec<Vec<Piece>>,
}

impl RowGroup {
    /// Batches of that schema, in their order.
    pub fn new(schema: &ParquetSchema, batches: Vec<RecordBatch>) -> Self {
        let mut columns = vec![Vec::with_capacity(batches.len()); schema.0.columns.len()];
        for batch in &batches {
            for (pieces, array) in columns.iter_mut().zip(batch.columns()) {
                pieces.push(Piece::Plain(Arc::clone(array)));
            }
        }
        Self {
            schema: schema.clone(),
            columns,
        }
    }

    pub(super) fn of_parcels(schema: &ParquetSchema, parcels: Vec<Parcel>) -> Self {
        let mut columns = vec![Vec::with_capacity(parcels.len()); schema.0.columns.len()];
        for parcel in parcels {
            for (pieces, piece) in columns.iter_mut().zip(parcel.columns) {
                pieces.push(piece);
            }
        }
        Self {
            schema: schema.clone(),
            columns,
        }
    }

    /// What is to be done, by columns in their order: each on any thread, at any time. The rows
    /// of a task are let go when it is done.
    pub fn into_tasks(self) -> Vec<ColumnTask> {
        let at_once = self.columns.len().div_ceil(TASKS).max(1);
        let mut columns = self.columns.into_iter();
        let mut tasks = Vec::with_capacity(TASKS);
        for first in (0..columns.len()).step_by(at_once) {
            tasks.push(ColumnTask {
                schema: self.schema.clone(),
                first,
                pieces: columns.by_ref().take(at_once).collect(),
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
    pieces: Vec<Vec<Piece>>,
}

impl ColumnTask {
    /// Pure: the same rows give the same bytes.
    ///
    /// # Errors
    /// A column is not of the schema's type.
    pub fn encode(self) -> Result<EncodedColumns, ParquetError> {
        let columns = &self.schema.0.columns[self.first..];
        let mut chunks = Vec::with_capacity(self.pieces.len());
        let mut compressor = Compressor::new(ZSTD_LEVEL)?;
        for (column, pieces) in columns.iter().zip(self.pieces) {
            column.encode(pieces, &mut compressor, &mut chunks)?;
        }
        Ok(EncodedColumns { chunks })
    }
}

/// Columns of a row group, ready for [`super::ParquetFile::append`].
#[derive(Debug)]
pub struct EncodedColumns {
    pub(super) chunks: Vec<EncodedColumn>,
}

#[derive(Debug)]
pub(super) enum EncodedColumn {
    Own(Chunk),
    General(ArrowColumnChunk),
}

impl EncodedColumn {
    pub(super) fn append<W: Write + Send>(
        self,
        row_group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        match self {
            Self::Own(chunk) => row_group.append_column(&chunk.bytes, chunk.close),
            Self::General(chunk) => chunk.append_to_row_group(row_group),
        }
    }
}
