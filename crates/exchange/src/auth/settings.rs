use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use jsonwebtoken::Algorithm;
use privacy::SecretKey;
use reqwest::Url;

/// Which tokens are taken.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    /// Must be the token's `iss`.
    pub issuer: String,
    /// Must be, or be in, the token's `aud`.
    pub audience: String,
    /// How far the issuer's clock and ours may differ.
    pub leeway: Duration,
    pub verification: Verification,
}

/// What tokens must be signed with. The token's own `alg` is only compared with it.
#[derive(Debug, Clone)]
pub enum Verification {
    /// HS256: a secret shared with the issuer.
    Secret(SecretKey),
    /// The issuer's public keys, as a JSON Web Key Set (RFC 7517).
    PublishedKeys {
        algorithm: PublicAlgorithm,
        location: KeysLocation,
        /// Keys are not asked for more often than that, whatever tokens come.
        refetch_interval: Duration,
        /// Keys older than that are asked for again, so that one that was withdrawn is not taken for
        /// ever. Where that fails they stay.
        age_max: Duration,
    },
}

/// RFC 7518, section 3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, keys of 2048 bits or more.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
}

impl PublicAlgorithm {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            PublicAlgorithm::Rs256 => "RS256",
            PublicAlgorithm::Es256 => "ES256",
        }
    }

    pub(crate) fn for_verification(self) -> Algorithm {
        match self {
            PublicAlgorithm::Rs256 => Algorithm::RS256,
            PublicAlgorithm::Es256 => Algorithm::ES256,
        }
    }
}

/// Where the issuer's keys are.
#[derive(Clone, PartialEq, Eq)]
pub enum KeysLocation {
    File(PathBuf),
    Url(Url),
}

impl KeysLocation {
    /// A path, or an `https` address. Keys over plain `http` could be anybody's, so that is taken from
    /// this machine only.
    pub fn parse(text: &str) -> Result<KeysLocation, AuthError> {
        if !text.contains("://") {
            return Ok(KeysLocation::File(text.into()));
        }
        let url = Url::parse(text).map_err(|_| AuthError::KeysLocation)?;
        match url.scheme() {
            "https" => Ok(KeysLocation::Url(url)),
            "http" if is_this_machine(&url) => Ok(KeysLocation::Url(url)),
            _ => Err(AuthError::KeysLocation),
        }
    }
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

/// An address may hold a password.
impl fmt::Debug for KeysLocation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeysLocation::File(path) => formatter.debug_tuple("File").field(path).finish(),
            KeysLocation::Url(url) => {
                let host = url.host_str().unwrap_or_default();
                write!(formatter, "Url({}://{host}/…)", url.scheme())
            }
        }
    }
}

/// Why no authenticator can be made: the operator's to mend.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    #[error(
        "no token would be taken: say which issuer's tokens are, or set ENV=local and listen on \
         127.0.0.1 to take the dev token"
    )]
    NothingAccepted,
    #[error("the issuer or the audience is empty: tokens of anybody, for anybody, would be taken")]
    Unbound,
    #[error(
        "the place of the issuer's keys is neither a file nor an https address (http is taken for \
         this machine only)"
    )]
    KeysLocation,
    #[error("no HTTPS client can be made to fetch the issuer's keys")]
    Client(#[source] reqwest::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_from_a_file_or_safely() {
        let cases = [
            (
                "/etc/lazaret/jwks.json",
                Some("File(\"/etc/lazaret/jwks.json\")"),
            ),
            ("jwks.json", Some("File(\"jwks.json\")")),
            (
                "https://id.example/keys?x=SECRET",
                Some("Url(https://id.example/…)"),
            ),
            (
                "https://user:SECRET@id.example/keys",
                Some("Url(https://id.example/…)"),
            ),
            ("http://127.0.0.1:9/keys", Some("Url(http://127.0.0.1/…)")),
            ("http://[::1]:9/keys", Some("Url(http://[::1]/…)")),
            ("http://localhost/keys", Some("Url(http://localhost/…)")),
            ("http://id.example/keys", None),
            ("http://127.0.0.1.id.example/keys", None),
            ("http://localhost.id.example/keys", None),
            ("ftp://id.example/keys", None),
            ("file:///etc/jwks.json", None),
            ("https://", None),
        ];
        for (text, expected) in cases {
            let location = KeysLocation::parse(text).ok();
            let shown = location.map(|location| format!("{location:?}"));
            assert_eq!(shown.as_deref(), expected, "{text}");
        }
    }
}
