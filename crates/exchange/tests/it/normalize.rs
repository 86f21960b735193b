//! From the bus to canonical records: once each, whatever happens on the way.

use std::time::{Duration, Instant};

use exchange::bus::Bus;
use exchange::normalize::Tally;
use serde_json::json;
use store::Inserted;
use testkit::postgres::{through, upstream};
use testkit::proxy::FaultProxy;
use tokio_util::sync::CancellationToken;

use crate::bus_broker::Broker;
use crate::bus_sides::{Database, receive};
use crate::normalize_world::{CANARY, World, encounter, lab_result, on_every_stack};

on_every_stack!(
    both_versions_become_canonical_records,
    bad_messages_go_to_the_dead_letters_and_fail_no_other,
    a_crash_between_write_and_commit_repeats_and_doubles_nothing,
    what_is_away_for_a_while_is_tried_again,
    what_stays_away_is_given_up,
    two_events_of_one_record_make_one_record,
    it_works_until_it_is_stopped,
);

async fn both_versions_become_canonical_records(world: World) {
    let first = world.accepted(&encounter());
    let second = world
        .accepted(&lab_result())
        .with("event_version", "v2")
        .with("record_kind", "lab_result")
        .with("schema_hint", "acme/v1/lab");
    world.announce(&[&first, &second]).await;
    let mut consumer = world.consumer(0);
    let tally = world.work(&mut consumer, 2).await;
    assert_eq!((tally.normalized, tally.dead), (2, 0));
    let records = world.canonical().await;
    let of = |event: &crate::normalize_world::Event| {
        records
            .iter()
            .find(|record| record.record_id == event.record_id)
            .unwrap()
    };
    let (one, two) = (of(&first), of(&second));
    assert_eq!((&*one.source, &*one.record_type), ("acme", "encounter"));
    assert_eq!(one.ingested_at.to_rfc3339(), "2024-02-29T21:00:00+00:00");
    assert_eq!(
        (&one.event_version, &one.record_kind, &one.schema_hint),
        (&None, &None, &None)
    );
    assert_eq!(one.object_key, first.key());
    let payload: serde_json::Value = serde_json::from_str(one.payload.as_str()).unwrap();
    assert_eq!(payload, encounter()["payload"]);
    assert_eq!(two.event_version.as_deref(), Some("v2"));
    assert_eq!(two.record_kind.as_deref(), Some("lab_result"));
    assert_eq!(two.schema_hint.as_deref(), Some("acme/v1/lab"));
    consumer.close().await.unwrap();
}

async fn bad_messages_go_to_the_dead_letters_and_fail_no_other(world: World) {
    let good: Vec<_> = (0..5).map(|_| world.accepted(&encounter())).collect();
    let missing = world.accepted(&encounter());
    world.removes(&missing);
    let hash = world.accepted(&encounter()).with("sha256", "0".repeat(64));
    let size = world.accepted(&encounter()).with("size", 7);
    let mut wrong = encounter();
    wrong["payload"]["status"] = json!([CANARY]);
    let wrong = world.accepted(&wrong);
    let unreadable = world
        .accepted(&encounter())
        .with("key", CANARY)
        .with("size", CANARY);
    let bad = [&missing, &hash, &size, &wrong, &unreadable];
    let all: Vec<_> = bad.into_iter().chain(&good).collect();
    world.announce(&all).await;
    let mut consumer = world.consumer(0);
    let tally = world.work(&mut consumer, 10).await;
    assert_eq!((tally.normalized, tally.dead, tally.retried), (5, 5, 0));
    assert_eq!(world.canonical().await.len(), 5);
    let dead = world.dead().await;
    let codes: Vec<_> = dead.iter().map(|dead| &*dead.letter.reason_code).collect();
    let expected = [
        "event_invalid_member",
        "hash_mismatch",
        "invalid_record",
        "missing_object",
        "size_mismatch",
    ];
    assert_eq!(codes, expected);
    assert!(!format!("{dead:?}").contains(CANARY), "{dead:?}");
    assert_eq!(dead[3].letter.record_id, Some(missing.record_id));
    if world.broker.is_some() {
        published_dead_letters(&world).await;
    }
    consumer.close().await.unwrap();
    nothing_is_left(&world).await;
}

/// Whoever comes next gets what is new, and nothing of before.
async fn nothing_is_left(world: &World) {
    let new = world.accepted(&encounter());
    world.announce(&[&new]).await;
    let tally = world.work(&mut world.consumer(7), 1).await;
    let only_the_new = Tally {
        normalized: 1,
        ..Tally::default()
    };
    assert_eq!(tally, only_the_new);
}

async fn published_dead_letters(world: &World) {
    let owner = store::Owner::this_process();
    let topics = std::slice::from_ref(&world.dead_topic);
    let store = &world.database.store;
    let mut listener = world
        .bus
        .consumer(store, &owner, "listener", topics)
        .unwrap();
    let letters = receive(&mut listener, 5).await;
    let mut reasons = Vec::new();
    for letter in &letters {
        let message = &letter.message;
        let header = |name: &str| String::from_utf8_lossy(message.header(name).unwrap());
        reasons.push(header("dead_letter_reason").into_owned());
        assert_eq!(header("dead_letter_topic"), *world.topic);
        let payload = String::from_utf8_lossy(&message.payload);
        assert!(!payload.contains(CANARY), "{payload}");
        for header in &message.headers {
            assert!(!String::from_utf8_lossy(&header.value).contains(CANARY));
        }
    }
    reasons.sort_unstable();
    assert_eq!(reasons[3], "missing_object");
}

