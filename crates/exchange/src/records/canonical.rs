//! What a payload becomes in `canonical_records`: the contract's field names, whatever the
//! payload's schema.

use serde_json::{Map, Value};

use super::{FhirResource, SchemaHint};

/// A plain payload stays as it is. Of a FHIR resource, the fields that the contract of its kind
/// knows are taken out (`encounter_id`, `patient_id`, `status`, `start`, …), and the resource
/// itself stands beside them, whole, as `resource`. So one SQL reads both.
///
/// Call it with what passed [`super::check`]; what is missing is left out.
pub fn canonical_payload(hint: Option<&SchemaHint>, payload: &Value) -> Value {
    let Some(resource) = hint.and_then(SchemaHint::fhir_resource) else {
        return payload.clone();
    };
    let mut canonical = Map::new();
    for (name, sources) in columns(resource) {
        let mut values = sources.iter().filter_map(|taken| taken.from(payload));
        if let Some(value) = values.next() {
            canonical.insert((*name).to_owned(), value);
        }
    }
    canonical.insert("resource".to_owned(), payload.clone());
    Value::Object(canonical)
}

/// Where a field's value stands, by JSON pointer.
enum Taken {
    Value(&'static str),
    /// The id at the end of a reference, so that records that name each other can be joined.
    Reference(&'static str),
}

impl Taken {
    fn from(&self, payload: &Value) -> Option<Value> {
        match self {
            Self::Value(place) => payload.pointer(place).filter(|v| !v.is_null()).cloned(),
            Self::Reference(place) => {
                let reference = payload.pointer(place)?.as_str()?;
                Some(referenced_id(reference)?.into())
            }
        }
    }
}

/// `Patient/12`, `https://…/Patient/12/_history/3` and `urn:uuid:12` refer to `12`. A search
/// (`Practitioner?identifier=…`) or a contained resource (`#p1`) has no id to join by.
fn referenced_id(reference: &str) -> Option<&str> {
    if let Some(id) = reference.strip_prefix("urn:uuid:") {
        return Some(id);
    }
    if reference.contains(['?', '#']) {
        return None;
    }
    let version_free = reference.split("/_history/").next().unwrap_or(reference);
    let (_, id) = version_free.rsplit_once('/')?;
    (!id.is_empty()).then_some(id)
}

/// A field's name, and where its value is taken from: the first place that has one.
type Column = (&'static str, &'static [Taken]);

fn columns(resource: FhirResource) -> &'static [Column] {
    match resource {
        FhirResource::Encounter => ENCOUNTER,
        FhirResource::Claim => CLAIM,
        FhirResource::Observation => OBSERVATION,
    }
}

const ENCOUNTER: &[Column] = &[
    (
        "encounter_id",
        &[Taken::Value("/id"), Taken::Value("/identifier/0/value")],
    ),
    ("patient_id", &[Taken::Reference("/subject/reference")]),
    (
        "facility_id",
        &[Taken::Reference("/serviceProvider/reference")],
    ),
    ("status", &[Taken::Value("/status")]),
    ("class", &[Taken::Value("/class/code")]),
    (
        "type",
        &[
            Taken::Value("/type/0/coding/0/code"),
            Taken::Value("/type/0/text"),
        ],
    ),
    ("start", &[Taken::Value("/period/start")]),
    ("end", &[Taken::Value("/period/end")]),
];

const CLAIM: &[Column] = &[
    (
        "claim_id",
        &[Taken::Value("/id"), Taken::Value("/identifier/0/value")],
    ),
    (
        "encounter_id",
        &[Taken::Reference("/item/0/encounter/0/reference")],
    ),
    ("patient_id", &[Taken::Reference("/patient/reference")]),
    ("provider_id", &[Taken::Reference("/provider/reference")]),
    ("status", &[Taken::Value("/status")]),
    ("use", &[Taken::Value("/use")]),
    (
        "type",
        &[
            Taken::Value("/type/coding/0/code"),
            Taken::Value("/type/text"),
        ],
    ),
    ("start", &[Taken::Value("/billablePeriod/start")]),
    ("end", &[Taken::Value("/billablePeriod/end")]),
    ("created", &[Taken::Value("/created")]),
    ("amount", &[Taken::Value("/total/value")]),
    ("currency", &[Taken::Value("/total/currency")]),
];

const OBSERVATION: &[Column] = &[
    (
        "lab_result_id",
        &[Taken::Value("/id"), Taken::Value("/identifier/0/value")],
    ),
    ("encounter_id", &[Taken::Reference("/encounter/reference")]),
    ("patient_id", &[Taken::Reference("/subject/reference")]),
    ("status", &[Taken::Value("/status")]),
    (
        "code",
        &[
            Taken::Value("/code/coding/0/code"),
            Taken::Value("/code/text"),
        ],
    ),
    ("code_system", &[Taken::Value("/code/coding/0/system")]),
    (
        "display",
        &[
            Taken::Value("/code/coding/0/display"),
            Taken::Value("/code/text"),
        ],
    ),
    (
        "value",
        &[
            Taken::Value("/valueQuantity/value"),
            Taken::Value("/valueCodeableConcept/coding/0/code"),
            Taken::Value("/valueCodeableConcept/text"),
            Taken::Value("/valueString"),
            Taken::Value("/valueBoolean"),
            Taken::Value("/valueInteger"),
            Taken::Value("/valueDateTime"),
        ],
    ),
    (
        "unit",
        &[
            Taken::Value("/valueQuantity/unit"),
            Taken::Value("/valueQuantity/code"),
        ],
    ),
    (
        "start",
        &[
            Taken::Value("/effectiveDateTime"),
            Taken::Value("/effectiveInstant"),
            Taken::Value("/effectivePeriod/start"),
        ],
    ),
    ("end", &[Taken::Value("/effectivePeriod/end")]),
    ("resulted_at", &[Taken::Value("/issued")]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_followed_to_its_id() {
        let cases = [
            ("Patient/12", Some("12")),
            ("https://example.org/fhir/Patient/12", Some("12")),
            ("https://example.org/fhir/Patient/12/_history/3", Some("12")),
            ("urn:uuid:0b7b", Some("0b7b")),
            ("Practitioner?identifier=a|b/c", None),
            ("#contained", None),
            ("12", None),
            ("Patient/", None),
        ];
        for (reference, id) in cases {
            assert_eq!(referenced_id(reference), id, "{reference}");
        }
    }
}
