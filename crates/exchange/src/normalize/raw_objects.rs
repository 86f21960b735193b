use std::future::Future;

use bytes::Bytes;

/// Where raw objects are read from.
pub trait RawObjects: Send + Sync {
    /// The whole object under that key.
    fn get(&self, key: &str) -> impl Future<Output = Result<Bytes, RawObjectError>> + Send;
}

/// Why an object was not read. Neither tells what is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RawObjectError {
    #[error("there is no such object")]
    NotFound,
    /// Trying again may help.
    #[error("the object store failed: {0}")]
    Unavailable(String),
}
