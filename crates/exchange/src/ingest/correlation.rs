//! What ties a record to the request that brought it.

use std::fmt;

use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// What the client calls its request (`X-Correlation-Id`), or a UUID of ours. It is written to
/// logs and headers, so it is of 1 to 128 of `A-Z a-z 0-9 . _ : -` and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct CorrelationId(String);

const LENGTH_MAX: usize = 128;

impl CorrelationId {
    /// A new one: a UUID of version 7.
    #[expect(clippy::new_without_default, reason = "two defaults would differ")]
    pub fn new() -> Self {
        Self(Uuid::now_v7().hyphenated().to_string())
    }

    /// The client's own, where it is acceptable; else a new one, because a request is not refused
    /// for a header that only helps to find it again.
    pub fn of_header(value: Option<&[u8]>) -> Self {
        value.and_then(Self::accept).unwrap_or_else(Self::new)
    }

    pub(crate) fn accept(value: &[u8]) -> Option<Self> {
        let acceptable = (1..=LENGTH_MAX).contains(&value.len())
            && value.iter().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'-')
            });
        let text = std::str::from_utf8(value).ok()?;
        acceptable.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// SHA-256 of the body as it came, in lower-case hexadecimal: two requests under one key are the
/// same when their bytes are.
pub fn request_hash(body: &[u8]) -> String {
    contract::hex(&Sha256::digest(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acceptable_correlation_id_is_kept() {
        let long = "x".repeat(LENGTH_MAX);
        for good in ["a", "order-17:retry.2", long.as_str()] {
            assert_eq!(
                CorrelationId::of_header(Some(good.as_bytes())).as_str(),
                good
            );
        }
    }

    #[test]
    fn any_other_is_replaced_by_a_uuid() {
        let long = "x".repeat(LENGTH_MAX + 1);
        let bad: [&[u8]; 5] = [b"", b"a b", b"a\nb", "é".as_bytes(), long.as_bytes()];
        for value in bad.into_iter().map(Some).chain([None]) {
            let id = CorrelationId::of_header(value);
            assert!(Uuid::parse_str(id.as_str()).is_ok(), "{id}");
        }
    }

    #[test]
    fn the_request_hash_is_sha256_in_lower_case() {
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(request_hash(b"abc"), expected);
    }
}
