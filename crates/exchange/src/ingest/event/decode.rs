//! From a message of the bus to an event. What cannot be read says what is wrong with it, by
//! member, so that a dead letter can be understood without its bytes.

use contract::{EventId, RecordId};
use serde_json::{Map, Value};

use super::{Description, EventVersion, RawObject};
use crate::ingest::strict_json::{self, FaultRule};
use crate::ingest::{CorrelationId, TraceParent};
use crate::records::instant;

/// An event as a consumer gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedEvent {
    /// `None` where the producer wrote no `CloudEvents` headers.
    pub event_id: Option<EventId>,
    pub record_id: RecordId,
    pub object: RawObject,
    pub correlation_id: CorrelationId,
    pub trace_parent: Option<TraceParent>,
    /// `None` in version 1.
    pub description: Option<Description>,
}

impl ReceivedEvent {
    pub fn version(&self) -> EventVersion {
        match self.description {
            None => EventVersion::V1,
            Some(_) => EventVersion::V2,
        }
    }
}

/// Why a message is no event. Trying again does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    #[error("the event's value cannot be read: {rule}, at byte {offset}")]
    Json { rule: FaultRule, offset: usize },
    #[error("the event's value is no JSON object")]
    NotAnObject,
    #[error("the event lacks `{member}`")]
    Missing { member: &'static str },
    #[error("the event's `{member}` is not {expected}")]
    Member {
        member: &'static str,
        expected: &'static str,
    },
    #[error("the event's `event_version` is none that this program knows; it knows v2")]
    UnknownVersion,
    #[error("the event is of a version of CloudEvents that this program does not know (not 1.0)")]
    UnknownSpecification,
    #[error("the message has no key that is a record's id")]
    NoRecordId,
    #[error("the message's key and the event's `record_id` name different records")]
    RecordIdsDiffer,
}

impl EventError {
    /// A name that does not change, for dead letters and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Json { .. } => "event_invalid_json",
            Self::NotAnObject => "event_not_an_object",
            Self::Missing { .. } => "event_missing_member",
            Self::Member { .. } => "event_invalid_member",
            Self::UnknownVersion => "event_unknown_version",
            Self::UnknownSpecification => "event_unknown_specification",
            Self::NoRecordId => "event_no_record_id",
            Self::RecordIdsDiffer => "event_record_ids_differ",
        }
    }
}

/// The event in a message: its headers (any that are not known are passed over), its key and its
/// value.
///
/// # Errors
/// Says what is wrong, without repeating it.
pub fn decode_event<'a>(
    headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    key: Option<&[u8]>,
    value: &[u8],
) -> Result<ReceivedEvent, EventError> {
    let headers = KnownHeaders::of(headers);
    if headers
        .specification
        .is_some_and(|version| version != b"1.0")
    {
        return Err(EventError::UnknownSpecification);
    }
    let members = match strict_json::parse(value) {
        Ok(Value::Object(members)) => members,
        Ok(_) => return Err(EventError::NotAnObject),
        Err(fault) => {
            let (rule, offset) = (fault.rule, fault.offset);
            return Err(EventError::Json { rule, offset });
        }
    };
    let record_id = key
        .or(headers.subject)
        .and_then(parsed)
        .ok_or(EventError::NoRecordId)?;
    let correlation_id = text(&members, "correlation_id")?;
    let correlation_id = CorrelationId::accept(correlation_id.as_bytes()).ok_or(member(
        "correlation_id",
        "1 to 128 of A-Z, a-z, 0-9, `.`, `_`, `:` and `-`",
    ))?;
    Ok(ReceivedEvent {
        event_id: headers.id.and_then(parsed),
        record_id,
        object: object(&members)?,
        correlation_id,
        trace_parent: headers.trace_parent.and_then(TraceParent::parse),
        description: description(&members, record_id)?,
    })
}

/// The headers that are read.
#[derive(Default)]
struct KnownHeaders<'a> {
    specification: Option<&'a [u8]>,
    id: Option<&'a [u8]>,
    subject: Option<&'a [u8]>,
    trace_parent: Option<&'a [u8]>,
}

impl<'a> KnownHeaders<'a> {
    fn of(headers: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut known = Self::default();
        for (name, value) in headers {
            match name {
                "ce_specversion" => known.specification = Some(value),
                "ce_id" => known.id = Some(value),
                "ce_subject" => known.subject = Some(value),
                "traceparent" => known.trace_parent = Some(value),
                _ => {}
            }
        }
        known
    }
}

fn parsed<T: std::str::FromStr>(bytes: &[u8]) -> Option<T> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

fn object(members: &Map<String, Value>) -> Result<RawObject, EventError> {
    let size = members
        .get("size")
        .ok_or(EventError::Missing { member: "size" })?;
    let sha256 = text(members, "sha256")?;
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if sha256.len() != 64 || !sha256.bytes().all(is_digit) {
        return Err(member("sha256", "64 lower-case hexadecimal digits"));
    }
    Ok(RawObject {
        bucket: text(members, "bucket")?.to_owned(),
        key: object_key(text(members, "key")?)?.to_owned(),
        sha256: sha256.to_owned(),
        size_bytes: size
            .as_u64()
            .ok_or(member("size", "a whole number of bytes"))?,
    })
}

/// A key is a path below the bucket: it must not lead out of it.
fn object_key(key: &str) -> Result<&str, EventError> {
    let leads_below = key
        .split('/')
        .all(|part| !matches!(part, "" | "." | "..") && !part.contains('\\'));
    if leads_below {
        Ok(key)
    } else {
        Err(member("key", "a path of names with `/` between"))
    }
}

fn description(
    members: &Map<String, Value>,
    record_id: RecordId,
) -> Result<Option<Description>, EventError> {
    match members.get("event_version") {
        None => return Ok(None),
        Some(version) if version.as_str() == EventVersion::V2.label() => {}
        Some(_) => return Err(EventError::UnknownVersion),
    }
    if members.contains_key("record_id") {
        let named = text(members, "record_id")?;
        if named.parse::<RecordId>().ok() != Some(record_id) {
            return Err(EventError::RecordIdsDiffer);
        }
    }
    let occurred_at = match members.get("occurred_at") {
        None => None,
        Some(_) => {
            let time = instant(text(members, "occurred_at")?);
            Some(time.ok_or(member("occurred_at", "RFC 3339 with a zone"))?)
        }
    };
    Ok(Some(Description {
        record_kind: text(members, "record_kind")?
            .parse()
            .map_err(|_| member("record_kind", "one of encounter, claim, lab_result"))?,
        schema_hint: text(members, "schema_hint")?
            .parse()
            .map_err(|_| member("schema_hint", "a schema hint, such as fhir/R4/Claim"))?,
        occurred_at,
    }))
}

fn text<'a>(members: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, EventError> {
    match members.get(name) {
        None => Err(EventError::Missing { member: name }),
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        Some(_) => Err(member(name, "text")),
    }
}

fn member(member: &'static str, expected: &'static str) -> EventError {
    EventError::Member { member, expected }
}
