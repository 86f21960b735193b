//! What is announced of an accepted record: where its bytes lie, never what they say.
//!
//! Two versions, each on a topic of its own. Version 1 is what the first consumers read and never
//! changes; version 2 adds the description. Members may be added to version 2, so a reader passes
//! over those that it does not know. The schemas are `schemas/record.ingested.v*.json`.
//!
//! On the bus an event is a `CloudEvent` 1.0.2 in Kafka's binary mode: attributes are headers
//! `ce_*`, and the value is the event's data.

mod decode;
mod encode;

use chrono::{DateTime, Utc};
use contract::{EventId, RecordId};

use super::{CorrelationId, TraceParent};
use crate::records::{RecordKind, SchemaHint, Source};

pub use decode::{EventError, ReceivedEvent, decode_event};
pub use encode::EventMessage;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventVersion {
    V1,
    V2,
}

impl EventVersion {
    /// The `type` of the `CloudEvent`, whatever the topic is called.
    pub fn cloud_event_type(self) -> &'static str {
        match self {
            Self::V1 => "record.ingested.v1",
            Self::V2 => "record.ingested.v2",
        }
    }

    /// `event_version` in the event and in `canonical_records`. Version 1 has none.
    pub fn label(self) -> Option<&'static str> {
        match self {
            Self::V1 => None,
            Self::V2 => Some("v2"),
        }
    }
}

/// The topics' names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    pub v1: String,
    pub v2: String,
}

impl Default for Topics {
    fn default() -> Self {
        Self {
            v1: "record.ingested.v1".to_owned(),
            v2: "record.ingested.v2".to_owned(),
        }
    }
}

impl Topics {
    pub fn of(&self, version: EventVersion) -> &str {
        match version {
            EventVersion::V1 => &self.v1,
            EventVersion::V2 => &self.v2,
        }
    }
}

/// A record was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordEvent {
    pub event_id: EventId,
    pub record_id: RecordId,
    pub source: Source,
    /// When it was accepted.
    pub time: DateTime<Utc>,
    pub object: RawObject,
    pub correlation_id: CorrelationId,
    pub trace_parent: Option<TraceParent>,
    /// What version 2 says beyond version 1; `None` makes an event of version 1.
    pub description: Option<Description>,
}

/// Where the record's bytes lie, and which bytes they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawObject {
    pub bucket: String,
    pub key: String,
    /// In lower-case hexadecimal.
    pub sha256: String,
    pub size_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    pub record_kind: RecordKind,
    pub schema_hint: SchemaHint,
    /// Events that were recorded before it was added lack it.
    pub occurred_at: Option<DateTime<Utc>>,
}

impl RecordEvent {
    pub fn version(&self) -> EventVersion {
        match self.description {
            None => EventVersion::V1,
            Some(_) => EventVersion::V2,
        }
    }
}
