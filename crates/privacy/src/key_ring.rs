use std::collections::BTreeMap;

use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine, alphabet, decoded_len_estimate};
use zeroize::Zeroizing;

use crate::{Domain, KeyRingError, KeyVersion, SecretKey, Token, TokenError};

/// Keys by version, one of them current. It makes new tokens; the others still answer for theirs.
///
/// Keys are replaced in four steps, each everywhere before the next: the new key is added while
/// `current=` still names the old one; the new one becomes current; what is stored is given new tokens
/// ([`KeyRing::tokens_in_rotation`]); the old key is removed.
#[derive(Debug, Clone)]
pub struct KeyRing {
    current: KeyVersion,
    keys: BTreeMap<KeyVersion, SecretKey>,
}

/// A value's tokens while two keys are in use: look up by both, store the current one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationTokens {
    pub current: Token,
    /// By the newest key before the current one, if that is still known.
    pub previous: Option<Token>,
}

/// One entry of a ring's text.
enum Entry {
    Key(KeyVersion, SecretKey),
    Current(KeyVersion),
}

impl KeyRing {
    /// Reads `v1:<base64>,v2:<base64>`: entries separated by commas or white space, as one environment
    /// variable or a file holds them. Base64 in either alphabet, padded or not. The newest key is
    /// current unless an entry `current=v1` says otherwise.
    ///
    /// The text remains the caller's, who wipes it.
    pub fn parse(text: &str) -> Result<KeyRing, KeyRingError> {
        let mut keys = BTreeMap::new();
        let mut stated = None;
        let entries = text
            .split(|character: char| character == ',' || character.is_whitespace())
            .filter(|entry| !entry.is_empty());
        for (position, entry) in (1..).zip(entries) {
            match Entry::parse(entry, position)? {
                Entry::Key(version, key) => {
                    if keys.insert(version, key).is_some() {
                        return Err(KeyRingError::Repeated { version });
                    }
                }
                Entry::Current(version) => {
                    if stated.replace(version).is_some() {
                        return Err(KeyRingError::CurrentTwice);
                    }
                }
            }
        }
        let newest = *keys.last_key_value().ok_or(KeyRingError::Empty)?.0;
        let current = stated.unwrap_or(newest);
        if !keys.contains_key(&current) {
            return Err(KeyRingError::CurrentMissing { version: current });
        }
        refuse_same_keys(&keys)?;
        Ok(KeyRing { current, keys })
    }

    /// The version that makes new tokens.
    pub fn current(&self) -> KeyVersion {
        self.current
    }

    /// The newest version before the current one.
    pub fn previous(&self) -> Option<KeyVersion> {
        let before = self.keys.range(..self.current);
        before.last().map(|(version, _)| *version)
    }

    /// All versions, oldest first.
    pub fn versions(&self) -> impl Iterator<Item = KeyVersion> {
        self.keys.keys().copied()
    }

    /// The value's token by the current key.
    pub fn token(&self, domain: &Domain<'_>, value: &str) -> Result<Token, TokenError> {
        self.token_by(self.current, domain, value)
    }

    /// The value's token by the key of that version.
    pub fn token_by(
        &self,
        version: KeyVersion,
        domain: &Domain<'_>,
        value: &str,
    ) -> Result<Token, TokenError> {
        let key = self.keys.get(&version);
        let key = key.ok_or(TokenError::NoKey { version })?;
        let message = domain.message(value)?;
        Ok(Token::new(version, key.authenticate([message.as_slice()])))
    }

    /// The value's tokens by the current key and the one before.
    pub fn tokens_in_rotation(
        &self,
        domain: &Domain<'_>,
        value: &str,
    ) -> Result<RotationTokens, TokenError> {
        let previous = self
            .previous()
            .map(|version| self.token_by(version, domain, value));
        Ok(RotationTokens {
            current: self.token(domain, value)?,
            previous: previous.transpose()?,
        })
    }

    /// Whether the token is the value's, by whichever key made it.
    pub fn is_token_of(
        &self,
        token: &Token,
        domain: &Domain<'_>,
        value: &str,
    ) -> Result<bool, TokenError> {
        Ok(self.token_by(token.version(), domain, value)? == *token)
    }
}

impl Entry {
    fn parse(text: &str, position: usize) -> Result<Entry, KeyRingError> {
        let unreadable = KeyRingError::Unreadable { position };
        let version = |text: &str| text.parse().map_err(|_| unreadable.clone());
        if let Some(current) = text.strip_prefix("current=") {
            return Ok(Entry::Current(version(current)?));
        }
        let (name, key) = text.split_once(':').ok_or_else(|| unreadable.clone())?;
        let version = version(name)?;
        let key = decode(key).ok_or(KeyRingError::NotBase64 { version })?;
        let key = SecretKey::new(key).map_err(|_| KeyRingError::TooShort { version })?;
        Ok(Entry::Key(version, key))
    }
}

fn refuse_same_keys(keys: &BTreeMap<KeyVersion, SecretKey>) -> Result<(), KeyRingError> {
    for (&newer, key) in keys {
        for (&older, other) in keys.range(..newer) {
            if key.is_same(other) {
                return Err(KeyRingError::SameKey { older, newer });
            }
        }
    }
    Ok(())
}

/// Base64 in either alphabet, padded or not, into memory that is wiped.
fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engines = [alphabet::STANDARD, alphabet::URL_SAFE]
        .map(|alphabet| GeneralPurpose::new(&alphabet, config));
    engines.iter().find_map(|engine| {
        // Enough from the start: growing would leave a copy behind.
        let mut bytes = Zeroizing::new(vec![0; decoded_len_estimate(text.len())]);
        let length = engine.decode_slice(text, &mut bytes).ok()?;
        bytes.truncate(length);
        Some(bytes)
    })
}
