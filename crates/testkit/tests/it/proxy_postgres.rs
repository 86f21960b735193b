//! A real Postgres behind the proxy.

use std::process::Output;

use testkit::postgres::{PrivatePostgres, through, upstream};
use testkit::proxy::FaultProxy;

use crate::tls::psql;

struct Behind {
    proxy: FaultProxy,
    direct: String,
    url: String,
}

fn behind() -> Behind {
    let direct = PrivatePostgres::shared().database();
    let proxy = FaultProxy::start(upstream(&direct));
    let url = through(&direct, proxy.address());
    psql(&direct, "CREATE TABLE kept (text text)");
    Behind { proxy, direct, url }
}

fn rows(url: &str) -> String {
    let counted = psql(url, "SELECT count(*) FROM kept");
    String::from_utf8_lossy(&counted.stdout).trim().to_owned()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A statement of more bytes than the cut lets pass.
fn long_insert() -> String {
    format!("INSERT INTO kept VALUES ('{}')", "x".repeat(100_000))
}

#[test]
fn a_statement_that_is_cut_leaves_nothing() {
    let Behind { proxy, direct, url } = behind();
    assert!(psql(&url, &long_insert()).status.success());
    proxy.cut_next(1, 50_000);
    let cut = psql(&url, &long_insert());
    assert!(!cut.status.success());
    assert_eq!(proxy.counters().cut, 1, "{}", said(&cut));
    assert_eq!(rows(&direct), "1");
    assert!(psql(&url, &long_insert()).status.success(), "only once");
    assert_eq!(rows(&direct), "2");
}

#[test]
fn the_server_is_gone_and_comes_back() {
    let Behind { proxy, url, .. } = behind();
    assert_eq!(rows(&url), "0");
    proxy.refuse();
    let refused = psql(&url, "SELECT 1");
    assert!(
        said(&refused).contains("Connection refused"),
        "{}",
        said(&refused)
    );
    proxy.heal();
    assert_eq!(rows(&url), "0");
}
