//! Requests are taken in once, however often and however many at a time they are sent, and come
//! out as canonical records.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use contract::RecordId;
use exchange::bus::Bus;
use exchange::fault::FaultPoint;
use exchange::ingest::{
    CorrelationId, IdempotencyKeyRules, ProblemType, RecordRequest, RequestVersion, Topics,
    strict_json,
};
use exchange::intake::{Accepted, Answer, Intake, IntakeSettings, Receipt};
use exchange::outbox::{Publisher, PublisherSettings};
use futures::future::join_all;
use serde_json::{Value, json};
use store::{ManifestFilter, Owner, Store};
use tokio_util::sync::CancellationToken;

use crate::bus_sides::Database;
use crate::normalize_world::{Folder, World, on_every_stack};

const RECORDS: usize = 200;
/// Shorter than a test, longer than a batch.
const LEASE: Duration = Duration::from_secs(2);

pub(crate) fn encounter(number: usize) -> Value {
    json!({
        "source": "clinic",
        "record_type": "encounter",
        "occurred_at": "2026-03-01T09:30:00+13:00",
        "payload": { "encounter_id": format!("E{number}"), "status": "finished" },
    })
}

fn request(key: &str, body: &Value) -> Accepted {
    let body = body.to_string();
    let value = strict_json::parse(body.as_bytes()).unwrap();
    Accepted {
        client: "a client".to_owned(),
        key: IdempotencyKeyRules::default()
            .parse(key.as_bytes())
            .unwrap(),
        request: RecordRequest::parse(RequestVersion::V1, value).unwrap(),
        body: body.into(),
        correlation_id: CorrelationId::new(),
        trace_parent: None,
    }
}

fn key(number: usize) -> String {
    format!("record-number-{number:06}")
}

fn start(store: &Store, folder: Folder, topic: &str) -> Intake {
    let settings = IntakeSettings {
        topics: Topics {
            v1: topic.to_owned(),
            v2: topic.to_owned(),
        },
        lease: LEASE,
        ..IntakeSettings::default()
    };
    let owner = Owner::this_process().worker(70);
    Intake::start(store.clone(), owner, folder, settings)
}

impl World {
    pub(crate) fn intake(&self) -> Intake {
        let folder = Folder::at(self.normalizer.objects.root().to_owned());
        start(&self.database.store, folder, &self.topic)
    }

    /// Brings what is in the outbox onto the bus, where that is not the outbox itself.
    async fn publish(&self) {
        let Some(producer) = self.bus.producer().unwrap() else {
            return;
        };
        let owner = Owner::this_process().worker(80);
        let topics = vec![self.topic.clone()];
        let store = self.database.store.clone();
        let publisher =
            Publisher::new(store, producer, owner, topics, PublisherSettings::default());
        publisher
            .publish_batch(&CancellationToken::new())
            .await
            .unwrap();
    }

    async fn canonical_ids(&self) -> BTreeSet<RecordId> {
        let records = self.canonical().await;
        let ids: BTreeSet<RecordId> = records.iter().map(|record| record.record_id).collect();
        assert_eq!(ids.len(), records.len());
        ids
    }
}

/// As a client does: it sends the same again while it is told to.
async fn sent(intake: &Intake, key: &str, body: &Value) -> Receipt {
    loop {
        match intake.take(request(key, body)).await {
            Answer::Taken(receipt) => return receipt,
            Answer::Refused(ProblemType::RequestInProgress) => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Answer::Refused(problem) => panic!("{problem:?}"),
        }
    }
}

pub(crate) fn record_id(receipt: &Receipt) -> RecordId {
    assert_eq!(receipt.status, 202);
    let body: Value = serde_json::from_str(&receipt.body).unwrap();
    assert_eq!(body["correlation_id"], receipt.correlation_id);
    body["record_id"].as_str().unwrap().parse().unwrap()
}

on_every_stack!(what_is_sent_often_and_at_once_comes_out_once);

