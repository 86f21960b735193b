//! Ten thousand records, real FHIR resources among them, with retries, conflicts and bodies that
//! are no record, while publisher and normaliser are killed and started again: in the end exactly
//! the accepted records are canonical, and no patient's value lies anywhere else.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use bytes::Bytes;
use contract::RecordId;
use exchange::backoff::Backoff;
use exchange::bus::{Bus, KafkaSettings};
use exchange::fhir::{BundleEntry, split};
use exchange::ingest::{
    CorrelationId, IdempotencyKey, IdempotencyKeyRules, ProblemType, RecordRequest, RequestVersion,
    strict_json,
};
use exchange::intake::{Accepted, Answer, Intake};
use exchange::normalize::{DeadLetters, Normalizer, NormalizerSettings};
use exchange::outbox::{Publisher, PublisherSettings};
use futures::{StreamExt, stream};
use serde_json::json;
use store::{CanonicalFilter, Owner, Store};
use testkit::postgres::PrivatePostgres;
use testkit::shared_data;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::bus_broker::Broker;
use crate::intake::{encounter, record_id};
use crate::normalize_world::{CANARY, Folder, World};

const RECORDS: usize = 10_000;
const CLIENTS: usize = 64;
/// How often the processes are killed.
const KILLS: usize = 3;
/// Longer than a batch.
const LEASE: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(300);

/// One record as its client posts it.
#[derive(Clone)]
struct Post {
    key: IdempotencyKey,
    body: Bytes,
    request: RecordRequest,
}

impl Post {
    fn plain(number: usize, text: &str) -> Post {
        let mut body = encounter(number);
        body["payload"]["location"] = json!(text);
        let body = body.to_string();
        let value = strict_json::parse(body.as_bytes()).unwrap();
        Post {
            key: key(&format!("plain-record-{number:06}")),
            request: RecordRequest::parse(RequestVersion::V1, value).unwrap(),
            body: body.into(),
        }
    }

    fn accepted(&self) -> Accepted {
        Accepted {
            client: "a client".to_owned(),
            key: self.key.clone(),
            body: self.body.clone(),
            request: self.request.clone(),
            correlation_id: CorrelationId::new(),
            trace_parent: None,
        }
    }
}

fn key(text: &str) -> IdempotencyKey {
    IdempotencyKeyRules::default()
        .parse(text.as_bytes())
        .unwrap()
}

/// The records of the published bundles; none where the shared data are absent.
fn fhir() -> Vec<Post> {
    let Some(folder) = shared_data::folder("fhir/jijones") else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut posts = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let bundle = std::fs::read(file).unwrap();
        let source = "clinic".parse().unwrap();
        let parts = split(
            &bundle,
            &source,
            &key(&format!("bundle-number-{number:04}")),
        )
        .unwrap();
        for entry in parts.entries {
            if let BundleEntry::Record(record) = entry {
                posts.push(Post {
                    key: record.idempotency_key,
                    body: record.body.into(),
                    request: record.request,
                });
            }
        }
    }
    posts
}

fn all_posts() -> Vec<Post> {
    let mut posts = fhir();
    posts.truncate(RECORDS / 2);
    let plain = posts.len()..RECORDS;
    posts.extend(plain.map(|number| Post::plain(number, CANARY)));
    posts
}

/// As a client does: it sends the same again while it is told to.
async fn taken(intake: &Intake, post: &Post) -> (RecordId, bool) {
    loop {
        match intake.take(post.accepted()).await {
            Answer::Taken(receipt) => return (record_id(&receipt), receipt.is_replay),
            Answer::Refused(ProblemType::RequestInProgress | ProblemType::Overloaded) => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Answer::Refused(problem) => panic!("{problem:?}"),
        }
    }
}

/// Posts all of them, each tenth twice, each twentieth also with another body, and beside each
/// fiftieth something that is no record. Returns what was accepted.
async fn post_all(intake: &Intake, posts: &[Post]) -> BTreeSet<RecordId> {
    let accepted = Mutex::new(BTreeSet::new());
    let all = stream::iter(posts.iter().enumerate());
    all.for_each_concurrent(CLIENTS, async |(number, post)| {
        if number % 50 == 0 {
            let body = json!({ "source": "clinic", "record_type": "invoice" });
            assert!(RecordRequest::parse(RequestVersion::V1, body).is_err());
        }
        let (id, _) = taken(intake, post).await;
        assert!(accepted.lock().unwrap().insert(id), "{id} twice");
        if number % 10 == 0 {
            assert_eq!(taken(intake, post).await, (id, true));
        }
        if number % 20 == 0 {
            let other = Post {
                key: post.key.clone(),
                ..Post::plain(number + RECORDS, CANARY)
            };
            let answer = intake.take(other.accepted()).await;
            let reused = ProblemType::IdempotencyKeyReused;
            assert_eq!(answer, Answer::Refused(reused));
        }
    })
    .await;
    accepted.into_inner().unwrap()
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap()
}

