//! On well-formed input the `csv` crate, which we do not use, reads the same values.

use inspect::Limits;
use proptest::prelude::*;

use crate::reading::{With, contract, read_in_pieces, text};

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
}
