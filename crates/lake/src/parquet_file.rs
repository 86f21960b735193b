use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use object_store::buffered::BufWriter;
use parquet::arrow::AsyncArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::WriterProperties;

use crate::{LakeError, Objects};

/// Rows of one row group: enough for good encoding, little enough to hold several in memory.
const ROW_GROUP_ROWS: usize = 256 * 1024;
/// The bound of rows that are wide.
const ROW_GROUP_BYTES: usize = 64 * 1024 * 1024;

/// One Parquet file (zstd level 1, dictionary and statistics on) being written to its key.
/// Nothing is visible there until `close`.
pub(crate) struct ParquetFile {
    key: String,
    writer: AsyncArrowWriter<BufWriter>,
    rows: usize,
}

impl ParquetFile {
    pub(crate) fn create(
        objects: &Objects,
        key: String,
        schema: SchemaRef,
    ) -> Result<Self, LakeError> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(
                ZstdLevel::try_new(1).expect("1 is a zstd level"),
            ))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
            .set_created_by("lazaret".to_owned())
            .build();
        let options = ArrowWriterOptions::new().with_properties(properties);
        let writer = AsyncArrowWriter::try_new_with_options(objects.writer(&key), schema, options)
            .map_err(LakeError::parquet("begin", &key))?;
        Ok(Self {
            key,
            writer,
            rows: 0,
        })
    }

    pub(crate) async fn write(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        self.rows += batch.num_rows();
        self.writer
            .write(batch)
            .await
            .map_err(LakeError::parquet("write", &self.key))
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes written and about to be written.
    pub(crate) fn size_bytes(&self) -> usize {
        self.writer.bytes_written() + self.writer.in_progress_size()
    }

    pub(crate) async fn close(mut self) -> Result<(ParquetMetaData, u64), LakeError> {
        let metadata = self
            .writer
            .finish()
            .await
            .map_err(LakeError::parquet("finish", &self.key))?;
        Ok((metadata, self.writer.bytes_written() as u64))
    }
}
