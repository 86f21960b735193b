//! A real S3 protocol behind the proxy, and a client that signs, retries and goes on reading where
//! it was cut.

use std::time::Duration;

use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::{ObjectStoreExt, RetryConfig, WriteMultipart};
use testkit::answer::Answer;
use testkit::proxy::{FaultProxy, Requests};
use testkit::s3::S3Server;

use crate::s3::builder;

const PART_BYTES: usize = 5 * 1024 * 1024;

struct Behind {
    server: S3Server,
    proxy: FaultProxy,
}

fn behind() -> Behind {
    let server = S3Server::start();
    let proxy = FaultProxy::start_http(server.endpoint());
    Behind { server, proxy }
}

impl Behind {
    fn client(&self, retries: usize) -> AmazonS3 {
        let mut retry = RetryConfig {
            max_retries: retries,
            ..RetryConfig::default()
        };
        retry.backoff.init_backoff = Duration::from_millis(1);
        retry.backoff.max_backoff = Duration::from_millis(10);
        let builder = builder(&self.server).with_endpoint(self.proxy.url());
        builder
            .with_retry(retry)
            .build()
            .expect("the settings are right")
    }

    fn of(&self, method: &str) -> Requests {
        Requests::of(method).below(&format!("/{}/raw/", self.server.bucket()))
    }
}

fn content() -> Vec<u8> {
    (0..2 * PART_BYTES + 17)
        .map(|at| (at % 251) as u8)
        .collect()
}

fn key() -> Path {
    Path::from("raw/evergreen/claims 2024=é.csv")
}

async fn upload(store: &AmazonS3) -> object_store::Result<()> {
    let upload = store.put_multipart(&key()).await?;
    let mut writer = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
    writer.write(&content());
    writer.finish().await.map(drop)
}

#[tokio::test]
async fn a_whole_conversation_passes() {
    let behind = behind();
    let store = behind.client(0);
    upload(&store).await.unwrap();
    let read = store.get(&key()).await.unwrap().bytes().await.unwrap();
    assert!(read == content());
    store.delete(&key()).await.unwrap();
    let gone = store.head(&key()).await.expect_err("it was deleted");
    assert!(
        matches!(gone, object_store::Error::NotFound { .. }),
        "{gone:?}"
    );
    let counters = behind.proxy.counters();
    assert_eq!(
        counters.requests, 8,
        "an upload in three parts, and three more"
    );
    assert!(counters.sent.min(counters.received) > content().len() as u64);
    assert_eq!((counters.cut, counters.answered), (0, 0));
}

#[tokio::test]
async fn a_service_that_is_throttled_is_asked_again() {
    let behind = behind();
    let store = behind.client(10);
    behind
        .proxy
        .answer(behind.of("PUT"), Answer::slow_down(), 4);
    store.put(&key(), "content".into()).await.unwrap();
    assert_eq!(behind.proxy.counters().answered, 4);
    behind
        .proxy
        .answer(behind.of("GET"), Answer::slow_down(), u32::MAX);
    let error = store.get(&key()).await.expect_err("always throttled");
    assert!(error.to_string().contains("SlowDown"), "{error}");
    behind.proxy.heal();
    assert_eq!(store.get(&key()).await.unwrap().meta.size, 7);
}

#[tokio::test]
async fn a_credential_that_expires_between_two_parts_leaves_nothing() {
    for answer in [
        Answer::expired_token(),
        Answer::s3_error(403, "ExpiredToken", "The provided token has expired."),
    ] {
        let behind = behind();
        let store = behind.client(10);
        let parts = behind.of("PUT").with("partNumber=").after(1);
        behind.proxy.answer(parts, answer, u32::MAX);
        let error = upload(&store)
            .await
            .expect_err("the second part is refused");
        assert!(error.to_string().contains("ExpiredToken"), "{error}");
        assert!(behind.proxy.counters().answered > 0);
        behind.proxy.heal();
        let gone = store.head(&key()).await.expect_err("nothing half written");
        assert!(
            matches!(gone, object_store::Error::NotFound { .. }),
            "{gone:?}"
        );
        upload(&store).await.unwrap();
        assert_eq!(
            store.head(&key()).await.unwrap().size,
            content().len() as u64
        );
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_is_read_on() {
    let behind = behind();
    let store = behind.client(10);
    upload(&store).await.unwrap();
    behind.proxy.cut_request(behind.of("GET"), 1_000_000, 2);
    let before = behind.proxy.counters().received;
    let read = store.get(&key()).await.unwrap().bytes().await.unwrap();
    assert!(read == content(), "whole, in order, nothing twice");
    assert_eq!(behind.proxy.counters().cut, 2);
    assert!(behind.proxy.counters().received - before > content().len() as u64);
}

#[tokio::test]
async fn an_upload_that_is_cut_is_sent_again() {
    let behind = behind();
    let store = behind.client(10);
    let parts = behind.of("PUT").with("partNumber=2");
    behind.proxy.cut_request(parts, 1_000_000, 1);
    upload(&store).await.unwrap();
    assert_eq!(behind.proxy.counters().cut, 1);
    let read = store.get(&key()).await.unwrap().bytes().await.unwrap();
    assert!(read == content());
}
