//! Events: what goes out comes back, and what went out once is read for ever.

use exchange::ingest::{
    CorrelationId, Description, EventError, EventMessage, RawObject, ReceivedEvent, RecordEvent,
    Topics, TraceParent, decode_event,
};
use exchange::records::RecordKind;
use serde_json::{Value, json};

const RECORD: &str = "0190b3c2-7a51-7c3e-8f00-3a6f1d2e4b5c";
const EVENT: &str = "0190b3c2-7a52-7d10-9b11-5c7e2f3a4d6e";

pub(crate) const RECORDED: [&str; 4] = [
    include_str!("ingest_fixtures/event_v1.json"),
    include_str!("ingest_fixtures/event_v1_without_headers.json"),
    include_str!("ingest_fixtures/event_v2_least.json"),
    include_str!("ingest_fixtures/event_v2.json"),
];

fn event() -> RecordEvent {
    RecordEvent {
        event_id: EVENT.parse().unwrap(),
        record_id: RECORD.parse().unwrap(),
        source: "acme".parse().unwrap(),
        time: "2026-03-01T12:00:00Z".parse().unwrap(),
        object: RawObject {
            bucket: "raw-objects".to_owned(),
            key: format!("acme/{RECORD}.json"),
            sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned(),
            size_bytes: 3,
        },
        correlation_id: CorrelationId::of_header(Some(b"order-17")),
        trace_parent: None,
        description: None,
    }
}

pub(crate) fn described() -> RecordEvent {
    RecordEvent {
        description: Some(Description {
            record_kind: RecordKind::Claim,
            schema_hint: "acme/claim/v3".parse().unwrap(),
            occurred_at: Some("2026-02-28T23:30:00Z".parse().unwrap()),
        }),
        ..event()
    }
}

pub(crate) fn traced() -> RecordEvent {
    let header = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    RecordEvent {
        trace_parent: TraceParent::parse(header),
        ..event()
    }
}

/// A message in the form of the recorded ones.
fn recorded(message: &EventMessage) -> Value {
    let headers: serde_json::Map<_, _> = message
        .headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    json!({
        "topic": message.topic,
        "key": message.key,
        "headers": headers,
        "payload": message.payload,
    })
}

fn decode(message: &Value) -> Result<ReceivedEvent, EventError> {
    let headers = message["headers"].as_object().unwrap().iter();
    let headers = headers.map(|(name, value)| (name.as_str(), value.as_str().unwrap().as_bytes()));
    let key = message["key"].as_str().map(str::as_bytes);
    decode_event(headers, key, message["payload"].to_string().as_bytes())
}

#[test]
fn an_event_is_written_as_it_was_recorded() {
    let topics = Topics::default();
    let first: Value = serde_json::from_str(RECORDED[0]).unwrap();
    assert_eq!(recorded(&traced().message(&topics)), first);
    let second: Value = serde_json::from_str(RECORDED[3]).unwrap();
    assert_eq!(recorded(&described().message(&topics)), second);
}

#[test]
fn an_event_comes_back_as_it_went_out() {
    for event in [event(), traced(), described()] {
        let received = decode(&recorded(&event.message(&Topics::default()))).unwrap();
        assert_eq!(received.version(), event.version());
        let expected = ReceivedEvent {
            event_id: Some(event.event_id),
            record_id: event.record_id,
            object: event.object,
            correlation_id: event.correlation_id,
            trace_parent: event.trace_parent,
            description: event.description,
        };
        assert_eq!(received, expected);
    }
}

#[test]
fn topics_can_be_renamed_and_the_type_stays() {
    let topics = Topics {
        v1: "a".to_owned(),
        v2: "b".to_owned(),
    };
    let message = described().message(&topics);
    assert_eq!(message.topic, "b");
    assert!(
        message
            .headers
            .contains(&("ce_type", "record.ingested.v2".to_owned()))
    );
}

#[test]
fn every_recorded_event_is_still_read() {
    for text in RECORDED {
        let message: Value = serde_json::from_str(text).unwrap();
        let received = decode(&message).unwrap();
        assert_eq!(received.record_id.to_string(), RECORD);
        assert_eq!(received.object, event().object);
    }
}

#[test]
fn members_and_headers_that_are_not_known_are_passed_over() {
    let mut message: Value = serde_json::from_str(RECORDED[3]).unwrap();
    message["payload"]["added_later"] = json!({ "any": [1] });
    message["headers"]["ce_added"] = json!("later");
    assert!(decode(&message).is_ok());
}

#[test]
fn what_is_no_event_says_what_is_wrong() {
    let changed = |place: &str, value: Value| {
        let mut message: Value = serde_json::from_str(RECORDED[3]).unwrap();
        *message.pointer_mut(place).unwrap() = value;
        decode(&message).expect_err("the message is wrong")
    };
    let cases = [
        ("/payload/bucket", json!(1), "event_invalid_member"),
        (
            "/payload/key",
            json!("acme/../../etc/passwd"),
            "event_invalid_member",
        ),
        ("/payload/key", json!("/acme"), "event_invalid_member"),
        ("/payload/sha256", json!("BA78"), "event_invalid_member"),
        ("/payload/size", json!(-1), "event_invalid_member"),
        ("/payload/size", json!("3"), "event_invalid_member"),
        (
            "/payload/correlation_id",
            json!("a b"),
            "event_invalid_member",
        ),
        (
            "/payload/event_version",
            json!("v3"),
            "event_unknown_version",
        ),
        ("/payload/event_version", json!(2), "event_unknown_version"),
        (
            "/payload/record_kind",
            json!("x-ray"),
            "event_invalid_member",
        ),
        ("/payload/schema_hint", json!("x"), "event_invalid_member"),
        (
            "/payload/occurred_at",
            json!("yesterday"),
            "event_invalid_member",
        ),
        (
            "/payload/record_id",
            json!(EVENT),
            "event_record_ids_differ",
        ),
        ("/payload", json!([]), "event_not_an_object"),
        ("/payload", json!({}), "event_missing_member"),
        ("/key", json!("acme"), "event_no_record_id"),
        (
            "/headers/ce_specversion",
            json!("2.0"),
            "event_unknown_specification",
        ),
    ];
    for (place, value, code) in cases {
        assert_eq!(changed(place, value).code(), code, "{place}");
    }
    let error = decode_event([], Some(RECORD.as_bytes()), b"CANARY").unwrap_err();
    assert_eq!(error.code(), "event_invalid_json");
    assert!(!format!("{error} {error:?}").contains("CANARY"));
}
