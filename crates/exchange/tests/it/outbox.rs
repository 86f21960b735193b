//! The publisher between a real database and a broker: nothing lost, keys in order, and stopped
//! when asked.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use contract::{EventId, RecordId};
use exchange::backoff::Backoff;
use exchange::bus::{Bus, Consumer};
use exchange::outbox::{Publisher, PublisherSettings, Round};
use serde_json::json;
use store::{NewEvent, Owner, Store};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::bus_broker::{Broker, a_topic};
use crate::bus_sides::{Database, number, receive};

macro_rules! on_both_databases {
    ($($case:ident),+ $(,)?) => {$(
        mod $case {
            use crate::bus_sides::Database;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$case(Database::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$case(Database::postgres().await).await;
            }
        }
    )+};
}

on_both_databases!(
    publishers_side_by_side_keep_every_key_in_order,
    what_was_sent_and_not_marked_is_sent_again,
);

fn event(topic: &str, key: RecordId, number: u32) -> NewEvent {
    NewEvent {
        event_id: EventId::new(),
        record_id: key,
        topic: topic.to_owned(),
        event_key: key.to_string(),
        payload: json!({ "number": number }),
        headers: json!({ "ce_type": "test" }),
    }
}

fn settings() -> PublisherSettings {
    PublisherSettings {
        batch: 7,
        lease: Duration::from_secs(30),
        idle: Duration::from_millis(20),
        grace: Duration::from_millis(200),
        backoff: Backoff {
            first: Duration::from_millis(20),
            longest: Duration::from_millis(200),
        },
    }
}

fn publisher(store: &Store, bus: &Bus, topic: &str, worker: usize) -> Publisher {
    let producer = bus.producer().unwrap().unwrap();
    let owner = Owner::this_process().worker(worker);
    let topics = vec![topic.to_owned()];
    Publisher::new(store.clone(), producer, owner, topics, settings())
}

fn consumer(store: &Store, bus: &Bus, topic: &str) -> Consumer {
    let owner = Owner::this_process();
    bus.consumer(store, &owner, "readers", &[topic.to_owned()])
        .unwrap()
}

