//! One core, nothing written: how fast memory is scanned, how fast the `csv` crate splits, and
//! how fast we inspect the same bytes.

use std::path::Path;
use std::sync::LazyLock;
use std::time::Instant;

use inspect::{Plan, Splitter};
use serde_json::{Value, json};

use crate::claims::contract;

const PIECE_BYTES: usize = 8 << 20;

/// What this thread had of a processor where the system tells (Linux), else of the clock: in
/// seconds, of which only differences mean anything.
fn now() -> f64 {
    static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);
    let of_thread = std::fs::read_to_string("/proc/thread-self/schedstat");
    let nanoseconds = of_thread
        .ok()
        .and_then(|stat| stat.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(|| STARTED.elapsed().as_secs_f64(), |run| run / 1e9)
}

/// Bytes per second of each, the best of `runs`: what disturbs only ever slows.
pub(crate) fn run(file: &Path, runs: usize) -> Value {
    let bytes = std::fs::read(file).expect("the file can be read");
    let rate = |work: &dyn Fn(&[u8]) -> u64| {
        let seconds = (0..runs)
            .map(|_| {
                let started = now();
                assert!(work(&bytes) > 0, "there are rows");
                now() - started
            })
            .fold(f64::INFINITY, f64::min);
        bytes.len() as f64 / seconds
    };
    json!({
        "memchr": rate(&lines),
        "csv": rate(&csv_records),
        "split": rate(&|bytes| split(bytes, false)),
        "inspect": rate(&|bytes| split(bytes, true)),
    })
}

fn lines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

fn csv_records(bytes: &[u8]) -> u64 {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let mut record = csv::ByteRecord::new();
    let mut records = 0;
    while reader
        .read_byte_record(&mut record)
        .expect("memory is readable")
    {
        records += 1;
    }
    records
}

/// Cuts records, and types and checks them where that is asked for.
fn split(bytes: &[u8], inspecting: bool) -> u64 {
    let plan = Plan::compile(&contract()).expect("the contract compiles");
    let mut splitter = Splitter::new(&plan.for_file("claims.csv"));
    let mut rows = 0;
    for piece in bytes.chunks(PIECE_BYTES) {
        for block in splitter.push(piece).expect("the file is readable") {
            rows += if inspecting {
                block.inspect().rows_in
            } else {
                block.rows() as u64
            };
        }
    }
    let (blocks, end) = splitter.finish().expect("the file is readable");
    for block in blocks {
        rows += if inspecting {
            block.inspect().rows_in
        } else {
            block.rows() as u64
        };
    }
    assert_eq!(rows, end.rows, "every row is inspected");
    rows
}
