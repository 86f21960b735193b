//! Where a file's bytes come from: an object, a file of this machine, or standard input. Bytes
//! are read ahead of whoever works on them, and no more than a few chunks wait.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use inspect::Unreadable;
use lake::Objects;
use tokio::sync::mpsc;

use crate::PipelineError;

const CHUNK_BYTES: usize = 4 << 20;
const CHUNKS_AHEAD: usize = 2;

/// Why reading did not come to a file's end.
pub(crate) enum Stopped {
    /// The file is not readable, and why.
    Unreadable(String),
    Failed(PipelineError),
}

impl From<Unreadable> for Stopped {
    fn from(unreadable: Unreadable) -> Self {
        Self::Unreadable(unreadable.to_string())
    }
}

impl From<PipelineError> for Stopped {
    fn from(error: PipelineError) -> Self {
        Self::Failed(error)
    }
}

/// Something that bytes can be read from.
#[derive(Clone)]
pub enum Source {
    Object {
        objects: Objects,
        key: String,
        size_bytes: u64,
    },
    File {
        path: PathBuf,
        size_bytes: u64,
    },
    Stdin,
}

impl Source {
    /// A file of this machine.
    pub fn file(path: PathBuf) -> Result<Self, PipelineError> {
        let size = std::fs::metadata(&path).and_then(|found| {
            if found.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            Ok(found.len())
        });
        match size {
            Ok(size_bytes) => Ok(Self::File { path, size_bytes }),
            Err(source) => Err(PipelineError::Read {
                name: path.display().to_string(),
                source,
            }),
        }
    }

    /// Nothing is known of what stands before standard input.
    pub fn size_bytes(&self) -> Option<u64> {
        match self {
            Self::Object { size_bytes, .. } | Self::File { size_bytes, .. } => Some(*size_bytes),
            Self::Stdin => None,
        }
    }

    /// All bytes in order.
    pub(crate) fn chunks(&self) -> BoxStream<'_, Result<Bytes, PipelineError>> {
        match self {
            Self::Object {
                objects,
                key,
                size_bytes,
            } => {
                let chunks = objects.read(key, *size_bytes, None);
                chunks.map_err(PipelineError::Lake).boxed()
            }
            Self::File { path, .. } => {
                let path = path.clone();
                self.read_ahead(move || File::open(path))
            }
            Self::Stdin => self.read_ahead(|| Ok(io::stdin().lock())),
        }
    }

    /// So many bytes from `offset` on, fewer at the end. Standard input has no such.
    pub(crate) async fn range(&self, offset: u64, length: u64) -> Result<Bytes, PipelineError> {
        match self {
            Self::Object {
                objects,
                key,
                size_bytes,
            } => {
                let length = length.min(size_bytes.saturating_sub(offset));
                Ok(objects.get_range(key, offset, length).await?)
            }
            Self::File { path, .. } => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || {
                    let mut file = File::open(path)?;
                    file.seek(SeekFrom::Start(offset))?;
                    let mut bytes = Vec::new();
                    file.take(length).read_to_end(&mut bytes)?;
                    Ok(Bytes::from(bytes))
                });
                let read = read
                    .await
                    .map_err(|_| PipelineError::Interrupted("reading a file"))?;
                read.map_err(|error| self.failed(error))
            }
            Self::Stdin => Err(self.failed(io::ErrorKind::NotSeekable.into())),
        }
    }

    fn read_ahead<R: Read>(
        &self,
        open: impl FnOnce() -> io::Result<R> + Send + 'static,
    ) -> BoxStream<'_, Result<Bytes, PipelineError>> {
        let (full, mut chunks) = mpsc::channel(CHUNKS_AHEAD);
        tokio::task::spawn_blocking(move || {
            let read_all = || {
                let mut from = open()?;
                loop {
                    let mut chunk = Vec::with_capacity(CHUNK_BYTES);
                    let read = from.by_ref().take(CHUNK_BYTES as u64);
                    { read }.read_to_end(&mut chunk)?;
                    // Nobody listens any more where reading was given up.
                    if chunk.is_empty() || full.blocking_send(Ok(Bytes::from(chunk))).is_err() {
                        return Ok(());
                    }
                }
            };
            if let Err(error) = read_all() {
                let _ = full.blocking_send(Err(error));
            }
        });
        stream::poll_fn(move |context| chunks.poll_recv(context))
            .map_err(|error| self.failed(error))
            .boxed()
    }

    fn failed(&self, source: io::Error) -> PipelineError {
        let name = match self {
            Self::Object { key, .. } => key.clone(),
            Self::File { path, .. } => path.display().to_string(),
            Self::Stdin => "standard input".to_owned(),
        };
        PipelineError::Read { name, source }
    }
}
