//! The S3 server of the tests keeps the promises that the file path builds on.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::Write;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, WriteMultipart};
use testkit::python::python;
use testkit::s3::S3Server;

/// As a program would reach it that was started with `server.env()`.
pub(crate) fn builder(server: &S3Server) -> AmazonS3Builder {
    let mut builder = AmazonS3Builder::new().with_bucket_name(server.bucket());
    for (name, value) in server.env() {
        let key: AmazonS3ConfigKey = name
            .to_ascii_lowercase()
            .parse()
            .expect("object_store knows the name");
        builder = builder.with_config(key, value);
    }
    builder
}

fn client(server: &S3Server) -> AmazonS3 {
    builder(server)
        .build()
        .expect("the environment is complete")
}

async fn keys(store: &AmazonS3, prefix: &str) -> BTreeMap<String, u64> {
    store
        .list(Some(&Path::from(prefix)))
        .map_ok(|object| (object.location.to_string(), object.size))
        .try_collect()
        .await
        .expect("the bucket can be listed")
}

#[track_caller]
fn assert_taken(outcome: Result<impl Debug, Error>) {
    let error = outcome.expect_err("the key is taken");
    assert!(matches!(error, Error::AlreadyExists { .. }), "{error:?}");
}

#[tokio::test]
async fn objects_are_created_once_and_read_back() {
    let server = S3Server::start();
    let store = client(&server);
    let key = Path::from("raw/evergreen/data/claims 2024=é.csv");

    store
        .put_opts(&key, "first".into(), PutMode::Create.into())
        .await
        .expect("the key is free");
    assert_taken(
        store
            .put_opts(&key, "second".into(), PutMode::Create.into())
            .await,
    );

    let whole = store.get(&key).await.unwrap().bytes().await.unwrap();
    assert_eq!(whole, "first");
    assert_eq!(store.get_range(&key, 1..3).await.unwrap(), "ir");
    let head = store.head(&key).await.unwrap();
    assert_eq!(head.size, 5);
    assert!(head.e_tag.is_some());
    assert_eq!(keys(&store, "raw/evergreen").await.len(), 1);
    assert_eq!(keys(&store, "raw/other").await.len(), 0);
}

#[tokio::test]
async fn objects_are_copied_replaced_and_deleted() {
    let server = S3Server::start();
    let store = client(&server);
    let (from, to) = (Path::from("inbox/a.csv"), Path::from("raw/a.csv"));

    store.put(&from, "old".into()).await.unwrap();
    store.copy(&from, &to).await.unwrap();
    store.put(&from, "newer".into()).await.unwrap();
    assert_eq!(store.get_range(&to, 0..3).await.unwrap(), "old");
    assert_eq!(store.head(&from).await.unwrap().size, 5);

    store.delete(&from).await.unwrap();
    let gone = store.head(&from).await.expect_err("it was deleted");
    assert!(matches!(gone, Error::NotFound { .. }), "{gone:?}");
    assert_eq!(keys(&store, "raw").await.len(), 1);
}

#[tokio::test]
async fn a_large_object_is_written_in_parts() {
    const PART_BYTES: usize = 5 * 1024 * 1024;
    let server = S3Server::start();
    let store = client(&server);
    let key = Path::from("silver/part-0.parquet");
    let content: Vec<u8> = (0..2 * PART_BYTES + 17)
        .map(|at| (at % 251) as u8)
        .collect();

    let upload = store.put_multipart(&key).await.unwrap();
    let mut writer = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
    writer.write(&content);
    assert_eq!(
        keys(&store, "silver").await.len(),
        0,
        "nothing half written"
    );
    writer.finish().await.unwrap();

    let read = store.get(&key).await.unwrap().bytes().await.unwrap();
    assert!(read == content, "the parts are joined in order");
}

#[tokio::test]
async fn a_listing_goes_on_past_one_page() {
    let server = S3Server::start();
    let store = client(&server);
    for number in 0..1001 {
        let key = Path::from(format!("inbox/{number:04}"));
        store.put(&key, "x".into()).await.unwrap();
    }
    assert_eq!(keys(&store, "inbox").await.len(), 1001);
}

#[test]
fn the_server_ends_with_its_test() {
    let server = S3Server::start();
    let address = server
        .endpoint()
        .strip_prefix("http://")
        .expect("our own server has no TLS")
        .to_owned();
    TcpStream::connect(&address).expect("it listens");
    drop(server);
    TcpStream::connect(&address).expect_err("nobody listens any more");
}

/// The same closing of standard input, by `kill -9` of the process that holds it.
#[test]
fn the_server_ends_when_its_test_is_killed() {
    // A stand-in for a test's process: it starts a child on its pipe as `S3Server` does.
    let holder = "import subprocess, sys, time\n\
        child = subprocess.Popen([sys.executable, '-c', sys.stdin.read()],\n\
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n\
        print(child.stdout.readline().decode(), end='', flush=True)\n\
        time.sleep(600)";
    let mut holder = Command::new(python())
        .args(["-c", holder])
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python starts");
    let script = include_str!("../../src/s3_server.py");
    let mut stdin = holder.stdin.take().expect("it is piped");
    stdin.write_all(script.as_bytes()).expect("it reads");
    drop(stdin);
    let mut line = String::new();
    let stdout = holder.stdout.take().expect("it is piped");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line)
        .expect("it prints where the server listens");
    let address = line
        .strip_prefix("http://")
        .and_then(|rest| rest.split(' ').next())
        .expect("an endpoint");
    TcpStream::connect(address).expect("it listens");

    holder.kill().expect("it still runs");
    holder.wait().expect("it was ours");
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(address).is_ok() {
        assert!(Instant::now() < deadline, "the server outlived its test");
        std::thread::sleep(Duration::from_millis(20));
    }
}
