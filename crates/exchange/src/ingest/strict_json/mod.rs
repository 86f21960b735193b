//! One checked parse of a body: JSON (RFC 8259) that means one thing only.
//!
//! Beyond the grammar it refuses what two readers could understand differently, or what a store
//! behind us could not keep: a member twice in one object, a number that neither an integer of 64
//! bits nor a double holds, NUL and unpaired surrogates in text, nesting beyond a limit, a byte
//! order mark. A fault says where and why, and never what was written there.

mod number;
mod parser;
mod text;
mod written;

use serde_json::Value;

use crate::records::Pointer;

pub(crate) use written::Written;

/// How deep arrays and objects may stand in each other. FHIR's deepest resources stay under 20.
pub const DEPTH_MAX: usize = 64;

/// Why a body is not taken as JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule} at byte {offset}, in `{pointer}`")]
pub struct Fault {
    pub rule: FaultRule,
    /// The member or item in which it stands, as far as it was read.
    pub pointer: Pointer,
    /// Where, in bytes from the body's beginning.
    pub offset: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum FaultRule {
    #[error("not UTF-8")]
    Utf8,
    #[error("not JSON")]
    Syntax,
    #[error("something behind the document")]
    Trailing,
    #[error("a member that its object has already")]
    DuplicateMember,
    #[error("a number that no double and no 64-bit integer holds")]
    NumberRange,
    #[error("nested too deeply")]
    Depth,
    #[error("the character NUL in text")]
    Nul,
    #[error("half of a surrogate pair in text")]
    Surrogate,
}

impl FaultRule {
    pub const ALL: &'static [Self] = &[
        Self::Utf8,
        Self::Syntax,
        Self::Trailing,
        Self::DuplicateMember,
        Self::NumberRange,
        Self::Depth,
        Self::Nul,
        Self::Surrogate,
    ];

    /// Its name in a problem.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Syntax => "syntax",
            Self::Trailing => "trailing",
            Self::DuplicateMember => "duplicate-member",
            Self::NumberRange => "number-range",
            Self::Depth => "depth",
            Self::Nul => "nul",
            Self::Surrogate => "surrogate",
        }
    }
}

/// The body's only meaning.
///
/// # Errors
/// The first fault: behind it, nothing can be trusted.
pub fn parse(body: &[u8]) -> Result<Value, Fault> {
    parse_within(body, DEPTH_MAX)
}

/// As [`parse`], with at most `depth_max` arrays and objects in each other.
///
/// # Errors
/// The first fault.
pub fn parse_within(body: &[u8], depth_max: usize) -> Result<Value, Fault> {
    let text = std::str::from_utf8(body).map_err(|error| Fault {
        rule: FaultRule::Utf8,
        pointer: Pointer::root(),
        offset: error.valid_up_to(),
    })?;
    parser::Parser::new(text, depth_max).document()
}
