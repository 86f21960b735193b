//! Properties: how the bytes arrive changes nothing, and every byte is accounted for.

use contract::{Column, ColumnType, Contract, Encoding, Header};
use inspect::Limits;
use proptest::prelude::*;

use crate::reading::{Read, With, column, contract, date, dialect, read_in_pieces, text};

fn columns() -> Vec<Column> {
    vec![
        text("a").length(0, 6),
        column("b", ColumnType::Integer),
        date("c", &["%Y%m%d"]).severity(contract::Severity::Warn),
    ]
}

fn format() -> impl Strategy<Value = Contract> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(header, quotes, latin)| {
        let mut contract = contract(columns());
        let dialect = dialect(&mut contract);
        dialect.header = if header {
            Header::ByName
        } else {
            Header::Absent
        };
        dialect.quote = quotes.then_some(b'"');
        contract.format.encoding = if latin {
            Encoding::Latin1
        } else {
            Encoding::Utf8
        };
        contract
    })
}

/// Text of the pieces that decide how a file is split.
fn like_csv() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(","), 4 => Just("\n"), 2 => Just("\r\n"), 1 => Just("\r"), 4 => Just("\""),
        2 => Just("\"\""), 2 => Just(",\""), 2 => Just("\","), 3 => Just("1"), 2 => Just("ab"),
        1 => Just("é"), 1 => Just(" "), 2 => Just("1,2,3\n"), 2 => Just("x,7,20200229\n"),
        2 => Just("\"q\nq\",7,\n"), 1 => Just("0123456789012345678901234567890123456789"),
    ];
    prop::collection::vec(piece, 0..80).prop_map(|pieces| pieces.concat().into_bytes())
}

fn file() -> impl Strategy<Value = Vec<u8>> {
    let body = prop_oneof![
        3 => like_csv(),
        1 => prop::collection::vec(any::<u8>(), 0..200),
        1 => prop::collection::vec(prop::sample::select(b",\"\r\na\0\xE9".to_vec()), 0..200),
    ];
    let start = prop_oneof![
        5 => Just(&b"a,b,c\n"[..]), 1 => Just(&b"\xEF\xBB\xBFa,b,c\r\n"[..]), 1 => Just(&b""[..]),
    ];
    (start, body).prop_map(|(start, body)| [start, &body].concat())
}

fn limits() -> impl Strategy<Value = Limits> {
    (1..60usize, 1..6usize, 12..60usize, 0..20usize).prop_map(
        |(block_bytes, block_records_max, record_bytes_max, record_prefix_bytes)| Limits {
            block_bytes,
            block_records_max,
            record_bytes_max,
            record_prefix_bytes,
        },
    )
}

fn outcome(contract: &Contract, limits: Limits, bytes: &[u8], cuts: &[usize]) -> String {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    for cut in cuts {
        let (piece, after) = rest.split_at(cut % (rest.len() + 1));
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    match read_in_pieces(contract, limits, pieces) {
        Ok(read) => read.whole(),
        Err(unreadable) => unreadable.to_string(),
    }
}

/// Where each row lies: row, offset, length.
fn places(read: &Read) -> Vec<(u64, u64, u64)> {
    let accepted = read.lineage().into_iter().map(|line| {
        let numbers: Vec<u64> = line
            .split('|')
            .map(|n| n.parse().expect("a number"))
            .collect();
        (numbers[0], numbers[1], numbers[2])
    });
    let rejected = read.blocks.iter().flat_map(|block| &block.rejects);
    let mut places: Vec<_> = accepted
        .chain(rejected.map(|r| (r.row, r.offset, r.length)))
        .collect();
    places.sort_unstable();
    places
}

fn only_line_ends(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes)
        .replace("\r\n", "")
        .replace('\n', "");
    text.is_empty()
}

proptest! {
    #[test]
    fn any_split_of_the_input_gives_the_same_result(
        contract in format(),
        limits in limits(),
        bytes in file(),
        cuts in prop::collection::vec(0..50usize, 0..40),
    ) {
        let whole = outcome(&contract, limits, &bytes, &[]);
        prop_assert_eq!(&outcome(&contract, limits, &bytes, &cuts), &whole);
        prop_assert_eq!(&outcome(&contract, limits, &bytes, &vec![1; bytes.len()]), &whole);
    }

    #[test]
    fn every_byte_belongs_to_one_row_the_header_or_a_line_end(
        mut contract in format(),
        limits in limits(),
        bytes in file(),
    ) {
        dialect(&mut contract).header = Header::Absent;
        let Ok(read) = read_in_pieces(&contract, limits, [&bytes[..]]) else { return Ok(()) };
        let places = places(&read);
        prop_assert_eq!(places.len() as u64, read.end.rows);
        prop_assert_eq!(read.end.bytes, bytes.len() as u64);
        let mut at = if read.end.had_bom { 3 } else { 0 };
        for (number, (row, offset, length)) in (1..).zip(places) {
            prop_assert_eq!(row, number);
            let (start, end) = (offset as usize, (offset + length) as usize);
            prop_assert!(start >= at && end > start && end <= bytes.len());
            prop_assert!(only_line_ends(&bytes[at..start]), "{:?}", &bytes[at..start]);
            at = end;
        }
        prop_assert!(only_line_ends(&bytes[at..]));
        for block in &read.blocks {
            for reject in &block.rejects {
                let raw = &bytes[reject.offset as usize..(reject.offset + reject.length) as usize];
                prop_assert!(raw.starts_with(&reject.raw));
                prop_assert!(!reject.problems.is_empty());
            }
        }
    }

    #[test]
    fn block_size_changes_blocks_only(contract in format(), limits in limits(), bytes in file()) {
        // A record's largest size decides what a runaway quote is; the block's does not.
        let other = Limits { block_bytes: 1 << 20, block_records_max: 1 << 16, ..limits };
        let rows = |limits| match read_in_pieces(&contract, limits, [&bytes[..]]) {
            Ok(read) => format!("{:?}", (read.accepted(), read.rejects(), read.warnings(), &read.end)),
            Err(unreadable) => unreadable.to_string(),
        };
        prop_assert_eq!(rows(limits), rows(other));
    }
}
