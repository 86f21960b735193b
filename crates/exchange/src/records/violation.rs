//! A broken rule: where, which, and what to do. Never the value.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

/// One broken rule of one body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    pub pointer: Pointer,
    pub rule: Rule,
    /// What is expected there, in the contract's own words.
    pub detail: Cow<'static, str>,
}

impl Violation {
    pub fn new(pointer: Pointer, rule: Rule, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            pointer,
            rule,
            detail: detail.into(),
        }
    }

    /// The same, seen from the document that holds this one as its member `name`.
    pub(crate) fn within(self, name: &str) -> Self {
        Self {
            pointer: self.pointer.within(name),
            ..self
        }
    }

    /// The same, seen from the document that holds this one at `place`.
    pub(crate) fn below(self, place: &Pointer) -> Self {
        Self {
            pointer: Pointer(format!("{place}{}", self.pointer)),
            ..self
        }
    }
}

/// The rules that a body can break. Their names are part of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// A member that must be there is not.
    Required,
    /// A member that this version of the API does not know.
    Unknown,
    /// Of another JSON type than expected.
    Type,
    /// Of the right type, and not written as expected.
    Format,
    /// None of the listed values.
    Domain,
    /// An end before its start.
    Interval,
    /// Two members contradict each other.
    Agreement,
    /// Understood, and not done here.
    NotSupported,
}

impl Rule {
    pub const ALL: &'static [Self] = &[
        Self::Required,
        Self::Unknown,
        Self::Type,
        Self::Format,
        Self::Domain,
        Self::Interval,
        Self::Agreement,
        Self::NotSupported,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Unknown => "unknown",
            Self::Type => "type",
            Self::Format => "format",
            Self::Domain => "domain",
            Self::Interval => "interval",
            Self::Agreement => "agreement",
            Self::NotSupported => "not-supported",
        }
    }
}

/// How long a member's name may be in a pointer: a name is the client's text, and the answer
/// repeats no more of it than is needed to find it.
const NAME_MAX_CHARACTERS: usize = 64;

/// A place in a JSON document (RFC 6901). The empty pointer is the whole document.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Pointer(String);

impl Pointer {
    /// The whole document.
    pub fn root() -> Self {
        Self::default()
    }

    /// The member of that name, below this place.
    pub fn member(&self, name: &str) -> Self {
        Self(format!("{}{}", self.0, segment(name)))
    }

    /// The item at that position, below this place.
    pub fn item(&self, index: usize) -> Self {
        Self(format!("{}/{index}", self.0))
    }

    /// This place, seen from the document that holds this one as its member `name`.
    pub(crate) fn within(&self, name: &str) -> Self {
        Self(format!("{}{}", segment(name), self.0))
    }

    /// This place, seen from the array that holds this document at `index`.
    pub(crate) fn within_item(&self, index: usize) -> Self {
        Self(format!("/{index}{}", self.0))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn segment(name: &str) -> String {
    let mut escaped = String::from("/");
    for (position, character) in name.chars().enumerate() {
        match character {
            _ if position == NAME_MAX_CHARACTERS => {
                escaped.push('…');
                break;
            }
            '~' => escaped.push_str("~0"),
            '/' => escaped.push_str("~1"),
            other => escaped.push(other),
        }
    }
    escaped
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_escapes_what_it_is_made_of() {
        let place = Pointer::root().member("a/b").item(3).member("m~n");
        assert_eq!(place.as_str(), "/a~1b/3/m~0n");
        assert_eq!(place.within("payload").as_str(), "/payload/a~1b/3/m~0n");
        assert_eq!(place.within_item(0).as_str(), "/0/a~1b/3/m~0n");
    }

    #[test]
    fn a_long_name_is_cut() {
        let place = Pointer::root().member(&"é".repeat(500));
        assert_eq!(place.as_str().chars().count(), NAME_MAX_CHARACTERS + 2);
    }

    #[test]
    fn rules_are_spelled_alike_in_text_and_json() {
        for rule in Rule::ALL {
            assert_eq!(serde_json::to_value(rule).unwrap(), rule.as_str());
        }
    }
}
