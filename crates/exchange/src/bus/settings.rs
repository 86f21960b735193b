//! How to reach Kafka: whatever librdkafka takes, but for what our promises rest on.

use std::collections::BTreeMap;
use std::fmt;

use rdkafka::ClientConfig;

use super::BusError;

/// Settings of librdkafka by their own names, such as `bootstrap.servers` or `sasl.mechanism`.
/// `Debug` shows the names only: a value may be a password.
#[derive(Clone, PartialEq, Eq)]
pub struct KafkaSettings(BTreeMap<String, String>);

/// What is decided here, and why nobody may decide otherwise.
const DECIDED: [(&str, &str); 6] = [
    (
        "acks",
        "an event counts as published once all replicas have it",
    ),
    (
        "request.required.acks",
        "an event counts as published once all replicas have it",
    ),
    (
        "enable.idempotence",
        "the client's own retries must not double an event",
    ),
    (
        "enable.auto.commit",
        "offsets are committed after the database, never by time",
    ),
    (
        "enable.auto.offset.store",
        "offsets are committed after the database, never by time",
    ),
    (
        "group.id",
        "it is the name of the consumer group, which has a setting of its own",
    ),
];

/// How long the broker may take for a message before the outbox takes it back; librdkafka's own
/// five minutes would hide from everybody that the broker is away.
const DELIVERY_TIMEOUT_MS: &str = "30000";

impl KafkaSettings {
    pub fn new(settings: BTreeMap<String, String>) -> Result<Self, BusError> {
        if !settings.contains_key("bootstrap.servers") {
            let name = "bootstrap.servers";
            return Err(BusError::Missing { name });
        }
        for (name, reason) in DECIDED {
            if settings.contains_key(name) {
                let name = name.to_owned();
                return Err(BusError::Decided { name, reason });
            }
        }
        Ok(Self(settings))
    }

    pub(super) fn producer(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("delivery.timeout.ms", DELIVERY_TIMEOUT_MS);
        self.apply(&mut config);
        config.set("acks", "all").set("enable.idempotence", "true");
        config
    }

    pub(super) fn consumer(&self, group: &str) -> ClientConfig {
        let mut config = ClientConfig::new();
        // A group without offsets is new, and everything that was ever accepted is its to do.
        config.set("auto.offset.reset", "earliest");
        self.apply(&mut config);
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false");
        config
    }

    fn apply(&self, config: &mut ClientConfig) {
        for (name, value) in &self.0 {
            config.set(name, value);
        }
    }
}

impl fmt::Debug for KafkaSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Result<KafkaSettings, BusError> {
        let pairs = pairs
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()));
        KafkaSettings::new(pairs.collect())
    }

    #[test]
    fn settings_pass_through_and_defaults_give_way() {
        let settings = settings(&[
            ("bootstrap.servers", "broker:9092"),
            ("sasl.password", "secret-word"),
            ("delivery.timeout.ms", "1000"),
            ("auto.offset.reset", "latest"),
        ])
        .unwrap();
        let (producer, consumer) = (settings.producer(), settings.consumer("normaliser"));
        for (config, name, value) in [
            (&producer, "sasl.password", "secret-word"),
            (&producer, "delivery.timeout.ms", "1000"),
            (&producer, "enable.idempotence", "true"),
            (&producer, "acks", "all"),
            (&consumer, "sasl.password", "secret-word"),
            (&consumer, "auto.offset.reset", "latest"),
            (&consumer, "enable.auto.commit", "false"),
            (&consumer, "group.id", "normaliser"),
        ] {
            assert_eq!(config.get(name), Some(value), "{name}");
        }
        assert!(!format!("{settings:?}").contains("secret-word"));
    }

    #[test]
    fn what_the_promises_rest_on_cannot_be_set() {
        assert!(settings(&[]).is_err(), "no broker");
        for (name, _) in DECIDED {
            let refused = settings(&[("bootstrap.servers", "broker:9092"), (name, "x")]);
            let message = refused.unwrap_err().to_string();
            assert!(message.contains(name), "{message}");
        }
    }
}
