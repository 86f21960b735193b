//! Certificates hold where they should and nowhere else: before S3, and in Postgres.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use object_store::path::Path;
use object_store::{Certificate, ClientOptions, ObjectStore, ObjectStoreExt, PutMode};
use testkit::certificates::Certificates;
use testkit::postgres::{PrivatePostgres, through, upstream};
use testkit::proxy::FaultProxy;
use testkit::s3::S3Server;
use testkit::tls_front::TlsFront;

use crate::s3::builder;

fn trusting(certificates: &Certificates) -> ClientOptions {
    let pem = fs::read(certificates.authority()).expect("the authority's file");
    let authority = Certificate::from_pem(&pem).expect("it holds a certificate");
    ClientOptions::new().with_root_certificate(authority)
}

#[tokio::test]
async fn objects_go_through_tls_to_those_who_trust_it() {
    let (server, certificates) = (S3Server::start(), Certificates::create());
    let front = TlsFront::start(server.endpoint(), &certificates.server());
    let client = |trusted: &Certificates| {
        let builder = builder(&server).with_endpoint(front.url());
        let builder = builder.with_client_options(trusting(trusted).with_allow_http(false));
        builder.build().expect("the settings are right")
    };
    let (store, key) = (client(&certificates), Path::from("raw/a.csv"));
    let content = vec![7; 3_000_000];
    store.put(&key, content.clone().into()).await.unwrap();
    let again = store
        .put_opts(&key, "b".into(), PutMode::Create.into())
        .await;
    assert!(matches!(
        again,
        Err(object_store::Error::AlreadyExists { .. })
    ));
    assert!(store.get(&key).await.unwrap().bytes().await.unwrap() == content);
    let handshakes = front.handshakes();
    assert!(handshakes > 0);

    let stranger = client(&Certificates::create());
    let refused = stranger.head(&key).await.expect_err("another authority");
    let mut text = String::new();
    let mut error: Option<&dyn std::error::Error> = Some(&refused);
    while let Some(cause) = error {
        text += &format!("{cause}; ");
        error = cause.source();
    }
    assert!(text.contains("certificate"), "{text}");
    assert_eq!(front.handshakes(), handshakes);
}

#[test]
fn a_renewed_certificate_takes_the_servers_place() {
    let certificates = Certificates::create();
    let read = |path| fs::read_to_string(path).unwrap();
    let (server, renewed) = (certificates.server(), certificates.renewed());
    assert_ne!(read(&server.certificate), read(&renewed.certificate));
    certificates.renew();
    assert_eq!(read(&server.certificate), read(&renewed.certificate));
    assert_eq!(read(&server.key), read(&renewed.key));
    let mode = fs::metadata(&server.key).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "a key is its owner's");
}

pub(crate) fn psql(url: &str, sql: &str) -> Output {
    let psql = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin/psql"))
        .find(|psql| psql.exists());
    Command::new(psql.unwrap_or_else(|| "psql".into()))
        .args(["-XAt", "--dbname", url, "--command", sql])
        .output()
        .expect("psql runs")
}

#[test]
fn postgres_is_reached_by_tls_and_a_password_alone() {
    let certificates = Certificates::create();
    let postgres = PrivatePostgres::start_with_tls(&certificates);
    let (url, other) = (postgres.database(), postgres.database());
    let protected = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let text = |output: &Output| {
        let said = [&output.stdout[..], &output.stderr[..]].concat();
        String::from_utf8_lossy(&said).trim().to_owned()
    };
    for url in [&url, &other] {
        assert_eq!(text(&psql(url, protected)), "t");
    }
    let stranger = Certificates::create();
    for (broken, why) in [
        (url.replace("verify-full", "disable"), "no encryption"),
        (
            url.replace(":of-a-test@", ":wrong@"),
            "password authentication failed",
        ),
        (
            url.replace(
                certificates.authority().to_str().unwrap(),
                stranger.authority().to_str().unwrap(),
            ),
            "certificate verify failed",
        ),
    ] {
        assert_ne!(broken, url);
        let refused = psql(&broken, protected);
        assert!(!refused.status.success());
        assert!(text(&refused).contains(why), "{why}: {}", text(&refused));
    }
    let proxy = FaultProxy::start(upstream(&url));
    assert_eq!(text(&psql(&through(&url, proxy.address()), protected)), "t");
    assert!(proxy.counters().received > 0, "it went through the proxy");
}
