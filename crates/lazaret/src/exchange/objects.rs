use bytes::Bytes;
use exchange::intake::RawObjectWriter;
use exchange::normalize::{RawObjectError, RawObjects};
use lake::{LakeError, Objects};

/// Raw objects of records, in the lake's kind of store.
#[derive(Debug, Clone)]
pub(crate) struct RecordObjects(pub(super) Objects);

impl RawObjects for RecordObjects {
    async fn get(&self, key: &str) -> Result<Bytes, RawObjectError> {
        self.0.get(key).await.map_err(|error| failed(&error))
    }
}

impl RawObjectWriter for RecordObjects {
    async fn create(&self, key: &str, bytes: Bytes) -> Result<(), RawObjectError> {
        let created = self.0.create(key, bytes).await;
        created.map(drop).map_err(|error| failed(&error))
    }
}

fn failed(error: &LakeError) -> RawObjectError {
    if error.is_not_found() {
        return RawObjectError::NotFound;
    }
    RawObjectError::Unavailable(error.to_string())
}
