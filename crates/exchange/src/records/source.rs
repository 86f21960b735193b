//! Who a record comes from. A source becomes a folder of the object store.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// `[a-z0-9][a-z0-9_-]{0,62}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Source(String);

/// Text that is no source. It may be anything, so it is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a source: write 1 to 63 of a-z, 0-9, `_` and `-`, beginning with a letter or a digit")]
pub struct InvalidSource;

const LENGTH_MAX: usize = 63;

impl Source {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Source {
    type Err = InvalidSource;
    fn from_str(text: &str) -> Result<Self, InvalidSource> {
        let letter_or_digit = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let fits = text.len() <= LENGTH_MAX
            && text.bytes().next().is_some_and(letter_or_digit)
            && text
                .bytes()
                .all(|byte| letter_or_digit(byte) || matches!(byte, b'_' | b'-'));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidSource)
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_can_be_a_folder_and_nothing_else() {
        for good in ["acme", "0x", "a-1_b", &"x".repeat(63)] {
            assert!(good.parse::<Source>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "_a",
            "-a",
            "A",
            "a/b",
            "a.b",
            "a b",
            "..",
            "é",
            &"x".repeat(64),
        ] {
            assert!(bad.parse::<Source>().is_err(), "{bad}");
        }
    }
}
