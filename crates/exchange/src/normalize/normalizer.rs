use std::num::NonZeroUsize;
use std::time::Duration;

use futures::{StreamExt, stream};
use store::{Attempt, FailedAttempt, Inserted, NewAttempt, NormalizedRecord, Owner, Stage};
use store::{Store, StoreError};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::work::{Bad, Failed, Good, Work, look};
use super::{DeadLetters, RawObjects, Reason, dead_letter};
use crate::backoff::Backoff;
use crate::bus::{BusError, Consumer, Position, Received};
use crate::fault::{self, FaultPoint};
use crate::ingest::{EventError, ReceivedEvent, decode_event};
use crate::waves::waves;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NormalizerSettings {
    /// Messages taken from the bus at once.
    pub batch: usize,
    /// How long the bus is waited for where it is empty.
    pub wait: Duration,
    /// Objects fetched side by side.
    pub concurrency: NonZeroUsize,
    /// How long one object may take.
    pub fetch_timeout: Duration,
    /// How often a message is tried while what it needs is away, before it is given up. An outage
    /// of the database or the bus is not counted: it is waited for.
    pub attempts: u32,
    pub backoff: Backoff,
}

impl Default for NormalizerSettings {
    fn default() -> Self {
        Self {
            batch: 500,
            wait: Duration::from_millis(500),
            concurrency: NonZeroUsize::new(32).expect("32 is not 0"),
            fetch_timeout: Duration::from_secs(30),
            attempts: 5,
            backoff: Backoff::default(),
        }
    }
}

/// What became of the messages of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// New canonical records.
    pub normalized: u64,
    /// Messages whose canonical record was there.
    pub repeated: u64,
    pub dead: u64,
    /// Attempts that are to be repeated.
    pub retried: u64,
}

/// Why a batch was left. Its messages come again.
#[derive(Debug, thiserror::Error)]
pub enum NormalizeError {
    #[error(transparent)]
    Bus(#[from] BusError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("stopped while waiting for what is away")]
    Stopped,
}

/// Makes canonical records of what comes over the bus.
#[derive(Debug)]
pub struct Normalizer<O> {
    pub store: Store,
    pub owner: Owner,
    pub objects: O,
    pub dead_letters: DeadLetters,
    pub settings: NormalizerSettings,
}

/// What of a batch is durable.
#[derive(Debug, Default)]
struct Done {
    positions: Vec<Position>,
    tally: Tally,
}

impl<O: RawObjects> Normalizer<O> {
    /// Works until it is stopped; `report` is told of every batch. A batch that fails is left to
    /// come again, after a pause.
    pub async fn run(
        &self,
        mut consumer: Consumer,
        stop: &CancellationToken,
        report: impl Fn(&Tally),
    ) -> Result<(), BusError> {
        let mut failures = 0;
        while !stop.is_cancelled() {
            match self.batch(&mut consumer, stop).await {
                Ok(tally) => {
                    failures = 0;
                    report(&tally);
                }
                Err(NormalizeError::Stopped) => break,
                Err(error) => {
                    failures += 1;
                    tracing::warn!(%error, failures, "a batch is left to come again");
                    if let Err(error) = consumer.rewind().await {
                        tracing::warn!(%error, "the bus keeps the batch until it is free again");
                    }
                    self.pause(failures, stop).await;
                }
            }
        }
        consumer.close().await
    }

    /// Takes one batch from the bus, brings each of its messages to an end, and then tells the bus.
    pub async fn batch(
        &self,
        consumer: &mut Consumer,
        stop: &CancellationToken,
    ) -> Result<Tally, NormalizeError> {
        let NormalizerSettings { batch, wait, .. } = self.settings;
        let received = consumer.poll(batch, wait).await?;
        let mut done = Done::default();
        let (readable, unreadable) = decode(received);
        self.give_up(unreadable, &mut done, stop).await?;
        // Two events of one record are two attempts at it, one after the other.
        for wave in waves(readable, |work| work.event.record_id) {
            if stop.is_cancelled() {
                break;
            }
            self.normalize(wave, &mut done, stop).await?;
        }
        if !done.positions.is_empty() {
            consumer.acknowledge(&done.positions).await?;
            fault::point(FaultPoint::OffsetsCommitted);
        }
        Ok(done.tally)
    }

