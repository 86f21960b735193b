//! The record exchange of one process: it takes records in, publishes them and normalises them.
//! What that means is in the crate `exchange`; here its parts are put together.

mod objects;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::Utc;
use exchange::auth::{AuthError, Authenticator, accepts_dev_token};
use exchange::intake::{Intake, IntakeSettings};
use exchange::normalize::{DeadLetters, Normalizer, NormalizerSettings};
use exchange::outbox::{Publisher, PublisherSettings};
use lake::Objects;
use store::{Owner, Store, StoreError};
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
/// One transaction frees so many.
const KEYS_AT_ONCE: u32 = 1_000;

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
            bucket: self.bucket(),
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

    /// Frees the keys of requests that are long answered, batch by batch, every hour.
    pub(crate) fn forget_keys(&self, tasks: &mut JoinSet<()>, stop: &CancellationToken) {
        let (store, stop) = (self.store.clone(), stop.clone());
        tasks.spawn(async move {
            let mut hours = tokio::time::interval(Duration::from_secs(60 * 60));
            while stop.run_until_cancelled(hours.tick()).await.is_some() {
                match forget_expired_keys(&store).await {
                    Ok(0) => {}
                    Ok(keys) => tracing::info!(keys, "idempotency keys have expired"),
                    Err(error) => tracing::warn!(%error, "expired keys are not freed yet"),
                }
            }
        });
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

    /// What events call the place of raw objects.
    fn bucket(&self) -> String {
        let url = self.objects.0.url();
        match (url.scheme(), url.host_str()) {
            ("s3", Some(bucket)) => bucket.to_owned(),
            _ => IntakeSettings::default().bucket,
        }
    }

    fn topics(&self) -> Vec<String> {
        let topics = &self.settings.topics;
        vec![topics.v1.clone(), topics.v2.clone()]
    }
}

async fn forget_expired_keys(store: &Store) -> Result<u64, StoreError> {
    let mut sum = 0;
    loop {
        let expired = store
            .expire_idempotency_keys(Utc::now(), KEYS_AT_ONCE)
            .await?;
        let keys = expired.done + expired.in_progress;
        sum += keys;
        if keys == 0 {
            return Ok(sum);
        }
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
