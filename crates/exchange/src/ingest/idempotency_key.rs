//! The client's name for one intent: `Idempotency-Key`
//! (draft-ietf-httpapi-idempotency-key-header), a string of RFC 8941 in quotes, or bare, as older
//! clients send it. Both writings of the same characters are the same key.

use std::fmt;

/// Visible ASCII characters, as many as the rules allow.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

/// How long a key must and may be, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdempotencyKeyRules {
    pub length_min: usize,
}

impl Default for IdempotencyKeyRules {
    fn default() -> Self {
        Self { length_min: 16 }
    }
}

const LENGTH_MAX: usize = 255;

/// Why a header's value is no key. The value may be a secret of the client's and is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIdempotencyKey {
    #[error("write at least {length_min} characters, such as a UUID")]
    TooShort { length_min: usize },
    #[error("write at most {LENGTH_MAX} characters")]
    TooLong,
    #[error("write visible ASCII characters only; without quotes, no `\"`, `\\` and `,`")]
    Character,
    #[error("end what begins with a quote with a quote, and write nothing behind it")]
    Quoting,
}

impl IdempotencyKeyRules {
    /// The key in a header's value.
    ///
    /// # Errors
    /// Says what is wrong with it, without repeating it.
    pub fn parse(self, header: &[u8]) -> Result<IdempotencyKey, InvalidIdempotencyKey> {
        let key = match header.trim_ascii() {
            [b'"', quoted @ ..] => unquote(quoted)?,
            bare if bare.iter().any(|byte| matches!(byte, b'"' | b'\\' | b',')) => {
                return Err(InvalidIdempotencyKey::Character);
            }
            bare => bare.to_vec(),
        };
        if !key.iter().all(u8::is_ascii_graphic) {
            return Err(InvalidIdempotencyKey::Character);
        }
        if key.len() < self.length_min {
            let length_min = self.length_min;
            return Err(InvalidIdempotencyKey::TooShort { length_min });
        }
        if key.len() > LENGTH_MAX {
            return Err(InvalidIdempotencyKey::TooLong);
        }
        let key = String::from_utf8(key).expect("visible ASCII is UTF-8");
        Ok(IdempotencyKey(key))
    }
}

/// What stands before the closing quote; `\"` and `\\` are the only escapes (RFC 8941, 3.3.3).
fn unquote(quoted: &[u8]) -> Result<Vec<u8>, InvalidIdempotencyKey> {
    let mut key = Vec::with_capacity(quoted.len());
    let mut bytes = quoted.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'"' if bytes.as_slice().is_empty() => return Ok(key),
            b'"' => return Err(InvalidIdempotencyKey::Quoting),
            b'\\' => match bytes.next() {
                Some(escaped @ (b'"' | b'\\')) => key.push(*escaped),
                _ => return Err(InvalidIdempotencyKey::Quoting),
            },
            other => key.push(other),
        }
    }
    Err(InvalidIdempotencyKey::Quoting)
}

impl IdempotencyKey {
    /// A key that this program derives from another; its characters and length are ours.
    pub(crate) fn derived(text: String) -> Self {
        debug_assert!(text.len() <= LENGTH_MAX && text.bytes().all(|byte| byte.is_ascii_graphic()));
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencyKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(header: &str) -> Result<String, InvalidIdempotencyKey> {
        let key = IdempotencyKeyRules::default().parse(header.as_bytes())?;
        Ok(key.as_str().to_owned())
    }

    #[test]
    fn quoted_and_bare_are_the_same_key() {
        let key = "8e03978e-40d5-43e8-bc93-6894a57f9324";
        assert_eq!(parse(key), Ok(key.to_owned()));
        assert_eq!(parse(&format!("\"{key}\"")), Ok(key.to_owned()));
        assert_eq!(parse(&format!("  {key} ")), Ok(key.to_owned()));
    }

    #[test]
    fn what_is_no_key_is_refused_with_its_reason() {
        let key = "0123456789abcdef";
        let short = InvalidIdempotencyKey::TooShort { length_min: 16 };
        let cases = [
            (String::new(), short),
            (key[1..].to_owned(), short),
            ("\"\"".to_owned(), short),
            ("x".repeat(256), InvalidIdempotencyKey::TooLong),
            (format!("{key},{key}"), InvalidIdempotencyKey::Character),
            (format!("{key} {key}"), InvalidIdempotencyKey::Character),
            (format!("\"{key} \""), InvalidIdempotencyKey::Character),
            (format!("{key}é"), InvalidIdempotencyKey::Character),
            (format!("{key}\""), InvalidIdempotencyKey::Character),
            (format!("\"{key}"), InvalidIdempotencyKey::Quoting),
            (format!("\"{key}\"; a=1"), InvalidIdempotencyKey::Quoting),
            (format!("\"{key}\\n\""), InvalidIdempotencyKey::Quoting),
            ("\"".to_owned(), InvalidIdempotencyKey::Quoting),
        ];
        for (header, reason) in cases {
            assert_eq!(parse(&header), Err(reason), "{header}");
        }
    }

    #[test]
    fn the_least_length_is_a_setting() {
        let rules = IdempotencyKeyRules { length_min: 1 };
        assert_eq!(rules.parse(b"k").unwrap().as_str(), "k");
    }

    #[test]
    fn a_key_is_not_shown_in_debug_output() {
        let key = IdempotencyKeyRules::default()
            .parse(b"0123456789abcdef")
            .unwrap();
        assert!(!format!("{key:?}").contains("0123"));
    }

    proptest! {
        #[test]
        fn what_is_quoted_is_read_back(key in "[!-~]{16,255}") {
            let quoted = key.replace('\\', "\\\\").replace('"', "\\\"");
            prop_assert_eq!(parse(&format!("\"{quoted}\"")), Ok(key));
        }
    }
}