/// The consumer is dropped with its work done and nothing acknowledged.
async fn a_crash_between_write_and_commit_repeats_and_doubles_nothing(world: World) {
    let events: Vec<_> = (0..4).map(|_| world.accepted(&encounter())).collect();
    world.announce(&events.iter().collect::<Vec<_>>()).await;
    let mut crashing = world.consumer(0);
    assert_eq!(receive(&mut crashing, 4).await.len(), 4);
    written_by_another(&world, &events[..3]).await;
    drop(crashing);
    let mut consumer = world.consumer(1);
    let tally = world.work(&mut consumer, 4).await;
    assert_eq!((tally.normalized, tally.repeated, tally.dead), (1, 3, 0));
    assert_eq!(world.canonical().await.len(), 4);
}

/// Writes their canonical records past the bus, as the normaliser had done before it crashed.
async fn written_by_another(world: &World, events: &[crate::normalize_world::Event]) {
    let store = &world.database.store;
    let owner = store::Owner::this_process();
    for event in events {
        let new = store::NewAttempt {
            record_id: event.record_id,
            stage: store::Stage::Normalize,
        };
        let attempt = store.begin_attempts(&[new], &owner).await.unwrap()[0];
        let record = store::CanonicalRecord {
            record_id: event.record_id,
            source: "acme".to_owned(),
            record_type: "encounter".to_owned(),
            payload: store::Payload::parse("{}".to_owned()).unwrap(),
            ingested_at: chrono::Utc::now(),
            event_version: None,
            record_kind: None,
            schema_hint: None,
            object_key: event.key().to_owned(),
            sha256: String::new(),
            correlation_id: String::new(),
            created_at: chrono::Utc::now(),
        };
        let record = store::NormalizedRecord { attempt, record };
        assert_eq!(store.normalized(&[record]).await.unwrap(), [Inserted::Yes]);
    }
}

async fn what_is_away_for_a_while_is_tried_again(world: World) {
    let (slow, quick) = (world.accepted(&encounter()), world.accepted(&encounter()));
    world.takes_away(&slow, 2);
    world.announce(&[&slow, &quick]).await;
    let mut consumer = world.consumer(0);
    let tally = world.work(&mut consumer, 2).await;
    assert_eq!((tally.normalized, tally.retried, tally.dead), (2, 2, 0));
}

async fn what_stays_away_is_given_up(world: World) {
    let gone = world.accepted(&encounter());
    world.takes_away(&gone, u32::MAX);
    world.announce(&[&gone]).await;
    let mut consumer = world.consumer(0);
    let tally = world.work(&mut consumer, 1).await;
    assert_eq!((tally.normalized, tally.retried, tally.dead), (0, 2, 1));
    assert_eq!(world.dead().await[0].letter.reason_code, "object_store");
}

/// A replay announces it anew, and the first announcement had a wrong hash.
async fn two_events_of_one_record_make_one_record(world: World) {
    let right = world.accepted(&encounter());
    let mut wrong = right.clone().with("sha256", "0".repeat(64));
    wrong.event_id = contract::EventId::new();
    let mut again = right.clone();
    again.event_id = contract::EventId::new();
    world.announce(&[&wrong, &right, &again]).await;
    let mut consumer = world.consumer(0);
    let tally = world.work(&mut consumer, 3).await;
    assert_eq!((tally.normalized, tally.repeated, tally.dead), (1, 1, 1));
    assert_eq!(world.canonical().await.len(), 1);
}

async fn it_works_until_it_is_stopped(world: World) {
    let events: Vec<_> = (0..120).map(|_| world.accepted(&lab_result())).collect();
    let stop = CancellationToken::new();
    let consumer = world.consumer(0);
    let work = async {
        for some in events.chunks(40) {
            world.announce(&some.iter().collect::<Vec<_>>()).await;
        }
        let deadline = Instant::now() + Duration::from_secs(60);
        while world.canonical().await.len() < events.len() {
            assert!(Instant::now() < deadline, "not all were normalised");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(world.normalizer.run(consumer, &stop, |_| {}), work);
    ended.unwrap();
    nothing_is_left(&world).await;
}

/// However often it fails, an outage of the database gives up no message.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_away_is_waited_for() {
    let real = Database::postgres().await;
    let proxy = FaultProxy::start(upstream(&real.url));
    let proxied = Database::open(through(&real.url, proxy.address())).await;
    let broker = Broker::any();
    let bus = Bus::Kafka(broker.settings());
    let mut world = World::new(proxied, bus, Some(broker));
    // More attempts at the database fail than a message has.
    world.normalizer.settings.attempts = 1;
    let event = world.accepted(&encounter());
    world.announce(&[&event]).await;
    let mut consumer = world.consumer(0);
    proxy.reset();
    let stop = CancellationToken::new();
    let mend = async {
        let deadline = Instant::now() + Duration::from_secs(60);
        while proxy.counters().reset < 5 {
            assert!(Instant::now() < deadline, "nobody asked the database");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        proxy.heal();
    };
    let work = async {
        loop {
            let tally = world.normalizer.batch(&mut consumer, &stop).await.unwrap();
            if tally != Tally::default() {
                return tally;
            }
        }
    };
    let (tally, ()) = tokio::join!(work, mend);
    assert_eq!((tally.normalized, tally.dead), (1, 0));
    assert!(world.dead().await.is_empty());
}
