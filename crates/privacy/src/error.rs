use crate::{KEY_BYTES_MIN, KeyVersion};

/// Why a ring of keys cannot be used. A key is named by its version, what has none by its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyRingError {
    #[error("the key ring is empty: write `v1:` and a key, as `openssl rand -base64 32` makes one")]
    Empty,
    #[error(
        "entry {position} of the key ring is neither a key (`v1:` and its base64) nor `current=v1`"
    )]
    Unreadable { position: usize },
    #[error("the key {version} is not base64")]
    NotBase64 { version: KeyVersion },
    #[error(
        "the key {version} has fewer than {KEY_BYTES_MIN} bytes; `openssl rand -base64 32` makes one"
    )]
    TooShort { version: KeyVersion },
    #[error("the key ring has two keys {version}")]
    Repeated { version: KeyVersion },
    #[error("the keys {older} and {newer} are the same: a new version needs a new key")]
    SameKey {
        older: KeyVersion,
        newer: KeyVersion,
    },
    #[error("the key ring says twice which key is current")]
    CurrentTwice,
    #[error("the current key is to be {version}, which the key ring does not have")]
    CurrentMissing { version: KeyVersion },
}

/// Why there is no token. Never tells the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("a token needs the name of its field")]
    NoField,
    #[error("a token needs the name of its recipient")]
    NoRecipient,
    #[error("the value is empty, and what is missing has no token")]
    NoValue,
    #[error("there is no key {version}")]
    NoKey { version: KeyVersion },
}
