//! Files that were damaged on the way, or that nobody expects: each has one outcome, the one in
//! the table "What happens to damaged files" of `docs/CONTRACTS.md`.

use std::process::Command;

use contract::Contract;
use inspect::{FileEnd, Inspected, Plan, RECORD_PREFIX_BYTES, Splitter, Unreadable};

use crate::reading::{Read, With, contract, read, text};

const CLOSING: &str =
    "quote (a closing quote before the delimiter, with quotes in the text doubled)";
const TWO_FIELDS: &str = "the record field_count (2 fields)";

fn two_columns() -> Contract {
    contract(vec![text("a"), text("b")])
}

/// The accepted rows and the rejects, which together are all rows.
fn check(file: &[u8], accepted: &[&str], rejects: &[&str]) -> Read {
    let read = read(&two_columns(), file).expect("readable");
    assert_eq!(read.accepted(), accepted);
    assert_eq!(read.rejects(), rejects);
    assert_eq!(read.end.rows as usize, accepted.len() + rejects.len());
    read
}

fn refused(file: &[u8]) -> String {
    read(&two_columns(), file)
        .expect_err("unreadable")
        .to_string()
}

#[test]
fn nul_bytes() {
    check(
        b"a,b\n1,x\0y\n\0,\0\n3,z\n",
        &["3|z"],
        &[
            "row 1: b nul_byte (text without NUL bytes)",
            "row 2: a nul_byte (text without NUL bytes), b nul_byte (text without NUL bytes)",
        ],
    );
    // A column that the contract does not know is not judged.
    let read = read(&contract(vec![text("a")]), b"a,b\n1,\0\n").unwrap();
    assert_eq!(read.accepted(), ["1"]);
    // More than a quarter of the beginning: this is not text.
    let mostly = [b"a,b\n".as_slice(), &[0; 500]].concat();
    assert!(refused(&mostly).contains("binary data"));
}

#[test]
fn a_field_of_ten_megabytes() {
    let long = "x".repeat(10_000_000);
    let quoted = format!("\"{}\"", "say \"\"y\"\"\n".repeat(1_000_000));
    let file = format!("a,b\n1,{long}\n2,{quoted}\n3,z\n");
    let read = read(&two_columns(), file.as_bytes()).unwrap();
    assert_eq!(read.rejects(), Vec::<String>::new());
    let lengths: Vec<usize> = read.accepted().iter().map(String::len).collect();
    // The white space at its end is trimmed.
    assert_eq!(lengths, [2 + 10_000_000, 2 + 8_000_000 - 1, 3]);
}

#[test]
fn a_million_columns() {
    const COLUMNS: usize = 1_000_000;
    let names: Vec<String> = (0..COLUMNS).map(|at| format!("n{at}")).collect();
    let cells = |count: usize| vec!["7"; count].join(",");
    let file = format!(
        "{}\n{}\n{}\n",
        names.join(","),
        cells(COLUMNS),
        cells(COLUMNS - 1)
    );
    let columns = vec![text("last").header("n999999"), text("first").header("n0")];
    let read = read(&contract(columns), file.as_bytes()).unwrap();
    assert_eq!(read.accepted(), ["7|7"]);
    assert_eq!(
        read.rejects(),
        ["row 2: the record field_count (1000000 fields)"]
    );
    assert_eq!(read.end.unknown_columns.len(), COLUMNS - 2);
    // A header that is larger than a record may be.
    let names = vec!["a_name_of_twenty_byte"; COLUMNS].join(",");
    let message = refused(names.as_bytes());
    assert!(message.contains("longer than any record"), "{message}");
}

#[test]
fn lone_carriage_returns() {
    check(b"a,b\n1,x\ry\n2,z\r\n", &["1|x\ry", "2|z"], &[]);
    // As the only line ends, in the header already.
    assert!(refused(b"a,b\r1,x\r2,y\r").contains("carriage return alone"));
    // From the body on: one record of too many fields.
    check(
        b"a,b\n1,x\r2,y\r3,z\r",
        &[],
        &[&format!("row 1: {TWO_FIELDS}")],
    );
}

#[test]
fn quotes_in_the_middle_of_a_field() {
    check(
        b"a,b\n5\" wide,say \"hi\"\n2,x\"\n",
        &["5\" wide|say \"hi\"", "2|x\""],
        &[],
    );
    check(
        b"a,b\n\"5\" wide\",x\n2,y\n",
        &["2|y"],
        &[&format!("row 1: a {CLOSING}")],
    );
}

#[test]
fn a_quote_that_is_never_closed() {
    let mut file = b"a,b\n1,x\n2,\"open\n".to_vec();
    let mut accepted = vec!["1|x".to_owned()];
    for row in 3..5000 {
        file.extend_from_slice(format!("{row},\"y\"\"\"\n").as_bytes());
        accepted.push(format!("{row}|y\""));
    }
    // The open quote meets the next quote, at the start of a field: it closes there, wrongly,
    // and these two lines are one reject. Nothing else is touched.
    let read = read(&two_columns(), &file).unwrap();
    accepted.remove(1);
    assert_eq!(read.accepted(), accepted);
    assert_eq!(read.rejects(), [format!("row 2: b {CLOSING}")]);
    assert_eq!(read.raw_rejects(), ["2,\"open\n3,\"y\"\"\""]);

    // Where no later quote can close it, its line alone is rejected.
    let unquoted: String = (3..5000).map(|row| format!("{row},y\n")).collect();
    let file = format!("a,b\n1,x\n2,\"open\n{unquoted}");
    let read = crate::reading::read(&two_columns(), file.as_bytes()).unwrap();
    assert_eq!(read.raw_rejects(), ["2,\"open"]);
    assert_eq!(read.accepted().len(), 4998);
}

