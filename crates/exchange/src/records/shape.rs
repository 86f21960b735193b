//! What a field may hold. A contract is a table of fields; [`check_fields`] reads a payload
//! against it and tells of every break at once.

use serde_json::{Map, Value};

use super::dates;
use super::{Pointer, Rule, Violation};

/// One field of a contract.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) presence: Presence,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    Required,
    Optional,
}

pub(crate) const fn required(name: &'static str, shape: Shape) -> Field {
    Field {
        name,
        shape,
        presence: Presence::Required,
    }
}

pub(crate) const fn optional(name: &'static str, shape: Shape) -> Field {
    Field {
        name,
        shape,
        presence: Presence::Optional,
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Shape {
    /// Text that is not blank.
    Text,
    /// An identifier: 1 to 255 characters without blanks at its ends.
    Identifier,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// A date, or RFC 3339 with its zone.
    DateOrInstant,
    /// FHIR's dateTime: a year, a month, a day, or RFC 3339 with its zone.
    FhirDateTime,
    /// FHIR's instant: RFC 3339 with its zone.
    Instant,
    /// A decimal number, as a JSON number or, where a double is not exact enough, as text.
    Decimal,
    Number,
    PositiveInteger,
    Boolean,
    /// Text, a number or a truth value.
    Scalar,
    /// Three capital letters (ISO 4217).
    Currency,
    /// A list of texts that are not blank.
    Texts,
    /// An object with these fields.
    Object(&'static [Field]),
    /// A list of at least one such object.
    Objects(&'static [Field]),
}

/// Adds what `object`, at `place`, breaks of `fields`. `null` is the same as absent.
pub(crate) fn check_fields(
    object: &Map<String, Value>,
    fields: &[Field],
    place: &Pointer,
    found: &mut Vec<Violation>,
) {
    for field in fields {
        match object.get(field.name) {
            Some(Value::Null) | None => {
                if field.presence == Presence::Required {
                    found.push(Violation::new(
                        place.member(field.name),
                        Rule::Required,
                        format!("write {} as {}", field.name, expected(field.shape)),
                    ));
                }
            }
            Some(value) => check_value(value, field.shape, &place.member(field.name), found),
        }
    }
}

fn check_value(value: &Value, shape: Shape, place: &Pointer, found: &mut Vec<Violation>) {
    match (shape, value) {
        (Shape::Object(fields), Value::Object(object)) => {
            return check_fields(object, fields, place, found);
        }
        (Shape::Objects(fields), Value::Array(items)) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                check_value(item, Shape::Object(fields), &place.item(index), found);
            }
            return;
        }
        _ => {}
    }
    if let Some(rule) = broken(value, shape) {
        let detail = format!("write {}", expected(shape));
        found.push(Violation::new(place.clone(), rule, detail));
    }
}

/// The rule that the value breaks, by itself.
fn broken(value: &Value, shape: Shape) -> Option<Rule> {
    let text = |fits: fn(&str) -> bool| match value {
        Value::String(text) if fits(text) => None,
        Value::String(_) => Some(Rule::Format),
        _ => Some(Rule::Type),
    };
    let typed = |fits: bool| if fits { None } else { Some(Rule::Type) };
    match shape {
        Shape::Text => text(is_text),
        Shape::Identifier => text(is_identifier),
        Shape::OneOf(domain) => match value {
            Value::String(text) if domain.contains(&text.as_str()) => None,
            Value::String(_) => Some(Rule::Domain),
            _ => Some(Rule::Type),
        },
        Shape::DateOrInstant => {
            text(|text| dates::date(text).is_some() || dates::instant(text).is_some())
        }
        Shape::FhirDateTime => text(dates::is_partial),
        Shape::Instant => text(|text| dates::instant(text).is_some()),
        Shape::Decimal if value.is_number() => None,
        Shape::Decimal => text(is_decimal),
        Shape::Number => typed(value.is_number()),
        Shape::PositiveInteger => match value.as_u64() {
            Some(1..) => None,
            _ if value.is_number() => Some(Rule::Format),
            _ => Some(Rule::Type),
        },
        Shape::Boolean => typed(value.is_boolean()),
        Shape::Scalar => typed(value.is_string() || value.is_number() || value.is_boolean()),
        Shape::Currency => text(is_currency),
        Shape::Texts => match value.as_array() {
            Some(items) if items.iter().all(Value::is_string) => {
                let blank = items.iter().any(|item| !item.as_str().is_some_and(is_text));
                blank.then_some(Rule::Format)
            }
            _ => Some(Rule::Type),
        },
        Shape::Object(_) => typed(value.is_object()),
        Shape::Objects(_) if value.as_array().is_some_and(Vec::is_empty) => Some(Rule::Format),
        Shape::Objects(_) => typed(value.is_array()),
    }
}

fn expected(shape: Shape) -> String {
    let fixed = match shape {
        Shape::Text => "text that is not blank",
        Shape::Identifier => "text of 1 to 255 characters without blanks at its ends",
        Shape::OneOf(domain) => return format!("one of {}", domain.join(", ")),
        Shape::DateOrInstant => "a date (YYYY-MM-DD), or RFC 3339 with a zone",
        Shape::FhirDateTime => "YYYY, YYYY-MM, YYYY-MM-DD, or RFC 3339 with a zone",
        Shape::Instant => "RFC 3339 with a zone, such as 2024-01-31T08:30:00Z",
        Shape::Decimal => "a number, or text such as \"12.50\"",
        Shape::Number => "a number",
        Shape::PositiveInteger => "a whole number from 1",
        Shape::Boolean => "true or false",
        Shape::Scalar => "text, a number, true or false",
        Shape::Currency => "three capital letters (ISO 4217), such as USD",
        Shape::Texts => "a list of texts that are not blank",
        Shape::Object(_) => "an object",
        Shape::Objects(_) => "a list of at least one object",
    };
    fixed.to_owned()
}

fn is_text(text: &str) -> bool {
    !text.trim().is_empty()
}

fn is_identifier(text: &str) -> bool {
    is_text(text) && text.trim() == text && text.chars().count() <= 255
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    is_digits(whole) && is_digits(fraction)
}

fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_shape_tells_a_wrong_type_from_a_wrong_writing() {
        let cases = [
            (Shape::Text, json!("x"), None),
            (Shape::Text, json!(" "), Some(Rule::Format)),
            (Shape::Text, json!(1), Some(Rule::Type)),
            (Shape::Identifier, json!(" x"), Some(Rule::Format)),
            (Shape::OneOf(&["a"]), json!("b"), Some(Rule::Domain)),
            (Shape::DateOrInstant, json!("2024-01-31"), None),
            (
                Shape::DateOrInstant,
                json!("31/01/2024"),
                Some(Rule::Format),
            ),
            (Shape::FhirDateTime, json!("2024-01"), None),
            (Shape::Instant, json!("2024-01-31"), Some(Rule::Format)),
            (Shape::Decimal, json!("-12.50"), None),
            (Shape::Decimal, json!("1,5"), Some(Rule::Format)),
            (Shape::Decimal, json!("1."), Some(Rule::Format)),
            (Shape::Decimal, json!(true), Some(Rule::Type)),
            (Shape::Number, json!("1"), Some(Rule::Type)),
            (Shape::PositiveInteger, json!(0), Some(Rule::Format)),
            (Shape::Boolean, json!("true"), Some(Rule::Type)),
            (Shape::Scalar, json!([]), Some(Rule::Type)),
            (Shape::Currency, json!("usd"), Some(Rule::Format)),
            (Shape::Texts, json!(["a", ""]), Some(Rule::Format)),
            (Shape::Texts, json!(["a", 1]), Some(Rule::Type)),
            (Shape::Objects(&[]), json!([]), Some(Rule::Format)),
            (Shape::Objects(&[]), json!({}), Some(Rule::Type)),
        ];
        for (shape, value, rule) in cases {
            assert_eq!(broken(&value, shape), rule, "{value}");
        }
    }
}
