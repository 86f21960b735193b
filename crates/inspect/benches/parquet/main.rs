//! From a delimited file to typed Parquet, beside DuckDB on the same file: both type every
//! column, put bad rows aside and write zstd Parquet, with all cores.
//!
//! `make bench` runs it and prints a Markdown table. `LAZARET_BENCH_MB` sets the file's size
//! (256), `LAZARET_BENCH_RUNS` how often each side runs (5), in turn, after one warm-up.

#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

mod claims;
mod duckdb;
mod ours;

use std::time::Duration;

/// What one side did.
struct Passage {
    accepted: u64,
    rejected: u64,
    elapsed: Duration,
}

fn main() {
    // `cargo nextest` asks every target for its list of tests; this one has none.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let megabytes = setting("LAZARET_BENCH_MB", 256);
    let runs = setting("LAZARET_BENCH_RUNS", 5);
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.path().join("claims.csv");
    let bytes = claims::generate(&file, megabytes * 1_000_000);
    let parquet = |name: &str| folder.path().join(name);

    let (mut lazaret, mut duckdb) = (Vec::new(), Vec::new());
    for _ in 0..=runs {
        lazaret.push(ours::run(&file, &parquet("lazaret.parquet")));
        duckdb.push(duckdb::run(&file, &parquet("duckdb.parquet")));
    }
    for (ours, theirs) in lazaret.iter().zip(&duckdb) {
        assert_eq!(
            (ours.accepted, ours.rejected),
            (theirs.accepted, theirs.rejected),
            "both sides accept and reject the same rows"
        );
    }
    let ratios: Vec<f64> = lazaret
        .iter()
        .zip(&duckdb)
        .skip(1)
        .map(|(ours, theirs)| theirs.elapsed.as_secs_f64() / ours.elapsed.as_secs_f64())
        .collect();
    let Passage {
        accepted, rejected, ..
    } = lazaret[0];
    println!(
        "{} MB, {accepted} rows accepted, {rejected} rejected, {runs} runs each\n",
        bytes / 1_000_000
    );
    println!("| | seconds: median (min–max) | MB/s at the median |");
    println!("|---|---|---|");
    for (name, passages) in [("lazaret", &lazaret), ("DuckDB", &duckdb)] {
        let mut seconds: Vec<f64> = passages[1..]
            .iter()
            .map(|run| run.elapsed.as_secs_f64())
            .collect();
        seconds.sort_by(f64::total_cmp);
        let middle = median(&seconds);
        let (fastest, slowest) = (seconds[0], seconds[seconds.len() - 1]);
        println!(
            "| {name} | {middle:.2} ({fastest:.2}–{slowest:.2}) | {:.0} |",
            bytes as f64 / 1e6 / middle
        );
    }
    println!(
        "\nDuckDB's time over ours, run by run: median {:.2}",
        median(&ratios)
    );
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
