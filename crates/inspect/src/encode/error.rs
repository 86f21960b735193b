use std::io;

use parquet::errors::ParquetError;

use crate::Unreadable;

/// Why a file did not pass. Whoever gave the sinks takes back what they hold.
#[derive(Debug, thiserror::Error)]
pub enum CorridorError {
    /// The submitter's to mend.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("the file could not be read to its end")]
    Read(#[source] io::Error),
    #[error("what was read could not be written")]
    Write(#[source] io::Error),
    #[error("the Parquet encoder failed")]
    Parquet(#[from] ParquetError),
    /// What the caller does with each block failed.
    #[error("a block could not be taken further")]
    Block(#[source] io::Error),
    /// A thread ended before its work did; its own message says why.
    #[error("a thread of the inspector ended early")]
    Ended,
}
