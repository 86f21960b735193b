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

fn columns(resource: FhirResource) -> &'static [(&'static str, &'static [Taken])] {
    use Taken::{Reference, Value};
    match resource {
        FhirResource::Encounter => &[
            (
                "encounter_id",
                &[Value("/id"), Value("/identifier/0/value")],
            ),
            ("patient_id", &[Reference("/subject/reference")]),
            ("facility_id", &[Reference("/serviceProvider/reference")]),
            ("status", &[Value("/status")]),
            ("class", &[Value("/class/code")]),
            (
                "type",
                &[Value("/type/0/coding/0/code"), Value("/type/0/text")],
            ),
            ("start", &[Value("/period/start")]),
            ("end", &[Value("/period/end")]),
        ],
        FhirResource::Claim => &[
            ("claim_id", &[Value("/id"), Value("/identifier/0/value")]),
            (
                "encounter_id",
                &[Reference("/item/0/encounter/0/reference")],
            ),
            ("patient_id", &[Reference("/patient/reference")]),
            ("provider_id", &[Reference("/provider/reference")]),
            ("status", &[Value("/status")]),
            ("use", &[Value("/use")]),
            ("type", &[Value("/type/coding/0/code"), Value("/type/text")]),
            ("start", &[Value("/billablePeriod/start")]),
            ("end", &[Value("/billablePeriod/end")]),
            ("created", &[Value("/created")]),
            ("amount", &[Value("/total/value")]),
            ("currency", &[Value("/total/currency")]),
        ],
        FhirResource::Observation => &[
            (
                "lab_result_id",
                &[Value("/id"), Value("/identifier/0/value")],
            ),
            ("encounter_id", &[Reference("/encounter/reference")]),
            ("patient_id", &[Reference("/subject/reference")]),
            ("status", &[Value("/status")]),
            ("code", &[Value("/code/coding/0/code"), Value("/code/text")]),
            ("code_system", &[Value("/code/coding/0/system")]),
            (
                "display",
                &[Value("/code/coding/0/display"), Value("/code/text")],
            ),
            (
                "value",
                &[
                    Value("/valueQuantity/value"),
                    Value("/valueCodeableConcept/coding/0/code"),
                    Value("/valueCodeableConcept/text"),
                    Value("/valueString"),
                    Value("/valueBoolean"),
                    Value("/valueInteger"),
                    Value("/valueDateTime"),
                ],
            ),
            (
                "unit",
                &[Value("/valueQuantity/unit"), Value("/valueQuantity/code")],
            ),
            (
                "start",
                &[
                    Value("/effectiveDateTime"),
                    Value("/effectiveInstant"),
                    Value("/effectivePeriod/start"),
                ],
            ),
            ("end", &[Value("/effectivePeriod/end")]),
            ("resulted_at", &[Value("/issued")]),
        ],
    }
}

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
