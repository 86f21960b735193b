//! Who asks, and what that client may do.
//!
//! A client presents a JSON Web Token (RFC 7519) as a bearer token (RFC 6750). What it must be signed
//! with is said by our configuration and never by the token: one algorithm, and either one secret or the
//! issuer's public keys. `exp`, `nbf`, `iss`, `aud` and `sub` are required. What the client may do is in
//! three claims: its scopes (`scope` or `scp`), the `sources` that it may post for and the `recipients`
//! that it may ask tokens for; a claim that is absent allows nothing.

mod authenticator;
mod claims;
mod compact;
mod development;
mod key_set;
mod principal;
mod published_keys;
mod refusal;
mod settings;

pub use authenticator::Authenticator;
pub use development::accepts_dev_token;
pub use key_set::KeySetError;
pub use principal::{Names, Principal, Scope};
pub use refusal::{Need, Refusal};
pub use settings::{AuthError, KeysLocation, PublicAlgorithm, TokenSettings, Verification};
