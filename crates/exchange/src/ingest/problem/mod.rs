//! What a client is told when it is refused: RFC 9457 problem details.
//!
//! A type is a promise: its name, status and title do not change. `detail` says what to do, in
//! fixed words; `errors` says where, by JSON pointer and rule. No problem repeats a value.

mod types;

use std::borrow::Cow;

use serde::Serialize;

use super::strict_json::{Fault, FaultRule};
use super::{CorrelationId, InvalidIdempotencyKey};
use crate::records::{Pointer, Violation};

pub use types::ProblemType;

/// One problem, as `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    #[serde(serialize_with = "as_uri")]
    pub r#type: ProblemType,
    pub title: &'static str,
    pub status: u16,
    pub detail: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    pub correlation_id: CorrelationId,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemError>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProblemError {
    /// In the body. Empty for the whole body, and for what is no part of it.
    pub pointer: Pointer,
    pub rule: &'static str,
    pub detail: Cow<'static, str>,
}

impl Problem {
    pub fn new(problem: ProblemType, correlation_id: CorrelationId) -> Self {
        Self {
            r#type: problem,
            title: problem.title(),
            status: problem.status(),
            detail: problem.detail(),
            instance: None,
            correlation_id,
            errors: Vec::new(),
        }
    }

    /// The same problem, with one more error that is about no place of the body: a code, such as
    /// `token-expired`, and fixed words.
    #[must_use]
    pub fn because(mut self, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        self.errors.push(ProblemError {
            pointer: Pointer::root(),
            rule: code,
            detail: detail.into(),
        });
        self
    }

    /// A body that is not JSON as it is taken.
    pub fn of_fault(fault: &Fault, correlation_id: CorrelationId) -> Self {
        let problem = match fault.rule {
            FaultRule::Utf8 | FaultRule::Syntax | FaultRule::Trailing => ProblemType::InvalidJson,
            FaultRule::DuplicateMember => ProblemType::DuplicateMember,
            FaultRule::NumberRange => ProblemType::NumberOutOfRange,
            FaultRule::Depth => ProblemType::TooDeep,
            FaultRule::Nul | FaultRule::Surrogate => ProblemType::UnsupportedCharacter,
        };
        let mut made = Self::new(problem, correlation_id);
        made.errors.push(ProblemError {
            pointer: fault.pointer.clone(),
            rule: fault.rule.as_str(),
            detail: format!("{}, at byte {}", fault.rule, fault.offset).into(),
        });
        made
    }

    /// JSON that is not a record (or a bundle) as it is taken.
    pub fn of_violations(
        problem: ProblemType,
        violations: Vec<Violation>,
        correlation_id: CorrelationId,
    ) -> Self {
        let mut made = Self::new(problem, correlation_id);
        made.errors = violations.into_iter().map(ProblemError::from).collect();
        made
    }

    /// A header that is no key.
    pub fn of_key(reason: InvalidIdempotencyKey, correlation_id: CorrelationId) -> Self {
        let code = match reason {
            InvalidIdempotencyKey::TooShort { .. } => "too-short",
            InvalidIdempotencyKey::TooLong => "too-long",
            InvalidIdempotencyKey::Character => "character",
            InvalidIdempotencyKey::Quoting => "quoting",
        };
        Self::new(ProblemType::IdempotencyKeyInvalid, correlation_id)
            .because(code, reason.to_string())
    }
}

impl From<Violation> for ProblemError {
    fn from(violation: Violation) -> Self {
        Self {
            pointer: violation.pointer,
            rule: violation.rule.as_str(),
            detail: violation.detail,
        }
    }
}

fn as_uri<S: serde::Serializer>(problem: &ProblemType, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(problem.uri())
}
