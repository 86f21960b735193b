//! The record exchange: who may post, where raw objects lie, and which bus carries the events.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use exchange::auth::{KeysLocation, PublicAlgorithm, TokenSettings, Verification};
use exchange::bus::{Bus, KafkaSettings};
use exchange::ingest::{IdempotencyKeyRules, Topics};
use exchange::normalize::DeadLetterTopics;
use exchange::tokenizer::{Tokenizer, TokenizerSettings};
use privacy::{KeyRing, Normalisation, SecretKey};

use super::check::{Wrong, whole_number};
use super::raw::Reader;
use super::{Setting, number, secret, text};

const RAW_OBJECTS: Setting = text("exchange.raw_objects", "RAW_OBJECTS_URL", "");
const ISSUER: Setting = text("exchange.issuer", "JWT_ISSUER", "");
const AUDIENCE: Setting = text("exchange.audience", "JWT_AUDIENCE", "");
const ALGORITHM: Setting = text("exchange.algorithm", "JWT_ALGORITHM", "HS256");
const JWKS: Setting = text("exchange.jwks", "JWT_JWKS", "");
const SECRET: Setting = secret("JWT_SECRET");
const KEY_LENGTH_MIN: Setting = number("exchange.idempotency_key_length_min", None, "16");
const KEY_DAYS: Setting = number("exchange.idempotency_key_days", None, "7");
const BODY_KILOBYTES: Setting = number("exchange.body_kilobytes", None, "1024");
const TOKEN_KEYS: Setting = secret("TOKENIZER_KEYS");
const KAFKA: Setting = text("exchange.kafka", "KAFKA_BOOTSTRAP_SERVERS", "");
const TOPIC_V1: Setting = text(
    "exchange.topic_v1",
    "TOPIC_RECORD_INGESTED_V1",
    "record.ingested.v1",
);
const TOPIC_V2: Setting = text(
    "exchange.topic_v2",
    "TOPIC_RECORD_INGESTED_V2",
    "record.ingested.v2",
);
const DEAD_LETTERS: Setting = text("exchange.dead_letters", "KAFKA_DLQ_TOPIC", "");
const DEAD_LETTERS_V1: Setting = text("exchange.dead_letters_v1", "KAFKA_DLQ_TOPIC_V1", "");
const DEAD_LETTERS_V2: Setting = text("exchange.dead_letters_v2", "KAFKA_DLQ_TOPIC_V2", "");

/// How far an issuer's clock and ours may differ.
const LEEWAY: Duration = Duration::from_secs(30);
const KEYS_REFETCH: Duration = Duration::from_secs(60);
const KEYS_AGE_MAX: Duration = Duration::from_secs(60 * 60);
/// How long a consumer of the embedded bus that vanished keeps its events.
const EMBEDDED_LEASE: Duration = Duration::from_secs(120);

#[derive(Debug, Clone)]
pub(crate) struct ExchangeSettings {
    /// Empty: beside the other objects.
    pub(crate) raw_objects: String,
    /// Without it nobody may post but a developer on this machine.
    pub(crate) tokens: Option<TokenSettings>,
    pub(crate) keys: IdempotencyKeyRules,
    pub(crate) key_lifetime: Duration,
    pub(crate) body_bytes: usize,
    /// `None`: no tokens are given.
    pub(crate) token_keys: Option<Arc<Tokenizer>>,
    pub(crate) bus: Bus,
    pub(crate) topics: Topics,
    pub(crate) dead_letters: DeadLetterTopics,
}

pub(super) fn exchange(reader: &mut Reader<'_>) -> Option<ExchangeSettings> {
    let plain = |text: &str| Ok(text.to_owned());
    let raw_objects = reader.read(RAW_OBJECTS, |text, _| plain(text));
    let issuer = reader.read(ISSUER, |text, _| plain(text));
    let audience = reader.read(AUDIENCE, |text, _| plain(text));
    let algorithm = reader.read(ALGORITHM, |text, _| algorithm(text));
    let location = reader.read(JWKS, |text, _| keys_location(text));
    let secret = reader.read(SECRET, |text, _| secret_key(text));
    let key_length_min = reader.read(KEY_LENGTH_MIN, |text, _| whole_number(text, 1, 255));
    let key_days = reader.read(KEY_DAYS, |text, _| whole_number(text, 1, 3_650));
    let body_kilobytes = reader.read(BODY_KILOBYTES, |text, _| whole_number(text, 1, 65_536));
    let token_keys = reader.read(TOKEN_KEYS, |text, _| token_keys(text));
    let bus = reader.read(KAFKA, |text, _| bus(text));
    let v1 = reader.read(TOPIC_V1, |text, _| topic(text));
    let v2 = reader.read(TOPIC_V2, |text, _| topic(text));
    let dead = reader.read(DEAD_LETTERS, |text, _| plain(text));
    let dead_v1 = reader.read(DEAD_LETTERS_V1, |text, _| plain(text));
    let dead_v2 = reader.read(DEAD_LETTERS_V2, |text, _| plain(text));
    let topics = Topics { v1: v1?, v2: v2? };
    let by_version = [(&topics.v1, dead_v1?), (&topics.v2, dead_v2?)];
    let by_topic: BTreeMap<String, String> = by_version
        .into_iter()
        .filter(|(_, dead)| !dead.is_empty())
        .map(|(topic, dead)| (topic.clone(), dead))
        .collect();
    Some(ExchangeSettings {
        raw_objects: raw_objects?,
        tokens: tokens(
            issuer?,
            audience?,
            verification(algorithm?, location?, secret?),
        ),
        keys: IdempotencyKeyRules {
            length_min: key_length_min? as usize,
        },
        key_lifetime: Duration::from_secs(key_days? * 24 * 60 * 60),
        body_bytes: body_kilobytes? as usize * 1024,
        token_keys: token_keys?,
        bus: bus?,
        dead_letters: DeadLetterTopics {
            by_topic,
            fallback: dead.filter(|topic| !topic.is_empty()),
        },
        topics,
    })
}

