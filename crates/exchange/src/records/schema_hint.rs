//! What a client says about a payload's schema.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::FhirResource;

/// Two to four parts with `/` between, such as `fhir/R4/Encounter` or `acme/visit`; a part is
/// `[A-Za-z0-9][A-Za-z0-9._-]*`, the whole at most 128 characters. Of these, `fhir/R4/…` is
/// understood and checked; any other is kept with the record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct SchemaHint(String);

/// Text that is no schema hint. It may be anything, so it is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSchemaHint {
    #[error(
        "not a schema hint: write 2 to 4 parts of A-Z, a-z, 0-9, `.`, `_` and `-` with `/` \
         between, at most 128 characters, such as fhir/R4/Encounter"
    )]
    Grammar,
    #[error(
        "not a FHIR resource that is taken: write fhir/R4/Encounter, fhir/R4/Claim or \
         fhir/R4/Observation"
    )]
    FhirResource,
}

const LENGTH_MAX: usize = 128;
const PARTS: std::ops::RangeInclusive<usize> = 2..=4;

impl SchemaHint {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The FHIR R4 resource that the payload is said to be.
    pub fn fhir_resource(&self) -> Option<FhirResource> {
        FhirResource::of_hint(&self.0)
    }
}

impl From<FhirResource> for SchemaHint {
    fn from(resource: FhirResource) -> Self {
        Self(resource.schema_hint().to_owned())
    }
}

impl FromStr for SchemaHint {
    type Err = InvalidSchemaHint;
    fn from_str(text: &str) -> Result<Self, InvalidSchemaHint> {
        let fits = text.len() <= LENGTH_MAX
            && PARTS.contains(&text.split('/').count())
            && text.split('/').all(is_part);
        if !fits {
            return Err(InvalidSchemaHint::Grammar);
        }
        // Who says FHIR means to be checked as FHIR, so a slip must not pass as a free hint.
        let says_fhir = text
            .split('/')
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case("fhir"));
        if says_fhir && FhirResource::of_hint(text).is_none() {
            return Err(InvalidSchemaHint::FhirResource);
        }
        Ok(Self(text.to_owned()))
    }
}

fn is_part(part: &str) -> bool {
    part.starts_with(|c: char| c.is_ascii_alphanumeric())
        && part
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

impl fmt::Display for SchemaHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_has_two_to_four_parts() {
        for good in [
            "acme/visit",
            "acme/v1/visit",
            "a/b/c/d",
            "x12/005010X222A1/837P",
        ] {
            assert!(good.parse::<SchemaHint>().is_ok(), "{good}");
        }
        let long = format!("a/{}", "b".repeat(LENGTH_MAX));
        for bad in [
            "",
            "visit",
            "/visit",
            "acme/",
            "a//b",
            "a/b/c/d/e",
            "a/..",
            "a/b c",
            &long,
        ] {
            assert_eq!(
                bad.parse::<SchemaHint>(),
                Err(InvalidSchemaHint::Grammar),
                "{bad}"
            );
        }
    }

    #[test]
    fn who_says_fhir_must_name_a_resource_that_is_taken() {
        let hint: SchemaHint = "fhir/R4/Observation".parse().unwrap();
        assert_eq!(hint.fhir_resource(), Some(FhirResource::Observation));
        for bad in [
            "fhir/R4/Patient",
            "fhir/R5/Claim",
            "FHIR/R4/Claim",
            "fhir/R4",
        ] {
            assert_eq!(
                bad.parse::<SchemaHint>(),
                Err(InvalidSchemaHint::FhirResource),
                "{bad}"
            );
        }
    }
}
