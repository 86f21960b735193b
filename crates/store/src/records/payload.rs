//! What a client sent, as JSON text: kept as written, because a decimal's digits mean something
//! (FHIR R4, `decimal`: "the precision of the decimal value has significance").

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// A JSON document of a patient. It prints itself as its size.
#[derive(Clone)]
pub struct Payload(Box<RawValue>);

/// Text that one of the databases could not keep. It says nothing of the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPayload {
    #[error("the payload is not JSON, is nested too deeply or holds a number that is too large")]
    NotJson,
    #[error("the payload holds the character U+0000, which a database cannot keep")]
    NullCharacter,
}

impl Payload {
    pub fn parse(json: String) -> Result<Payload, InvalidPayload> {
        // The whole value is read: skipping it would pass lone surrogates and numbers of any size,
        // for which Postgres would refuse the batch.
        serde_json::from_str::<serde_json::Value>(&json).map_err(|_| InvalidPayload::NotJson)?;
        if has_null_character(&json) {
            return Err(InvalidPayload::NullCharacter);
        }
        RawValue::from_string(json)
            .map(Payload)
            .map_err(|_| InvalidPayload::NotJson)
    }

    pub fn as_str(&self) -> &str {
        self.0.get()
    }
}

/// `\u0000`, where the backslash is not itself escaped.
fn has_null_character(json: &str) -> bool {
    json.match_indices("u0000").any(|(at, _)| {
        let backslashes = json[..at].bytes().rev().take_while(|b| *b == b'\\').count();
        backslashes % 2 == 1
    })
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.as_str().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Payload, InvalidPayload> {
        Payload::parse(json.to_owned())
    }

    #[test]
    fn a_payload_is_json_that_both_databases_can_keep() {
        for good in [
            "{}",
            "{\"value\": 1.10}",
            r#"{"a": "\\u0000"}"#,
            r#""u0000""#,
        ] {
            assert_eq!(parse(good).unwrap().as_str(), good);
        }
        let not_json = ["", "{", "{} {}", "{\"a\": 1e999}", r#"{"a": "\ud800"}"#];
        for wrong in not_json {
            assert_eq!(
                parse(wrong).unwrap_err(),
                InvalidPayload::NotJson,
                "{wrong}"
            );
        }
        for wrong in [r#"{"a": "\u0000"}"#, r#"{"\\\u0000": 1}"#] {
            assert_eq!(parse(wrong).unwrap_err(), InvalidPayload::NullCharacter);
        }
    }

    #[test]
    fn a_payload_does_not_print_what_it_holds() {
        let printed = format!("{:?}", parse(r#"{"family": "Duck"}"#).unwrap());
        assert_eq!(printed, "Payload(18 bytes)");
    }
}
