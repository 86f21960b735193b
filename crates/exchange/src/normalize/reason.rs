use super::RawObjectError;
use crate::ingest::EventError;

/// Why a message did not become a canonical record. It names places and rules, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error(transparent)]
    UndecodableEvent(#[from] EventError),
    #[error("the raw object is not there")]
    MissingObject,
    #[error("the raw object has {found} bytes, and the event promised {expected}")]
    SizeMismatch { expected: u64, found: u64 },
    #[error("the raw object's SHA-256 is not the one that the event promised")]
    HashMismatch,
    #[error("the record is not what its contract says: {0}")]
    InvalidRecord(String),
    #[error("the object store did not give the raw object: {0}")]
    ObjectStore(String),
    #[error("the database takes other records and not this one: {0}")]
    RefusedByDatabase(String),
}

impl Reason {
    /// Stable: dead letters are counted and filtered by it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UndecodableEvent(error) => error.code(),
            Self::MissingObject => "missing_object",
            Self::SizeMismatch { .. } => "size_mismatch",
            Self::HashMismatch => "hash_mismatch",
            Self::InvalidRecord(_) => "invalid_record",
            Self::ObjectStore(_) => "object_store",
            Self::RefusedByDatabase(_) => "refused_by_database",
        }
    }

    /// Whether another attempt may end otherwise without anybody's doing.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::ObjectStore(_) => true,
            Self::UndecodableEvent(_)
            | Self::MissingObject
            | Self::SizeMismatch { .. }
            | Self::HashMismatch
            | Self::InvalidRecord(_)
            | Self::RefusedByDatabase(_) => false,
        }
    }
}

impl From<RawObjectError> for Reason {
    fn from(error: RawObjectError) -> Self {
        match error {
            RawObjectError::NotFound => Self::MissingObject,
            RawObjectError::Unavailable(problem) => Self::ObjectStore(problem),
        }
    }
}
