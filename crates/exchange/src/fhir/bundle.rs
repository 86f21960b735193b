//! A bundle taken apart (<https://hl7.org/fhir/R4/bundle.html>).
//!
//! References between entries (`urn:uuid:…`) stay as they are: every record keeps the identity
//! that its sender gave it, and records are joined by it later.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::entry_key::{EntryName, entry_key};
use crate::ingest::strict_json::{self, Fault, Written};
use crate::ingest::{IdempotencyKey, RecordRequest};
use crate::records::{self, FhirResource, Pointer, Rule, SchemaHint, Source, Violation, start_of};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BundleType {
    /// All of it or nothing: one entry that is refused refuses the bundle.
    Transaction,
    /// Each entry for itself.
    Batch,
    /// A set that was put together for another purpose; read as a batch.
    Collection,
}

impl BundleType {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "transaction" => Some(Self::Transaction),
            "batch" => Some(Self::Batch),
            "collection" => Some(Self::Collection),
            _ => None,
        }
    }

    /// The type of the bundle that answers it.
    pub fn response(self) -> &'static str {
        match self {
            Self::Transaction => "transaction-response",
            Self::Batch | Self::Collection => "batch-response",
        }
    }
}

/// A bundle's entries, in its order.
#[derive(Debug)]
pub struct BundleSplit {
    pub bundle_type: BundleType,
    pub entries: Vec<BundleEntry>,
}

/// What one entry is to us.
#[derive(Debug)]
pub enum BundleEntry {
    Record(Box<EntryRecord>),
    /// A resource that is no record here. Nothing is kept of it, and its sender is told so.
    NotTaken,
    /// Pointers begin at the bundle.
    Refused(Vec<Violation>),
}

/// A request of version 2, as if it had been posted by itself.
pub struct EntryRecord {
    pub idempotency_key: IdempotencyKey,
    pub request: RecordRequest,
    /// The request's bytes, with the resource as it stands in the bundle. They are what is
    /// stored and hashed.
    pub body: Vec<u8>,
}

/// The bytes are a patient's and are not shown.
impl fmt::Debug for EntryRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntryRecord")
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

/// Why a bundle is not taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BundleRefusal {
    Json(Fault),
    Envelope(Vec<Violation>),
}

/// The requests in a bundle, each checked. `bundle_key` is the key that the bundle came with.
///
/// # Errors
/// What is wrong with the bundle itself. A single entry that is wrong is among the entries.
pub fn split(
    body: &[u8],
    source: &Source,
    bundle_key: &IdempotencyKey,
) -> Result<BundleSplit, BundleRefusal> {
    let bundle = strict_json::parse(body).map_err(BundleRefusal::Json)?;
    let (bundle_type, entries) = envelope(bundle).map_err(BundleRefusal::Envelope)?;
    let text = std::str::from_utf8(body).expect("what was parsed is UTF-8");
    let written = Written::of_valid(text).member("entry");
    let written = written.map(Written::items).unwrap_or_default();
    let mut taken = BTreeSet::new();
    let entries = entries
        .into_iter()
        .zip(written)
        .enumerate()
        .map(|(index, (entry, written))| {
            let place = Pointer::root().member("entry").item(index);
            let entry = Entry::read(entry, &place)?;
            let name = match &entry.full_url {
                Some(url) => EntryName::FullUrl(url),
                None => EntryName::Position(index),
            };
            let key = entry_key(bundle_key, name);
            if !taken.insert(key.as_str().to_owned()) {
                let detail = "write a fullUrl that no other entry of the bundle has";
                let at = place.member("fullUrl");
                return Err(vec![Violation::new(at, Rule::Agreement, detail)]);
            }
            entry.record(source, key, &place, written)
        })
        .map(|read| read.unwrap_or_else(BundleEntry::Refused))
        .collect();
    Ok(BundleSplit {
        bundle_type,
        entries,
    })
}

/// Everything that refuses a transaction as a whole, before any of it is kept. Empty where
/// nothing does, and for a bundle whose entries stand for themselves.
pub fn transaction_refused(bundle: &BundleSplit) -> Vec<Violation> {
    if bundle.bundle_type != BundleType::Transaction {
        return Vec::new();
    }
    let refused = bundle.entries.iter().filter_map(|entry| match entry {
        BundleEntry::Refused(violations) => Some(violations),
        BundleEntry::Record(_) | BundleEntry::NotTaken => None,
    });
    refused.flatten().cloned().collect()
}

