//! Problems: what is promised of each type, and what a client reads.

use std::collections::BTreeSet;

use exchange::ingest::{
    CorrelationId, IdempotencyKeyRules, Problem, ProblemType, RecordRequest, RequestVersion,
    strict_json,
};
use serde_json::json;

fn correlation() -> CorrelationId {
    CorrelationId::of_header(Some(b"order-17"))
}

#[test]
fn every_type_keeps_its_name_status_and_words() {
    let table: Vec<_> = ProblemType::ALL
        .iter()
        .map(|problem| {
            let retry = problem
                .retry_after_seconds()
                .map_or(String::new(), |seconds| {
                    format!("\n    Retry-After: {seconds}")
                });
            format!(
                "{} {}\n    {}\n    {}{retry}",
                problem.status(),
                problem.uri(),
                problem.title(),
                problem.detail()
            )
        })
        .collect();
    insta::assert_snapshot!(table.join("\n"));
}

#[test]
fn no_two_types_share_a_name() {
    let names: BTreeSet<_> = ProblemType::ALL
        .iter()
        .map(|problem| problem.uri())
        .collect();
    assert_eq!(names.len(), ProblemType::ALL.len());
}

#[test]
fn a_body_that_is_not_json_is_told_where() {
    let cases = [
        (r#"{"a":1,"a":2}"#, ProblemType::DuplicateMember),
        (r#"{"a":1e999}"#, ProblemType::NumberOutOfRange),
        (r#"{"a":"\u0000"}"#, ProblemType::UnsupportedCharacter),
        ("{", ProblemType::InvalidJson),
        ("{}{}", ProblemType::InvalidJson),
        (&"[".repeat(100), ProblemType::TooDeep),
    ];
    for (body, problem) in cases {
        let fault = strict_json::parse(body.as_bytes()).unwrap_err();
        let told = Problem::of_fault(&fault, correlation());
        assert_eq!(told.r#type, problem);
        assert_eq!(told.status, 400);
    }
    let fault = strict_json::parse(br#"{"a":{"b":1,"b":2}}"#).unwrap_err();
    let told = serde_json::to_string_pretty(&Problem::of_fault(&fault, correlation())).unwrap();
    insta::assert_snapshot!(told);
}

#[test]
fn a_record_that_is_wrong_is_told_every_place() {
    let body = json!({ "source": "Acme", "record_type": "claim", "payload": { "amount": true } });
    let found = RecordRequest::parse(RequestVersion::V1, body).unwrap_err();
    let told = Problem::of_violations(ProblemType::InvalidRecord, found, correlation());
    insta::assert_snapshot!(serde_json::to_string_pretty(&told).unwrap());
}

#[test]
fn a_key_or_a_token_that_is_wrong_is_told_by_a_code() {
    let reason = IdempotencyKeyRules::default().parse(b"short").unwrap_err();
    let told = Problem::of_key(reason, correlation());
    assert_eq!(told.errors[0].rule, "too-short");

    let told = Problem::new(ProblemType::Unauthenticated, correlation())
        .because("token-expired", "get a new token");
    assert_eq!(
        serde_json::to_value(&told).unwrap()["errors"],
        json!([{ "pointer": "", "rule": "token-expired", "detail": "get a new token" }])
    );
}
