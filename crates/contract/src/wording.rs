//! What the YAML reader refused, in the words of someone who writes documents.

use serde_saphyr::{Error, MessageFormatter as _, UserMessageFormatter};

use crate::names::nearest;

/// What is wrong, what was expected there, and what to write.
pub(crate) struct Wording {
    pub(crate) message: String,
    pub(crate) expected: String,
    pub(crate) help: String,
}

fn say(
    message: impl Into<String>,
    expected: impl Into<String>,
    help: impl Into<String>,
) -> Wording {
    Wording {
        message: message.into(),
        expected: expected.into(),
        help: help.into(),
    }
}

pub(crate) fn wording(error: &Error, is_json: bool) -> Wording {
    match error {
        Error::SerdeUnknownField {
            field, expected, ..
        } => say(
            format!("unknown key `{field}`"),
            "not a key here",
            choose(field, expected),
        ),
        Error::SerdeUnknownVariant {
            variant, expected, ..
        } => say(
            format!("unknown value `{variant}`"),
            "not a value here",
            choose(variant, expected),
        ),
        Error::SerdeMissingField { field, .. } => {
            let quote = if is_json { "\"" } else { "" };
            say(
                format!("the key `{field}` is missing"),
                format!("expected `{field}` among these keys"),
                format!(
                    "add for example `{quote}{field}{quote}: {}`",
                    example(field)
                ),
            )
        }
        Error::SerdeInvalidType {
            unexpected,
            expected,
            ..
        }
        | Error::SerdeInvalidValue {
            unexpected,
            expected,
            ..
        } => wanted(format!("found {unexpected}"), expected),
        Error::Unexpected { expected, .. } => {
            wanted("something else is wanted here".to_owned(), kind(expected))
        }
        Error::InvalidScalar { ty, .. } => wanted(format!("not a value of type {ty}"), "a number"),
        Error::InvalidBooleanStrict { .. } => {
            wanted("neither true nor false".to_owned(), "`true` or `false`")
        }
        Error::NullIntoString { .. } => say(
            "no value",
            "expected text",
            "write the text; an empty text or `~` needs quotes: `\"\"`, `\"~\"`",
        ),
        Error::DuplicateMappingKey { .. } => say(
            "the key stands twice",
            "expected once",
            "keep one of the two and remove the other",
        ),
        Error::Eof { .. } => say(
            "the document is empty",
            "expected keys and values",
            "an example of each document is in the project that `init` makes",
        ),
        other => say(
            UserMessageFormatter
                .format_message(other)
                .escape_debug()
                .to_string(),
            "here",
            "check indentation, quotes and brackets here and on the line above",
        ),
    }
}

/// The reader's name for a kind of node, as a writer knows it.
fn kind(expected: &'static str) -> &'static str {
    match expected {
        "sequence start" => "a list, `[…]`",
        "mapping start" => "keys and values",
        "string scalar" => "a single value",
        other => other,
    }
}

fn wanted(message: String, expected: &str) -> Wording {
    say(
        message,
        format!("expected {expected}"),
        format!("write {expected}"),
    )
}

/// The remedy for a word that is not among the known ones.
pub(crate) fn choose(word: &str, known: &[&str]) -> String {
    const SHOWN_MAX: usize = 20;
    let mut list = known
        .iter()
        .take(SHOWN_MAX)
        .map(|k| format!("`{k}`"))
        .collect::<Vec<_>>()
        .join(", ");
    if known.len() > SHOWN_MAX {
        list.push_str(&format!(" and {} more", known.len() - SHOWN_MAX));
    }
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? Known: {list}"),
        None => format!("write one of {list}"),
    }
}

/// How the value of a key may look, in what YAML and JSON have in common.
fn example(key: &str) -> &'static str {
    match key {
        "contract" | "file_type" => "\"medical_claim\"",
        "version" | "canonical_schema_version" => "1",
        "title" => "\"Inpatient claims\"",
        "natural_key" => "[\"claim_id\"]",
        "columns" => "[{ \"name\": \"claim_id\", \"type\": \"string\" }]",
        "name" => "\"claim_id\"",
        "type" => "\"string\"",
        "id" => "\"thru_not_before_from\"",
        "sql" => "\"thru_date >= from_date\"",
        "explanation" => "\"A claim cannot end before it starts.\"",
        "pattern" => "\"claims_{year}.csv\"",
        "feed" => "\"evergreen_claims\"",
        "submitter" => "\"evergreen\"",
        "state" => "\"wa\"",
        "contracts" => "[\"medical_claim@v1\"]",
        "layout" => "\"medical_claim@v1\"",
        "column" => "\"sex_code\"",
        "within" => "\"24h\"",
        "values" => "{ \"1\": \"M\", \"2\": \"F\" }",
        _ => "…",
    }
}
