//! From a delimited file of claims to typed Parquet by month and a Parquet file of rejects, beside
//! what else could be picked for it; `make bench` runs it and prints Markdown tables.
//!
//! The program is the harness, and with a command (`ours`, `scan`, `generate`) the process that it
//! measures: so ours is measured as the rivals are. docs/BENCHMARKS.md holds method and options.

#![expect(clippy::print_stdout, reason = "printing is what this program is for")]
#![expect(clippy::print_stderr, reason = "progress is not part of the table")]

mod broken;
mod claims;
mod contender;
mod harness;
mod options;
mod ours;
mod row;
mod scan;
mod table;

use std::path::Path;
use std::time::Instant;

use serde_json::json;

use crate::options::Options;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["ours", file, target] => ours(Path::new(file), Path::new(target)),
        ["scan", file, runs] => {
            let runs = runs.parse().expect("RUNS is a number");
            println!("{}", scan::run(Path::new(file), runs));
        }
        ["generate", file, megabytes] => {
            let megabytes: u64 = megabytes.parse().expect("MEGABYTES is a number");
            generate(Path::new(file), megabytes);
        }
        // `cargo nextest` asks every target for its list of tests; this one has none.
        _ if words.contains(&"--list") => {}
        _ => harness::run(&Options::parse(&words)),
    }
}

fn ours(file: &Path, target: &Path) {
    let started = Instant::now();
    let (accepted, rejected) = ours::run(file, target);
    println!(
        "{}",
        json!({
            "seconds": started.elapsed().as_secs_f64(),
            "cpu_seconds": contender::cpu_seconds(),
            "peak_bytes": contender::peak_bytes(),
            "accepted": accepted,
            "rejected": rejected,
        })
    );
}

/// Writes the file, and what is known about it beside it.
fn generate(file: &Path, megabytes: u64) {
    let started = Instant::now();
    let known = claims::generate(file, megabytes * 1_000_000).to_json();
    let seconds = started.elapsed().as_secs_f64();
    std::fs::write(file.with_extension("json"), known.to_string()).expect("it can be written");
    eprintln!(
        "bench: {megabytes} MB generated at {:.0} MB/s, {} rows, {} of them broken",
        megabytes as f64 / seconds,
        known["rows"],
        known["rejected"],
    );
}
