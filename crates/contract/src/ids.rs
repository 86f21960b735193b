//! Typed ids: what identifies a thing is never a bare `String`, so two of them cannot be swapped.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A name that was refused because it cannot be part of an object key and a SQL literal alike.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{value}` is not a valid {what}: use 1 to {max} of a-z, 0-9, `_` and `-`, starting with a letter or digit"
)]
pub struct InvalidName {
    what: &'static str,
    value: String,
    max: usize,
}

const NAME_MAX_LENGTH: usize = 64;

fn is_name(value: &str, extra: fn(char) -> bool) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || extra(c);
    !value.is_empty()
        && value.len() <= NAME_MAX_LENGTH
        && value.chars().all(allowed)
        && value.starts_with(|c: char| c.is_ascii_alphanumeric())
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $extra:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(value: &str) -> Result<Self, InvalidName> {
                if is_name(value, $extra) {
                    Ok(Self(value.to_owned()))
                } else {
                    Err(InvalidName { what: $what, value: value.to_owned(), max: NAME_MAX_LENGTH })
                }
            }
        }
        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(value: String) -> Result<Self, InvalidName> {
                value.parse()
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

name!(
    /// Who sends: a client, a payer, a practice organisation.
    SubmitterId, "submitter id", |c| c == '_' || c == '-'
);
name!(
    /// A kind of file, such as `medical_claim`: the folder name of its contracts.
    FileType, "file type", |c| c == '_' || c == '-'
);
name!(
    /// The state (jurisdiction) that a submitter reports to, such as `wa`.
    StateCode, "state", |c| c == '_' || c == '-'
);
name!(
    /// A submitter's standing arrangement; the stem of its file in `feeds/`.
    FeedName, "feed name", |c| c == '_' || c == '-'
);

/// One version of a contract as registered: `{file_type}@v{n}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LayoutId {
    pub file_type: FileType,
    pub version: u32,
}

/// Text that is not of the form `{file_type}@v{n}`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a layout id: write `{{file_type}}@v{{n}}`, for example `medical_claim@v1`")]
pub struct InvalidLayoutId(String);

impl FromStr for LayoutId {
    type Err = InvalidLayoutId;
    fn from_str(text: &str) -> Result<Self, InvalidLayoutId> {
        let parse = || {
            let (file_type, version) = text.split_once("@v")?;
            Some(Self {
                file_type: file_type.parse().ok()?,
                version: version.parse().ok()?,
            })
        };
        parse().ok_or_else(|| InvalidLayoutId(text.to_owned()))
    }
}
impl TryFrom<String> for LayoutId {
    type Error = InvalidLayoutId;
    fn try_from(value: String) -> Result<Self, InvalidLayoutId> {
        value.parse()
    }
}
impl From<LayoutId> for String {
    fn from(id: LayoutId) -> String {
        id.to_string()
    }
}
impl fmt::Display for LayoutId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}@v{}", self.file_type, self.version))
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id; later ids sort after earlier ones (UUID version 7, RFC 9562).
            #[expect(clippy::new_without_default, reason = "two defaults would differ")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }
        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::parse_str(text).map(Self)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0.hyphenated().to_string())
            }
        }
    };
}

uuid_id!(
    /// One group of files accepted for processing.
    SubmissionId
);
uuid_id!(
    /// One attempt at one piece of work.
    RunId
);
uuid_id!(
    /// One build of one canonical month.
    BuildId
);
uuid_id!(
    /// Something that went wrong and that people are told of once.
    IncidentId
);
uuid_id!(
    /// One record from the API, from its raw object to its canonical row.
    RecordId
);
uuid_id!(
    /// One event about a record, as published.
    EventId
);
uuid_id!(
    /// One attempt to bring one record through one stage.
    AttemptId
);
uuid_id!(
    /// A message that was given up and waits for a decision.
    DeadLetterId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_within_what_a_key_can_hold() {
        for good in ["acme", "a-1_b", "0x"] {
            assert!(good.parse::<SubmitterId>().is_ok(), "{good}");
        }
        for bad in ["", "_a", "A", "a/b", "a b", "..", &"x".repeat(65)] {
            assert!(bad.parse::<SubmitterId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn layout_ids_round_trip() {
        let id: LayoutId = "medical_claim@v12".parse().unwrap();
        assert_eq!(id.version, 12);
        assert_eq!(id.to_string(), "medical_claim@v12");
        assert!("medical_claim@12".parse::<LayoutId>().is_err());
    }

    #[test]
    fn ids_sort_by_creation() {
        let ids: Vec<_> = (0..100).map(|_| SubmissionId::new()).collect();
        assert!(ids.is_sorted());
    }
}
