//! How much faster two workers of one thread each are than one. Ignored: it needs a machine of its
//! own and minutes; `make bench` runs it.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::process::Command;
use std::time::Duration;

use store::{RunFilter, Store};
use testkit::postgres::PrivatePostgres;

use crate::daemon::is_at_rest;
use crate::project::{Project, Stack, runtime};
use crate::running::Running;

const SUBMISSIONS: usize = 40;
const ROWS: usize = 200_000;
const TIMES: f64 = 1.6;
/// No run begins or ends in that time: the work is done.
const QUIET: Duration = Duration::from_secs(4);

/// A contract and a mapping as small as they can be: what is measured is the sharing.
const CONTRACT: &str = "\
contract: bench_claim
version: 1
title: Claims of a benchmark
file: { format: delimited, delimiter: \",\", encoding: utf-8 }
file_name: { pattern: \"claims.csv\" }
natural_key: [claim_id]
atomic_month: { column: paid_date }
columns:
  - { name: claim_id, type: string, required: true, pii: direct }
  - { name: member_id, type: string, required: true, pii: direct }
  - { name: paid_date, type: date, formats: ['%Y-%m-%d'], required: true, pii: quasi }
  - { name: paid, type: 'decimal(12,2)', required: true, pii: sensitive }
";

fn file(number: usize) -> String {
    let mut text = String::from("claim_id,member_id,paid_date,paid\n");
    for row in 0..ROWS {
        let _ = writeln!(
            text,
            "C{number:03}-{row:07},M{:06},2024-{:02}-{:02},{}.{:02}",
            row * 7919 % 100_000,
            number % 12 + 1,
            row % 28 + 1,
            row % 5000,
            row % 100
        );
    }
    text
}

/// A project on Postgres and a folder: an S3 server of a test's own would work on the same cores.
fn project() -> Project {
    let mut project = Project::new(Stack::SqliteAndFolder);
    project.set("METADATA_DB_URL", &PrivatePostgres::shared().database());
    project.set("QUIESCENCE_MINUTES", "15");
    project.write("contracts/bench_claim/v1.yaml", CONTRACT);
    for number in 0..SUBMISSIONS {
        let feed = format!(
            "feed: {0}\ntitle: {0}\nsubmitter: {0}\nstate: wa\ncontracts: [bench_claim@v1]\n",
            sender(number)
        );
        project.write(&format!("feeds/{}.yaml", sender(number)), &feed);
    }
    project.succeeds(&["migrate"]);
    project.succeeds(&["registry", "sync"]);
    project
}

fn sender(number: usize) -> String {
    format!("sender{number:02}")
}

/// A worker that has one core, and no other process of ours has it.
fn worker_on(core: usize, project: &Project) -> Running {
    let plain = project.command(&["worker"]);
    let mut pinned = Command::new("taskset");
    pinned
        .args(["-c", &core.to_string()])
        .arg(plain.get_program())
        .args(plain.get_args());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => pinned.env(name, value),
            None => pinned.env_remove(name),
        };
    }
    Running::start(pinned, "working")
}

/// Seconds from the beginning of the first run to the end of the last one. Nothing is asked of the
/// program meanwhile: its commands would take a core from the workers.
fn seconds_with(workers: usize) -> f64 {
    let project = project();
    let files: Vec<String> = (0..SUBMISSIONS).map(file).collect();
    let crew: Vec<Running> = (0..workers).map(|core| worker_on(core, &project)).collect();
    let group = |number| format!("{}/bench_claim/1", sender(number));
    for (number, text) in files.into_iter().enumerate() {
        project.drop_bytes(&format!("{}/claims.csv", group(number)), text.into());
    }
    for number in 0..SUBMISSIONS {
        project.drop_bytes(&format!("{}/_SUCCESS", group(number)), Vec::new());
    }
    let runs = runtime().block_on(async {
        let store = Store::connect(project.variable("METADATA_DB_URL"))
            .await
            .unwrap();
        let mut seen = Vec::new();
        loop {
            tokio::time::sleep(QUIET).await;
            let runs = store.runs(&RunFilter::default()).await.unwrap();
            let validated = runs.iter().filter(|run| run.job == "validate").count();
            if validated == SUBMISSIONS && runs == seen {
                break runs;
            }
            seen = runs;
        }
    });
    assert!(is_at_rest(&project, SUBMISSIONS));
    drop(crew);
    let owners: BTreeSet<&str> = runs.iter().map(|run| process(&run.owner)).collect();
    assert_eq!(owners.len(), workers, "each has done some of it");
    let began = runs.iter().map(|run| run.started_at).min().unwrap();
    let ended = runs.iter().filter_map(|run| run.finished_at).max().unwrap();
    (ended - began).as_seconds_f64()
}

/// Of `host/pid/mark` and the worker's number.
fn process(owner: &str) -> &str {
    let (_, rest) = owner.split_once('/').unwrap();
    rest.split('/').next().unwrap()
}

#[test]
#[ignore = "needs a quiet machine of two cores and minutes: `make bench` runs it"]
fn two_workers_are_faster_than_one() {
    let mut ratios = Vec::new();
    for round in 1..=3 {
        let (one, two) = (seconds_with(1), seconds_with(2));
        ratios.push(one / two);
        eprintln!(
            "round {round}: one worker {one:.1} s, two {two:.1} s: {:.2} times",
            one / two
        );
    }
    ratios.sort_by(f64::total_cmp);
    assert!(ratios[1] >= TIMES, "{ratios:?}");
}
