//! One message on its way through the normaliser.

use contract::EventId;
use sha2::{Digest, Sha256};
use store::{Attempt, CanonicalRecord, NormalizedRecord};

use super::{RawObjects, Reason, document};
use crate::bus::{Message, Received};
use crate::ingest::{ReceivedEvent, request_hash};

/// A message that could be read.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) received: Received,
    pub(super) event: ReceivedEvent,
}

/// An attempt that came to a canonical record.
#[derive(Debug)]
pub(super) struct Good {
    pub(super) work: Work,
    pub(super) record: NormalizedRecord,
}

/// An attempt that did not.
#[derive(Debug)]
pub(super) struct Bad {
    pub(super) work: Work,
    pub(super) attempt: Attempt,
    pub(super) reason: Reason,
}

/// A message that is given up.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) received: Received,
    pub(super) event: Option<ReceivedEvent>,
    pub(super) reason: Reason,
}

impl From<Bad> for Failed {
    fn from(bad: Bad) -> Self {
        Self {
            received: bad.work.received,
            event: Some(bad.work.event),
            reason: bad.reason,
        }
    }
}

impl Failed {
    /// An event without an id gets one from what it is, so that it is the same dead letter
    /// however often it comes.
    pub(super) fn event_id(&self) -> EventId {
        let own = self.event.as_ref().and_then(|event| event.event_id);
        own.unwrap_or_else(|| id_of(&self.received.message))
    }
}

fn id_of(message: &Message) -> EventId {
    let mut hash = Sha256::new();
    for part in [message.topic.as_bytes(), &message.key, &message.payload] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    // Version 8 of RFC 9562: bits of one's own.
    let id = uuid::Builder::from_custom_bytes(bytes).into_uuid();
    id.to_string().parse().expect("a UUID is an event's id")
}

/// Fetches the object and makes it a canonical record, or says why not.
pub(super) async fn look(
    objects: &impl RawObjects,
    event: &ReceivedEvent,
) -> Result<CanonicalRecord, Reason> {
    let bytes = objects.get(&event.object.key).await?;
    let found = bytes.len() as u64;
    let expected = event.object.size_bytes;
    if found != expected {
        return Err(Reason::SizeMismatch { expected, found });
    }
    if request_hash(&bytes) != event.object.sha256 {
        return Err(Reason::HashMismatch);
    }
    document::read(event, &bytes)
}