    /// Attempts all of them until none is left that may still end otherwise, or we are to stop.
    async fn normalize(
        &self,
        mut wave: Vec<Work>,
        done: &mut Done,
        stop: &CancellationToken,
    ) -> Result<(), NormalizeError> {
        for round in 1..=self.settings.attempts.max(1) {
            let attempts = self.begin(&wave, stop).await?;
            fault::point(FaultPoint::AttemptsStarted);
            let (good, mut bad) = self.look_at_all(wave, attempts).await;
            bad.extend(self.write(good, done, stop).await?);
            let may_end_otherwise =
                |bad: &Bad| bad.reason.is_transient() && round < self.settings.attempts;
            let (later, never): (Vec<_>, Vec<_>) = bad.into_iter().partition(may_end_otherwise);
            // On record before the pause: whoever looks sees what is waited for.
            self.record_failures(&later, &never, stop).await?;
            let never = never.into_iter().map(Failed::from).collect();
            self.give_up(never, done, stop).await?;
            if later.is_empty() {
                break;
            }
            done.tally.retried += later.len() as u64;
            wave = later.into_iter().map(|bad| bad.work).collect();
            self.pause(round, stop).await;
            if stop.is_cancelled() {
                break;
            }
        }
        Ok(())
    }

    async fn begin(
        &self,
        wave: &[Work],
        stop: &CancellationToken,
    ) -> Result<Vec<Attempt>, NormalizeError> {
        let attempts = wave.iter().map(|work| NewAttempt {
            record_id: work.event.record_id,
            stage: Stage::Normalize,
        });
        let attempts: Vec<_> = attempts.collect();
        self.patiently(stop, || self.store.begin_attempts(&attempts, &self.owner))
            .await
    }

    async fn look_at_all(&self, wave: Vec<Work>, attempts: Vec<Attempt>) -> (Vec<Good>, Vec<Bad>) {
        let looking = wave
            .into_iter()
            .zip(attempts)
            .map(|(work, attempt)| async move {
                let found = timeout(
                    self.settings.fetch_timeout,
                    look(&self.objects, &work.event),
                );
                let found = found.await.unwrap_or_else(|_| {
                    let problem = "it took too long".to_owned();
                    Err(Reason::ObjectStore(problem))
                });
                (work, attempt, found)
            });
        let mut found = stream::iter(looking).buffered(self.settings.concurrency.get());
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        while let Some((work, attempt, found)) = found.next().await {
            match found {
                Ok(record) => good.push(Good {
                    work,
                    record: NormalizedRecord { attempt, record },
                }),
                Err(reason) => bad.push(Bad {
                    work,
                    attempt,
                    reason,
                }),
            }
        }
        (good, bad)
    }

    /// Writes them in one transaction. Where the database refuses that, each has one of its own,
    /// and those that it refuses while it takes others are returned: they are to blame.
    async fn write(
        &self,
        good: Vec<Good>,
        done: &mut Done,
        stop: &CancellationToken,
    ) -> Result<Vec<Bad>, NormalizeError> {
        let Err(error) = self.write_together(&good, done, stop).await else {
            return Ok(Vec::new());
        };
        if good.len() < 2 || !matches!(error, NormalizeError::Store(_)) {
            return Err(error);
        }
        let (mut refused, all) = (Vec::new(), good.len());
        for one in good {
            match self
                .write_together(std::slice::from_ref(&one), done, stop)
                .await
            {
                Ok(()) => {}
                Err(NormalizeError::Store(error)) => refused.push(Bad {
                    reason: Reason::RefusedByDatabase(error.to_string()),
                    work: one.work,
                    attempt: one.record.attempt,
                }),
                Err(error) => return Err(error),
            }
        }
        if refused.len() == all {
            return Err(error);
        }
        Ok(refused)
    }

    async fn write_together(
        &self,
        good: &[Good],
        done: &mut Done,
        stop: &CancellationToken,
    ) -> Result<(), NormalizeError> {
        if good.is_empty() {
            return Ok(());
        }
        let records: Vec<_> = good.iter().map(|good| good.record.clone()).collect();
        let inserted = self
            .patiently(stop, || self.store.normalized(&records))
            .await?;
        fault::point(FaultPoint::CanonicalWritten);
        for inserted in inserted {
            match inserted {
                Inserted::Yes => done.tally.normalized += 1,
                Inserted::AlreadyThere => done.tally.repeated += 1,
            }
        }
        let positions = good.iter().map(|good| good.work.received.position.clone());
        done.positions.extend(positions);
        Ok(())
    }

