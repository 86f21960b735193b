//! How much faster two workers of one thread each are than one. Ignored: it needs a machine of its
//! own and minutes; `make bench` runs it.

use std::fmt::Write;
use std::process::Command;
use std::time::Instant;

use crate::daemon::is_at_rest;
use crate::project::{Project, Stack};
use crate::running::{Running, eventually};

const SUBMISSIONS: usize = 40;
const ROWS: usize = 20_000;
const TIMES: f64 = 1.6;

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

/// Seconds that so many workers, each on a core of its own, take from staged to gold.
fn seconds_with(workers: usize) -> f64 {
    let project = Project::new(Stack::PostgresAndS3);
    project.write("contracts/bench_claim/v1.yaml", CONTRACT);
    for number in 0..SUBMISSIONS {
        let submitter = format!("sender{number:02}");
        project.write(
            &format!("feeds/{submitter}.yaml"),
            &format!(
                "feed: {submitter}\ntitle: {submitter}\nsubmitter: {submitter}\nstate: wa\n\
                 contracts: [bench_claim@v1]\n"
            ),
        );
        let drop = format!("{submitter}/bench_claim/1");
        project.drop_bytes(&format!("{drop}/claims.csv"), file(number).into_bytes());
        project.drop_bytes(&format!("{drop}/_SUCCESS"), Vec::new());
    }
    let started = Instant::now();
    let crew: Vec<Running> = (0..workers)
        .map(|core| {
            let plain = project.command(&["worker"]);
            let mut pinned = Command::new("taskset");
            pinned
                .args(["-c", &core.to_string()])
                .arg(plain.get_program());
            pinned.args(plain.get_args());
            for (name, value) in plain.get_envs() {
                match value {
                    Some(value) => pinned.env(name, value),
                    None => pinned.env_remove(name),
                };
            }
            Running::start(pinned, "working")
        })
        .collect();
    eventually("all is done", || is_at_rest(&project, SUBMISSIONS));
    drop(crew);
    started.elapsed().as_secs_f64()
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
