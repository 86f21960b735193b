//! `OperationOutcome` (<https://hl7.org/fhir/R4/operationoutcome.html>): FHIR's way to tell what
//! happened.

use serde_json::{Value, json};

use crate::ingest::ProblemType;
use crate::records::{Pointer, Rule, Violation};

/// An outcome of one issue, in fixed words.
pub(super) fn single(severity: &str, code: &str, diagnostics: &str) -> Value {
    json!({
        "resourceType": "OperationOutcome",
        "issue": [{ "severity": severity, "code": code, "diagnostics": diagnostics }],
    })
}

/// What was wrong with a resource or a bundle, each place as `FHIRPath` from `root`.
pub fn operation_outcome(root: &str, violations: &[Violation]) -> Value {
    let issues: Vec<_> = violations
        .iter()
        .map(|violation| {
            json!({
                "severity": "error",
                "code": issue_type(violation.rule),
                "diagnostics": violation.detail,
                "expression": [fhir_path(root, &violation.pointer)],
            })
        })
        .collect();
    json!({ "resourceType": "OperationOutcome", "issue": issues })
}

/// A problem that is not about a place of the resource, in FHIR's words.
pub fn operation_outcome_of(problem: ProblemType) -> Value {
    let code = match problem {
        ProblemType::IdempotencyKeyReused | ProblemType::RequestInProgress => "conflict",
        ProblemType::BodyTooLarge => "too-long",
        ProblemType::Unauthenticated => "login",
        ProblemType::Forbidden => "forbidden",
        ProblemType::NotFound => "not-found",
        ProblemType::RequestTimeout => "timeout",
        ProblemType::RateLimited => "throttled",
        ProblemType::Overloaded => "transient",
        ProblemType::Internal => "exception",
        ProblemType::MethodNotAllowed | ProblemType::UnsupportedMediaType => "not-supported",
        ProblemType::InvalidRecord
        | ProblemType::InvalidBundle
        | ProblemType::InvalidTokenRequest => "invalid",
        ProblemType::IdempotencyKeyMissing => "required",
        ProblemType::IdempotencyKeyInvalid => "value",
        ProblemType::InvalidJson
        | ProblemType::DuplicateMember
        | ProblemType::NumberOutOfRange
        | ProblemType::TooDeep
        | ProblemType::UnsupportedCharacter
        | ProblemType::LengthMismatch => "structure",
    };
    single("error", code, problem.detail())
}

/// <https://hl7.org/fhir/R4/valueset-issue-type.html>
fn issue_type(rule: Rule) -> &'static str {
    match rule {
        Rule::Required => "required",
        Rule::Type | Rule::Unknown => "structure",
        Rule::Format => "value",
        Rule::Domain => "code-invalid",
        Rule::Interval | Rule::Agreement => "invariant",
        Rule::NotSupported => "not-supported",
    }
}

/// `/entry/0/resource` as `Bundle.entry[0].resource`. The names come from the contracts.
fn fhir_path(root: &str, pointer: &Pointer) -> String {
    let segments = pointer.as_str().split('/').skip(1);
    segments.fold(root.to_owned(), |path, segment| {
        match segment.parse::<usize>() {
            Ok(index) => format!("{path}[{index}]"),
            Err(_) => format!("{path}.{segment}"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_as_fhir_path() {
        let place = Pointer::root().member("entry").item(2).member("resource");
        assert_eq!(fhir_path("Bundle", &place), "Bundle.entry[2].resource");
        assert_eq!(fhir_path("Claim", &Pointer::root()), "Claim");
    }
}
