//! The body of `POST /v1/ingest` and `POST /v2/ingest`, checked as a whole: a client learns of
//! everything that is wrong with it at once.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};

use crate::records::{self, Pointer, RecordKind, Rule, SchemaHint, Source, Violation, instant};

/// The versions of the request. Version 1 is what clients posted first, and stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestVersion {
    /// `source`, `record_type`, `occurred_at`, `payload`.
    V1,
    /// `source`, `record_kind`, `schema_hint`, `occurred_at`, `payload`.
    V2,
}

impl RequestVersion {
    /// The version that a stored body was posted in. An event does not tell: a replay may
    /// announce a body of either version by an event of the other.
    pub fn of_body(body: &Value) -> Self {
        match body.get("record_kind") {
            None => Self::V1,
            Some(_) => Self::V2,
        }
    }

    fn members(self) -> &'static [&'static str] {
        match self {
            Self::V1 => &["source", "record_type", "occurred_at", "payload"],
            Self::V2 => &[
                "source",
                "record_kind",
                "schema_hint",
                "occurred_at",
                "payload",
            ],
        }
    }

    fn kind_member(self) -> &'static str {
        match self {
            Self::V1 => "record_type",
            Self::V2 => "record_kind",
        }
    }
}

/// One record as a client posted it, checked.
#[derive(Clone, PartialEq)]
pub struct RecordRequest {
    pub source: Source,
    pub kind: RecordKind,
    /// `None` in version 1.
    pub schema_hint: Option<SchemaHint>,
    pub occurred_at: DateTime<Utc>,
    pub payload: Value,
}

impl RecordRequest {
    /// The request in a body that [`super::strict_json`] has read.
    ///
    /// # Errors
    /// Everything that is wrong with it, by place and rule, without a value.
    pub fn parse(version: RequestVersion, body: Value) -> Result<Self, Vec<Violation>> {
        let Value::Object(mut members) = body else {
            let detail = "write the body as an object";
            return Err(vec![Violation::new(Pointer::root(), Rule::Type, detail)]);
        };
        let mut found = unknown_members(version, &members);
        let source = text_member(&members, "source", &mut found);
        let kind = text_member(&members, version.kind_member(), &mut found);
        let schema_hint = match version {
            RequestVersion::V1 => None,
            RequestVersion::V2 => text_member(&members, "schema_hint", &mut found),
        };
        let occurred_at =
            text_member(&members, "occurred_at", &mut found).map(|Instant(time)| time);
        let payload = members.remove("payload");
        // Without all that chooses the contract, a payload is checked for its type alone.
        let contract = match version {
            RequestVersion::V1 => kind.map(|kind| (kind, None)),
            RequestVersion::V2 => kind.zip(schema_hint.as_ref().map(Some)),
        };
        found.extend(check_payload(contract, payload.as_ref()));
        match (source, kind, occurred_at, payload) {
            (Some(source), Some(kind), Some(occurred_at), Some(payload)) if found.is_empty() => {
                Ok(Self {
                    source,
                    kind,
                    schema_hint,
                    occurred_at,
                    payload,
                })
            }
            _ => Err(found),
        }
    }

    /// The body that says the same: version 2 where there is a schema hint, else version 1.
    pub fn to_body(&self) -> Vec<u8> {
        self.body_around(&self.payload.to_string())
    }

    /// The body with the payload's own text.
    pub(crate) fn body_around(&self, payload: &str) -> Vec<u8> {
        let occurred_at = self
            .occurred_at
            .to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let (source, kind) = (&self.source, self.kind);
        let described = match &self.schema_hint {
            None => format!(r#""record_type":"{kind}""#),
            Some(hint) => format!(r#""record_kind":"{kind}","schema_hint":"{hint}""#),
        };
        // Not one of these can hold a character that JSON escapes.
        format!(
            r#"{{"source":"{source}",{described},"occurred_at":"{occurred_at}","payload":{payload}}}"#
        )
        .into_bytes()
    }
}

/// The payload is a patient's and is not shown.
impl std::fmt::Debug for RecordRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordRequest")
            .field("source", &self.source)
            .field("kind", &self.kind)
            .field("schema_hint", &self.schema_hint)
            .finish_non_exhaustive()
    }
}

fn unknown_members(version: RequestVersion, members: &Map<String, Value>) -> Vec<Violation> {
    let known = version.members();
    let unknown = members
        .keys()
        .filter(|name| !known.contains(&name.as_str()));
    unknown
        .map(|name| {
            let detail = format!("leave it out, or write one of {}", known.join(", "));
            Violation::new(Pointer::root().member(name), Rule::Unknown, detail)
        })
        .collect()
}

/// Text that is required and has a grammar of its own. What parsing it says becomes the detail.
trait Grammar: std::str::FromStr<Err: std::fmt::Display> {
    const RULE: Rule;
}
impl Grammar for Source {
    const RULE: Rule = Rule::Format;
}
impl Grammar for RecordKind {
    const RULE: Rule = Rule::Domain;
}
impl Grammar for SchemaHint {
    const RULE: Rule = Rule::Format;
}
impl Grammar for Instant {
    const RULE: Rule = Rule::Format;
}

struct Instant(DateTime<Utc>);

impl std::str::FromStr for Instant {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        instant(text)
            .map(Self)
            .ok_or("write RFC 3339 with a zone, such as 2024-01-31T08:30:00Z")
    }
}

fn text_member<T: Grammar>(
    members: &Map<String, Value>,
    name: &'static str,
    found: &mut Vec<Violation>,
) -> Option<T> {
    let (rule, detail) = match members.get(name) {
        None => (Rule::Required, format!("write {name} as text")),
        Some(Value::String(text)) => match text.parse() {
            Ok(parsed) => return Some(parsed),
            Err(error) => (T::RULE, error.to_string()),
        },
        Some(_) => (Rule::Type, format!("write {name} as text")),
    };
    found.push(Violation::new(Pointer::root().member(name), rule, detail));
    None
}

fn check_payload(
    contract: Option<(RecordKind, Option<&SchemaHint>)>,
    payload: Option<&Value>,
) -> Vec<Violation> {
    let place = Pointer::root().member("payload");
    let wrong = |rule| {
        let detail = "write the payload as an object";
        vec![Violation::new(place, rule, detail)]
    };
    match (payload, contract) {
        (None, _) => wrong(Rule::Required),
        (Some(payload), _) if !payload.is_object() => wrong(Rule::Type),
        (Some(_), None) => Vec::new(),
        (Some(payload), Some((kind, hint))) => records::check(kind, hint, payload)
            .into_iter()
            .map(|violation| violation.within("payload"))
            .collect(),
    }
}
