//! The inspector on all cores, to typed Parquet by month and a Parquet file of rejects: one thread
//! splits, the others type and check, one encodes, and blocks keep their order.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, available_parallelism};

use arrow::array::{
    Array, AsArray, BooleanArray, RecordBatch, StringArray, UInt64Array, UInt64Builder,
};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Date32Type, Field, Schema, SchemaRef};
use inspect::{Block, Inspected, Plan, Reject, Splitter};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::claims::contract;

const READ_BYTES: usize = 8 << 20;
const MONTH_COLUMN: &str = "from_date";

/// A block, and where its outcome goes.
type Work = (Block, SyncSender<Inspected>);

/// Writes `accepted/{month}/` and `rejected/` below the target; returns the rows of both.
pub(crate) fn run(file: &Path, target: &Path) -> (u64, u64) {
    let plan = Plan::compile(&contract()).expect("the contract compiles");
    let cores = available_parallelism().map_or(1, usize::from);
    let (work, waiting) = sync_channel::<Work>(cores);
    let (ordered, outcomes) = sync_channel::<Receiver<Inspected>>(2 * cores);
    let waiting = Arc::new(Mutex::new(waiting));
    thread::scope(|scope| {
        for _ in 0..cores {
            let waiting = Arc::clone(&waiting);
            scope.spawn(move || inspect_blocks(&waiting));
        }
        let splitting = plan.clone();
        scope.spawn(move || split(file, &splitting, &work, &ordered));
        encode(&plan, target, &outcomes)
    })
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
    let mut months: BTreeMap<i32, ArrowWriter<File>> = BTreeMap::new();
    let mut rejects = create(&target.join("rejected"), &reject_schema());
    let (mut accepted, mut rejected) = (0, 0);
    while let Ok(outcome) = outcomes.recv() {
        let inspected = outcome.recv().expect("a worker answers");
        accepted += inspected.accepted.num_rows() as u64;
        rejected += inspected.rejects.len() as u64;
        for (month, rows) in by_month(&inspected.accepted) {
            months
                .entry(month)
                .or_insert_with(|| create(&month_folder(target, month), &plan.schema()))
                .write(&rows)
                .expect("the month can be written");
        }
        rejects
            .write(&reject_rows(&inspected.rejects))
            .expect("the rejects can be written");
    }
    for writer in months.into_values().chain([rejects]) {
        writer.close().expect("the file can be finished");
    }
    (accepted, rejected)
}

fn create(folder: &Path, schema: &SchemaRef) -> ArrowWriter<File> {
    fs::create_dir_all(folder).expect("the folder can be made");
    let out = File::create(folder.join("part.parquet")).expect("the file can be made");
    let level = ZstdLevel::try_new(1).expect("1 is a zstd level");
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .build();
    ArrowWriter::try_new(out, Arc::clone(schema), Some(properties)).expect("it is writable")
}

/// Months since 1970-01.
fn month_of(days: i32) -> i32 {
    let date = Date32Type::to_naive_date_opt(days).expect("the contract bounds dates");
    chrono::Datelike::year(&date) * 12 + chrono::Datelike::month0(&date) as i32 - 1970 * 12
}

fn month_folder(target: &Path, month: i32) -> PathBuf {
    let (year, month) = (1970 + month / 12, 1 + month % 12);
    target.join(format!("accepted/atomic_month={year}-{month:02}"))
}

fn by_month(batch: &RecordBatch) -> Vec<(i32, RecordBatch)> {
    let dates = batch
        .column_by_name(MONTH_COLUMN)
        .expect("the contract has it")
        .as_primitive::<Date32Type>();
    let months: Vec<i32> = dates.values().iter().map(|days| month_of(*days)).collect();
    let mut there: Vec<i32> = months.clone();
    there.sort_unstable();
    there.dedup();
    there
        .into_iter()
        .map(|month| {
            let chosen: BooleanArray = months.iter().map(|of| Some(*of == month)).collect();
            let rows = filter_record_batch(batch, &chosen).expect("as many rows as bits");
            (month, rows)
        })
        .collect()
}

fn reject_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("row", DataType::UInt64, false),
        Field::new("raw", DataType::Utf8, false),
        Field::new("reasons", DataType::Utf8, false),
    ]))
}

fn reject_rows(rejects: &[Reject]) -> RecordBatch {
    let mut rows = UInt64Builder::new();
    rejects
        .iter()
        .for_each(|reject| rows.append_value(reject.row));
    let rows: UInt64Array = rows.finish();
    let raw: StringArray = rejects
        .iter()
        .map(|reject| Some(String::from_utf8_lossy(&reject.raw)))
        .collect();
    let reasons: StringArray = rejects.iter().map(|reject| Some(reasons(reject))).collect();
    let columns: Vec<Arc<dyn Array>> = vec![Arc::new(rows), Arc::new(raw), Arc::new(reasons)];
    RecordBatch::try_new(reject_schema(), columns).expect("columns of one length")
}

/// `column:rule`, joined by semicolons.
fn reasons(reject: &Reject) -> String {
    let texts: Vec<String> = reject
        .problems
        .iter()
        .map(|problem| {
            let column = problem.column.as_deref().unwrap_or_default();
            format!("{column}:{}", problem.rule)
        })
        .collect();
    texts.join(";")
}
