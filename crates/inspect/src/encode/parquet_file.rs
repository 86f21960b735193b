use std::io::{self, Write};

use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;

use super::columns::{ColumnTask, EncodedColumns, ParquetSchema, RowGroup, properties};

/// One Parquet file that is written to `W`: row groups one after another, then the footer.
pub struct ParquetFile<W: Write + Send> {
    writer: SerializedFileWriter<W>,
}

impl<W: Write + Send> ParquetFile<W> {
    /// # Errors
    /// The file's beginning could not be written.
    pub fn new(schema: &ParquetSchema, out: W) -> Result<Self, ParquetError> {
        let arrow = ArrowWriter::try_new(out, schema.arrow(), Some(properties().build()))?;
        let (writer, _) = arrow.into_serialized_writer()?;
        Ok(Self { writer })
    }

    /// Adds a row group: the outcomes of all its tasks, in the tasks' order.
    ///
    /// # Errors
    /// It could not be written, or a task is missing.
    pub fn append(&mut self, columns: Vec<EncodedColumns>) -> Result<(), ParquetError> {
        let mut row_group = self.writer.next_row_group()?;
        for chunk in columns.into_iter().flat_map(|columns| columns.chunks) {
            chunk.append(&mut row_group)?;
        }
        row_group.close().map(drop)
    }

    /// Adds rows as one row group, encoded here and now.
    ///
    /// # Errors
    /// As [`ColumnTask::encode`] and [`Self::append`].
    pub fn write(
        &mut self,
        schema: &ParquetSchema,
        batches: Vec<RecordBatch>,
    ) -> Result<(), ParquetError> {
        let tasks = RowGroup::new(schema, batches).into_tasks().into_iter();
        let encoded = tasks.map(ColumnTask::encode).collect::<Result<_, _>>()?;
        self.append(encoded)
    }

    /// Hands what is buffered here on to `W`.
    ///
    /// # Errors
    /// It could not be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    /// What was given. Others' bytes written to it would break the file.
    pub fn inner_mut(&mut self) -> &mut W {
        self.writer.inner_mut()
    }

    /// Bytes of the row groups so far.
    pub fn size_bytes(&self) -> usize {
        self.writer.bytes_written()
    }

    /// Writes the footer and gives back what was written to.
    ///
    /// # Errors
    /// It could not be written.
    pub fn finish(self) -> Result<W, ParquetError> {
        self.writer.into_inner()
    }
}
