use std::time::Duration;

use chrono::Utc;
use contract::EventId;
use store::{OutboxEvent, OutboxLag, Owner, Store, StoreError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::message;
use crate::backoff::Backoff;
use crate::bus::{BusError, Message, Producer};
use crate::fault::{self, FaultPoint};
use crate::waves::waves;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublisherSettings {
    /// Events claimed at once.
    pub batch: u32,
    /// How long a publisher that vanished keeps its events. Longer than the broker may take for
    /// one, or two publishers send it.
    pub lease: Duration,
    /// How often to look where nobody says that there is something.
    pub idle: Duration,
    /// What is under way when we are to stop gets this long.
    pub grace: Duration,
    pub backoff: Backoff,
}

impl Default for PublisherSettings {
    fn default() -> Self {
        Self {
            batch: 1_000,
            lease: Duration::from_secs(120),
            idle: Duration::from_millis(500),
            grace: Duration::from_secs(5),
            backoff: Backoff::default(),
        }
    }
}

/// What one round of publishing came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    pub published: u64,
    /// Events that stay in the outbox, because the broker did not take them or one before them.
    pub failed: u64,
    /// What was left behind; asked for where a round did not fill its batch.
    pub lag: Option<OutboxLag>,
}

/// Publishes the outbox of these topics.
#[derive(Debug)]
pub struct Publisher {
    store: Store,
    producer: Producer,
    owner: Owner,
    topics: Vec<String>,
    settings: PublisherSettings,
}

impl Publisher {
    /// No other publisher may run under the same `owner`.
    pub fn new(
        store: Store,
        producer: Producer,
        owner: Owner,
        topics: Vec<String>,
        settings: PublisherSettings,
    ) -> Self {
        Self {
            store,
            producer,
            owner,
            topics,
            settings,
        }
    }

    /// Publishes until it is stopped; `wake` says that there may be something now, and `report`
    /// is told of every round. What fails, broker or database, is tried again for ever.
    pub async fn run(&self, stop: &CancellationToken, wake: &Notify, report: impl Fn(&Round)) {
        let mut failures = 0;
        while !stop.is_cancelled() {
            let pause = match self.publish_batch(stop).await {
                Ok(round) => {
                    report(&round);
                    if round.failed > 0 && round.published == 0 {
                        failures += 1;
                        self.settings.backoff.pause(failures)
                    } else {
                        failures = 0;
                        self.pause_after(&round)
                    }
                }
                Err(error) => {
                    failures += 1;
                    tracing::warn!(%error, failures, "the outbox could not be read");
                    self.settings.backoff.pause(failures)
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = wake.notified(), if failures == 0 => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// A full batch has more behind it.
    fn pause_after(&self, round: &Round) -> Duration {
        if round.lag.is_none() {
            Duration::ZERO
        } else {
            self.settings.idle
        }
    }

    /// Claims a batch and publishes it.
    pub async fn publish_batch(&self, stop: &CancellationToken) -> Result<Round, StoreError> {
        let PublisherSettings { batch, lease, .. } = self.settings;
        let events = self
            .store
            .claim_outbox(&self.owner, &self.topics, batch, lease, Utc::now())
            .await?;
        let claimed = events.len();
        fault::point(FaultPoint::EventsClaimed);
        let mut failed = Vec::new();
        let mut published = 0;
        for wave in waves(events, |event| {
            (event.topic.clone(), event.event_key.clone())
        }) {
            // Behind a failure, what is left of the batch may be the same keys' later events.
            if !failed.is_empty() {
                failed.extend(wave.iter().map(|event| event.event_id));
                continue;
            }
            let (delivered, kept) = self.send(&wave, stop).await;
            fault::point(FaultPoint::EventsDelivered);
            if !delivered.is_empty() {
                let now = Utc::now();
                published += self
                    .store
                    .mark_published(&delivered, &self.owner, now)
                    .await?;
            }
            fault::point(FaultPoint::EventsMarked);
            failed = kept;
        }
        if !failed.is_empty() {
            self.store.release_outbox(&failed, &self.owner).await?;
        }
        let is_full = claimed == batch as usize;
        Ok(Round {
            published,
            failed: failed.len() as u64,
            lag: if is_full {
                None
            } else {
                Some(self.store.outbox_lag().await?)
            },
        })
    }

    /// Which of a wave the broker has, and which it has not.
    async fn send(
        &self,
        wave: &[OutboxEvent],
        stop: &CancellationToken,
    ) -> (Vec<EventId>, Vec<EventId>) {
        let messages: Vec<Message> = wave.iter().map(message).collect();
        let results = tokio::select! {
            results = self.producer.send(&messages) => results,
            () = self.out_of_patience(stop) => Vec::new(),
        };
        let mut results = results.into_iter();
        let (mut delivered, mut kept) = (Vec::new(), Vec::new());
        let mut first_error = None;
        for event in wave {
            match results.next().unwrap_or(Err(BusError::Interrupted)) {
                Ok(()) => delivered.push(event.event_id),
                Err(error) => {
                    kept.push(event.event_id);
                    first_error.get_or_insert(error);
                }
            }
        }
        if let Some(error) = first_error {
            let events = kept.len();
            tracing::warn!(%error, events, "events stay in the outbox");
        }
        (delivered, kept)
    }

    /// Ends some time after we are to stop.
    async fn out_of_patience(&self, stop: &CancellationToken) {
        stop.cancelled().await;
        tokio::time::sleep(self.settings.grace).await;
    }
}
