//! The contracts of the kinds: the fields that each knows, and the check that all callers share.

use serde_json::{Map, Value};

use super::shape::{Field, Shape, check_fields, optional};
use super::{FhirResource, Pointer, RecordKind, Rule, SchemaHint, Violation, dates, fhir_r4};

const ENCOUNTER: &[Field] = &[
    optional("encounter_id", Shape::Identifier),
    optional("patient_id", Shape::Identifier),
    optional("patient_token", Shape::Identifier),
    optional("provider_id", Shape::Identifier),
    optional("facility_id", Shape::Identifier),
    optional("status", Shape::Text),
    optional("class", Shape::Text),
    optional("type", Shape::Text),
    optional("reason", Shape::Text),
    optional("start", Shape::DateOrInstant),
    optional("end", Shape::DateOrInstant),
    optional("diagnosis_codes", Shape::Texts),
];

const CLAIM: &[Field] = &[
    optional("claim_id", Shape::Identifier),
    optional("encounter_id", Shape::Identifier),
    optional("patient_id", Shape::Identifier),
    optional("patient_token", Shape::Identifier),
    optional("member_id", Shape::Identifier),
    optional("payer_id", Shape::Identifier),
    optional("provider_id", Shape::Identifier),
    optional("status", Shape::Text),
    optional("use", Shape::Text),
    optional("type", Shape::Text),
    optional("start", Shape::DateOrInstant),
    optional("end", Shape::DateOrInstant),
    optional("created", Shape::DateOrInstant),
    optional("amount", Shape::Decimal),
    optional("currency", Shape::Currency),
    optional("diagnosis_codes", Shape::Texts),
    optional("procedure_codes", Shape::Texts),
    optional("lines", Shape::Objects(CLAIM_LINE)),
];

const CLAIM_LINE: &[Field] = &[
    optional("line_number", Shape::PositiveInteger),
    optional("procedure_code", Shape::Text),
    optional("quantity", Shape::Number),
    optional("amount", Shape::Decimal),
];

const LAB_RESULT: &[Field] = &[
    optional("lab_result_id", Shape::Identifier),
    optional("order_id", Shape::Identifier),
    optional("encounter_id", Shape::Identifier),
    optional("patient_id", Shape::Identifier),
    optional("patient_token", Shape::Identifier),
    optional("status", Shape::Text),
    optional("code", Shape::Text),
    optional("code_system", Shape::Text),
    optional("display", Shape::Text),
    optional("value", Shape::Scalar),
    optional("unit", Shape::Text),
    optional("reference_low", Shape::Number),
    optional("reference_high", Shape::Number),
    optional("abnormal", Shape::Boolean),
    optional("start", Shape::DateOrInstant),
    optional("end", Shape::DateOrInstant),
    optional("collected_at", Shape::DateOrInstant),
    optional("resulted_at", Shape::DateOrInstant),
];

fn fields(kind: RecordKind) -> &'static [Field] {
    match kind {
        RecordKind::Encounter => ENCOUNTER,
        RecordKind::Claim => CLAIM,
        RecordKind::LabResult => LAB_RESULT,
    }
}

/// Everything that the payload breaks of the contract of its kind, or of its FHIR resource where
/// the hint names one. Empty when it may pass. Pointers begin at the payload.
pub fn check(kind: RecordKind, hint: Option<&SchemaHint>, payload: &Value) -> Vec<Violation> {
    let Some(object) = payload.as_object() else {
        let detail = "write the payload as an object";
        return vec![Violation::new(Pointer::root(), Rule::Type, detail)];
    };
    match hint.and_then(SchemaHint::fhir_resource) {
        Some(resource) => check_resource(kind, resource, object),
        None => check_plain(kind, object),
    }
}

fn check_plain(kind: RecordKind, payload: &Map<String, Value>) -> Vec<Violation> {
    let mut found = Vec::new();
    check_fields(payload, fields(kind), &Pointer::root(), &mut found);
    found.extend(interval(payload, &Pointer::root()));
    found
}

fn check_resource(
    kind: RecordKind,
    resource: FhirResource,
    payload: &Map<String, Value>,
) -> Vec<Violation> {
    let mut found = Vec::new();
    if kind != resource.kind() {
        let detail = format!("{} is of kind {}", resource.as_str(), resource.kind());
        found.push(Violation::new(Pointer::root(), Rule::Agreement, detail));
    }
    let type_place = Pointer::root().member("resourceType");
    match payload.get("resourceType") {
        Some(Value::String(written)) if written == resource.as_str() => {
            fhir_r4::check(resource, payload, &mut found);
        }
        // Of another type, so its elements are not what this contract is about.
        Some(Value::String(_)) => {
            let detail = format!("write {}, as the schema hint says", resource.as_str());
            found.push(Violation::new(type_place, Rule::Agreement, detail));
        }
        _ => {
            let detail = format!("write {} as text", resource.as_str());
            found.push(Violation::new(type_place, Rule::Required, detail));
        }
    }
    found
}

/// An end before its start, where both can be compared.
pub(super) fn interval(object: &Map<String, Value>, place: &Pointer) -> Option<Violation> {
    let text = |name| object.get(name).and_then(Value::as_str);
    let (start, end) = (text("start")?, text("end")?);
    // A date beside an instant may be of the same day in the patient's zone.
    if (start.len() == 10) != (end.len() == 10) {
        return None;
    }
    let ends_first = dates::start_of(end)? < dates::start_of(start)?;
    ends_first.then(|| {
        let detail = "write an end that is not before the start";
        Violation::new(place.member("end"), Rule::Interval, detail)
    })
}