async fn what_is_sent_often_and_at_once_comes_out_once(world: World) {
    let intake = world.intake();
    // Every fifth is sent three times at once.
    let copies = (0..RECORDS).flat_map(|number| vec![number; if number % 5 == 0 { 3 } else { 1 }]);
    let posts = copies.map(|number| {
        let intake = intake.clone();
        async move {
            let receipt = sent(&intake, &key(number), &encounter(number)).await;
            (number, receipt)
        }
    });
    let receipts = join_all(posts).await;
    let mut accepted = vec![BTreeSet::new(); RECORDS];
    for (number, receipt) in &receipts {
        accepted[*number].insert((record_id(receipt), receipt.correlation_id.clone()));
    }
    assert!(accepted.iter().all(|answers| answers.len() == 1));
    let first = receipts.iter().filter(|(_, receipt)| !receipt.is_replay);
    assert_eq!(first.count(), RECORDS, "each is new once");

    for number in (0..RECORDS).step_by(10) {
        let other = request(&key(number), &encounter(number + RECORDS));
        let refused = Answer::Refused(ProblemType::IdempotencyKeyReused);
        assert_eq!(intake.take(other).await, refused);
    }

    world.publish().await;
    let mut consumer = world.consumer(1);
    world.work(&mut consumer, RECORDS as u64).await;
    let expected = accepted
        .into_iter()
        .flatten()
        .map(|(record_id, _)| record_id);
    assert_eq!(world.canonical_ids().await, expected.collect());
}

#[tokio::test]
async fn a_key_is_its_clients_own() {
    let world = World::embedded_on_sqlite().await;
    let intake = world.intake();
    let mine = sent(&intake, &key(1), &encounter(1)).await;
    let others = Accepted {
        client: "another client".to_owned(),
        ..request(&key(1), &encounter(2))
    };
    let Answer::Taken(theirs) = intake.take(others).await else {
        panic!("it is another key");
    };
    assert!(!theirs.is_replay);
    assert_ne!(record_id(&mine), record_id(&theirs));
}

#[tokio::test]
async fn who_comes_while_too_many_wait_is_asked_to_come_again() {
    let world = World::embedded_on_sqlite().await;
    let settings = IntakeSettings {
        waiting_max: 1,
        batch: 1,
        lanes: 1,
        ..IntakeSettings::default()
    };
    let folder = Folder::at(world.normalizer.objects.root().to_owned());
    let owner = Owner::this_process();
    let intake = Intake::start(world.database.store.clone(), owner, folder, settings);
    let posts = (0..50).map(|number| {
        let accepted = request(&key(number), &encounter(number));
        let intake = intake.clone();
        async move { intake.take(accepted).await }
    });
    let answers = join_all(posts).await;
    let refused = Answer::Refused(ProblemType::Overloaded);
    let taken = answers.iter().filter(|answer| **answer != refused).count();
    assert!(taken > 0 && taken < 50, "{taken} were taken");
    for number in 0..50 {
        sent(&intake, &key(number), &encounter(number)).await;
    }
    let all = ManifestFilter::default();
    let manifest = world.database.store.manifest_page(&all, 1_000).await;
    assert_eq!(manifest.unwrap().len(), 50, "none twice");
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap()
}

#[tokio::test]
#[ignore = "it is the process that is killed"]
async fn an_intake() {
    let store = Store::connect(&variable("TEST_DATABASE")).await.unwrap();
    let folder = Folder::at(variable("TEST_FOLDER").into());
    let intake = start(&store, folder, &variable("TEST_TOPIC"));
    sent(&intake, &key(1), &encounter(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_intake_killed_anywhere_keeps_one_record() {
    for point in [
        FaultPoint::RequestsAdmitted,
        FaultPoint::ObjectsWritten,
        FaultPoint::AnswersStored,
    ] {
        for database in [Database::sqlite().await, Database::postgres().await] {
            killed_at(point, database).await;
        }
    }
}

async fn killed_at(point: FaultPoint, database: Database) {
    let world = World::new(database, Bus::Embedded { lease: LEASE }, None);
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["intake::an_intake", "--exact", "--ignored"])
        .env("TEST_DATABASE", &world.database.url)
        .env("TEST_TOPIC", &world.topic)
        .env("TEST_FOLDER", world.normalizer.objects.root())
        .env("LAZARET_FAULT", point.name());
    let output = command.output().unwrap();
    assert!(!output.status.success(), "{} was not reached", point.name());

    let all = ManifestFilter::default();
    let planned = world.database.store.manifest_page(&all, 10).await.unwrap();
    assert_eq!(planned.len(), 1, "{}", point.name());
    let receipt = sent(&world.intake(), &key(1), &encounter(1)).await;
    assert_eq!(record_id(&receipt), planned[0].record_id);
    assert_eq!(receipt.is_replay, point == FaultPoint::AnswersStored);
    world.work(&mut world.consumer(1), 1).await;
    assert_eq!(world.canonical_ids().await.len(), 1, "{}", point.name());
}
