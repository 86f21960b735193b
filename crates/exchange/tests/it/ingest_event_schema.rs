//! The events' JSON Schema files say what the code writes: no member more, none less.

use std::collections::BTreeSet;

use exchange::ingest::{EventMessage, Topics};
use exchange::records::RecordKind;
use serde_json::Value;

use crate::ingest_event::{RECORDED, described, traced};

const V1: &str = include_str!("../../schemas/record.ingested.v1.json");
const V2: &str = include_str!("../../schemas/record.ingested.v2.json");

/// Asks Python's `jsonschema`, where the tests' Python has it; else only what stands below is
/// checked, and it is said.
const VALIDATE: &str = r"
import json, sys
try:
    from jsonschema import Draft202012Validator
except ImportError:
    print('without jsonschema')
    sys.exit(0)
schema, *events = map(json.loads, sys.argv[1:])
Draft202012Validator.check_schema(schema)
for event in events:
    Draft202012Validator(schema).validate(event)
print('valid')
";

fn messages() -> [(&'static str, EventMessage); 2] {
    let topics = Topics::default();
    [
        (V1, traced().message(&topics)),
        (V2, described().message(&topics)),
    ]
}

#[test]
fn a_schema_has_the_members_that_are_written() {
    for (schema, message) in messages() {
        let schema: Value = serde_json::from_str(schema).unwrap();
        assert_eq!(schema["title"], message.topic.as_str());
        let named: BTreeSet<_> = schema["properties"].as_object().unwrap().keys().collect();
        let written: BTreeSet<_> = message.payload.as_object().unwrap().keys().collect();
        assert_eq!(named, written, "{}", message.topic);
    }
}

#[test]
fn a_schema_lists_the_kinds_of_record() {
    let schema: Value = serde_json::from_str(V2).unwrap();
    let kinds: Vec<_> = RecordKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(
        schema["properties"]["record_kind"]["enum"],
        serde_json::json!(kinds)
    );
}

#[test]
fn what_a_schema_requires_is_what_a_reader_requires() {
    for (schema, message) in messages() {
        let schema: Value = serde_json::from_str(schema).unwrap();
        let required = schema["required"].as_array().unwrap();
        for name in message.payload.as_object().unwrap().keys() {
            let mut without = message.payload.clone();
            without.as_object_mut().unwrap().remove(name);
            let value = without.to_string();
            let read =
                exchange::ingest::decode_event([], Some(message.key.as_bytes()), value.as_bytes());
            // Without its version an event is read as one of version 1.
            let optional = !required.iter().any(|it| it == name) || name == "event_version";
            assert_eq!(read.is_ok(), optional, "{name} of {}", message.topic);
        }
    }
}

#[test]
fn another_validator_agrees() {
    for (schema, message) in messages() {
        let mut arguments = vec![schema.to_owned(), message.payload.to_string()];
        for text in RECORDED {
            let recorded: Value = serde_json::from_str(text).unwrap();
            if recorded["topic"] == message.topic.as_str() {
                arguments.push(recorded["payload"].to_string());
            }
        }
        let said = testkit::python::run_python(VALIDATE, &arguments);
        println!("{}: {}", message.topic, said.trim());
    }
}
