//! Ours: the corridor from the file to typed Parquet by month, on all cores, and rejects with their
//! text and reasons to a Parquet file of their own.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use contract::AtomicMonth;
use inspect::{Corridor, Inspected, Months, Outlet, Plan, Reject};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::claims::contract;

const MONTH_COLUMN: &str = "from_date";

/// Writes `accepted/{month}/` and `rejected/` below the target; returns the rows of both.
pub(crate) fn run(file: &Path, target: &Path) -> (u64, u64) {
    let plan = Plan::compile(&contract()).expect("the contract compiles");
    let months = Months::of_column(&plan.schema(), MONTH_COLUMN).expect("it holds dates");
    let mut folders = Folders::new(target);
    let source = File::open(file).expect("the file can be opened");
    let passed = Corridor::new(&plan.for_file("claims.csv"))
        .to_parquet(source, months, &mut folders)
        .expect("the file is readable and its rows can be written");
    folders.rejects.close().expect("the file can be finished");
    (passed.rows_accepted, passed.rows_rejected)
}

struct Folders {
    accepted: PathBuf,
    rejects: ArrowWriter<File>,
}

impl Folders {
    fn new(target: &Path) -> Self {
        let folder = target.join("rejected");
        fs::create_dir_all(&folder).expect("the folder can be made");
        let out = File::create(folder.join("rows.parquet")).expect("the file can be made");
        let level = ZstdLevel::try_new(1).expect("1 is a zstd level");
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .build();
        Self {
            accepted: target.join("accepted"),
            rejects: ArrowWriter::try_new(out, reject_schema(), Some(properties))
                .expect("the schema is writable"),
        }
    }
}

impl Outlet for Folders {
    type File = File;

    fn block(&mut self, inspected: &Inspected) -> io::Result<()> {
        let rows = reject_rows(&inspected.rejects);
        self.rejects.write(&rows).map_err(io::Error::other)
    }

    fn open(&mut self, month: AtomicMonth, part: usize) -> io::Result<File> {
        let folder = self.accepted.join(format!("atomic_month={month}"));
        fs::create_dir_all(&folder)?;
        File::create(folder.join(format!("part-{part}.parquet")))
    }
}

fn reject_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("row", DataType::UInt64, false),
        Field::new("raw", DataType::Utf8, false),
        Field::new("reasons", DataType::Utf8, false),
    ]))
}

fn reject_rows(rejects: &[Reject]) -> RecordBatch {
    let rows = UInt64Array::from_iter_values(rejects.iter().map(|reject| reject.row));
    let raw = rejects
        .iter()
        .map(|reject| String::from_utf8_lossy(&reject.raw));
    let columns: Vec<Arc<dyn Array>> = vec![
        Arc::new(rows),
        Arc::new(StringArray::from_iter_values(raw)),
        Arc::new(StringArray::from_iter_values(rejects.iter().map(reasons))),
    ];
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