#[test]
fn a_header_alone_and_nothing_at_all() {
    for header in ["a,b", "a,b\n", "\u{FEFF}a,b\r\n\r\n"] {
        let read = check(header.as_bytes(), &[], &[]);
        assert_eq!(read.end.rows, 0);
    }
    for nothing in ["", "\n\n\r\n", "\u{FEFF}"] {
        let error = read(&two_columns(), nothing.as_bytes()).unwrap_err();
        assert_eq!(error, Unreadable::Empty);
    }
}

#[test]
fn a_file_that_is_cut_off() {
    let whole = "a,b\n1,x\n2,\"y\nz\"\n3,w\n";
    check(whole.as_bytes(), &["1|x", "2|y\nz", "3|w"], &[]);
    // In mid-record, with a delimiter missing.
    check(b"a,b\n1,x\n2", &["1|x"], &[&format!("row 2: {TWO_FIELDS}")]);
    // In mid-quote.
    check(
        b"a,b\n1,x\n2,\"y",
        &["1|x"],
        &[&format!("row 2: b {CLOSING}")],
    );
    // In the last field, where nothing shows it: the row is whole to any reader. A control
    // total or a rule on the column must tell.
    check(b"a,b\n1,x\n2,long-wo", &["1|x", "2|long-wo"], &[]);
}

#[test]
fn a_file_cut_off_anywhere_keeps_every_record_before_the_cut() {
    let whole = b"a,b\n1,x\n2,\"y,z\"\n3,w\n4,v\n";
    let ends = [4, 8, 16, 20, 24];
    for cut in 4..whole.len() {
        let read = read(&two_columns(), &whole[..cut]).expect("readable");
        let complete = ends[1..].iter().filter(|&&end| end <= cut).count();
        let begun = ends.iter().all(|&end| end != cut);
        assert!(read.accepted().len() >= complete, "cut at {cut}");
        assert_eq!(read.end.rows as usize, complete + usize::from(begun));
        assert_eq!(read.end.bytes as usize, cut);
    }
}

#[test]
fn records_glued_together() {
    // A line end was lost.
    check(
        b"a,b\n1,x2,y\n3,z\n",
        &["3|z"],
        &[&format!("row 1: {TWO_FIELDS}")],
    );
    // A file was put behind one without a last line end, its header too.
    check(
        b"a,b\n1,xa,b\n2,y\n",
        &["2|y"],
        &[&format!("row 1: {TWO_FIELDS}")],
    );
    // As two records that were quoted to the end.
    check(
        b"a,b\n1,\"x\"\"2\",\"y\"\n3,z\n",
        &["3|z"],
        &[&format!("row 1: {TWO_FIELDS}")],
    );
}

#[test]
fn the_header_of_another_file() {
    let required = contract(vec![text("a").required(), text("b")]);
    let error = read(&required, b"patient,visit\n1,2\n").unwrap_err();
    assert_eq!(
        error,
        Unreadable::MissingColumns {
            missing: vec!["a".to_owned(), "b".to_owned()],
            fields: 2
        }
    );
    // The first line is a patient's: its words are not in the message.
    let message = refused(b"Jane,Doe\n1,2\n");
    assert!(!message.contains("Jane") && !message.contains("Doe"));
}

/// Streams one record of that many bytes behind a good row and before another.
fn one_line(bytes: u64) -> (Vec<Inspected>, FileEnd) {
    let plan = Plan::compile(&two_columns()).expect("a right contract");
    let mut splitter = Splitter::new(&plan.for_file("in/one_line.csv"));
    let mut blocks = splitter.push(b"a,b\n1,x\n").expect("readable");
    let piece = vec![b'7'; 1 << 20];
    let mut left = bytes;
    while left > 0 {
        let size = left.min(piece.len() as u64);
        blocks.extend(splitter.push(&piece[..size as usize]).expect("readable"));
        left -= size;
    }
    blocks.extend(splitter.push(b"\n2,y\n").expect("readable"));
    let (last, end) = splitter.finish().expect("readable");
    blocks.extend(last);
    (blocks.iter().map(inspect::Block::inspect).collect(), end)
}

const LINE_BYTES: u64 = 10_000_000_000;
/// A largest record, a block, and what any process holds.
const MEMORY_MAX: u64 = 128 << 20;

/// The most memory that this process has held, in bytes, as the system counts it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes << 10)
}

#[test]
#[ignore = "the next test runs it, in a process of its own"]
fn one_line_is_streamed() {
    let (blocks, end) = one_line(LINE_BYTES);
    let rejects: Vec<_> = blocks.iter().flat_map(|block| &block.rejects).collect();
    let accepted: usize = blocks.iter().map(|block| block.accepted.num_rows()).sum();
    assert_eq!((end.rows, accepted, rejects.len()), (3, 2, 1));
    assert_eq!(
        (end.bytes, rejects[0].length),
        (LINE_BYTES + 13, LINE_BYTES)
    );
    assert_eq!(rejects[0].raw.len(), RECORD_PREFIX_BYTES);
    assert_eq!(&*rejects[0].problems[0].rule, "record_length");
    match peak_memory() {
        Some(peak) => assert!(peak < MEMORY_MAX, "peak of {} MiB", peak >> 20),
        None => eprintln!("this system does not tell how much memory was held"),
    }
}

/// Memory that other tests fill does not count.
#[test]
fn ten_gigabytes_in_one_line() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "hostile::one_line_is_streamed"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}
