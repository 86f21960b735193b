use std::fmt;

use chrono::{DateTime, Utc};
use privacy::SecretKey;

use super::claims::Claims;
use super::compact::Compact;
use super::published_keys::PublishedKeys;
use super::{AuthError, KeySetError, Principal, Refusal, TokenSettings, Verification};

/// What is presented on a developer's machine.
const DEV_TOKEN: &str = "dev";

/// Tells from a request's `Authorization` header who asks. One serves all requests of a process: it
/// keeps the issuer's keys.
pub struct Authenticator {
    tokens: Option<Tokens>,
    dev: bool,
}

struct Tokens {
    settings: TokenSettings,
    verifier: Verifier,
}

enum Verifier {
    Secret(SecretKey),
    PublishedKeys(Box<PublishedKeys>),
}

impl Authenticator {
    /// `dev` is what [`super::accepts_dev_token`] says. Keys are fetched when the first token comes, so
    /// that we can start before the issuer does.
    pub fn new(tokens: Option<TokenSettings>, dev: bool) -> Result<Authenticator, AuthError> {
        if tokens.is_none() && !dev {
            return Err(AuthError::NothingAccepted);
        }
        let tokens = tokens.map(Tokens::new).transpose()?;
        Ok(Authenticator { tokens, dev })
    }

    /// The client behind the value of the header `Authorization`.
    pub async fn authenticate(&self, authorization: Option<&str>) -> Result<Principal, Refusal> {
        self.authenticate_at(authorization, Utc::now()).await
    }

    /// The same, as if it were that time.
    pub async fn authenticate_at(
        &self,
        authorization: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Principal, Refusal> {
        let token = bearer_token(authorization).ok_or(Refusal::Missing)?;
        if self.dev && token == DEV_TOKEN {
            return Ok(Principal::dev());
        }
        let compact = Compact::parse(token).ok_or(Refusal::Malformed)?;
        let tokens = self.tokens.as_ref().ok_or(Refusal::UnknownKey)?;
        tokens.verifier.verify(&compact).await?;
        let claims: Claims = compact.claims().ok_or(Refusal::Malformed)?;
        claims.admit(&tokens.settings, now)
    }

    /// Asks for the issuer's keys now, where there are any to ask for: for a check of the configuration.
    pub async fn fetch_keys(&self) -> Result<(), KeySetError> {
        match self.tokens.as_ref().map(|tokens| &tokens.verifier) {
            Some(Verifier::PublishedKeys(keys)) => keys.fetch().await,
            Some(Verifier::Secret(_)) | None => Ok(()),
        }
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = self.tokens.as_ref().map(|tokens| &tokens.settings);
        formatter
            .debug_struct("Authenticator")
            .field("settings", &settings)
            .field("dev", &self.dev)
            .finish()
    }
}

impl Tokens {
    fn new(settings: TokenSettings) -> Result<Tokens, AuthError> {
        if settings.issuer.is_empty() || settings.audience.is_empty() {
            return Err(AuthError::Unbound);
        }
        let verifier = match settings.verification.clone() {
            Verification::Secret(secret) => Verifier::Secret(secret),
            Verification::PublishedKeys {
                algorithm,
                location,
                refetch_interval,
                age_max,
            } => {
                let keys = PublishedKeys::new(algorithm, location, refetch_interval, age_max)?;
                Verifier::PublishedKeys(Box::new(keys))
            }
        };
        Ok(Tokens { settings, verifier })
    }
}

impl Verifier {
    fn algorithm(&self) -> &'static str {
        match self {
            Verifier::Secret(_) => "HS256",
            Verifier::PublishedKeys(keys) => keys.algorithm().as_str(),
        }
    }

    /// The algorithm is ours. A token that says another is refused before any key is looked at, so that
    /// no public key ever serves as a secret and `none` is nothing special (RFC 8725, section 3.1).
    async fn verify(&self, token: &Compact<'_>) -> Result<(), Refusal> {
        if token.header.alg != self.algorithm() {
            return Err(Refusal::BadSignature);
        }
        let signed = token.signed.as_bytes();
        let is_right = match self {
            Verifier::Secret(secret) => token
                .signature_bytes()
                .is_some_and(|signature| secret.verifies(signed, &signature)),
            Verifier::PublishedKeys(keys) => {
                let key = keys.find(token.header.kid.as_deref()).await?;
                let algorithm = keys.algorithm().for_verification();
                let verified =
                    jsonwebtoken::crypto::verify(token.signature, signed, &key, algorithm);
                verified.unwrap_or(false)
            }
        };
        if is_right {
            Ok(())
        } else {
            Err(Refusal::BadSignature)
        }
    }
}

/// RFC 6750, section 2.1. Another scheme than `Bearer` presents no token to us.
fn bearer_token(authorization: Option<&str>) -> Option<&str> {
    let (scheme, token) = authorization?.split_once(' ')?;
    let token = token.trim_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_token_is_found_in_its_header() {
        let cases = [
            (Some("Bearer abc"), Some("abc")),
            (Some("bearer abc"), Some("abc")),
            (Some("BEARER  abc "), Some("abc")),
            (Some("Bearer a b"), Some("a b")),
            (None, None),
            (Some(""), None),
            (Some("abc"), None),
            (Some("Bearer"), None),
            (Some("Bearer "), None),
            (Some("Basic abc"), None),
            (Some("BearerX abc"), None),
            (Some("Bearer\tabc"), None),
        ];
        for (header, expected) in cases {
            assert_eq!(bearer_token(header), expected, "{header:?}");
        }
    }

    #[test]
    fn an_authenticator_takes_somebodys_tokens_for_somebody() {
        assert!(matches!(
            Authenticator::new(None, false),
            Err(AuthError::NothingAccepted)
        ));
        let secret = SecretKey::new(vec![7; 32].into()).unwrap();
        for (issuer, audience) in [("", "lazaret"), ("https://id.example", "")] {
            let settings = TokenSettings {
                issuer: issuer.to_owned(),
                audience: audience.to_owned(),
                leeway: std::time::Duration::ZERO,
                verification: Verification::Secret(secret.clone()),
            };
            let refused = Authenticator::new(Some(settings), true);
            assert!(
                matches!(refused, Err(AuthError::Unbound)),
                "{issuer} {audience}"
            );
        }
    }
}
