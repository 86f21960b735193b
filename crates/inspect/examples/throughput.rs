//! `throughput FILE DELIMITER [TYPED] [MEBIBYTES]`: reads the file's rows over and over, every
//! column as text (or, with TYPED, columns that end in `_DT` as dates and in `_AMT` as
//! decimals), on one thread, and prints how fast that was.

use std::time::{Duration, Instant};

use contract::{Column, ColumnType, Contract, Delimited, FileFormat};
use inspect::{Plan, Splitter, header_names};

type Failure = Box<dyn std::error::Error>;

#[expect(clippy::print_stdout, reason = "printing is what this program is for")]
fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (path, delimiter) = match &arguments[..] {
        [path, delimiter, ..] => (path, delimiter),
        _ => return Err("usage: throughput FILE DELIMITER [typed|text] [MEBIBYTES]".into()),
    };
    let typed = arguments.get(2).is_some_and(|kind| kind == "typed");
    let mebibytes = arguments.get(3).map_or(Ok(200), |size| size.parse())?;
    let file = std::fs::read(path)?;
    let header_end = memchr::memchr(b'\n', &file).ok_or("the file has no line")? + 1;
    let format = FileFormat::delimited(Delimited {
        delimiter: delimiter.clone(),
        ..Delimited::default()
    });
    let names = header_names(&format, &file[..header_end])?;
    let plan = Plan::compile(&contract(format, &names, typed)?)?;
    let (header, body) = file.split_at(header_end);
    if body.is_empty() {
        return Err("the file has no rows".into());
    }
    let repeats = (mebibytes << 20) / body.len() + 1;

    let mut splitter = Splitter::new(&plan.for_file("throughput.csv"));
    let (mut splitting, mut typing) = (Duration::ZERO, Duration::ZERO);
    let (mut rows, mut rejected, mut bytes) = (0, 0, 0);
    for piece in std::iter::once(header).chain(std::iter::repeat_n(body, repeats)) {
        bytes += piece.len();
        let started = Instant::now();
        let blocks = splitter.push(piece)?;
        splitting += started.elapsed();
        let started = Instant::now();
        for block in blocks {
            let inspected = block.inspect();
            rows += inspected.rows_in;
            rejected += inspected.rejects.len();
        }
        typing += started.elapsed();
    }
    let rate = |time: Duration| bytes as f64 / 1e6 / time.as_secs_f64();
    println!(
        "{:.0} MB, {} columns, {rows} rows, {rejected} rejected",
        bytes as f64 / 1e6,
        names.len()
    );
    println!("split {:.0} MB/s", rate(splitting));
    println!("type  {:.0} MB/s", rate(typing));
    println!("both  {:.0} MB/s", rate(splitting + typing));
    Ok(())
}

fn contract(format: FileFormat, names: &[String], typed: bool) -> Result<Contract, Failure> {
    let column = |name: &String| {
        let column_type = match name {
            name if typed && name.ends_with("_DT") => ColumnType::Date {
                formats: vec!["%Y%m%d".to_owned(), "%d-%b-%Y".to_owned()],
            },
            name if typed && name.ends_with("_AMT") => ColumnType::Decimal {
                precision: 12,
                scale: 2,
            },
            _ => ColumnType::String,
        };
        Column::new(name, column_type)
    };
    let columns = names.iter().map(column).collect();
    Ok(Contract::new("throughput@v1".parse()?, format, columns))
}
