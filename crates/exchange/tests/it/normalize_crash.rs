//! The process is killed at every fault point, as by `kill -9`, and another goes on.
//!
//! What is killed is this test binary, started again with one ignored test of it: it works on the
//! database, folder and broker of the test that started it.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use exchange::bus::{Bus, KafkaSettings};
use exchange::fault::FaultPoint;
use exchange::normalize::{DeadLetters, Normalizer};
use exchange::outbox::{Publisher, PublisherSettings};
use store::{Owner, Store};
use tokio_util::sync::CancellationToken;

use crate::bus_broker::Broker;
use crate::bus_sides::{Database, LEASE, receive};
use crate::normalize_world::{Folder, World, encounter, settings};

fn variable(name: &str) -> String {
    std::env::var(name).unwrap()
}

/// Runs the ignored test of that name in a process that dies at the fault point.
fn dies_at(point: FaultPoint, test: &str, variables: &[(&str, &str)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([&format!("normalize_crash::{test}"), "--exact", "--ignored"])
        .envs(variables.iter().copied())
        .env("LAZARET_FAULT", point.name());
    let output = command.output().unwrap();
    assert!(!output.status.success(), "{} was not reached", point.name());
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(!said.contains("test result"), "it failed by itself: {said}");
}

#[tokio::test]
#[ignore = "it is the process that is killed"]
async fn a_normalizer() {
    let store = Store::connect(&variable("TEST_DATABASE")).await.unwrap();
    let bus = Bus::Embedded { lease: LEASE };
    let owner = Owner::this_process();
    let topics = [variable("TEST_TOPIC")];
    let mut consumer = bus.consumer(&store, &owner, "normaliser", &topics).unwrap();
    let normalizer = Normalizer {
        store,
        owner,
        objects: Folder::at(variable("TEST_FOLDER").into()),
        dead_letters: DeadLetters::Database,
        settings: settings(),
    };
    let stop = CancellationToken::new();
    normalizer.batch(&mut consumer, &stop).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_normalizer_killed_anywhere_makes_every_record_once() {
    for point in [
        FaultPoint::AttemptsStarted,
        FaultPoint::CanonicalWritten,
        FaultPoint::DeadLetterSent,
        FaultPoint::OffsetsCommitted,
    ] {
        let world = World::embedded_on_sqlite().await;
        let good: Vec<_> = (0..3).map(|_| world.accepted(&encounter())).collect();
        let missing = world.accepted(&encounter());
        world.removes(&missing);
        world
            .announce(&[&good[0], &missing, &good[1], &good[2]])
            .await;
        let folder = world.normalizer.objects.root().display().to_string();
        let variables = [
            ("TEST_DATABASE", world.database.url.as_str()),
            ("TEST_TOPIC", world.topic.as_str()),
            ("TEST_FOLDER", folder.as_str()),
        ];
        dies_at(point, "a_normalizer", &variables);
        let mut another = world.consumer(1);
        if point == FaultPoint::OffsetsCommitted {
            tokio::time::sleep(LEASE).await;
            assert!(another.poll(5, Duration::ZERO).await.unwrap().is_empty());
        } else {
            world.work(&mut another, 4).await;
        }
        assert_eq!(world.canonical().await.len(), 3, "{}", point.name());
        assert_eq!(world.dead().await.len(), 1, "{}", point.name());
    }
}

#[tokio::test]
#[ignore = "it is the process that is killed"]
async fn a_publisher() {
    let store = Store::connect(&variable("TEST_DATABASE")).await.unwrap();
    let servers = ("bootstrap.servers".to_owned(), variable("TEST_SERVERS"));
    let bus = Bus::Kafka(KafkaSettings::new(BTreeMap::from([servers])).unwrap());
    let settings = PublisherSettings {
        lease: LEASE,
        ..PublisherSettings::default()
    };
    let (owner, topics) = (Owner::this_process(), vec![variable("TEST_TOPIC")]);
    let producer = bus.producer().unwrap().unwrap();
    let publisher = Publisher::new(store, producer, owner, topics, settings);
    let stop = CancellationToken::new();
    publisher.publish_batch(&stop).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_killed_anywhere_loses_nothing() {
    for (point, copies) in [
        (FaultPoint::EventsClaimed, 1),
        (FaultPoint::EventsDelivered, 2),
        (FaultPoint::EventsMarked, 1),
    ] {
        let broker = Broker::any();
        let bus = Bus::Kafka(broker.settings());
        let world = World::new(Database::sqlite().await, bus, None);
        let event = world.accepted(&encounter());
        world.enqueue(&[&event]).await;
        let variables = [
            ("TEST_DATABASE", world.database.url.as_str()),
            ("TEST_TOPIC", world.topic.as_str()),
            ("TEST_SERVERS", broker.servers()),
        ];
        dies_at(point, "a_publisher", &variables);
        tokio::time::sleep(LEASE).await;
        let (store, owner) = (world.database.store.clone(), Owner::this_process());
        let producer = world.bus.producer().unwrap().unwrap();
        let topics = vec![world.topic.clone()];
        let settings = PublisherSettings::default();
        let publisher = Publisher::new(store, producer, owner, topics, settings);
        publisher
            .publish_batch(&CancellationToken::new())
            .await
            .unwrap();
        let mut consumer = world.consumer(0);
        receive(&mut consumer, copies).await;
        let more = consumer.poll(1, Duration::from_millis(500)).await.unwrap();
        assert!(more.is_empty(), "{}: more than {copies}", point.name());
    }
}
