//! One Parquet file on its way to its key: encoded on all cores beside whoever writes, uploaded
//! by whoever writes, so that a writer which is dropped leaves nothing behind.

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use inspect::{ColumnTask, EncodedColumns, ParquetSchema, ROW_GROUP_ROWS, RowGroup};
use object_store::buffered::BufWriter;
use parquet::errors::ParquetError;
use tokio::io::AsyncWriteExt;
use tokio::task::JoinHandle;

use crate::{LakeError, Objects};

/// The bound of row groups whose rows are wide, as Arrow.
const ROW_GROUP_BYTES: usize = 64 * 1024 * 1024;

/// One Parquet file being written to its key. Nothing is visible there until `close`. Rows wait
/// until they are a row group; one row group at most is being encoded.
pub(crate) struct ParquetFile {
    key: String,
    schema: ParquetSchema,
    out: BufWriter,
    file: inspect::ParquetFile<Vec<u8>>,
    row_group_bytes: usize,
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
    waiting_bytes: usize,
    encoding: Vec<JoinHandle<Result<EncodedColumns, ParquetError>>>,
    rows: usize,
    sent_bytes: usize,
}

impl ParquetFile {
    pub(crate) fn create(
        objects: &Objects,
        key: String,
        schema: SchemaRef,
    ) -> Result<Self, LakeError> {
        let begin = || {
            let schema = ParquetSchema::new(schema)?;
            let file = inspect::ParquetFile::new(&schema, Vec::new())?;
            Ok((schema, file))
        };
        let (schema, file) = begin().map_err(LakeError::parquet("begin", &key))?;
        Ok(Self {
            out: objects.writer(&key),
            key,
            schema,
            file,
            row_group_bytes: ROW_GROUP_BYTES,
            waiting: Vec::new(),
            waiting_rows: 0,
            waiting_bytes: 0,
            encoding: Vec::new(),
            rows: 0,
            sent_bytes: 0,
        })
    }

    /// Row groups of less than usual, for files that are written beside larger ones.
    pub(crate) fn with_row_groups_of(mut self, bytes: usize) -> Self {
        self.row_group_bytes = bytes;
        self
    }

    pub(crate) async fn write(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.rows += batch.num_rows();
        self.waiting_rows += batch.num_rows();
        self.waiting_bytes += batch.get_array_memory_size();
        self.waiting.push(batch.clone());
        if self.waiting_rows >= ROW_GROUP_ROWS || self.waiting_bytes >= self.row_group_bytes {
            self.begin_row_group().await?;
        }
        Ok(())
    }

    /// Starts to encode what waits; the row group before is written first.
    pub(crate) async fn begin_row_group(&mut self) -> Result<(), LakeError> {
        self.end_row_group().await?;
        (self.waiting_rows, self.waiting_bytes) = (0, 0);
        let batches = std::mem::take(&mut self.waiting);
        if !batches.is_empty() {
            let tasks = RowGroup::new(&self.schema, batches).into_tasks();
            let spawn = |task: ColumnTask| tokio::task::spawn_blocking(move || task.encode());
            self.encoding = tasks.into_iter().map(spawn).collect();
        }
        Ok(())
    }

    async fn end_row_group(&mut self) -> Result<(), LakeError> {
        let tasks = std::mem::take(&mut self.encoding);
        if tasks.is_empty() {
            return Ok(());
        }
        let mut columns = Vec::with_capacity(tasks.len());
        for task in tasks {
            let ended = task
                .await
                .map_err(|error| ParquetError::External(error.into()));
            let encoded = ended.flatten();
            columns.push(encoded.map_err(LakeError::parquet("encode", &self.key))?);
        }
        let append = || {
            self.file.append(columns)?;
            self.file.flush()?;
            Ok(std::mem::take(self.file.inner_mut()))
        };
        let bytes = append().map_err(LakeError::parquet("write", &self.key))?;
        self.send(bytes).await
    }

    async fn send(&mut self, bytes: Vec<u8>) -> Result<(), LakeError> {
        self.sent_bytes += bytes.len();
        let sent = self.out.put(Bytes::from(bytes)).await;
        sent.map_err(|error| ParquetError::External(error.into()))
            .map_err(LakeError::parquet("write", &self.key))
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of the row groups that are written.
    pub(crate) fn size_bytes(&self) -> usize {
        self.sent_bytes
    }

    /// Writes what still waits and the footer; returns the file's size in bytes.
    pub(crate) async fn close(mut self) -> Result<u64, LakeError> {
        self.begin_row_group().await?;
        self.end_row_group().await?;
        let rest = self.file.finish();
        let rest = rest.map_err(LakeError::parquet("finish", &self.key))?;
        let size_bytes = self.sent_bytes + rest.len();
        let end = async {
            self.out.put(Bytes::from(rest)).await?;
            self.out.shutdown().await?;
            Ok::<_, std::io::Error>(())
        };
        end.await
            .map_err(|error| ParquetError::External(error.into()))
            .map_err(LakeError::parquet("finish", &self.key))?;
        Ok(size_bytes as u64)
    }
}
