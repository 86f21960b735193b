//! The FHIR R4 (4.0.1) resources that are taken as records, and the elements of each that are
//! checked: those that R4 requires, and those that the canonical record is made of.
//! <https://hl7.org/fhir/R4/encounter.html>, `claim.html`, `observation.html`.
//!
//! This is a contract, not a FHIR validator: profiles, terminologies beyond the required codes,
//! and elements that nothing here reads stay as they came.

use serde_json::{Map, Value};

use super::contract::interval;
use super::shape::{Field, Shape, check_fields, optional, required};
use super::{Pointer, RecordKind, Violation};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FhirResource {
    Encounter,
    Claim,
    Observation,
}

impl FhirResource {
    pub const ALL: &'static [Self] = &[Self::Encounter, Self::Claim, Self::Observation];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Encounter => "Encounter",
            Self::Claim => "Claim",
            Self::Observation => "Observation",
        }
    }

    pub fn kind(self) -> RecordKind {
        match self {
            Self::Encounter => RecordKind::Encounter,
            Self::Claim => RecordKind::Claim,
            Self::Observation => RecordKind::LabResult,
        }
    }

    pub fn schema_hint(self) -> &'static str {
        match self {
            Self::Encounter => "fhir/R4/Encounter",
            Self::Claim => "fhir/R4/Claim",
            Self::Observation => "fhir/R4/Observation",
        }
    }

    pub(crate) fn of_hint(hint: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|resource| resource.schema_hint() == hint)
    }

    /// The resource of that `resourceType`.
    pub fn of_type(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|resource| resource.as_str() == name)
    }

    fn fields(self) -> &'static [Field] {
        match self {
            Self::Encounter => ENCOUNTER,
            Self::Claim => CLAIM,
            Self::Observation => OBSERVATION,
        }
    }
}

const CODING: &[Field] = &[
    optional("system", Shape::Text),
    optional("code", Shape::Text),
    optional("display", Shape::Text),
];
const CODEABLE_CONCEPT: &[Field] = &[
    optional("coding", Shape::Objects(CODING)),
    optional("text", Shape::Text),
];
const REFERENCE: &[Field] = &[
    optional("reference", Shape::Text),
    optional("display", Shape::Text),
];
const PERIOD: &[Field] = &[
    optional("start", Shape::FhirDateTime),
    optional("end", Shape::FhirDateTime),
];
const MONEY: &[Field] = &[
    optional("value", Shape::Number),
    optional("currency", Shape::Currency),
];
const QUANTITY: &[Field] = &[
    optional("value", Shape::Number),
    optional("unit", Shape::Text),
    optional("code", Shape::Text),
];

const ENCOUNTER: &[Field] = &[
    optional("id", Shape::Identifier),
    required("status", Shape::OneOf(ENCOUNTER_STATUS)),
    required("class", Shape::Object(CODING)),
    optional("subject", Shape::Object(REFERENCE)),
    optional("period", Shape::Object(PERIOD)),
    optional("serviceProvider", Shape::Object(REFERENCE)),
];
const ENCOUNTER_STATUS: &[&str] = &[
    "planned",
    "arrived",
    "triaged",
    "in-progress",
    "onleave",
    "finished",
    "cancelled",
    "entered-in-error",
    "unknown",
];

const CLAIM: &[Field] = &[
    optional("id", Shape::Identifier),
    required(
        "status",
        Shape::OneOf(&["active", "cancelled", "draft", "entered-in-error"]),
    ),
    required("type", Shape::Object(CODEABLE_CONCEPT)),
    required(
        "use",
        Shape::OneOf(&["claim", "preauthorization", "predetermination"]),
    ),
    required("patient", Shape::Object(REFERENCE)),
    required("created", Shape::FhirDateTime),
    required("provider", Shape::Object(REFERENCE)),
    required("priority", Shape::Object(CODEABLE_CONCEPT)),
    required("insurance", Shape::Objects(INSURANCE)),
    optional("billablePeriod", Shape::Object(PERIOD)),
    optional("item", Shape::Objects(CLAIM_ITEM)),
    optional("total", Shape::Object(MONEY)),
];
const INSURANCE: &[Field] = &[
    required("sequence", Shape::PositiveInteger),
    required("focal", Shape::Boolean),
    required("coverage", Shape::Object(REFERENCE)),
];
const CLAIM_ITEM: &[Field] = &[
    required("sequence", Shape::PositiveInteger),
    required("productOrService", Shape::Object(CODEABLE_CONCEPT)),
    optional("encounter", Shape::Objects(REFERENCE)),
];

const OBSERVATION: &[Field] = &[
    optional("id", Shape::Identifier),
    required("status", Shape::OneOf(OBSERVATION_STATUS)),
    required("code", Shape::Object(CODEABLE_CONCEPT)),
    optional("subject", Shape::Object(REFERENCE)),
    optional("encounter", Shape::Object(REFERENCE)),
    optional("effectiveDateTime", Shape::FhirDateTime),
    optional("effectivePeriod", Shape::Object(PERIOD)),
    optional("effectiveInstant", Shape::Instant),
    optional("issued", Shape::Instant),
    optional("valueQuantity", Shape::Object(QUANTITY)),
    optional("valueCodeableConcept", Shape::Object(CODEABLE_CONCEPT)),
    optional("valueString", Shape::Text),
    optional("valueBoolean", Shape::Boolean),
];
const OBSERVATION_STATUS: &[&str] = &[
    "registered",
    "preliminary",
    "final",
    "amended",
    "corrected",
    "cancelled",
    "entered-in-error",
    "unknown",
];

pub(super) fn check(
    resource: FhirResource,
    payload: &Map<String, Value>,
    found: &mut Vec<Violation>,
) {
    check_fields(payload, resource.fields(), &Pointer::root(), found);
    let period = match resource {
        FhirResource::Encounter => "period",
        FhirResource::Claim => "billablePeriod",
        FhirResource::Observation => "effectivePeriod",
    };
    if let Some(Value::Object(object)) = payload.get(period) {
        found.extend(interval(object, &Pointer::root().member(period)));
    }
}
