//! The whole way of a file: the same Parquet with any number of threads, every row in its
//! month's file and in order, and an orderly end whatever fails.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use bytes::Bytes;
use contract::{AtomicMonth, ColumnType, Contract};
use inspect::{
    Corridor, CorridorError, FilePlan, Inspected, Months, Outlet, Plan, Totals, Unreadable,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::reading::{column, contract, date, read, text};

const ROWS: u32 = 320_000;
/// One row in this many has an amount that is none.
const BROKEN_EVERY: u32 = 97;

/// More rows than a row group in one month, fewer in others, some without a month.
fn file() -> Vec<u8> {
    let mut file = b"id,service_date,amount,code\n".to_vec();
    for row in 0..ROWS {
        let day = row % 28 + 1;
        let month = match row % 7 {
            0 => format!("2024-02-{day:02}"),
            1 if row % 2 == 0 => String::new(),
            2 => format!("{}-07-{day:02}", 1990 + row / 8000),
            _ => format!("2024-03-{day:02}"),
        };
        let amount = if row % BROKEN_EVERY == 0 {
            "much".to_owned()
        } else {
            format!(
                "{}.{:02}",
                row.wrapping_mul(2_654_435_761) % 100_000,
                row % 100
            )
        };
        let code = ["A10", "", "Ä-7", "\"x,y\""][row as usize % 4];
        writeln!(file, "V{row:09},{month},{amount},{code}").expect("written to memory");
    }
    file
}

fn visits() -> Contract {
    let amount = ColumnType::Decimal {
        precision: 12,
        scale: 2,
    };
    contract(vec![
        text("id"),
        date("service_date", &["%Y-%m-%d"]),
        column("amount", amount),
        text("code"),
    ])
}

fn plan() -> FilePlan {
    let plan = Plan::compile(&visits()).expect("the test's contract compiles");
    plan.for_file("in/visits.csv")
}

fn by_service_date() -> Months {
    let schema = Plan::compile(&visits()).expect("it compiles").schema();
    Months::of_column(&schema, "service_date").expect("a column of dates")
}

/// Files in memory, with what came by.
#[derive(Default)]
struct Memory {
    files: BTreeMap<(AtomicMonth, usize), Vec<u8>>,
    rejected_rows: Vec<u64>,
    first_rows: Vec<u64>,
}

impl Outlet for Memory {
    type File = Vec<u8>;

    fn block(&mut self, inspected: &Inspected) -> io::Result<()> {
        let rejects = inspected.rejects.iter();
        self.rejected_rows.extend(rejects.map(|reject| reject.row));
        self.first_rows.extend(rows(&inspected.accepted).first());
        Ok(())
    }

    fn open(&mut self, _month: AtomicMonth, _part: usize) -> io::Result<Vec<u8>> {
        Ok(Vec::new())
    }

    fn close(&mut self, month: AtomicMonth, part: usize, file: Vec<u8>) -> io::Result<()> {
        let before = self.files.insert((month, part), file);
        assert!(before.is_none(), "a part is written once");
        Ok(())
    }
}

fn rows(batch: &RecordBatch) -> Vec<u64> {
    let column = batch.column_by_name("source_row").expect("lineage");
    let numbers = column.as_primitive::<Int64Type>().values();
    numbers.iter().map(|row| *row as u64).collect()
}

fn pass(threads: usize, source: impl Read + Send) -> (Memory, Totals) {
    let mut memory = Memory::default();
    let threads = NonZeroUsize::new(threads).expect("some");
    let corridor = plan();
    let corridor = Corridor::new(&corridor).threads(threads);
    let passed = corridor.to_parquet(source, by_service_date(), &mut memory);
    (memory, passed.expect("the file passes"))
}

/// Gives at most so many bytes at a time, as a pipe does.
struct Dripping<'a>(&'a [u8], usize);

impl Read for Dripping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.1.min(buffer.len());
        self.0.read(&mut buffer[..length])
    }
}

fn batches(file: &[u8]) -> Vec<RecordBatch> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::copy_from_slice(file))
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .expect("the file is Parquet");
    reader.map(|batch| batch.expect("it can be read")).collect()
}

