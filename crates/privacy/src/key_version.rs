use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// Which key of a ring: `v1`, `v2`, … A higher number is a newer key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyVersion(NonZeroU32);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key version is `v` and a number from 1 on, without leading zeros, as in `v1`")]
pub struct NotAKeyVersion;

impl KeyVersion {
    pub fn new(number: NonZeroU32) -> KeyVersion {
        KeyVersion(number)
    }

    pub fn number(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for KeyVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "v{}", self.0)
    }
}

impl Serialize for KeyVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for KeyVersion {
    type Err = NotAKeyVersion;

    /// Takes exactly what `Display` writes, so that a version has one text.
    fn from_str(text: &str) -> Result<KeyVersion, NotAKeyVersion> {
        let digits = text.strip_prefix('v').ok_or(NotAKeyVersion)?;
        if !digits.starts_with(|first| matches!(first, '1'..='9')) {
            return Err(NotAKeyVersion);
        }
        digits.parse().map(KeyVersion).map_err(|_| NotAKeyVersion)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_one_text() {
        for text in ["v1", "v10", "v4294967295"] {
            assert_eq!(text.parse::<KeyVersion>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "v",
            "1",
            "v0",
            "v01",
            "v+1",
            "V1",
            "v1 ",
            "v4294967296",
            "v-1",
            "v१",
        ] {
            assert!(text.parse::<KeyVersion>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_higher_number_is_newer() {
        let of = |text: &str| text.parse::<KeyVersion>().unwrap();
        assert!(of("v10") > of("v9"));
    }
}
