//! `throughput FILE|claims [text|typed] [asis|quoted] [MEBIBYTES] [ROUNDS]`: how fast one
//! thread reads a file's rows, repeated up to that size, beside the `csv` crate, which only
//! splits them. `claims` is a synthetic claims file under a full contract; a FILE's columns are
//! text or, with `typed`, what `infer` drafts. `quoted` puts every field
//! in quotes. Medians of the rounds; the two take turns, so that what disturbs one disturbs both.
//! Time is what the thread had of a processor where the system tells (Linux), else of the clock.

mod claims;

use std::sync::LazyLock;
use std::time::Instant;

use contract::{Column, ColumnType, Contract};
use inspect::{FilePlan, Plan, Sample, Splitter, infer};

type Failure = Box<dyn std::error::Error>;

/// How much is pushed at a time.
const PUSH_BYTES: usize = 1 << 20;

/// Seconds, of which only differences mean anything.
fn now() -> f64 {
    static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);
    let of_thread = std::fs::read_to_string("/proc/thread-self/schedstat");
    let nanoseconds = of_thread
        .ok()
        .and_then(|stat| stat.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(|| STARTED.elapsed().as_secs_f64(), |run| run / 1e9)
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |at: usize, default: &str| match arguments.get(at) {
        Some(argument) => argument.clone(),
        None => default.to_owned(),
    };
    let path = arguments.first().ok_or("usage: see the source")?;
    let typed = argument(1, "typed") == "typed";
    let quoted = argument(2, "asis") == "quoted";
    let bytes = argument(3, "100").parse::<usize>()? << 20;
    let rounds: usize = argument(4, "5").parse()?;
    let (mut file, contract) = if path == "claims" {
        (claims::generate(bytes.min(32 << 20)), claims::contract())
    } else {
        let file = std::fs::read(path)?;
        let contract = drafted(path, &file, typed)?;
        (file, contract)
    };
    if quoted {
        file = in_quotes(&file, delimiter_of(&contract)?)?;
    }
    let input = repeated(&file, bytes)?;
    drop(file);
    measure(path, &input, &contract, rounds)
}

/// The contract that the file itself suggests, or every column as text.
fn drafted(path: &str, file: &[u8], typed: bool) -> Result<Contract, Failure> {
    let sample = Sample {
        file_name: path.to_owned(),
        bytes: file.to_vec(),
        is_cut: false,
    };
    let mut contract = infer(&[sample])?.contract;
    if !typed {
        for column in &mut contract.columns {
            *column = Column {
                header: column.header.clone(),
                ..Column::new(&column.name, ColumnType::String)
            };
        }
    }
    Ok(contract)
}

fn delimiter_of(contract: &Contract) -> Result<u8, Failure> {
    let delimited = contract.format.as_delimited();
    match delimited.map(|delimited| delimited.delimiter.as_bytes()) {
        Some(&[delimiter]) => Ok(delimiter),
        _ => Err("the file is not delimited by single bytes".into()),
    }
}

fn reader(bytes: &[u8], delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes)
}

fn in_quotes(file: &[u8], delimiter: u8) -> Result<Vec<u8>, Failure> {
    let mut writer = csv::WriterBuilder::new()
        .delimiter(delimiter)
        .quote_style(csv::QuoteStyle::Always)
        .flexible(true)
        .from_writer(Vec::new());
    for record in reader(file, delimiter).byte_records() {
        writer.write_byte_record(&record?)?;
    }
    Ok(writer.into_inner()?)
}

/// The file with its rows over and over.
fn repeated(file: &[u8], bytes: usize) -> Result<Vec<u8>, Failure> {
    let header_end = memchr::memchr(b'\n', file).ok_or("the file has no line")? + 1;
    let (header, body) = file.split_at(header_end);
    if !body.ends_with(b"\n") {
        return Err("the file's last row has no line end".into());
    }
    let mut input = header.to_vec();
    while input.len() < bytes {
        input.extend_from_slice(body);
    }
    Ok(input)
}

#[expect(clippy::print_stdout, reason = "printing is what this program is for")]
fn measure(name: &str, input: &[u8], contract: &Contract, rounds: usize) -> Result<(), Failure> {
    let plan = Plan::compile(contract)?.for_file("throughput.csv");
    let delimiter = delimiter_of(contract)?;
    let mut taken = Vec::new();
    let mut counts = (0, 0);
    for _ in 0..rounds {
        let started = now();
        let mut record = csv::ByteRecord::new();
        let mut csv = reader(input, delimiter);
        let mut fields = 0;
        while csv.read_byte_record(&mut record)? {
            fields += record.len();
        }
        std::hint::black_box(fields);
        let csv = now() - started;
        let (split, inspect);
        (split, inspect, counts) = inspected(input, &plan)?;
        taken.push([csv, split, inspect, split + inspect]);
    }
    let rate = |at: usize| {
        let mut seconds: Vec<f64> = taken.iter().map(|round| round[at]).collect();
        seconds.sort_by(f64::total_cmp);
        input.len() as f64 / 1e6 / seconds[seconds.len() / 2]
    };
    let name = std::path::Path::new(name).file_name().unwrap_or_default();
    println!(
        "{:<44} {:>4} columns {:>8} rows {:>6} rejected  csv {:>4.0}  split {:>5.0}  type {:>4.0}  both {:>4.0} MB/s  {:>3.0} % of csv",
        name.to_string_lossy(),
        contract.columns.len(),
        counts.0,
        counts.1,
        rate(0),
        rate(1),
        rate(2),
        rate(3),
        100.0 * rate(3) / rate(0),
    );
    Ok(())
}

/// Seconds of splitting and of inspecting; rows and rejects.
fn inspected(input: &[u8], plan: &FilePlan) -> Result<(f64, f64, (u64, usize)), Failure> {
    let mut splitter = Splitter::new(plan);
    let (mut splitting, mut inspecting) = (0.0, 0.0);
    let (mut rows, mut rejected) = (0, 0);
    let mut inspect = |blocks: Vec<inspect::Block>| {
        let started = now();
        for block in blocks {
            let inspected = block.inspect();
            rows += inspected.rows_in;
            rejected += inspected.rejects.len();
        }
        inspecting += now() - started;
    };
    for piece in input.chunks(PUSH_BYTES) {
        let started = now();
        let blocks = splitter.push(piece)?;
        splitting += now() - started;
        inspect(blocks);
    }
    let (blocks, _) = splitter.finish()?;
    inspect(blocks);
    Ok((splitting, inspecting, (rows, rejected)))
}