#[test]
fn any_number_of_threads_and_any_pieces_give_the_same_bytes() {
    let file = file();
    let (one, passed) = pass(1, &file[..]);
    for threads in [2, 5] {
        let (more, also) = pass(threads, Dripping(&file, 70_001));
        assert!(one.files == more.files, "{threads} threads");
        assert_eq!(one.rejected_rows, more.rejected_rows);
        assert_eq!(passed, also);
    }
}

#[test]
fn every_accepted_row_is_in_its_months_file_and_in_order() {
    let file = file();
    let (memory, passed) = pass(2, &file[..]);
    let expected = read(&visits(), &file).expect("the file is readable");
    assert_eq!(passed.end, expected.end);
    assert_eq!(passed.statistics, expected.statistics);
    assert_eq!(passed.rows_in, u64::from(ROWS));
    assert_eq!(passed.rows_rejected, u64::from(ROWS.div_ceil(BROKEN_EVERY)));
    assert!(memory.first_rows.is_sorted(), "blocks come in file order");
    assert!(memory.rejected_rows.is_sorted());

    let mut wanted: BTreeMap<AtomicMonth, Vec<RecordBatch>> = BTreeMap::new();
    for block in &expected.blocks {
        for (month, rows) in by_service_date().split(&block.accepted) {
            wanted.entry(month).or_default().push(rows);
        }
    }
    assert!(wanted.len() > 30 && wanted.contains_key(&AtomicMonth::Unknown));
    let whole = |batches: &[RecordBatch]| {
        arrow::compute::concat_batches(&batches[0].schema(), batches).expect("one schema")
    };
    let mut row_groups = 0;
    for (month, rows) in &wanted {
        let written = &memory.files[&(*month, 0)];
        assert_eq!(whole(&batches(written)), whole(rows), "{month}");
        assert_eq!(passed.months[month], whole(rows).num_rows() as u64);
        let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::copy_from_slice(written));
        row_groups += reader.expect("Parquet").metadata().num_row_groups();
    }
    assert_eq!(memory.files.len(), wanted.len());
    assert!(row_groups > wanted.len(), "a month has several row groups");
}

#[test]
fn outside_readers_read_what_is_written() {
    const SCRIPT: &str = r#"
import sys, duckdb
print(*duckdb.sql(f"""SELECT count(*), count(DISTINCT id), sum(amount), min(service_date),
    max(service_date), count(code), sum(source_row), sum(source_offset), min(source_file)
    FROM read_parquet('{sys.argv[1]}')""").fetchall()[0])
"#;
    let (memory, _) = pass(2, &file()[..]);
    let month = AtomicMonth::new(2024, 3);
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("month.parquet");
    std::fs::write(&path, &memory.files[&(month, 0)]).expect("it can be written");
    let path = path.to_str().expect("UTF-8").to_owned();
    let printed = testkit::python::run_python(SCRIPT, &[path]);

    let (mut lines, mut amounts, mut codes, mut numbers, mut offsets) = (0u64, 0u64, 0u64, 0, 0);
    let (mut offset, mut dates) = (0, BTreeSet::new());
    for (row, line) in (0u64..).zip(file().split_inclusive(|byte| *byte == b'\n')) {
        let text = std::str::from_utf8(line).expect("UTF-8");
        let fields: Vec<&str> = text.trim_end().splitn(4, ',').collect();
        if fields[1].starts_with("2024-03") && fields[2] != "much" {
            lines += 1;
            dates.insert(fields[1].to_owned());
            amounts += fields[2].replace('.', "").parse::<u64>().expect("cents");
            codes += u64::from(!fields[3].is_empty());
            numbers += row;
            offsets += offset;
        }
        offset += line.len() as u64;
    }
    let expected = format!(
        "{lines} {lines} {}.{:02} {} {} {codes} {numbers} {offsets} in/visits.csv",
        amounts / 100,
        amounts % 100,
        dates.first().expect("dates"),
        dates.last().expect("dates"),
    );
    assert_eq!(printed.trim(), expected);
}

