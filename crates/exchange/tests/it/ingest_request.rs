//! Requests of both versions, and what is wrong with those that are refused.

use chrono::{DateTime, Utc};
use exchange::ingest::{RecordRequest, RequestVersion, strict_json};
use exchange::records::{RecordKind, Rule, SchemaHint, canonical_payload, check};
use serde_json::{Value, json};

/// Requests as clients posted them. They are never edited: old clients keep working.
const RECORDED: [&str; 9] = [
    include_str!("ingest_fixtures/request_v1_encounter.json"),
    include_str!("ingest_fixtures/request_v1_claim.json"),
    include_str!("ingest_fixtures/request_v1_lab_result.json"),
    include_str!("ingest_fixtures/request_v2_encounter.json"),
    include_str!("ingest_fixtures/request_v2_claim.json"),
    include_str!("ingest_fixtures/request_v2_lab_result.json"),
    include_str!("ingest_fixtures/request_v2_fhir_encounter.json"),
    include_str!("ingest_fixtures/request_v2_fhir_claim.json"),
    include_str!("ingest_fixtures/request_v2_fhir_lab_result.json"),
];

fn v1() -> Value {
    json!({
        "source": "acme",
        "record_type": "encounter",
        "occurred_at": "2024-05-06T01:00:00+02:00",
        "payload": { "encounter_id": "e1", "start": "2024-05-06", "mood": "kept as it came" },
    })
}

fn v2(hint: &str, kind: &str, payload: Value) -> Value {
    json!({
        "source": "acme",
        "record_kind": kind,
        "schema_hint": hint,
        "occurred_at": "2024-05-05T23:00:00Z",
        "payload": payload,
    })
}

fn encounter() -> Value {
    json!({
        "resourceType": "Encounter",
        "id": "e1",
        "status": "finished",
        "class": { "code": "AMB" },
        "subject": { "reference": "Patient/p1" },
        "period": { "start": "2024-05-06T01:00:00+02:00", "end": "2024-05-06T02:00:00+02:00" },
    })
}

/// Pointer and rule of everything that is wrong.
fn wrong(version: RequestVersion, body: Value) -> Vec<(String, Rule)> {
    let found = RecordRequest::parse(version, body).expect_err("the request is wrong");
    let mut places: Vec<_> = found
        .into_iter()
        .map(|violation| (violation.pointer.to_string(), violation.rule))
        .collect();
    places.sort();
    places
}

fn places(expected: &[(&str, Rule)]) -> Vec<(String, Rule)> {
    let mut places: Vec<_> = expected
        .iter()
        .map(|(at, rule)| ((*at).to_owned(), *rule))
        .collect();
    places.sort();
    places
}

#[test]
fn a_request_of_version_1_is_read() {
    let request = RecordRequest::parse(RequestVersion::V1, v1()).unwrap();
    assert_eq!(request.source.as_str(), "acme");
    assert_eq!(request.kind, RecordKind::Encounter);
    assert_eq!(request.schema_hint, None);
    let at: DateTime<Utc> = "2024-05-05T23:00:00Z".parse().unwrap();
    assert_eq!(request.occurred_at, at);
    assert_eq!(request.payload["mood"], "kept as it came");
}

#[test]
fn a_request_of_version_2_is_read() {
    let body = v2("fhir/R4/Encounter", "encounter", encounter());
    let request = RecordRequest::parse(RequestVersion::V2, body).unwrap();
    assert_eq!(request.schema_hint.unwrap().as_str(), "fhir/R4/Encounter");
}

