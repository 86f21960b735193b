//! A broker that speaks the Kafka protocol: librdkafka's mock cluster in this process, or a real
//! one where `LAZARET_TEST_KAFKA` names its servers.

use std::collections::BTreeMap;

use exchange::bus::KafkaSettings;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

pub(crate) struct Broker {
    servers: String,
    mock: Option<MockCluster<'static, DefaultProducerContext>>,
}

/// All brokers of the mock cluster.
const ALL: i32 = -1;

impl Broker {
    pub(crate) fn any() -> Broker {
        match std::env::var("LAZARET_TEST_KAFKA") {
            Ok(servers) => Broker {
                servers,
                mock: None,
            },
            Err(_) => Broker::mock(),
        }
    }

    /// For tests that take the broker away.
    pub(crate) fn mock() -> Broker {
        let mock = MockCluster::new(1).unwrap();
        Broker {
            servers: mock.bootstrap_servers(),
            mock: Some(mock),
        }
    }

    pub(crate) fn servers(&self) -> &str {
        &self.servers
    }

    pub(crate) fn settings(&self) -> KafkaSettings {
        self.settings_with(&[])
    }

    pub(crate) fn settings_with(&self, more: &[(&str, &str)]) -> KafkaSettings {
        let mut settings = BTreeMap::new();
        let own = [
            // The mock cluster deals a group anew only after this time, even where a member left.
            ("session.timeout.ms", "6000"),
            ("heartbeat.interval.ms", "500"),
            ("bootstrap.servers", self.servers.as_str()),
            ("reconnect.backoff.ms", "50"),
            ("reconnect.backoff.max.ms", "200"),
            ("topic.metadata.refresh.interval.ms", "500"),
        ];
        for (name, value) in own.iter().chain(more) {
            settings.insert((*name).to_owned(), (*value).to_owned());
        }
        KafkaSettings::new(settings).unwrap()
    }

    pub(crate) fn goes_away(&self) {
        self.mock.as_ref().unwrap().broker_down(ALL).unwrap();
    }

    pub(crate) fn comes_back(&self) {
        self.mock.as_ref().unwrap().broker_up(ALL).unwrap();
    }

    /// The next requests to produce are answered with these errors.
    pub(crate) fn fails_to_append(&self, errors: &[RDKafkaRespErr]) {
        let mock = self.mock.as_ref().unwrap();
        mock.request_errors(RDKafkaApiKey::Produce, errors);
    }
}

/// Nobody else's topic, on whatever broker.
pub(crate) fn a_topic() -> String {
    format!("test.{}", uuid::Uuid::now_v7())
}