fn bus() -> Bus {
    let Ok(servers) = std::env::var("TEST_SERVERS") else {
        return Bus::Embedded { lease: LEASE };
    };
    let settings = [
        ("bootstrap.servers", servers.as_str()),
        ("session.timeout.ms", "6000"),
        ("heartbeat.interval.ms", "500"),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Bus::Kafka(KafkaSettings::new(settings.into()).unwrap())
}

async fn store_of_the_dead() -> Store {
    let store = Store::connect(&variable("TEST_DATABASE")).await.unwrap();
    store
        .release_dead_leases(&Owner::this_process())
        .await
        .unwrap();
    store
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is a process that is killed"]
async fn a_publisher() {
    let store = store_of_the_dead().await;
    let Some(producer) = bus().producer().unwrap() else {
        return;
    };
    let settings = PublisherSettings {
        lease: LEASE,
        ..PublisherSettings::default()
    };
    let (owner, topics) = (Owner::this_process(), vec![variable("TEST_TOPIC")]);
    let publisher = Publisher::new(store, producer, owner, topics, settings);
    let (stop, wake) = (CancellationToken::new(), Notify::new());
    publisher.run(&stop, &wake, |_| {}).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is a process that is killed"]
async fn a_normalizer() {
    let store = store_of_the_dead().await;
    let owner = Owner::this_process();
    let topics = [variable("TEST_TOPIC")];
    let consumer = bus()
        .consumer(&store, &owner, "normaliser", &topics)
        .unwrap();
    let normalizer = Normalizer {
        store,
        owner,
        objects: Folder::at(variable("TEST_FOLDER").into()),
        dead_letters: DeadLetters::Database,
        settings: NormalizerSettings {
            backoff: Backoff {
                first: Duration::from_millis(50),
                longest: Duration::from_secs(1),
            },
            ..NormalizerSettings::default()
        },
    };
    let stop = CancellationToken::new();
    normalizer.run(consumer, &stop, |_| {}).await.unwrap();
}

/// A process beside the test, killed when it is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Publisher and normaliser, each a process of its own, which write what they say into a file.
struct Crew<'a> {
    world: &'a World,
    servers: Option<&'a str>,
    log: PathBuf,
}

impl Crew<'_> {
    fn start(&self) -> [Process; 2] {
        ["a_publisher", "a_normalizer"].map(|name| {
            let log = File::options().create(true).append(true).open(&self.log);
            let log = log.unwrap();
            let mut command = Command::new(std::env::current_exe().unwrap());
            command
                .args([&format!("end_to_end::{name}"), "--exact", "--ignored"])
                .arg("--nocapture")
                .env("TEST_DATABASE", &self.world.database.url)
                .env("TEST_TOPIC", &self.world.topic)
                .env("TEST_FOLDER", self.world.normalizer.objects.root())
                .envs(self.servers.map(|servers| ("TEST_SERVERS", servers)))
                .stdout(log.try_clone().unwrap())
                .stderr(log);
            Process(command.spawn().unwrap())
        })
    }
}

async fn every_record_once(world: World, servers: Option<&str>) {
    let posts = all_posts();
    let store = &world.database.store;
    let scratch = tempfile::tempdir().unwrap();
    let crew = Crew {
        world: &world,
        servers,
        log: scratch.path().join("log"),
    };
    let intake = world.intake();
    // A group of Kafka's takes its time to notice that a member is gone.
    let lifetime = Duration::from_secs(if servers.is_some() { 8 } else { 2 });
    let killing = async {
        for _ in 0..KILLS {
            let processes = crew.start();
            tokio::time::sleep(lifetime).await;
            drop(processes);
        }
        crew.start()
    };
    let (accepted, _processes) = tokio::join!(post_all(&intake, &posts), killing);
    assert_eq!(accepted.len(), RECORDS);

    let all = CanonicalFilter::default();
    let until = Instant::now() + PATIENCE;
    while store.count_canonical(&all).await.unwrap() < RECORDS as i64 {
        assert!(Instant::now() < until, "it does not come to an end");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let canonical = store.canonical_records(&all, None, 2 * RECORDS as u32);
    let ids: BTreeSet<RecordId> = canonical
        .await
        .unwrap()
        .iter()
        .map(|record| record.record_id)
        .collect();
    assert_eq!(ids, accepted);
    assert!(world.dead().await.is_empty());
    let said = std::fs::read_to_string(&crew.log).unwrap();
    assert!(!said.contains(CANARY), "a process has told a value");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_record_once_by_the_outbox_on_sqlite() {
    every_record_once(World::embedded_on_sqlite().await, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_record_once_by_kafka_on_postgres() {
    let broker = Broker::any();
    let servers = broker.servers().to_owned();
    let bus = Bus::Kafka(broker.settings());
    let database = crate::bus_sides::Database::postgres().await;
    let url = database.url.clone();
    let world = World::new(database, bus, None);
    every_record_once(world, Some(&servers)).await;
    let elsewhere = PrivatePostgres::shared().dump_without(&url, "canonical_records");
    assert!(elsewhere.contains("a client"), "it is the metadata");
    assert!(
        !elsewhere.contains(CANARY),
        "a value lies beside the records"
    );
}
