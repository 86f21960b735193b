//! Tokens and keys: the only place that touches key material. Pure: it is given text and bytes, it
//! opens nothing.
//!
//! A token stands for an identifier. It is the HMAC-SHA256 of the value under a secret key, so whoever
//! lacks the key can neither compute it nor try values against it, and equal values have equal tokens,
//! so that records can still be joined. It is bound to a field and to a recipient: two recipients cannot
//! join what they were given. It names the version of its key, so that keys can be replaced.

mod domain;
mod error;
mod key_ring;
mod key_version;
mod normalisation;
mod secret_key;
mod token;

pub use domain::Domain;
pub use error::{KeyRingError, TokenError};
pub use key_ring::{KeyRing, RotationTokens};
pub use key_version::{KeyVersion, NotAKeyVersion};
pub use normalisation::Normalisation;
pub use secret_key::{KEY_BYTES_MIN, KeyTooShort, SecretKey};
pub use token::{NotAToken, Token};
