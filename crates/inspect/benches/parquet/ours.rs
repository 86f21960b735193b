//! The inspector on all cores: one thread splits and encodes, the others type and check, and
//! blocks keep their order.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, available_parallelism};
use std::time::Instant;

use inspect::{Block, Inspected, Plan, Splitter};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::Passage;
use super::claims::contract;

const READ_BYTES: usize = 8 << 20;

/// A block, and where its outcome goes.
type Work = (Block, SyncSender<Inspected>);

pub(crate) fn run(file: &Path, target: &Path) -> Passage {
    let plan = Plan::compile(&contract()).expect("the contract compiles");
    let started = Instant::now();
    let cores = available_parallelism().map_or(1, usize::from);
    let (work, waiting) = sync_channel::<Work>(cores);
    let (ordered, outcomes) = sync_channel::<Receiver<Inspected>>(2 * cores);
    let waiting = Arc::new(Mutex::new(waiting));
    let (accepted, rejected) = thread::scope(|scope| {
        for _ in 0..cores {
            let waiting = Arc::clone(&waiting);
            scope.spawn(move || inspect_blocks(&waiting));
        }
        let splitting = plan.clone();
        scope.spawn(move || split(file, &splitting, &work, &ordered));
        encode(&plan, target, &outcomes)
    });
    Passage {
        accepted,
        rejected,
        elapsed: started.elapsed(),
    }
}

fn split(
    file: &Path,
    plan: &Plan,
    work: &SyncSender<Work>,
    ordered: &SyncSender<Receiver<Inspected>>,
) {
    let mut source = File::open(file).expect("the file can be opened");
    let mut splitter = Splitter::new(&plan.for_file("claims.csv"));
    let mut buffer = vec![0; READ_BYTES];
    let send = |blocks: Vec<Block>| {
        for block in blocks {
            let (done, outcome) = sync_channel(1);
            ordered.send(outcome).expect("the encoder listens");
            work.send((block, done)).expect("a worker listens");
        }
    };
    loop {
        let read = source.read(&mut buffer).expect("the file can be read");
        if read == 0 {
            break;
        }
        send(
            splitter
                .push(&buffer[..read])
                .expect("the file is readable"),
        );
    }
    send(splitter.finish().expect("the file is readable").0);
}

fn inspect_blocks(waiting: &Mutex<Receiver<Work>>) {
    loop {
        let next = waiting.lock().expect("no worker panics").recv();
        let Ok((block, done)) = next else { return };
        done.send(block.inspect()).expect("the encoder listens");
    }
}

fn encode(plan: &Plan, target: &Path, outcomes: &Receiver<Receiver<Inspected>>) -> (u64, u64) {
    let level = ZstdLevel::try_new(1).expect("1 is a zstd level");
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .build();
    let out = File::create(target).expect("the target can be made");
    let mut writer =
        ArrowWriter::try_new(out, plan.schema(), Some(properties)).expect("the schema is writable");
    let (mut accepted, mut rejected) = (0, 0);
    while let Ok(outcome) = outcomes.recv() {
        let inspected = outcome.recv().expect("a worker answers");
        accepted += inspected.accepted.num_rows() as u64;
        rejected += inspected.rejects.len() as u64;
        writer
            .write(&inspected.accepted)
            .expect("the target can be written");
    }
    writer.close().expect("the target can be finished");
    (accepted, rejected)
}
