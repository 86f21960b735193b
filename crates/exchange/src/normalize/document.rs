//! From the bytes of a raw object to its canonical record.

use chrono::Utc;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use store::{CanonicalRecord, Payload};

use super::Reason;
use crate::ingest::{ReceivedEvent, RecordRequest, RequestVersion, strict_json};
use crate::records::{Rule, SchemaHint, Violation, canonical_payload};

/// Reads the request that the API took, by the API's own rules. The event only describes it, and
/// may be of another version: a record that came in by one can be announced again by the other.
pub(super) fn read(event: &ReceivedEvent, bytes: &[u8]) -> Result<CanonicalRecord, Reason> {
    let body = strict_json::parse(bytes).map_err(|fault| invalid(fault.rule.to_string()))?;
    let version = RequestVersion::of_body(&body);
    let request = RecordRequest::parse(version, body).map_err(|found| invalid(list(&found)))?;
    let described = event.description.as_ref();
    if described.is_some_and(|described| described.record_kind != request.kind) {
        return Err(invalid("the event calls it another kind of record"));
    }
    let event_hint = described.map(|described| &described.schema_hint);
    let hint = match (&request.schema_hint, event_hint) {
        (Some(own), Some(events)) if own != events => {
            return Err(invalid("the event gives it another schema hint"));
        }
        (own, events) => own.as_ref().or(events),
    };
    Ok(CanonicalRecord {
        record_id: event.record_id,
        source: request.source.as_str().to_owned(),
        record_type: request.kind.as_str().to_owned(),
        payload: payload(hint, bytes, &request.payload)?,
        ingested_at: request.occurred_at,
        event_version: event.version().label().map(str::to_owned),
        record_kind: described.map(|described| described.record_kind.as_str().to_owned()),
        schema_hint: event_hint.map(|hint| hint.as_str().to_owned()),
        object_key: event.object.key.clone(),
        sha256: event.object.sha256.clone(),
        correlation_id: event.correlation_id.as_str().to_owned(),
        created_at: Utc::now(),
    })
}

/// The payload as it was written: a decimal keeps its digits. Beside a FHIR resource stand the
/// fields that its kind of record knows.
fn payload(hint: Option<&SchemaHint>, body: &[u8], parsed: &Value) -> Result<Payload, Reason> {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        payload: &'a RawValue,
    }
    #[derive(Serialize)]
    struct Resource<'a> {
        #[serde(flatten)]
        columns: Map<String, Value>,
        resource: &'a RawValue,
    }
    let not_json = |_| invalid("it is not JSON");
    let written = serde_json::from_slice::<Body<'_>>(body)
        .map_err(not_json)?
        .payload;
    let json = match (
        hint.and_then(SchemaHint::fhir_resource),
        canonical_payload(hint, parsed),
    ) {
        (Some(_), Value::Object(mut columns)) => {
            columns.remove("resource");
            let resource = Resource {
                columns,
                resource: written,
            };
            serde_json::to_string(&resource).map_err(not_json)?
        }
        _ => written.get().to_owned(),
    };
    Payload::parse(json).map_err(|error| invalid(error.to_string()))
}

fn invalid(problem: impl Into<String>) -> Reason {
    Reason::InvalidRecord(problem.into())
}

/// Where and which rules. The name of a member that nobody knows is the client's own text, so it
/// is left out.
fn list(violations: &[Violation]) -> String {
    let told: Vec<_> = violations
        .iter()
        .map(|violation| match violation.rule {
            Rule::Unknown => violation.rule.as_str().to_owned(),
            rule => format!("{} at {}", rule.as_str(), violation.pointer),
        })
        .collect();
    told.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(hint: Option<&str>, payload_text: &str) -> String {
        let hint = hint.map(|hint| hint.parse::<SchemaHint>().unwrap());
        let body = format!(r#"{{ "source": "acme", "payload": {payload_text} }}"#);
        let parsed: Value = serde_json::from_str(payload_text).unwrap();
        let payload = payload(hint.as_ref(), body.as_bytes(), &parsed);
        payload.unwrap().as_str().to_owned()
    }

    #[test]
    fn a_payload_keeps_its_digits() {
        let plain = r#"{ "amount": 1.10, "note": "x" }"#;
        assert_eq!(written(None, plain), plain);
        assert_eq!(written(Some("acme/visit"), plain), plain);
    }

    #[test]
    fn a_fhir_resource_stands_whole_beside_its_columns() {
        let resource = r#"{"resourceType":"Observation","id":"o1","valueQuantity":{"value":1.10}}"#;
        let written = written(Some("fhir/R4/Observation"), resource);
        let end = format!(r#""resource":{resource}}}"#);
        assert!(written.ends_with(&end), "{written}");
        let record: Value = serde_json::from_str(&written).unwrap();
        assert_eq!(record["lab_result_id"], "o1");
    }

    #[test]
    fn a_broken_rule_is_told_without_the_name_that_a_client_made_up() {
        let body = serde_json::json!({ "source": "acme", "Donald Duck": 1 });
        let told = list(&RecordRequest::parse(RequestVersion::V1, body).unwrap_err());
        assert!(!told.contains("Duck"), "{told}");
        assert!(told.contains("required at /payload"), "{told}");
    }
}
