//! An identity provider of a test's own: it signs tokens with real keys and publishes their public
//! halves.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use exchange::auth::{Authenticator, KeysLocation, PublicAlgorithm, TokenSettings, Verification};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use privacy::SecretKey;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://id.example";
pub(crate) const AUDIENCE: &str = "lazaret";
pub(crate) const SECRET: &[u8; 32] = b"a secret of this test, 32 bytes.";
pub(crate) const LEEWAY: Duration = Duration::from_secs(30);
pub(crate) const LONG: Duration = Duration::from_secs(3600);

/// A private key with its name.
pub(crate) struct SigningKey {
    id: &'static str,
    key: EncodingKey,
    pub(crate) public: Value,
}

impl SigningKey {
    /// A new one on P-256.
    pub(crate) fn ec(id: &'static str) -> SigningKey {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key can be made");
        // An uncompressed point: 4, x, y.
        let (x, y) = pair.public_key_raw()[1..].split_at(32);
        SigningKey {
            id,
            key: EncodingKey::from_ec_der(pair.serialized_der()),
            public: json!({
                "kty": "EC", "crv": "P-256", "kid": id, "use": "sig",
                "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
            }),
        }
    }

    /// The same for every test: to find its primes takes long.
    pub(crate) fn rsa(id: &'static str) -> SigningKey {
        let pem = RSA_KEY.as_bytes();
        SigningKey {
            id,
            key: EncodingKey::from_rsa_pem(pem).expect("the key of the tests is one"),
            public: json!({ "kty": "RSA", "kid": id, "n": RSA_MODULUS, "e": "AQAB" }),
        }
    }

    pub(crate) fn sign(&self, algorithm: Algorithm, claims: &Value) -> String {
        self.sign_as(
            &json!({ "alg": algorithm, "kid": self.id }),
            algorithm,
            claims,
        )
    }

    /// With a header that may say anything.
    pub(crate) fn sign_as(&self, header: &Value, algorithm: Algorithm, claims: &Value) -> String {
        compact(header, &claims.to_string(), &self.key, algorithm)
    }
}

fn compact(header: &Value, claims: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let signed = format!("{}.{}", part(&header.to_string()), part(claims));
    let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), key, algorithm);
    format!(
        "{signed}.{}",
        signature.expect("a key of the algorithm signs")
    )
}

/// What the issuer publishes.
pub(crate) fn key_set(keys: &[&SigningKey]) -> String {
    let keys: Vec<&Value> = keys.iter().map(|key| &key.public).collect();
    json!({ "keys": keys }).to_string()
}

/// What a client's token says that was given an hour at that time.
pub(crate) fn claims_at(now: DateTime<Utc>) -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "clinic-7",
        "nbf": now.timestamp(), "exp": now.timestamp() + 3600,
        "scope": "ingest openid", "sources": ["clinic-7", "lab-2"],
    })
}

pub(crate) fn claims() -> Value {
    claims_at(Utc::now())
}

/// The claims with one changed, or left out where it is null.
pub(crate) fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    let members = claims.as_object_mut().expect("claims are an object");
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
    claims
}

/// Signed with the secret.
pub(crate) fn hs256(claims: &Value) -> String {
    let key = EncodingKey::from_secret(SECRET);
    jsonwebtoken::encode(&Header::default(), claims, &key).expect("claims can be signed")
}

/// A token that says anything, signed with a secret by HS256.
pub(crate) fn forged(header: &Value, claims: &str, secret: &[u8]) -> String {
    let key = EncodingKey::from_secret(secret);
    compact(header, claims, &key, Algorithm::HS256)
}

pub(crate) fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn authenticator(verification: Verification) -> Authenticator {
    let settings = TokenSettings {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        leeway: LEEWAY,
        verification,
    };
    Authenticator::new(Some(settings), false).expect("the settings can be used")
}

/// Takes tokens that are signed with the secret.
pub(crate) fn by_secret() -> Authenticator {
    let secret = SecretKey::new(SECRET.to_vec().into()).expect("it is long enough");
    authenticator(Verification::Secret(secret))
}

/// Takes tokens that are signed with a key that is published there.
pub(crate) fn by_keys(
    algorithm: PublicAlgorithm,
    location: &str,
    refetch_interval: Duration,
    age_max: Duration,
) -> Authenticator {
    authenticator(Verification::PublishedKeys {
        algorithm,
        location: KeysLocation::parse(location).expect("a place of keys"),
        refetch_interval,
        age_max,
    })
}

