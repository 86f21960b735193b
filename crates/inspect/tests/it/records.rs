//! What becomes of a record: field counts, quotes, line ends, lineage.

use contract::ColumnType;
use inspect::Plan;

use crate::reading::{column, contract, dialect, read, text};

const CLOSING: &str = "(a closing quote before the delimiter, with quotes in the text doubled)";

/// Columns `a` and `b` under their header; the accepted rows and the rejects.
fn check(records: &str, accepted: &[&str], rejects: &[&str]) {
    let bytes = format!("a,b\n{records}");
    let read = read(&contract(vec![text("a"), text("b")]), bytes.as_bytes()).expect("readable");
    assert_eq!(read.accepted(), accepted, "{records:?}");
    assert_eq!(read.rejects(), rejects, "{records:?}");
}

#[test]
fn too_few_or_too_many_fields() {
    check(
        "1,2\n1\n1,2,3\n3,4\n",
        &["1|2", "3|4"],
        &[
            "row 2: the record field_count (2 fields)",
            "row 3: the record field_count (2 fields)",
        ],
    );
    // In a tile with quotes as in one without.
    check(
        "1,\"2\"\n1\n1,2,3\n,\n",
        &["1|2", "∅|∅"],
        &[
            "row 2: the record field_count (2 fields)",
            "row 3: the record field_count (2 fields)",
        ],
    );
}

#[test]
fn the_last_line_may_lack_its_end() {
    check("1,2\n3,4", &["1|2", "3|4"], &[]);
    check("1,2\r\n3,4\r", &["1|2", "3|4"], &[]);
    check("1,\"2\"", &["1|2"], &[]);
}

#[test]
fn line_ends_may_mix_and_blank_lines_are_no_rows() {
    let bytes = b"\n\r\na,b\r\n1,2\n\n3,4\r\n\r\n\n5,6\r\n";
    let read = read(&contract(vec![text("a"), text("b")]), bytes).unwrap();
    assert_eq!(read.accepted(), ["1|2", "3|4", "5|6"]);
    assert_eq!((read.end.rows, read.end.blank_lines), (3, 5));
    assert_eq!((read.end.line_ends.lf, read.end.line_ends.crlf), (4, 5));
    assert_eq!(read.end.bytes, bytes.len() as u64);
}

#[test]
fn a_lone_carriage_return_is_text() {
    check("1\r1,2\r\n", &["1\r1|2"], &[]);
    check("1\r,2\n", &["1|2"], &[]);
}

#[test]
fn quoted_fields() {
    check("\"1,1\",\"2\n2\"\n", &["1,1|2\n2"], &[]);
    check("\"say \"\"a\"\"\",\"\"\"\"\n", &["say \"a\"|\""], &[]);
    check("1\"1,2\" \n", &["1\"1|2\""], &[]);
    check("\"1\",\"2\"\r\n\"3\",\"4\"\r\n", &["1|2", "3|4"], &[]);
}

#[test]
fn text_after_a_closing_quote() {
    check(
        "\"1\"x,2\n3,4\n",
        &["3|4"],
        &[&format!("row 1: a quote {CLOSING}")],
    );
    check(
        "1,\"2\" \n3,4\n",
        &["3|4"],
        &[&format!("row 1: b quote {CLOSING}")],
    );
}

#[test]
fn a_quote_that_nothing_closes_takes_its_own_line_only() {
    check(
        "1,\"2\n3,4\n5,6\n",
        &["3|4", "5|6"],
        &[&format!("row 1: b quote {CLOSING}")],
    );
    check("\"1,2", &[], &[&format!("row 1: a quote {CLOSING}")]);
    // Line ends before the quote that runs away belong to its record.
    check(
        "\"1\n1\",\"2\n3,4\n",
        &["3|4"],
        &[&format!("row 1: b quote {CLOSING}")],
    );
    // Behind it, splitting starts anew.
    check(
        "1,\"2\n3,\"\"\n\"\",6\n",
        &["3|∅", "∅|6"],
        &[&format!("row 1: b quote {CLOSING}")],
    );
    // Where a later quote closes it, the rows up to there are one reject and none is lost.
    check(
        "1,\"2\n\"3\",4\n5,6\n",
        &["5|6"],
        &[&format!("row 1: b quote {CLOSING}")],
    );
}

#[test]
fn without_a_quote_character_quotes_are_text() {
    let mut contract = contract(vec![text("a"), text("b")]);
    dialect(&mut contract).quote = None;
    dialect(&mut contract).delimiter = "|".to_owned();
    let read = read(&contract, b"\"a\"|b\n\"1|2\"\n\"|\n").unwrap();
    assert_eq!(read.accepted(), ["\"1|2\"", "\"|∅"]);
    assert!(read.rejects().is_empty());
}

#[test]
fn every_row_knows_its_bytes() {
    let bytes = "\u{FEFF}a,b\r\n1,2\r\n\nx\n\"3\n3\",4\n".as_bytes();
    let read = read(&contract(vec![text("a"), text("b")]), bytes).unwrap();
    assert!(read.end.had_bom);
    assert_eq!(read.lineage(), ["1|8|3", "3|16|7"]);
    let block = &read.blocks[0];
    assert_eq!(block.raw_row(8, 3), b"1,2");
    assert_eq!(block.raw_row(16, 7), b"\"3\n3\",4");
    assert_eq!(block.raw_row(9_999, 7), b"");
    assert_eq!(block.raw_row(0, 3), b"");
    let reject = &block.rejects[0];
    assert_eq!((reject.row, reject.offset, reject.length), (2, 14, 1));
    assert_eq!(read.raw_rejects(), ["x"]);
}

#[test]
fn accepted_rows_name_their_file() {
    let plan = Plan::compile(&contract(vec![column("a", ColumnType::Integer)])).unwrap();
    let mut splitter = inspect::Splitter::new(&plan.for_file("in/x.csv"));
    assert!(splitter.push(b"a\n1\n2\n").unwrap().is_empty());
    let (blocks, _) = splitter.finish().unwrap();
    let files = blocks[0]
        .inspect()
        .accepted
        .column_by_name("source_file")
        .unwrap()
        .clone();
    let files: &arrow::array::StringArray = files.as_any().downcast_ref().unwrap();
    assert_eq!(
        files.iter().flatten().collect::<Vec<_>>(),
        ["in/x.csv", "in/x.csv"]
    );
}

#[test]
fn quotes_mean_something_again_behind_the_preamble() {
    let mut contract = contract(vec![text("id"), text("note")]);
    contract.format.skip_lines = 2;
    let file = read(
        &contract,
        b"of \"March\nsent twice\"\nid,note\n1,\"a\nb\"\n2,c\n",
    )
    .unwrap();
    assert_eq!(file.accepted(), ["1|a\nb", "2|c"]);
    assert_eq!(file.end.passed.preamble.records, 2);
}
