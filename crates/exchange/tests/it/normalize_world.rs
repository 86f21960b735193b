//! A database, a bus and a folder of raw objects, with a normaliser on them.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use contract::{EventId, RecordId};
use exchange::backoff::Backoff;
use exchange::bus::{Bus, Consumer, Message, Producer};
use exchange::ingest::request_hash;
use exchange::intake::RawObjectWriter;
use exchange::normalize::{
    DeadLetterTopics, DeadLetters, Normalizer, NormalizerSettings, RawObjectError, RawObjects,
    Tally,
};
use serde_json::{Value, json};
use store::{CanonicalFilter, CanonicalRecord, DeadLetter, NewEvent, Owner};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::bus_broker::{Broker, a_topic};
use crate::bus_sides::{Database, LEASE};

/// Each case is an `async fn(World)`; it becomes one test per bus and database.
macro_rules! on_every_stack {
    ($($case:ident),+ $(,)?) => {$(
        mod $case {
            use crate::normalize_world::World;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn kafka_and_postgres() {
                super::$case(World::kafka_and_postgres().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn embedded_on_sqlite() {
                super::$case(World::embedded_on_sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn embedded_on_postgres() {
                super::$case(World::embedded_on_postgres().await).await;
            }
        }
    )+};
}
pub(crate) use on_every_stack;

/// Raw objects in a folder, some of which do not come at first.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    /// How often the object of that key is still to fail.
    failing: Mutex<HashMap<String, u32>>,
}

impl Folder {
    pub(crate) fn at(root: PathBuf) -> Folder {
        Folder {
            root,
            failing: Mutex::default(),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
}

impl RawObjects for Folder {
    async fn get(&self, key: &str) -> Result<Bytes, RawObjectError> {
        if let Some(left) = self.failing.lock().unwrap().get_mut(key)
            && *left > 0
        {
            *left -= 1;
            return Err(RawObjectError::Unavailable("it is away".to_owned()));
        }
        match tokio::fs::read(self.root.join(key)).await {
            Ok(bytes) => Ok(bytes.into()),
            Err(_) => Err(RawObjectError::NotFound),
        }
    }
}

impl RawObjectWriter for Folder {
    async fn create(&self, key: &str, bytes: Bytes) -> Result<(), RawObjectError> {
        let path = self.root.join(key);
        tokio::fs::create_dir_all(path.parent().unwrap())
            .await
            .unwrap();
        if !path.exists() {
            tokio::fs::write(path, bytes).await.unwrap();
        }
        Ok(())
    }
}

/// What stands in every payload that a test writes; it must turn up nowhere but there.
pub(crate) const CANARY: &str = "Canary-Duckworth";

pub(crate) struct World {
    pub(crate) database: Database,
    pub(crate) bus: Bus,
    pub(crate) topic: String,
    pub(crate) dead_topic: String,
    pub(crate) normalizer: Normalizer<Folder>,
    pub(crate) broker: Option<Broker>,
    producer: Option<Producer>,
    _folder: TempDir,
}

impl World {
    pub(crate) async fn kafka_and_postgres() -> World {
        let broker = Broker::any();
        let bus = Bus::Kafka(broker.settings());
        World::new(Database::postgres().await, bus, Some(broker))
    }

    pub(crate) async fn embedded_on_sqlite() -> World {
        let bus = Bus::Embedded { lease: LEASE };
        World::new(Database::sqlite().await, bus, None)
    }

    pub(crate) async fn embedded_on_postgres() -> World {
        let bus = Bus::Embedded { lease: LEASE };
        World::new(Database::postgres().await, bus, None)
    }

    pub(crate) fn new(database: Database, bus: Bus, broker: Option<Broker>) -> World {
        let folder = TempDir::new().unwrap();
        let (topic, dead_topic) = (a_topic(), a_topic());
        let topics = DeadLetterTopics {
            by_topic: [(topic.clone(), dead_topic.clone())].into(),
            fallback: None,
        };
        let dead_letters = match bus.producer().unwrap() {
            Some(producer) => DeadLetters::Topics { producer, topics },
            None => DeadLetters::Database,
        };
        let normalizer = Normalizer {
            store: database.store.clone(),
            owner: Owner::this_process(),
            objects: Folder::at(folder.path().to_owned()),
            dead_letters,
            settings: settings(),
        };
        World {
            producer: bus.producer().unwrap(),
            database,
            bus,
            topic,
            dead_topic,
            normalizer,
            broker,
            _folder: folder,
        }
    }

    /// A member of the normalisers' group, as another process would be one.
    pub(crate) fn consumer(&self, number: usize) -> Consumer {
        let owner = Owner::this_process().worker(number);
        let topics = std::slice::from_ref(&self.topic);
        let store = &self.database.store;
        self.bus
            .consumer(store, &owner, "normaliser", topics)
            .unwrap()
    }

    /// Writes a raw object and returns the event that announces it.
    pub(crate) fn accepted(&self, body: &Value) -> Event {
        let record_id = RecordId::new();
        let key = format!("acme-{record_id}.json");
        let bytes = body.to_string().into_bytes();
        std::fs::write(self.normalizer.objects.root.join(&key), &bytes).unwrap();
        let payload = json!({
            "bucket": "raw-objects",
            "key": key,
            "sha256": request_hash(&bytes),
            "size": bytes.len(),
            "correlation_id": format!("correlation-{record_id}"),
        });
        Event {
            event_id: EventId::new(),
            record_id,
            payload,
        }
    }

    /// The object of that event is away for so many attempts.
    pub(crate) fn takes_away(&self, event: &Event, times: u32) {
        let mut failing = self.normalizer.objects.failing.lock().unwrap();
        failing.insert(event.key().to_owned(), times);
    }

    pub(crate) fn removes(&self, event: &Event) {
        std::fs::remove_file(self.normalizer.objects.root.join(event.key())).unwrap();
    }

    /// Brings events onto the bus.
    pub(crate) async fn announce(&self, events: &[&Event]) {
        match &self.producer {
            Some(producer) => {
                let messages: Vec<_> = events
                    .iter()
                    .map(|event| event.message(&self.topic))
                    .collect();
                for sent in producer.send(&messages).await {
                    sent.unwrap();
                }
            }
            None => self.enqueue(events).await,
        }
    }

    /// Puts events into the outbox.
    pub(crate) async fn enqueue(&self, events: &[&Event]) {
        let rows: Vec<_> = events.iter().map(|event| event.row(&self.topic)).collect();
        self.database.store.enqueue_events(&rows).await.unwrap();
    }

    /// Takes batches until so many messages came to an end.
    pub(crate) async fn work(&self, consumer: &mut Consumer, messages: u64) -> Tally {
        let mut sum = Tally::default();
        let stop = CancellationToken::new();
        let all = async {
            while sum.normalized + sum.repeated + sum.dead < messages {
                let tally = self.normalizer.batch(consumer, &stop).await.unwrap();
                sum.normalized += tally.normalized;
                sum.repeated += tally.repeated;
                sum.dead += tally.dead;
                sum.retried += tally.retried;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(90), all).await;
        assert!(in_time.is_ok(), "of {messages} messages: {sum:?}");
        sum
    }

    pub(crate) async fn canonical(&self) -> Vec<CanonicalRecord> {
        let all = CanonicalFilter::default();
        self.database
            .store
            .canonical_records(&all, None, 1_000)
            .await
            .unwrap()
    }

    /// Codes of the dead letters, sorted.
    pub(crate) async fn dead(&self) -> Vec<DeadLetter> {
        let mut dead = self
            .database
            .store
            .dead_letters(&Default::default())
            .await
            .unwrap();
        dead.sort_by(|one, other| one.letter.reason_code.cmp(&other.letter.reason_code));
        dead
    }
}

pub(crate) fn settings() -> NormalizerSettings {
    NormalizerSettings {
        batch: 50,
        wait: Duration::from_millis(200),
        concurrency: NonZeroUsize::new(8).unwrap(),
        fetch_timeout: Duration::from_secs(5),
        attempts: 3,
        backoff: Backoff {
            first: Duration::from_millis(10),
            longest: Duration::from_millis(50),
        },
    }
}

/// An event about a record, to be changed as a case needs it.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) event_id: EventId,
    pub(crate) record_id: RecordId,
    pub(crate) payload: Value,
}

impl Event {
    pub(crate) fn key(&self) -> &str {
        self.payload["key"].as_str().unwrap()
    }

    pub(crate) fn with(mut self, member: &str, value: impl Into<Value>) -> Event {
        self.payload[member] = value.into();
        self
    }

    fn headers(&self) -> Value {
        json!({ "ce_specversion": "1.0", "ce_id": self.event_id, "ce_subject": self.record_id })
    }

    fn row(&self, topic: &str) -> NewEvent {
        NewEvent {
            event_id: self.event_id,
            record_id: self.record_id,
            topic: topic.to_owned(),
            event_key: self.record_id.to_string(),
            payload: self.payload.clone(),
            headers: self.headers(),
        }
    }

    fn message(&self, topic: &str) -> Message {
        let headers = self.headers();
        let headers = headers.as_object().unwrap().iter().map(|(name, value)| {
            exchange::bus::Header::new(name, value.as_str().unwrap().to_owned())
        });
        Message {
            topic: topic.to_owned(),
            key: self.record_id.to_string().into(),
            payload: self.payload.to_string().into(),
            headers: headers.collect(),
        }
    }
}

/// A request of the first version.
pub(crate) fn encounter() -> Value {
    json!({
        "source": "acme",
        "record_type": "encounter",
        "occurred_at": "2024-03-01T10:00:00+13:00",
        "payload": { "patient_id": CANARY, "status": "finished", "amount": 1.10 },
    })
}

/// A request of the second version.
pub(crate) fn lab_result() -> Value {
    json!({
        "source": "acme",
        "record_kind": "lab_result",
        "schema_hint": "acme/v1/lab",
        "occurred_at": "2024-03-01T10:00:00Z",
        "payload": { "patient_id": CANARY, "code": "718-7", "value": 13.5 },
    })
}