/// Made for these tests by `openssl genrsa 2048`; protects nothing.
const RSA_KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDlGIlw5zfurVaN
+3trQkNFPh/jhgIEuL/66j/8ol2qlyv1s0ZvdSb2Cj+DCCfel78NMMXediGWSG/f
795SgoSN2qd26RepuYzwfDj5k/y9+f982ejfuiWdQ1Dtt6bUcnzmBck6Px+UFEAM
ENRMSRVq3NhjLzOWptwwBViMXqLl53oT9wQlGCdevcilmGlnoS8xlPppHwJYFksZ
OumA1JQeZU9LctKOmr6+vGRHgAm4NUAhw4v3F5++BlnvW6XxZaoXNdjrbv5Sira3
9RGL0l8UeBFSRFUrBySzz4SiGBMywg6X2wPB4w0nrdzy3HLrhkkrGIymBfbqt4pw
UBWv5uabAgMBAAECggEAGdCg1XeV07p1joyKyjnObGmFMgqs2eJa7l0MtnIx/Xcz
uBJ/pS89eNZhH2nrsDHyOybGonw2PwHM6sjT3lagYCmw2tMw3D+xKXzIoMWeYmaJ
da9KW0IrBeRgJKv1S8ArjHHqIbrw2ytIUkkShcFrJ+kDJcixAVCubrzTebHE8lnj
UUN5IHhZGKWZWs8vaIaKEGsHMh6FgmLZzSCV04t56DRQVkohzh0vaC3aTuLZOF3+
+gVGIhxqklmak3rozXo7FVdu+uWIAmv2jVbB/Zjg8lqxbm9YSTiAqGVJozTWEOiF
/q2bD0KmtYIv/Sk+2GRObvhwe74V5hKClHXli1ommQKBgQDzmt1gvjbJweHe4qI4
QlH8sYg1S0vxoq6mf7OwqiEtzZJ1yYMMesKP0I/NNnNK/mapq0FNou+U8zWGYiwP
cCR05Vkm1Tf5tylAK0pr1VII6kAhE9HfEhh10gfIs8br76YzSY89pCdWfPw/ulEv
u+OYFe1XJwJZ0p42U0dskGZpIwKBgQDwwK4vMuZrNSZl4pTGIxwjL2uQpRr6/+OL
BGl/crVzz81QMYB4e0OTpnt+zc33tuSywtV1c3sbM/ZL9a+cIWQ5SGZjU5iHqXwc
PaQrtlIqjCZe0ql8QQlJljGUJv2PLOzsOLIgpPNqoL+UJkXZnOV4NzWGCo7rHYEQ
5dLmW2iwKQKBgQDalOnxJZxZmruGV8sBOhkA6XdzgpWpQrT9tvZQHcfZpmy1fdQ1
/WzYyGZP13zKHM2Xjo/xDrN07mnno+0vCQvdS/Gb05P/YGcGKhIEAgwy7aYPSA53
32/NQGE1qIJkL8vslyONRt75Tvq0YAT7FNdaHsqw+dK1MDRAQKeE9Wi/CwKBgQCq
3vZBhYzIdlakZWZWIkEsL9HWPXiiwM8Msbr2u8FRSyFbU2btG/9gYf6whv0yXVqA
DYxW6flr2ztpuhxDYeeySFJzGLffQUlW+eD1LVev3vy0vCuShs5CrhjOH8ZCwg39
sleql6gz+5c9XNSimJq88eJJGmFJOg2KorNGz4XD0QKBgFGKx+0acdJ0VRiU9s8j
x3sp/93sGSkdiO1sEcT3rkFVALsF39WNkFm/U5iY9wzKeySxh12l/rbVTgTMQFTa
XiRxywZLzH1BJsWak2O+0y2HjTGxZIw1VTC1qezmVXrdzCEjWtvpks+SEdHG3tuM
EE2c5zsmMMkrtVqIGySI9Rlb
-----END PRIVATE KEY-----
";
const RSA_MODULUS: &str = "5RiJcOc37q1Wjft7a0JDRT4f44YCBLi_-uo__KJdqpcr9bNGb3Um9go_gwgn3pe_DTDF3nYhlkhv3-_eUoKEjdqndukXqbmM8Hw4-ZP8vfn_fNno37olnUNQ7bem1HJ85gXJOj8flBRADBDUTEkVatzYYy8zlqbcMAVYjF6i5ed6E_cEJRgnXr3IpZhpZ6EvMZT6aR8CWBZLGTrpgNSUHmVPS3LSjpq-vrxkR4AJuDVAIcOL9xefvgZZ71ul8WWqFzXY627-Uoq2t_URi9JfFHgRUkRVKwcks8-EohgTMsIOl9sDweMNJ63c8txy64ZJKxiMpgX26reKcFAVr-bmmw";
