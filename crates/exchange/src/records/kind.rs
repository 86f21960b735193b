//! The kinds of record that clients post.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// `record_type` of version 1, `record_kind` of version 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    Encounter,
    Claim,
    LabResult,
}

/// Text that names no kind of record. It may be anything, so it is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of record: write one of encounter, claim, lab_result")]
pub struct UnknownRecordKind;

impl RecordKind {
    pub const ALL: &'static [Self] = &[Self::Encounter, Self::Claim, Self::LabResult];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Encounter => "encounter",
            Self::Claim => "claim",
            Self::LabResult => "lab_result",
        }
    }
}

impl FromStr for RecordKind {
    type Err = UnknownRecordKind;
    fn from_str(text: &str) -> Result<Self, UnknownRecordKind> {
        let mut kinds = Self::ALL.iter().copied();
        kinds
            .find(|kind| kind.as_str() == text)
            .ok_or(UnknownRecordKind)
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
