use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Serialize, Serializer};
use subtle::ConstantTimeEq;

use crate::KeyVersion;

const PREFIX: &str = "tok_";
const TAG_BYTES: usize = 32;
/// Base64 without padding: four characters for three bytes.
const TAG_CHARACTERS: usize = (TAG_BYTES * 4).div_ceil(3);

/// What stands for a value: `tok_v2_` and 43 characters of base64url (RFC 4648, section 5), the whole
/// HMAC-SHA256. Nothing is cut off, so two values do not meet by chance.
#[derive(Clone, Copy)]
pub struct Token {
    version: KeyVersion,
    tag: [u8; TAG_BYTES],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a token is `tok_`, the version of its key, `_` and {TAG_CHARACTERS} characters of base64url"
)]
pub struct NotAToken;

impl Token {
    pub(crate) fn new(version: KeyVersion, tag: [u8; TAG_BYTES]) -> Token {
        Token { version, tag }
    }

    /// The key that made it.
    pub fn version(&self) -> KeyVersion {
        self.version
    }
}

/// Compares in a time that does not depend on where two tokens differ.
impl PartialEq for Token {
    fn eq(&self, other: &Token) -> bool {
        self.version == other.version && bool::from(self.tag.ct_eq(&other.tag))
    }
}

impl Eq for Token {}

impl fmt::Display for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tag = URL_SAFE_NO_PAD.encode(self.tag);
        write!(formatter, "{PREFIX}{}_{tag}", self.version)
    }
}

/// A token still tells one patient from another, so logs get its version only.
impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Token({PREFIX}{}_…)", self.version)
    }
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for Token {
    type Err = NotAToken;

    /// Takes exactly what `Display` writes, so that tokens can be compared as texts too.
    fn from_str(text: &str) -> Result<Token, NotAToken> {
        let (version, tag) = text
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split_once('_'))
            .ok_or(NotAToken)?;
        let version = version.parse().map_err(|_| NotAToken)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| NotAToken)?;
        let tag = tag.try_into().map_err(|_| NotAToken)?;
        Ok(Token { version, tag })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(tag: [u8; TAG_BYTES]) -> Token {
        Token::new("v2".parse().unwrap(), tag)
    }

    #[test]
    fn a_token_says_its_version_and_is_read_back() {
        let text = token([0xff; TAG_BYTES]).to_string();
        assert_eq!(text, format!("tok_v2_{}8", "_".repeat(42)));
        let written = serde_json::to_value(token([0xff; TAG_BYTES])).unwrap();
        assert_eq!(written, text.as_str());
        assert_eq!(text.len(), "tok_v2_".len() + TAG_CHARACTERS);
        let read: Token = text.parse().unwrap();
        assert_eq!(read, token([0xff; TAG_BYTES]));
        assert_eq!(read.version().number(), 2);
    }

    #[test]
    fn a_token_has_one_text() {
        let zeros = "A".repeat(TAG_CHARACTERS);
        assert!(format!("tok_v2_{zeros}").parse::<Token>().is_ok());
        let short = "A".repeat(TAG_CHARACTERS - 1);
        let wrong = [
            String::new(),
            "tok_".to_owned(),
            "tok_v2".to_owned(),
            format!("tok_v2_{short}"),
            format!("tok_v2_{zeros}A"),
            format!("tok_v2_{zeros}="),
            // The last character has two bits that mean nothing, and must be zero.
            format!("tok_v2_{short}B"),
            format!("tok_v2_{short}+"),
            format!("tok_v02_{zeros}"),
            format!("tok_v0_{zeros}"),
            format!("TOK_v2_{zeros}"),
            format!("tok_v2_{zeros}\n"),
            zeros,
        ];
        for text in wrong {
            assert_eq!(text.parse::<Token>().err(), Some(NotAToken), "{text:?}");
        }
    }

    #[test]
    fn tokens_are_equal_if_all_of_them_is() {
        let one = token([1; TAG_BYTES]);
        assert_eq!(one, one);
        for at in 0..TAG_BYTES {
            let mut tag = [1; TAG_BYTES];
            tag[at] ^= 0x80;
            assert_ne!(token(tag), one, "byte {at}");
        }
        assert_ne!(Token::new("v1".parse().unwrap(), one.tag), one);
    }

    #[test]
    fn a_log_does_not_tell_one_patient_from_another() {
        assert_eq!(format!("{:?}", token([1; TAG_BYTES])), "Token(tok_v2_…)");
    }
}
