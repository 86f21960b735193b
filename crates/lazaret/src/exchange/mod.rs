//! The record exchange of one process: it takes records in, publishes them and normalises them.
//! What that means is in the crate `exchange`; here its parts are put together.

mod objects;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use exchange::auth::{AuthError, Authenticator, accepts_dev_token};
use exchange::intake::{Intake, IntakeSettings};
use exchange::normalize::{DeadLetters, Normalizer, NormalizerSettings};
use exchange::outbox::{Publisher, PublisherSettings};
use lake::Objects;
use store::{Owner, Store};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::objects::RecordObjects;
use crate::configuration::{Configuration, ExchangeSettings};
use crate::http::Door;

/// The consumers that make canonical records, as a Kafka group.
const GROUP: &str = "lazaret-normalizer";
/// Numbers of our owners, beside those of the daemon's workers.
const INTAKE: usize = 10_001;
const PUBLISHER: usize = 10_002;
const NORMALIZER: usize = 10_003;

pub(crate) struct Exchange {
    store: Store,
    objects: RecordObjects,
    settings: ExchangeSettings,
    environment: String,
}

impl Exchange {
    pub(crate) fn open(configuration: &Configuration, store: Store) -> anyhow::Result<Self> {
        let settings = configuration.exchange.clone();
        let location = location(&settings.raw_objects, &configuration.objects_url);
        Ok(Self {
            store,
            objects: RecordObjects(Objects::connect(&location)?),
            settings,
            environment: configuration.environment.clone(),
        })
    }

    /// What the API needs at that address; `None` where nobody could show who it is.
    pub(crate) fn door(&self, address: SocketAddr) -> anyhow::Result<Option<Door>> {
        let dev = accepts_dev_token(&self.environment, address);
        let authenticator = match Authenticator::new(self.settings.tokens.clone(), dev) {
            Ok(authenticator) => authenticator,
            Err(AuthError::NothingAccepted) => return Ok(None),
            Err(error) => return Err(error).context("the exchange's tokens cannot be checked"),
        };
        let settings = IntakeSettings {
            topics: self.settings.topics.clone(),
            key_lifetime: self.settings.key_lifetime,
            ..IntakeSettings::default()
        };
        let owner = Owner::this_process().worker(INTAKE);
        let objects = self.objects.clone();
        Ok(Some(Door {
            intake: Intake::start(self.store.clone(), owner, objects, settings),
            authenticator: Arc::new(authenticator),
            keys: self.settings.keys,
            body_bytes: self.settings.body_bytes,
            tokenizer: self.settings.token_keys.clone(),
        }))
    }

    /// Publishes the outbox, where the bus is not the outbox itself.
    pub(crate) fn publish(
        &self,
        tasks: &mut JoinSet<()>,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        let Some(producer) = self.settings.bus.producer()? else {
            return Ok(());
        };
        let owner = Owner::this_process().worker(PUBLISHER);
        let settings = PublisherSettings::default();
        let publisher =
            Publisher::new(self.store.clone(), producer, owner, self.topics(), settings);
        let stop = stop.clone();
        tasks.spawn(async move {
            let wake = Notify::new();
            publisher
                .run(&stop, &wake, |round| tracing::debug!(?round, "published"))
                .await;
        });
        Ok(())
    }

    /// Makes canonical records of what the bus brings.
    pub(crate) fn normalize(
        &self,
        tasks: &mut JoinSet<()>,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        let owner = Owner::this_process().worker(NORMALIZER);
        let bus = &self.settings.bus;
        let consumer = bus.consumer(&self.store, &owner, GROUP, &self.topics())?;
        let dead_letters = match bus.producer()? {
            Some(producer) => DeadLetters::Topics {
                producer,
                topics: self.settings.dead_letters.clone(),
            },
            None => DeadLetters::Database,
        };
        let normalizer = Normalizer {
            store: self.store.clone(),
            owner,
            objects: self.objects.clone(),
            dead_letters,
            settings: NormalizerSettings::default(),
        };
        let stop = stop.clone();
        tasks.spawn(async move {
            let report = |tally: &_| tracing::debug!(?tally, "normalised");
            if let Err(error) = normalizer.run(consumer, &stop, report).await {
                tracing::error!(%error, "the bus could not be left in order");
            }
        });
        Ok(())
    }

    fn topics(&self) -> Vec<String> {
        let topics = &self.settings.topics;
        vec![topics.v1.clone(), topics.v2.clone()]
    }
}

/// Raw objects lie beside the other objects; in S3, in a bucket of their own.
fn location(named: &str, objects: &str) -> String {
    if !named.is_empty() {
        return named.to_owned();
    }
    if objects.starts_with("s3://") {
        return "s3://raw-objects".to_owned();
    }
    format!("{}/records", objects.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_objects_have_a_place_of_their_own() {
        for (named, objects, expected) in [
            ("", "/project/data", "/project/data/records"),
            ("", "s3://lake/health", "s3://raw-objects"),
            ("s3://mine/raw", "/project/data", "s3://mine/raw"),
        ] {
            assert_eq!(location(named, objects), expected);
        }
    }
}