#[test]
fn more_months_than_can_be_open_go_in_parts() {
    let mut file = b"id,service_date,amount,code\n".to_vec();
    for row in 0..3_000 {
        let (year, month) = (1900 + row / 12 % 100, row % 12 + 1);
        writeln!(file, "V{row},{year}-{month:02}-01,1.00,A").expect("written to memory");
    }
    let (memory, passed) = pass(2, &file[..]);
    assert_eq!(passed.months.len(), 1_200);
    let mut counts: BTreeMap<AtomicMonth, u64> = BTreeMap::new();
    for ((month, _), file) in &memory.files {
        let rows: usize = batches(file).iter().map(RecordBatch::num_rows).sum();
        *counts.entry(*month).or_default() += rows as u64;
    }
    assert_eq!(counts, passed.months);
}

#[test]
fn a_review_may_refuse_rows_on_any_thread() {
    let seen = Mutex::new(0);
    let file = file();
    let corridor = plan();
    let corridor = Corridor::new(&corridor).review(|inspected| {
        let half = inspected.accepted.num_rows() / 2;
        inspected.accepted = inspected.accepted.slice(0, half);
        *seen.lock().unwrap_or_else(PoisonError::into_inner) += half as u64;
        Ok(())
    });
    let mut blocks = 0;
    let passed = corridor.inspect(&file[..], |inspected| {
        blocks += 1;
        assert!(inspected.accepted.num_rows() > 0);
        Ok(())
    });
    assert_eq!(
        passed.expect("the file passes").rows_accepted,
        *seen.lock().unwrap_or_else(PoisonError::into_inner)
    );
    assert!(blocks > 2);
}

/// Fails after so many bytes.
struct Breaking<'a>(&'a [u8]);

impl Read for Breaking<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::other("the line went dead")),
            length => Ok(length),
        }
    }
}

struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Fails {
    Block,
    Open,
    Write,
}

struct Failing(Fails);

impl Outlet for Failing {
    type File = Box<dyn Write + Send>;
    fn block(&mut self, _: &Inspected) -> io::Result<()> {
        match self.0 {
            Fails::Block => Err(io::Error::other("no room for rejects")),
            Fails::Open | Fails::Write => Ok(()),
        }
    }
    fn open(&mut self, _: AtomicMonth, _: usize) -> io::Result<Self::File> {
        match self.0 {
            Fails::Open => Err(io::ErrorKind::PermissionDenied.into()),
            Fails::Block | Fails::Write => Ok(Box::new(Full)),
        }
    }
}

#[test]
fn whatever_fails_the_corridor_ends_and_says_what() {
    let file = file();
    let corridor_plan = plan();
    let corridor = Corridor::new(&corridor_plan);
    let months = by_service_date();
    let none = |_: Inspected| Ok(());

    let broken = corridor.inspect(Breaking(&file), none);
    assert!(matches!(broken, Err(CorridorError::Read(_))));
    let empty = corridor.inspect(&b""[..], none);
    assert!(matches!(
        empty,
        Err(CorridorError::Unreadable(Unreadable::Empty))
    ));
    let binary = [b"PK\x03\x04".as_slice(), &file].concat();
    let unreadable = corridor.to_parquet(&binary[..], months, &mut Memory::default());
    assert!(matches!(unreadable, Err(CorridorError::Unreadable(_))));

    let failing = |fails| corridor.to_parquet(&file[..], months, &mut Failing(fails));
    assert!(matches!(
        failing(Fails::Block),
        Err(CorridorError::Block(_))
    ));
    assert!(matches!(failing(Fails::Open), Err(CorridorError::Write(_))));
    let full = failing(Fails::Write);
    assert!(matches!(full, Err(CorridorError::Parquet(_))));

    let review = Corridor::new(&corridor_plan).review(|_| Err(io::Error::other("no rules")));
    let refused = review.inspect(&file[..], none);
    assert!(matches!(refused, Err(CorridorError::Block(_))));
}

#[test]
fn a_panic_is_passed_on_and_hangs_nobody() {
    let file = Arc::new(file());
    let panics = |review: bool| {
        let file = Arc::clone(&file);
        let passing = move || {
            let plan = plan();
            let mut corridor = Corridor::new(&plan);
            if review {
                corridor = corridor.review(|_| panic!("in a worker"));
            }
            let _ = corridor.inspect(&file[..], |_| panic!("in the caller"));
        };
        std::thread::spawn(passing).join().is_err()
    };
    assert!(panics(false));
    assert!(panics(true));
}