/// Waits until the outbox is empty.
async fn drained(store: &Store) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while store.outbox_lag().await.unwrap().unpublished > 0 {
        assert!(Instant::now() < deadline, "the outbox is not drained");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn publishers_side_by_side_keep_every_key_in_order(database: Database) {
    let (broker, topic, store) = (Broker::any(), a_topic(), &database.store);
    let bus = Bus::Kafka(broker.settings());
    let keys: Vec<_> = (0..5).map(|_| RecordId::new()).collect();
    let events = (1..=12).flat_map(|n| keys.iter().map(move |key| (*key, n)));
    let events: Vec<_> = events.map(|(key, n)| event(&topic, key, n)).collect();
    store.enqueue_events(&events).await.unwrap();
    let (stop, wake) = (CancellationToken::new(), Notify::new());
    let rounds = Mutex::new(Vec::new());
    let report = |round: &Round| rounds.lock().unwrap().push(*round);
    let publishers: Vec<_> = (1..=3).map(|n| publisher(store, &bus, &topic, n)).collect();
    let runs = publishers
        .iter()
        .map(|publisher| publisher.run(&stop, &wake, report));
    let work = async {
        drained(store).await;
        stop.cancel();
    };
    tokio::join!(futures::future::join_all(runs), work);
    let published: u64 = rounds
        .lock()
        .unwrap()
        .iter()
        .map(|round| round.published)
        .sum();
    assert_eq!(published, 60);
    let mut consumer = consumer(store, &bus, &topic);
    let mut seen: BTreeMap<Vec<u8>, Vec<u32>> = BTreeMap::new();
    for received in receive(&mut consumer, 60).await {
        seen.entry(received.message.key.to_vec())
            .or_default()
            .push(number(&received));
    }
    assert_eq!(seen.len(), 5);
    for numbers in seen.values() {
        assert_eq!(*numbers, (1..=12).collect::<Vec<_>>());
    }
    assert!(
        consumer
            .poll(1, Duration::from_millis(300))
            .await
            .unwrap()
            .is_empty()
    );
}

/// As after a crash between the broker's answer and the database's.
async fn what_was_sent_and_not_marked_is_sent_again(database: Database) {
    let (broker, topic, store) = (Broker::any(), a_topic(), &database.store);
    let bus = Bus::Kafka(broker.settings());
    store
        .enqueue_events(&[event(&topic, RecordId::new(), 1)])
        .await
        .unwrap();
    let dead = Owner::this_process().worker(9);
    let lease = Duration::from_millis(300);
    let topics = [topic.clone()];
    let claimed = store
        .claim_outbox(&dead, &topics, 10, lease, chrono::Utc::now())
        .await
        .unwrap();
    assert_eq!(claimed.len(), 1);
    let publisher = publisher(store, &bus, &topic, 1);
    let stop = CancellationToken::new();
    let early = publisher.publish_batch(&stop).await.unwrap();
    assert_eq!(
        (early.published, early.lag.unwrap().unpublished),
        (0, 1),
        "leased to another"
    );
    tokio::time::sleep(lease).await;
    let late = publisher.publish_batch(&stop).await.unwrap();
    assert_eq!((late.published, late.lag.unwrap().unpublished), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_wait_while_the_broker_is_away() {
    let (broker, topic, database) = (Broker::mock(), a_topic(), Database::sqlite().await);
    let store = &database.store;
    let bus = Bus::Kafka(broker.settings_with(&[("delivery.timeout.ms", "700")]));
    let publisher = publisher(store, &bus, &topic, 1);
    let (stop, wake) = (CancellationToken::new(), Notify::new());
    let failed = Mutex::new(0);
    let report = |round: &Round| *failed.lock().unwrap() += round.failed;
    broker.goes_away();
    let key = RecordId::new();
    let events: Vec<_> = (1..=3).map(|n| event(&topic, key, n)).collect();
    store.enqueue_events(&events).await.unwrap();
    let work = async {
        let deadline = Instant::now() + Duration::from_secs(30);
        while *failed.lock().unwrap() == 0 {
            assert!(
                Instant::now() < deadline,
                "nobody said that the broker is away"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        broker.comes_back();
        drained(store).await;
        stop.cancel();
    };
    tokio::join!(publisher.run(&stop, &wake, report), work);
    let mut consumer = consumer(store, &bus, &topic);
    let mut numbers: Vec<_> = receive(&mut consumer, 3).await.iter().map(number).collect();
    // What was in doubt may be there twice.
    numbers.dedup();
    assert_eq!(numbers, [1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_that_is_stopped_gives_back_what_it_could_not_send() {
    let (broker, topic, database) = (Broker::mock(), a_topic(), Database::sqlite().await);
    let store = &database.store;
    let bus = Bus::Kafka(broker.settings());
    let publisher = publisher(store, &bus, &topic, 1);
    broker.goes_away();
    store
        .enqueue_events(&[event(&topic, RecordId::new(), 1)])
        .await
        .unwrap();
    let stop = CancellationToken::new();
    let started = Instant::now();
    let soon = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        stop.cancel();
    };
    let wake = Notify::new();
    tokio::join!(publisher.run(&stop, &wake, |_| {}), soon);
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
    let another = Owner::this_process().worker(2);
    let lease = Duration::from_secs(1);
    let (topics, now) = ([topic], chrono::Utc::now());
    let claimed = store.claim_outbox(&another, &topics, 10, lease, now).await;
    assert_eq!(claimed.unwrap().len(), 1, "its lease was given back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_no_broker_takes_holds_back_its_own_key_alone() {
    let (broker, topic, database) = (Broker::mock(), a_topic(), Database::sqlite().await);
    let store = &database.store;
    let bus = Bus::Kafka(broker.settings_with(&[("message.max.bytes", "2000")]));
    let publisher = publisher(store, &bus, &topic, 1);
    let (stuck, free) = (RecordId::new(), RecordId::new());
    let mut large = event(&topic, stuck, 1);
    large.payload = json!({ "number": 1, "filling": "x".repeat(5_000) });
    let events = [large, event(&topic, stuck, 2), event(&topic, free, 1)];
    store.enqueue_events(&events).await.unwrap();
    let round = publisher
        .publish_batch(&CancellationToken::new())
        .await
        .unwrap();
    assert_eq!((round.published, round.failed), (1, 2));
}

#[test]
fn the_embedded_bus_has_nothing_to_publish_with() {
    let lease = Duration::from_secs(1);
    assert!(Bus::Embedded { lease }.producer().unwrap().is_none());
}