fn envelope(bundle: Value) -> Result<(BundleType, Vec<Value>), Vec<Violation>> {
    let Value::Object(mut members) = bundle else {
        let detail = "write a FHIR bundle as an object";
        return Err(vec![Violation::new(Pointer::root(), Rule::Type, detail)]);
    };
    let mut found = Vec::new();
    let mut wrong = |name: &str, rule, detail: &'static str| {
        found.push(Violation::new(Pointer::root().member(name), rule, detail));
    };
    if members.get("resourceType").and_then(Value::as_str) != Some("Bundle") {
        wrong("resourceType", Rule::Domain, "write Bundle");
    }
    let bundle_type = members.get("type").and_then(Value::as_str);
    let bundle_type = bundle_type.and_then(BundleType::parse);
    if bundle_type.is_none() {
        let detail = "write transaction, batch or collection";
        wrong("type", Rule::Domain, detail);
    }
    let entries = match members.remove("entry") {
        None => Some(Vec::new()),
        Some(Value::Array(entries)) => Some(entries),
        Some(_) => {
            wrong("entry", Rule::Type, "write a list of entries");
            None
        }
    };
    match (bundle_type, entries) {
        (Some(bundle_type), Some(entries)) if found.is_empty() => Ok((bundle_type, entries)),
        _ => Err(found),
    }
}

struct Entry {
    full_url: Option<String>,
    resource: Map<String, Value>,
}

impl Entry {
    fn read(entry: Value, place: &Pointer) -> Result<Self, Vec<Violation>> {
        let wrong =
            |at: Pointer, rule, detail: &'static str| Err(vec![Violation::new(at, rule, detail)]);
        let Value::Object(mut members) = entry else {
            return wrong(place.clone(), Rule::Type, "write an entry as an object");
        };
        let method = members.get("request").and_then(|it| it.get("method"));
        if method.is_some_and(|method| method != "POST" && method != "PUT") {
            let at = place.member("request").member("method");
            return wrong(
                at,
                Rule::NotSupported,
                "write POST or PUT: records are only added",
            );
        }
        let full_url = match members.remove("fullUrl") {
            None => None,
            Some(Value::String(url)) => Some(url),
            Some(_) => return wrong(place.member("fullUrl"), Rule::Type, "write a URI as text"),
        };
        match members.remove("resource") {
            Some(Value::Object(resource)) => Ok(Self { full_url, resource }),
            Some(_) => wrong(place.member("resource"), Rule::Type, "write a resource"),
            None => wrong(place.member("resource"), Rule::Required, "write a resource"),
        }
    }

    fn record(
        self,
        source: &Source,
        idempotency_key: IdempotencyKey,
        place: &Pointer,
        written: Written<'_>,
    ) -> Result<BundleEntry, Vec<Violation>> {
        let place = place.member("resource");
        let Some(Value::String(name)) = self.resource.get("resourceType") else {
            let at = place.member("resourceType");
            let detail = "write the resource's type as text";
            return Err(vec![Violation::new(at, Rule::Required, detail)]);
        };
        let Some(resource) = FhirResource::of_type(name) else {
            return Ok(BundleEntry::NotTaken);
        };
        let request = request(resource, source, Value::Object(self.resource)).map_err(|found| {
            let from_bundle = found.into_iter().map(|violation| violation.below(&place));
            from_bundle.collect::<Vec<_>>()
        })?;
        let written = written
            .member("resource")
            .expect("an entry that was read with a resource has its text");
        Ok(BundleEntry::Record(Box::new(EntryRecord {
            idempotency_key,
            body: request.body_around(written.as_str()),
            request,
        })))
    }
}

/// The request of version 2 that says what the resource says.
fn request(
    resource: FhirResource,
    source: &Source,
    payload: Value,
) -> Result<RecordRequest, Vec<Violation>> {
    let schema_hint = SchemaHint::from(resource);
    let mut found = records::check(resource.kind(), Some(&schema_hint), &payload);
    let occurred_at = occurred_at(resource, &payload);
    if occurred_at.is_none() && found.is_empty() {
        let detail = format!(
            "write when it was, in one of {}",
            times(resource).join(", ")
        );
        found.push(Violation::new(Pointer::root(), Rule::Required, detail));
    }
    match occurred_at {
        Some(occurred_at) if found.is_empty() => Ok(RecordRequest {
            source: source.clone(),
            kind: resource.kind(),
            schema_hint: Some(schema_hint),
            occurred_at,
            payload,
        }),
        _ => Err(found),
    }
}

/// The elements that say when it was, the best first.
fn times(resource: FhirResource) -> &'static [&'static str] {
    match resource {
        FhirResource::Encounter => &["/period/start", "/period/end"],
        FhirResource::Claim => &["/billablePeriod/start", "/created"],
        FhirResource::Observation => &[
            "/effectiveDateTime",
            "/effectiveInstant",
            "/effectivePeriod/start",
            "/issued",
        ],
    }
}

fn occurred_at(resource: FhirResource, payload: &Value) -> Option<DateTime<Utc>> {
    let mut written = times(resource)
        .iter()
        .filter_map(|place| payload.pointer(place)?.as_str());
    written.find_map(start_of)
}
