//! On well-formed input the `csv` crate, which we do not use, reads the same values; where it
//! cannot read, a few lines that look at one character after another do.

use inspect::Limits;
use proptest::prelude::*;

use crate::reading::{With, contract, dialect, read_in_pieces, text};

const WIDTH: usize = 4;

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => Just(String::new()),
        3 => "[a-z0-9 ]{1,12}",
        2 => "[,\"\n\r|é日a ]{0,8}",
        1 => "[a-z]{60,130}",
    ]
}

fn written(rows: &[Vec<String>], always_quoted: bool, crlf: bool) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .quote_style(if always_quoted {
            csv::QuoteStyle::Always
        } else {
            csv::QuoteStyle::Necessary
        })
        .terminator(if crlf {
            csv::Terminator::CRLF
        } else {
            csv::Terminator::Any(b'\n')
        })
        .from_writer(Vec::new());
    writer
        .write_record(["a", "b", "c", "d"])
        .expect("written to memory");
    for row in rows {
        writer.write_record(row).expect("written to memory");
    }
    writer.into_inner().expect("written to memory")
}

proptest! {
    #[test]
    fn well_formed_files_read_as_the_csv_crate_reads_them(
        rows in prop::collection::vec(prop::collection::vec(value(), WIDTH), 0..40),
        always_quoted in any::<bool>(),
        crlf in any::<bool>(),
        block_bytes in 1..400usize,
    ) {
        let bytes = written(&rows, always_quoted, crlf);
        let mut reader = csv::Reader::from_reader(&bytes[..]);
        let expect: Vec<String> = reader
            .records()
            .map(|record| {
                let record = record.expect("well formed");
                record.iter().map(|v| if v.is_empty() { "∅" } else { v }).collect::<Vec<_>>().join("|")
            })
            .collect();
        let columns = ["a", "b", "c", "d"].map(|name| text(name).untrimmed()).to_vec();
        let limits = Limits { block_bytes, ..Limits::default() };
        let read = read_in_pieces(&contract(columns), limits, [&bytes[..]]).expect("readable");
        prop_assert_eq!(read.rejects(), Vec::<String>::new());
        prop_assert_eq!(read.accepted(), expect);
        prop_assert_eq!(read.end.rows as usize, rows.len());
    }

    #[test]
    fn escaped_files_read_as_the_csv_crate_reads_them(
        rows in prop::collection::vec(prop::collection::vec(escaped_value(), WIDTH), 0..40),
        block_bytes in 1..400usize,
    ) {
        let mut writer = csv::WriterBuilder::new()
            .double_quote(false)
            .escape(b'\\')
            .quote_style(csv::QuoteStyle::Always)
            .from_writer(Vec::new());
        writer.write_record(["a", "b", "c", "d"]).expect("written to memory");
        for row in &rows {
            writer.write_record(row).expect("written to memory");
        }
        let bytes = writer.into_inner().expect("written to memory");
        let mut contract = contract(["a", "b", "c", "d"].map(|name| text(name).untrimmed()).to_vec());
        dialect(&mut contract).escape = Some(b'\\');
        let limits = Limits { block_bytes, ..Limits::default() };
        let read = read_in_pieces(&contract, limits, [&bytes[..]]).expect("readable");
        prop_assert_eq!(read.rejects(), Vec::<String>::new());
        prop_assert_eq!(read.accepted(), rows.iter().map(|row| shown(row)).collect::<Vec<_>>());
    }

    #[test]
    fn long_separators_split_as_one_character_after_another_does(
        pieces in prop::collection::vec(prop::sample::select(
            vec!["|", "^", "~", "|^^|", "|~~|", "x", "é", "\""]), 0..120),
        block_bytes in 1..400usize,
    ) {
        let body = pieces.concat();
        let mut contract = contract(["a", "b"].map(|name| text(name).untrimmed()).to_vec());
        let format = dialect(&mut contract);
        format.delimiter = "|^^|".to_owned();
        format.record_separator = Some("|~~|".to_owned());
        format.quote = None;
        let bytes = format!("a|^^|b|~~|{body}");
        let limits = Limits { block_bytes, ..Limits::default() };
        let read = read_in_pieces(&contract, limits, [bytes.as_bytes()]).expect("readable");
        let expect = walked(&body);
        let of_two = expect.iter().filter(|row| row.len() == 2);
        prop_assert_eq!(read.accepted(), of_two.map(|row| shown(row)).collect::<Vec<_>>());
        prop_assert_eq!(read.end.rows as usize, expect.len());
    }
}

/// The writer escapes quotes and not the escape, so there is none before them.
fn escaped_value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[,\"\n\r|é日a ]{0,8}",
        "[a-z,\"]{1,30}"
    ]
}

fn shown(row: &[String]) -> String {
    let shown = |value: &String| {
        if value.is_empty() {
            "∅".to_owned()
        } else {
            value.clone()
        }
    };
    row.iter().map(shown).collect::<Vec<_>>().join("|")
}

/// Rows that are not blank, their fields.
fn walked(mut text: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row = vec![String::new()];
    while let Some(character) = text.chars().next() {
        if let Some(rest) = text.strip_prefix("|~~|") {
            rows.push(std::mem::replace(&mut row, vec![String::new()]));
            text = rest;
        } else if let Some(rest) = text.strip_prefix("|^^|") {
            row.push(String::new());
            text = rest;
        } else {
            row.last_mut().expect("a row has a field").push(character);
            text = &text[character.len_utf8()..];
        }
    }
    rows.push(row);
    rows.retain(|row| row.iter().any(|field| !field.is_empty()) || row.len() > 1);
    rows
}
