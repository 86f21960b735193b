//! `corridor FILE CONTRACT FOLDER [THREADS]`: inspects the file by its contract; accepted rows go
//! to one Parquet file per month, the places and reasons of rejects to another. Prints counts,
//! seconds and peak memory as JSON.

use std::fs::{File, create_dir_all};
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema};
use contract::{AtomicMonth, Contract, MonthSource};
use inspect::{Corridor, Inspected, Months, Outlet, ParquetFile, ParquetSchema, Plan, Reject};
use serde_json::json;

type Failure = Box<dyn std::error::Error>;

#[expect(clippy::print_stdout, reason = "printing is what this program is for")]
fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, contract, folder, rest @ ..] = &arguments[..] else {
        return Err("usage: corridor FILE CONTRACT FOLDER [THREADS]".into());
    };
    let text = std::fs::read_to_string(contract)?;
    let beside = Path::new(contract).parent().unwrap_or(Path::new("."));
    let domain = |name: &str| std::fs::read_to_string(beside.join(name));
    let contract =
        Contract::parse(contract, &text, &domain).map_err(|error| format!("{error:?}"))?;
    let plan = Plan::compile(&contract)?;
    let months = match &contract.atomic_month {
        Some(MonthSource::Column(name)) => {
            Months::of_column(&plan.schema(), name).ok_or("the month column holds no dates")?
        }
        _ => Months::Fixed(AtomicMonth::Unknown),
    };

    let started = Instant::now();
    let mut rooms = Rooms::new(Path::new(folder))?;
    let plan = plan.for_file(file);
    let mut corridor = Corridor::new(&plan);
    if let Some(threads) = rest.first() {
        corridor = corridor.threads(threads.parse::<NonZeroUsize>()?);
    }
    let passed = corridor.to_parquet(File::open(file)?, months, &mut rooms)?;
    rooms.finish()?;
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{}",
        json!({
            "seconds": seconds,
            "megabytes_per_second": passed.end.bytes as f64 / 1e6 / seconds,
            "peak_mebibytes": peak_mebibytes(),
            "accepted": passed.rows_accepted,
            "rejected": passed.rows_rejected,
            "months": passed.months.len(),
        })
    );
    Ok(())
}

/// A folder for each month, and the rejects beside them.
struct Rooms {
    folder: PathBuf,
    rejects_schema: ParquetSchema,
    rejects: ParquetFile<File>,
    waiting: Vec<RecordBatch>,
}

impl Rooms {
    fn new(folder: &Path) -> Result<Self, Failure> {
        create_dir_all(folder)?;
        let schema = ParquetSchema::new(Arc::new(Schema::new(vec![
            Field::new("row", DataType::UInt64, false),
            Field::new("raw", DataType::Utf8, false),
            Field::new("reasons", DataType::Utf8, false),
        ])))?;
        let out = File::create(folder.join("rejected.parquet"))?;
        Ok(Self {
            folder: folder.to_owned(),
            rejects: ParquetFile::new(&schema, out)?,
            rejects_schema: schema,
            waiting: Vec::new(),
        })
    }

    fn write_rejects(&mut self) -> io::Result<()> {
        let batches = std::mem::take(&mut self.waiting);
        if batches.is_empty() {
            return Ok(());
        }
        let written = self.rejects.write(&self.rejects_schema, batches);
        written.map_err(io::Error::other)
    }

    fn finish(mut self) -> Result<(), Failure> {
        self.write_rejects()?;
        self.rejects.finish()?;
        Ok(())
    }
}

impl Outlet for Rooms {
    type File = File;

    fn block(&mut self, inspected: &Inspected) -> io::Result<()> {
        if inspected.rejects.is_empty() {
            return Ok(());
        }
        let rejects = rows_of(&self.rejects_schema, &inspected.rejects);
        self.waiting.push(rejects.map_err(io::Error::other)?);
        let rows: usize = self.waiting.iter().map(RecordBatch::num_rows).sum();
        if rows >= 16 * 1024 {
            self.write_rejects()?;
        }
        Ok(())
    }

    fn open(&mut self, month: AtomicMonth, part: usize) -> io::Result<File> {
        let folder = self.folder.join(format!("atomic_month={month}"));
        create_dir_all(&folder)?;
        File::create(folder.join(format!("part-{part:05}.parquet")))
    }
}

fn rows_of(
    schema: &ParquetSchema,
    rejects: &[Reject],
) -> Result<RecordBatch, arrow::error::ArrowError> {
    let rows = UInt64Array::from_iter_values(rejects.iter().map(|reject| reject.row));
    let raw = rejects
        .iter()
        .map(|reject| String::from_utf8_lossy(&reject.raw));
    let reasons = rejects.iter().map(|reject| {
        let reasons = reject.problems.iter().map(|problem| {
            let column = problem.column.as_deref().unwrap_or_default();
            format!("{column}:{}", problem.rule)
        });
        reasons.collect::<Vec<_>>().join("; ")
    });
    RecordBatch::try_new(
        schema.arrow(),
        vec![
            Arc::new(rows),
            Arc::new(StringArray::from_iter_values(raw)),
            Arc::new(StringArray::from_iter_values(reasons)),
        ],
    )
}

/// The most memory that this process held, where the system tells.
fn peak_mebibytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes / 1024)
}