fn tokens(
    issuer: String,
    audience: String,
    verification: Option<Verification>,
) -> Option<TokenSettings> {
    let is_set = !issuer.is_empty() || !audience.is_empty();
    verification
        .filter(|_| is_set)
        .map(|verification| TokenSettings {
            issuer,
            audience,
            leeway: LEEWAY,
            verification,
        })
}

/// Of a token's signature; `None`: no key is set. Where the algorithm asks for public keys, a
/// shared secret is none.
fn verification(
    algorithm: Option<PublicAlgorithm>,
    location: Option<KeysLocation>,
    secret: Option<SecretKey>,
) -> Option<Verification> {
    match algorithm {
        None => secret.map(Verification::Secret),
        Some(algorithm) => location.map(|location| Verification::PublishedKeys {
            algorithm,
            location,
            refetch_interval: KEYS_REFETCH,
            age_max: KEYS_AGE_MAX,
        }),
    }
}

/// `None`: a secret that is shared with the issuer.
fn algorithm(text: &str) -> Result<Option<PublicAlgorithm>, Wrong> {
    match text {
        "HS256" => Ok(None),
        "RS256" => Ok(Some(PublicAlgorithm::Rs256)),
        "ES256" => Ok(Some(PublicAlgorithm::Es256)),
        _ => Err(Wrong::new(
            "is no algorithm of signatures that is taken",
            "write HS256 (with JWT_SECRET), RS256 or ES256 (with JWT_JWKS)",
        )),
    }
}

fn keys_location(text: &str) -> Result<Option<KeysLocation>, Wrong> {
    if text.is_empty() {
        return Ok(None);
    }
    KeysLocation::parse(text).map(Some).map_err(|error| {
        Wrong::new(
            error.to_string(),
            "write a file or an https address of a JSON Web Key Set",
        )
    })
}

fn secret_key(text: &str) -> Result<Option<SecretKey>, Wrong> {
    if text.is_empty() {
        return Ok(None);
    }
    SecretKey::new(text.as_bytes().to_vec().into())
        .map(Some)
        .map_err(|error| Wrong::new(error.to_string(), "set a random secret of 32 bytes or more"))
}

fn token_keys(text: &str) -> Result<Option<Arc<Tokenizer>>, Wrong> {
    if text.is_empty() {
        return Ok(None);
    }
    let settings = TokenizerSettings {
        fields: BTreeMap::new(),
        other_fields: Normalisation::Trimmed,
    };
    KeyRing::parse(text)
        .map(|keys| Some(Arc::new(Tokenizer::new(keys, settings))))
        .map_err(|error| {
            Wrong::new(
                error.to_string(),
                "write `v1:` and the base64 of 32 random bytes",
            )
        })
}

fn bus(servers: &str) -> Result<Bus, Wrong> {
    if servers.is_empty() {
        return Ok(Bus::Embedded {
            lease: EMBEDDED_LEASE,
        });
    }
    let settings = [("bootstrap.servers".to_owned(), servers.to_owned())];
    KafkaSettings::new(settings.into())
        .map(Bus::Kafka)
        .map_err(|error| Wrong::new(error.to_string(), "write `host:port`, several with commas"))
}

/// As Kafka allows it.
fn topic(text: &str) -> Result<String, Wrong> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if text.is_empty() || text.len() > 249 || !text.chars().all(allowed) {
        return Err(Wrong::new(
            "is no name of a topic",
            "use letters, digits, `.`, `_` and `-`",
        ));
    }
    Ok(text.to_owned())
}