    async fn record_failures(
        &self,
        later: &[Bad],
        never: &[Bad],
        stop: &CancellationToken,
    ) -> Result<(), NormalizeError> {
        let failed = |bad: &Bad, retryable| FailedAttempt {
            attempt: bad.attempt,
            error_code: bad.reason.code().to_owned(),
            error: bad.reason.to_string(),
            retryable,
        };
        let later = later.iter().map(|bad| failed(bad, true));
        let failed: Vec<_> = later
            .chain(never.iter().map(|bad| failed(bad, false)))
            .collect();
        if !failed.is_empty() {
            self.patiently(stop, || self.store.fail_attempts(&failed))
                .await?;
        }
        Ok(())
    }

    /// Publishes what is given up, and notes it in the database. Where the topic has it, the note
    /// is made as well as can be; where there is no topic, it is the dead letter.
    async fn give_up(
        &self,
        failed: Vec<Failed>,
        done: &mut Done,
        stop: &CancellationToken,
    ) -> Result<(), NormalizeError> {
        if failed.is_empty() {
            return Ok(());
        }
        for failed in &failed {
            let (event, reason) = (failed.event_id(), failed.reason.code());
            tracing::warn!(%event, reason, "a message goes to the dead letters");
        }
        let is_published = self.publish(&failed, stop).await?;
        fault::point(FaultPoint::DeadLetterSent);
        let rows: Vec<_> = failed.iter().map(dead_letter::row).collect();
        match self
            .patiently(stop, || self.store.open_dead_letters(&rows))
            .await
        {
            Err(NormalizeError::Store(error)) if is_published => {
                tracing::error!(%error, "dead letters were published and not noted");
            }
            noted => drop(noted?),
        }
        done.tally.dead += failed.len() as u64;
        let positions = failed.into_iter().map(|failed| failed.received.position);
        done.positions.extend(positions);
        Ok(())
    }

    /// Sends dead letters to their topics, again and again while the broker is away. Returns
    /// whether every one had a topic.
    async fn publish(
        &self,
        failed: &[Failed],
        stop: &CancellationToken,
    ) -> Result<bool, NormalizeError> {
        let DeadLetters::Topics { producer, .. } = &self.dead_letters else {
            return Ok(false);
        };
        let messages = failed
            .iter()
            .filter_map(|failed| self.dead_letters.message(failed));
        let mut unsent: Vec<_> = messages.collect();
        let has_all = unsent.len() == failed.len();
        for failures in 1.. {
            let results = producer.send(&unsent).await;
            let mut left = Vec::new();
            for (message, result) in unsent.into_iter().zip(results) {
                match result {
                    Ok(()) => {}
                    Err(error) if error.is_transient() => left.push(message),
                    Err(error) => return Err(error.into()),
                }
            }
            if left.is_empty() {
                break;
            }
            unsent = left;
            tracing::warn!(failures, "the dead-letter topic is waited for");
            self.pause(failures, stop).await;
            if stop.is_cancelled() {
                return Err(NormalizeError::Stopped);
            }
        }
        Ok(has_all)
    }

    /// Does it until the database has answered, however long it is away.
    async fn patiently<T, F>(
        &self,
        stop: &CancellationToken,
        step: impl Fn() -> F,
    ) -> Result<T, NormalizeError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        for failures in 1.. {
            match step().await {
                Err(error) if error.is_transient() => {
                    tracing::warn!(%error, failures, "the database is waited for");
                }
                answered => return Ok(answered?),
            }
            self.pause(failures, stop).await;
            if stop.is_cancelled() {
                break;
            }
        }
        Err(NormalizeError::Stopped)
    }

    async fn pause(&self, failures: u32, stop: &CancellationToken) {
        let pause = self.settings.backoff.pause(failures);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => {}
        }
    }
}

fn decode(received: Vec<Received>) -> (Vec<Work>, Vec<Failed>) {
    let (mut readable, mut unreadable) = (Vec::new(), Vec::new());
    for received in received {
        match event(&received) {
            Ok(event) => readable.push(Work { received, event }),
            Err(error) => unreadable.push(Failed {
                received,
                event: None,
                reason: error.into(),
            }),
        }
    }
    (readable, unreadable)
}

fn event(received: &Received) -> Result<ReceivedEvent, EventError> {
    let message = &received.message;
    let headers = message.headers.iter();
    let headers = headers.map(|header| (header.name.as_str(), &*header.value));
    let key = (!message.key.is_empty()).then_some(&*message.key);
    decode_event(headers, key, &message.payload)
}
