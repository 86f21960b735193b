use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde_json::Value;

use super::PublicAlgorithm;

/// An issuer's public keys for one algorithm.
pub(crate) struct KeySet {
    keys: Vec<PublicKey>,
}

struct PublicKey {
    id: Option<String>,
    key: DecodingKey,
}

/// Why the issuer's keys cannot be had. Names no address: one may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum KeySetError {
    #[error("the file of the issuer's keys cannot be read")]
    Unreadable(#[source] std::io::Error),
    #[error("the issuer's keys cannot be fetched")]
    Unreachable(#[source] reqwest::Error),
    #[error("the address of the issuer's keys answered {status}")]
    Status { status: u16 },
    #[error("the issuer's keys are more than {bytes_max} bytes")]
    TooLarge { bytes_max: usize },
    #[error("what should be the issuer's keys is no JSON Web Key Set (RFC 7517)")]
    NotAKeySet,
    #[error("the issuer publishes no key that verifies {algorithm}")]
    NoKey { algorithm: &'static str },
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

/// RFC 7517, section 4, and RFC 7518, sections 6.2.1 and 6.3.1.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl KeySet {
    /// The keys of the set that verify this algorithm. Others are left out (RFC 7517, section 5), above
    /// all symmetric ones: a secret that everybody can read verifies nothing.
    pub(crate) fn parse(text: &[u8], algorithm: PublicAlgorithm) -> Result<KeySet, KeySetError> {
        let document: Document =
            serde_json::from_slice(text).map_err(|_| KeySetError::NotAKeySet)?;
        let keys: Vec<PublicKey> = document
            .keys
            .into_iter()
            .filter_map(|key| {
                serde_json::from_value::<Jwk>(key)
                    .ok()?
                    .usable_for(algorithm)
            })
            .collect();
        if keys.is_empty() {
            let algorithm = algorithm.as_str();
            return Err(KeySetError::NoKey { algorithm });
        }
        Ok(KeySet { keys })
    }

    /// The key that a token names. One that names none is taken for the only key, where there is one.
    pub(crate) fn find(&self, id: Option<&str>) -> Option<&DecodingKey> {
        let found = match (id, self.keys.as_slice()) {
            (None, [only]) => Some(only),
            (None, _) => None,
            (Some(id), keys) => keys.iter().find(|key| key.id.as_deref() == Some(id)),
        };
        found.map(|found| &found.key)
    }
}

impl Jwk {
    fn usable_for(self, algorithm: PublicAlgorithm) -> Option<PublicKey> {
        let is_for = |stated: &Option<String>, expected: &str| {
            stated.as_deref().is_none_or(|stated| stated == expected)
        };
        let operations = self.key_ops.as_deref();
        let verifies = operations.is_none_or(|all| all.iter().any(|one| one == "verify"));
        if !is_for(&self.purpose, "sig") || !is_for(&self.alg, algorithm.as_str()) || !verifies {
            return None;
        }
        let key = match (algorithm, self.kty.as_str(), self.crv.as_deref()) {
            (PublicAlgorithm::Rs256, "RSA", _) => {
                DecodingKey::from_rsa_components(&self.n?, &self.e?)
            }
            (PublicAlgorithm::Es256, "EC", Some("P-256")) => {
                DecodingKey::from_ec_components(&self.x?, &self.y?)
            }
            _ => return None,
        };
        let id = self.kid;
        key.ok().map(|key| PublicKey { id, key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RSA: &str = r#""kty": "RSA", "n": "AQAB", "e": "AQAB""#;
    const EC: &str = r#""kty": "EC", "crv": "P-256", "x": "AQAB", "y": "AQAB""#;

    /// Which of `a` and `b` are in the set.
    fn found(algorithm: PublicAlgorithm, keys: &str) -> String {
        let text = format!("{{\"keys\": [{keys}]}}");
        match KeySet::parse(text.as_bytes(), algorithm) {
            Ok(set) => ["a", "b"]
                .into_iter()
                .filter(|id| set.find(Some(id)).is_some())
                .collect(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn only_keys_for_the_configured_algorithm_are_taken() {
        let both = format!(r#"{{{RSA}, "kid": "a"}}, {{{EC}, "kid": "b"}}"#);
        assert_eq!(found(PublicAlgorithm::Rs256, &both), "a");
        assert_eq!(found(PublicAlgorithm::Es256, &both), "b");
        let cases = [
            (
                r#""use": "sig", "alg": "RS256", "key_ops": ["verify"]"#,
                "a",
            ),
            (r#""use": "enc""#, ""),
            (r#""alg": "RS512""#, ""),
            (r#""alg": "RSA-OAEP""#, ""),
            (r#""alg": "HS256""#, ""),
            (r#""key_ops": ["sign"]"#, ""),
            (r#""key_ops": "verify""#, ""),
            (r#""x5t": "whatever else there is", "ext": true"#, "a"),
        ];
        for (member, expected) in cases {
            // A second key that fits: what is left out does not spoil the others.
            let keys = format!(r#"{{{RSA}, "kid": "a", {member}}}, {{{RSA}, "kid": "b"}}"#);
            assert_eq!(
                found(PublicAlgorithm::Rs256, &keys),
                format!("{expected}b"),
                "{member}"
            );
        }
    }

    #[test]
    fn a_key_of_another_kind_is_none() {
        let strange = [
            r#"{"kty": "oct", "k": "AQAB", "kid": "a"}"#,
            r#"{"kty": "oct", "k": "AQAB", "n": "AQAB", "e": "AQAB", "kid": "a"}"#,
            r#"{"kty": "EC", "crv": "P-384", "x": "AQAB", "y": "AQAB", "kid": "a"}"#,
            r#"{"kty": "EC", "x": "AQAB", "y": "AQAB", "kid": "a"}"#,
            r#"{"kty": "RSA", "n": "AQAB", "kid": "a"}"#,
            r#"{"kty": "RSA", "n": "not base64!", "e": "AQAB", "kid": "a"}"#,
            r#"{"kid": "a"}"#,
            "7",
            "",
        ];
        for key in strange {
            for algorithm in [PublicAlgorithm::Rs256, PublicAlgorithm::Es256] {
                let expected = format!(
                    "the issuer publishes no key that verifies {}",
                    algorithm.as_str()
                );
                assert_eq!(found(algorithm, key), expected, "{key}");
            }
        }
    }

    #[test]
    fn what_is_no_key_set_is_refused() {
        for text in ["", "{}", "[]", r#"{"keys": {}}"#, "<html>"] {
            let refused = KeySet::parse(text.as_bytes(), PublicAlgorithm::Rs256).err();
            assert!(matches!(refused, Some(KeySetError::NotAKeySet)), "{text}");
        }
    }

    #[test]
    fn a_token_that_names_no_key_gets_the_only_one() {
        let set = |keys: &str| {
            let text = format!("{{\"keys\": [{keys}]}}");
            KeySet::parse(text.as_bytes(), PublicAlgorithm::Rs256).unwrap()
        };
        let one = set(&format!(r#"{{{RSA}, "kid": "a"}}"#));
        assert!(one.find(None).is_some());
        assert!(one.find(Some("b")).is_none());
        let two = set(&format!(r#"{{{RSA}, "kid": "a"}}, {{{RSA}}}"#));
        assert!(two.find(None).is_none());
    }
}