#[test]
fn a_request_becomes_a_body_that_says_the_same() {
    for (version, body) in [
        (RequestVersion::V1, v1()),
        (RequestVersion::V2, v2("acme/visit", "encounter", json!({}))),
    ] {
        let request = RecordRequest::parse(version, body).unwrap();
        let again = strict_json::parse(&request.to_body()).unwrap();
        assert_eq!(RequestVersion::of_body(&again), version);
        assert_eq!(RecordRequest::parse(version, again).unwrap(), request);
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let body = json!({
        "source": "../acme",
        "record_type": "x-ray",
        "occurred_at": "2024-05-06T01:00:00",
        "payload": [],
        "schema_hint": "acme/visit",
    });
    let expected = places(&[
        ("/source", Rule::Format),
        ("/record_type", Rule::Domain),
        ("/occurred_at", Rule::Format),
        ("/payload", Rule::Type),
        ("/schema_hint", Rule::Unknown),
    ]);
    assert_eq!(wrong(RequestVersion::V1, body), expected);

    let expected = places(&[
        ("/source", Rule::Required),
        ("/record_kind", Rule::Required),
        ("/schema_hint", Rule::Required),
        ("/occurred_at", Rule::Required),
        ("/payload", Rule::Required),
    ]);
    assert_eq!(wrong(RequestVersion::V2, json!({})), expected);
    assert_eq!(
        wrong(RequestVersion::V1, json!([])),
        places(&[("", Rule::Type)])
    );
}

#[test]
fn one_member_that_is_wrong_is_named() {
    let cases = [
        ("source", json!(1), Rule::Type),
        ("source", json!(null), Rule::Type),
        ("source", json!("Acme"), Rule::Format),
        ("record_type", json!("Encounter"), Rule::Domain),
        ("occurred_at", json!(1_700_000_000), Rule::Type),
        ("occurred_at", json!("2024-05-06"), Rule::Format),
        ("payload", json!("{}"), Rule::Type),
        ("record_kind", json!("encounter"), Rule::Unknown),
    ];
    for (name, value, rule) in cases {
        let mut body = v1();
        body[name] = value;
        let place = format!("/{name}");
        assert_eq!(
            wrong(RequestVersion::V1, body),
            places(&[(&place, rule)]),
            "{name}"
        );
    }
}

#[test]
fn a_known_field_of_the_wrong_type_is_a_violation_and_an_unknown_one_is_kept() {
    let payload = json!({
        "claim_id": 17,
        "amount": "12,50",
        "currency": "usd",
        "start": "2024-02-02",
        "end": "2024-02-01",
        "diagnosis_codes": ["E11.9", " "],
        "lines": [{ "line_number": 0 }],
        "claim_number": 17,
        "status": null,
    });
    let found = wrong(RequestVersion::V2, v2("acme/claim", "claim", payload));
    let expected = places(&[
        ("/payload/claim_id", Rule::Type),
        ("/payload/amount", Rule::Format),
        ("/payload/currency", Rule::Format),
        ("/payload/end", Rule::Interval),
        ("/payload/diagnosis_codes", Rule::Format),
        ("/payload/lines/0/line_number", Rule::Format),
    ]);
    assert_eq!(found, expected);
}

#[test]
fn a_fhir_resource_must_be_what_its_hint_and_kind_say() {
    let hint = "fhir/R4/Encounter";
    let found = wrong(RequestVersion::V2, v2(hint, "claim", encounter()));
    assert_eq!(found, places(&[("/payload", Rule::Agreement)]));

    let mut other = encounter();
    other["resourceType"] = json!("Claim");
    let found = wrong(RequestVersion::V2, v2(hint, "encounter", other));
    assert_eq!(found, places(&[("/payload/resourceType", Rule::Agreement)]));

    let found = wrong(
        RequestVersion::V2,
        v2("fhir/R4/Patient", "encounter", encounter()),
    );
    assert_eq!(found, places(&[("/schema_hint", Rule::Format)]));
}

#[test]
fn each_required_element_of_each_resource_is_asked_for() {
    let cases: [(&str, RecordKind, &[&str]); 3] = [
        ("Encounter", RecordKind::Encounter, &["status", "class"]),
        (
            "Claim",
            RecordKind::Claim,
            &[
                "status",
                "type",
                "use",
                "patient",
                "created",
                "provider",
                "priority",
                "insurance",
            ],
        ),
        ("Observation", RecordKind::LabResult, &["status", "code"]),
    ];
    for (name, kind, elements) in cases {
        let hint: SchemaHint = format!("fhir/R4/{name}").parse().unwrap();
        let found = check(kind, Some(&hint), &json!({ "resourceType": name }));
        let named: Vec<_> = found
            .iter()
            .map(|it| (it.pointer.to_string(), it.rule))
            .collect();
        let expected: Vec<_> = elements
            .iter()
            .map(|element| (format!("/{element}"), Rule::Required))
            .collect();
        assert_eq!(named, expected);
    }
}

#[test]
fn an_element_of_another_code_or_shape_is_a_violation() {
    let mut resource = encounter();
    resource["status"] = json!("done");
    resource["class"] = json!([{ "code": "AMB" }]);
    resource["period"]["end"] = json!("2024-05-05T00:00:00Z");
    let found = wrong(
        RequestVersion::V2,
        v2("fhir/R4/Encounter", "encounter", resource),
    );
    let expected = places(&[
        ("/payload/status", Rule::Domain),
        ("/payload/class", Rule::Type),
        ("/payload/period/end", Rule::Interval),
    ]);
    assert_eq!(found, expected);
}

#[test]
fn the_canonical_payload_has_the_contracts_names() {
    let hint: SchemaHint = "fhir/R4/Encounter".parse().unwrap();
    let canonical = canonical_payload(Some(&hint), &encounter());
    let expected = json!({
        "encounter_id": "e1",
        "patient_id": "p1",
        "status": "finished",
        "class": "AMB",
        "start": "2024-05-06T01:00:00+02:00",
        "end": "2024-05-06T02:00:00+02:00",
        "resource": encounter(),
    });
    assert_eq!(canonical, expected);
    assert_eq!(canonical_payload(None, &v1()["payload"]), v1()["payload"]);
}

#[test]
fn no_violation_and_no_debug_output_holds_a_value() {
    let mut body = v1();
    body["source"] = json!("CANARY 1");
    body["record_type"] = json!("CANARY");
    body["occurred_at"] = json!("CANARY");
    let found = RecordRequest::parse(RequestVersion::V1, body).unwrap_err();
    assert!(!format!("{found:?}").contains("CANARY"));

    let payload = json!({ "value": ["CANARY"], "abnormal": "CANARY", "start": "CANARY" });
    let body = v2("acme/lab", "lab_result", payload);
    let found = RecordRequest::parse(RequestVersion::V2, body).unwrap_err();
    assert_eq!(found.len(), 3);
    assert!(!format!("{found:?}").contains("CANARY"));

    let body = v2("acme/lab", "lab_result", json!({ "value": "CANARY" }));
    let request = RecordRequest::parse(RequestVersion::V2, body).unwrap();
    assert!(!format!("{request:?}").contains("CANARY"));
}

#[test]
fn every_recorded_request_is_still_taken() {
    for text in RECORDED {
        let body = strict_json::parse(text.as_bytes()).unwrap();
        let version = RequestVersion::of_body(&body);
        let request = RecordRequest::parse(version, body).unwrap();
        assert_eq!(request.source.as_str(), "acme");
        assert_eq!(
            request.occurred_at.to_rfc3339(),
            "2024-05-06T07:00:00+00:00"
        );
    }
}
