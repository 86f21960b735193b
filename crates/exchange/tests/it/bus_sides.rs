//! The buses that the suite runs on, and the macro that runs a case on each.

use std::time::Duration;

use contract::{EventId, RecordId};
use exchange::bus::{Bus, Consumer, Header, Message, Producer, Received};
use store::{NewEvent, Owner, Store};
use tempfile::TempDir;
use testkit::postgres::PrivatePostgres;

use crate::bus_broker::{Broker, a_topic};

/// Each case is an `async fn(Side)`; it becomes one test per bus.
macro_rules! on_every_bus {
    ($($case:ident),+ $(,)?) => {$(
        mod $case {
            use crate::bus_sides::Side;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn kafka() {
                super::$case(Side::kafka().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn embedded_on_sqlite() {
                super::$case(Side::embedded_on_sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn embedded_on_postgres() {
                super::$case(Side::embedded_on_postgres().await).await;
            }
        }
    )+};
}
pub(crate) use on_every_bus;

/// A migrated database of the test's own.
pub(crate) struct Database {
    pub(crate) store: Store,
    pub(crate) url: String,
    _folder: Option<TempDir>,
}

impl Database {
    pub(crate) async fn sqlite() -> Database {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite://{}/lazaret.db", folder.path().display());
        Database::migrated(url, Some(folder)).await
    }

    pub(crate) async fn postgres() -> Database {
        Database::migrated(PrivatePostgres::shared().database(), None).await
    }

    /// One that is migrated already, by way of another address.
    pub(crate) async fn open(url: String) -> Database {
        Database {
            store: Store::connect(&url).await.unwrap(),
            url,
            _folder: None,
        }
    }

    async fn migrated(url: String, folder: Option<TempDir>) -> Database {
        let mut database = Database::open(url).await;
        database.store.migrate().await.unwrap();
        database._folder = folder;
        database
    }
}

/// How long a consumer that was dropped keeps its messages; as short as a test can wait.
pub(crate) const LEASE: Duration = Duration::from_secs(2);
/// How long a message may take on any bus. A consumer group of the mock cluster takes three
/// seconds to form.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Side {
    pub(crate) bus: Bus,
    pub(crate) database: Database,
    pub(crate) topics: [String; 2],
    producer: Option<Producer>,
    _broker: Option<Broker>,
}

impl Side {
    pub(crate) async fn kafka() -> Side {
        let broker = Broker::any();
        let bus = Bus::Kafka(broker.settings());
        Side::new(bus, Database::sqlite().await, Some(broker))
    }

    pub(crate) async fn embedded_on_sqlite() -> Side {
        Side::new(
            Bus::Embedded { lease: LEASE },
            Database::sqlite().await,
            None,
        )
    }

    pub(crate) async fn embedded_on_postgres() -> Side {
        Side::new(
            Bus::Embedded { lease: LEASE },
            Database::postgres().await,
            None,
        )
    }

    fn new(bus: Bus, database: Database, broker: Option<Broker>) -> Side {
        Side {
            producer: bus.producer().unwrap(),
            bus,
            database,
            topics: [a_topic(), a_topic()],
            _broker: broker,
        }
    }

    /// Brings messages onto the bus as the exchange does.
    pub(crate) async fn put(&self, messages: &[Message]) {
        match &self.producer {
            Some(producer) => {
                for sent in producer.send(messages).await {
                    sent.unwrap();
                }
            }
            None => {
                let events: Vec<_> = messages.iter().map(event).collect();
                self.database.store.enqueue_events(&events).await.unwrap();
            }
        }
    }

    /// Puts `key1`, `key2`, … with these payloads into the first topic.
    pub(crate) async fn put_all(&self, key: &str, numbers: std::ops::RangeInclusive<u32>) {
        let messages: Vec<_> = numbers.map(|n| message(&self.topics[0], key, n)).collect();
        self.put(&messages).await;
    }

    /// A member of the group, as another process would be one.
    pub(crate) fn consumer(&self, number: usize) -> Consumer {
        let owner = Owner::this_process().worker(number);
        let (store, topics) = (&self.database.store, &self.topics);
        self.bus.consumer(store, &owner, "suite", topics).unwrap()
    }
}

pub(crate) fn message(topic: &str, key: &str, number: u32) -> Message {
    Message {
        topic: topic.to_owned(),
        key: key.to_owned().into(),
        payload: format!("{{\"number\":{number}}}").into(),
        headers: vec![
            Header::new("ce_type", "test"),
            Header::new("ce_time", "now"),
        ],
    }
}

/// The same as a row of the outbox.
fn event(message: &Message) -> NewEvent {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let headers = message.headers.iter();
    NewEvent {
        event_id: EventId::new(),
        record_id: RecordId::new(),
        topic: message.topic.clone(),
        event_key: text(&message.key),
        payload: serde_json::from_slice(&message.payload).unwrap(),
        headers: headers
            .map(|header| (header.name.clone(), text(&header.value)))
            .collect(),
    }
}

/// Polls until that many have come.
pub(crate) async fn receive(consumer: &mut Consumer, count: usize) -> Vec<Received> {
    let mut received = Vec::new();
    let all = async {
        while received.len() < count {
            let wait = Duration::from_millis(200);
            received.extend(consumer.poll(count - received.len(), wait).await.unwrap());
        }
    };
    if tokio::time::timeout(PATIENCE, all).await.is_err() {
        panic!("{} of {count} messages came: {received:?}", received.len());
    }
    received
}

/// What the payload of [`message`] holds.
pub(crate) fn number(received: &Received) -> u32 {
    let payload: serde_json::Value = serde_json::from_slice(&received.message.payload).unwrap();
    payload["number"].as_u64().unwrap().try_into().unwrap()
}

pub(crate) fn numbers(received: &[Received]) -> Vec<u32> {
    received.iter().map(number).collect()
}
