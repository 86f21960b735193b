//! Properties: how the bytes arrive changes nothing, and every byte is accounted for.

use contract::{
    Characters, Column, ColumnType, Contract, Control, ControlRecord, Encoding, FieldPlace,
    FileFormat, FixedWidth, Header, Severity, Shape,
};
use inspect::Limits;
use proptest::prelude::*;

use crate::reading::{Read, With, column, contract, date, dialect, read_in_pieces, text};

fn columns() -> Vec<Column> {
    vec![
        text("a").length(0, 6),
        column("b", ColumnType::Integer),
        date("c", &["%Y%m%d"]).severity(Severity::Warn),
    ]
}

/// Every kind of file, with every kind of record that is no row.
fn format() -> impl Strategy<Value = Contract> {
    let encodings = prop::sample::select(vec![
        Encoding::Utf8,
        Encoding::Utf8,
        Encoding::Latin1,
        Encoding::Windows1252,
        Encoding::Auto,
        Encoding::Utf16Le,
        Encoding::Utf16Be,
    ]);
    let around = (
        prop_oneof![3 => Just(0), 1 => 1..3usize],
        prop_oneof![3 => Just(0), 1 => 1..4usize],
        any::<bool>(),
        prop::option::weighted(0.3, Just(control())),
    );
    (shape(), encodings, around).prop_map(
        |(shape, encoding, (skip_lines, skip_footer_lines, comment, control))| {
            let mut contract = contract(columns());
            let mut shape = shape;
            let mut control = control;
            if let Shape::FixedWidth(fixed) = &mut shape {
                for (column, start) in contract.columns.iter_mut().zip([1, 3, 4]) {
                    column.place = Some(Characters { start, length: 2 });
                }
                if encoding == Encoding::Auto {
                    fixed.record_length = None;
                }
                if let Some(record) = control.as_mut().and_then(|control| control.header.as_mut()) {
                    let place = Characters {
                        start: 2,
                        length: 1,
                    };
                    record.row_count = Some(FieldPlace::Characters(place));
                }
            }
            contract.format = FileFormat {
                shape,
                encoding,
                skip_lines,
                skip_footer_lines,
                comment: comment.then(|| "#".to_owned()),
                control,
            };
            contract
        },
    )
}

fn control() -> Control {
    Control {
        header: Some(ControlRecord {
            marker: "1".to_owned(),
            row_count: Some(FieldPlace::Field(2)),
            period: None,
            totals: Default::default(),
        }),
        trailer: None,
        period_column: None,
        severity: Severity::Warn,
    }
}

fn shape() -> impl Strategy<Value = Shape> {
    let headers = prop::sample::select(vec![Header::Absent, Header::ByName, Header::ByPosition]);
    let delimiters = prop::sample::select(vec![",", ",", ",", "|^^|", ",,"]);
    let separators =
        prop::sample::select(vec![None, None, None, Some("|~~|"), Some("\r"), Some("1")]);
    let options = (
        any::<bool>(),
        prop::bool::weighted(0.3),
        prop::bool::weighted(0.3),
    );
    let delimited = (headers, delimiters, separators, options).prop_map(
        |(header, delimiter, separator, (quotes, escapes, trailing_delimiter))| {
            let mut contract = contract(columns());
            let dialect = dialect(&mut contract);
            dialect.header = header;
            dialect.delimiter = delimiter.to_owned();
            dialect.record_separator = separator.map(str::to_owned);
            dialect.quote = quotes.then_some(b'"');
            dialect.escape = escapes.then_some(b'\\');
            dialect.trailing_delimiter = trailing_delimiter;
            contract.format.shape
        },
    );
    let lengths = prop::option::of(4..8usize);
    let fixed_width =
        lengths.prop_map(|record_length| Shape::FixedWidth(FixedWidth { record_length }));
    prop_oneof![3 => delimited, 1 => fixed_width]
}

/// Text of the pieces that decide how a file is split.
fn like_csv() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(","), 4 => Just("\n"), 2 => Just("\r\n"), 1 => Just("\r"), 4 => Just("\""),
        2 => Just("\"\""), 2 => Just(",\""), 2 => Just("\","), 3 => Just("1"), 2 => Just("ab"),
        1 => Just("é"), 1 => Just(" "), 2 => Just("1,2,3\n"), 2 => Just("x,7,20200229\n"),
        2 => Just("\"q\nq\",7,\n"), 2 => Just("|^^|"), 2 => Just("|~~|"), 1 => Just("|~"),
        1 => Just("\\"), 1 => Just("\\\""), 2 => Just("#"), 2 => Just("\n#\""), 1 => Just("😀"),
        1 => Just("a,b,c\n"), 1 => Just("1,2\n"), 1 => Just("0123456789012345678901234567890123456789"),
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
        1 => Just(&b"a|^^|b|^^|c|~~|"[..]), 1 => Just(&b"a,,b,,c\n"[..]),
    ];
    (start, body).prop_map(|(start, body)| [start, &body].concat())
}

/// The bytes as they are; where the contract says UTF-16, mostly text in it.
fn in_encoding(contract: &Contract, bytes: &[u8]) -> Vec<u8> {
    let units = |bytes_of: fn(u16) -> [u8; 2]| {
        let text = String::from_utf8_lossy(bytes);
        let units = text.encode_utf16().map(|unit| match unit {
            // Half a character.
            0xFFFD => 0xDC00,
            unit => unit,
        });
        let odd = (bytes.len() % 5 == 4).then_some(0);
        units.flat_map(bytes_of).chain(odd).collect()
    };
    match contract.format.encoding {
        Encoding::Utf16Le => units(u16::to_le_bytes),
        Encoding::Utf16Be => units(u16::to_be_bytes),
        _ => bytes.to_vec(),
    }
}

fn limits() -> impl Strategy<Value = Limits> {
    (1..60usize, 1..6usize, 12..60usize, 0..12usize).prop_map(
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

proptest! {
    #[test]
    fn any_split_of_the_input_gives_the_same_result(
        contract in format(),
        limits in limits(),
        bytes in file(),
        cuts in prop::collection::vec(0..50usize, 0..40),
    ) {
        let bytes = in_encoding(&contract, &bytes);
        let whole = outcome(&contract, limits, &bytes, &[]);
        prop_assert_eq!(&outcome(&contract, limits, &bytes, &cuts), &whole);
        prop_assert_eq!(&outcome(&contract, limits, &bytes, &vec![1; bytes.len()]), &whole);
    }

    #[test]
    fn every_byte_belongs_to_one_row_or_to_one_kind_of_what_is_no_row(
        contract in format(),
        limits in limits(),
        bytes in file(),
    ) {
        let bytes = in_encoding(&contract, &bytes);
        let Ok(read) = read_in_pieces(&contract, limits, [&bytes[..]]) else { return Ok(()) };
        let places = places(&read);
        let end = &read.end;
        prop_assert_eq!(places.len() as u64, end.rows);
        prop_assert_eq!(end.bytes, bytes.len() as u64);
        let row_bytes: u64 = places.iter().map(|(_, _, length)| length).sum();
        prop_assert_eq!(row_bytes, end.row_bytes);
        let passed = &end.passed;
        let kinds = [passed.preamble, passed.header, passed.repeated_headers, passed.comments,
            passed.control, passed.footer];
        let passed_bytes: u64 = kinds.iter().map(|kind| kind.bytes).sum();
        let wide = matches!(end.encoding, Encoding::Utf16Le | Encoding::Utf16Be);
        let mark = match (end.had_bom, wide) { (false, _) => 0, (true, true) => 2, (true, false) => 3 };
        prop_assert_eq!(mark + row_bytes + passed_bytes + end.separator_bytes, end.bytes);

        let separators = end.line_ends;
        let unit = if wide { 2 } else { 1 };
        let line_end_bytes = (separators.lf + 2 * separators.crlf) * unit;
        prop_assert!(end.separator_bytes >= line_end_bytes + separators.separators * unit);
        if separators.separators == 0 {
            prop_assert_eq!(end.separator_bytes, line_end_bytes);
        }
        let (mut at, mut passed_between) = (mark, 0);
        for (number, (row, offset, length)) in (1..).zip(places) {
            prop_assert_eq!(row, number);
            prop_assert!(offset >= at && length > 0 && offset + length <= end.bytes);
            passed_between += offset - at;
            at = offset + length;
        }
        passed_between += end.bytes - at;
        prop_assert_eq!(passed_between, passed_bytes + end.separator_bytes);
        for block in &read.blocks {
            for reject in &block.rejects {
                let raw = &bytes[reject.offset as usize..(reject.offset + reject.length) as usize];
                prop_assert!(wide || raw.starts_with(&reject.raw));
                prop_assert!(!reject.problems.is_empty());
            }
        }
    }

    #[test]
    fn without_anything_but_rows_only_line_ends_stand_between_them(
        (quotes, latin) in any::<(bool, bool)>(),
        limits in limits(),
        bytes in file(),
    ) {
        let mut contract = contract(columns());
        let dialect = dialect(&mut contract);
        dialect.header = Header::Absent;
        dialect.quote = quotes.then_some(b'"');
        contract.format.encoding = if latin { Encoding::Latin1 } else { Encoding::Utf8 };
        let Ok(read) = read_in_pieces(&contract, limits, [&bytes[..]]) else { return Ok(()) };
        let mut at = if read.end.had_bom { 3 } else { 0 };
        for (_, offset, length) in places(&read) {
            prop_assert!(only_line_ends(&bytes[at..offset as usize]));
            at = (offset + length) as usize;
        }
        prop_assert!(only_line_ends(&bytes[at..]));
    }

    #[test]
    fn block_size_changes_blocks_only(contract in format(), limits in limits(), bytes in file()) {
        // A record's largest size decides what a runaway quote is; the block's does not.
        let other = Limits { block_bytes: 1 << 20, block_records_max: 1 << 16, ..limits };
        let bytes = in_encoding(&contract, &bytes);
        let rows = |limits| match read_in_pieces(&contract, limits, [&bytes[..]]) {
            Ok(read) => format!("{:?}", (read.accepted(), read.rejects(), read.warnings(), &read.end)),
            Err(unreadable) => unreadable.to_string(),
        };
        prop_assert_eq!(rows(limits), rows(other));
    }

    /// The reader of any separators agrees with the one of single bytes wherever both can read.
    #[test]
    fn both_delimited_readers_agree(
        quotes in any::<bool>(),
        limits in limits(),
        bytes in file(),
    ) {
        let mut plain = contract(columns());
        dialect(&mut plain).quote = quotes.then_some(b'"');
        let mut separated = plain.clone();
        // As a separator of the contract's own it is looked for by the other reader, to which a
        // carriage return before it means nothing.
        dialect(&mut separated).record_separator = Some("\n".to_owned());
        let bytes: Vec<u8> = bytes.iter().copied().filter(|&byte| byte != b'\r').collect();
        let rows = |contract: &Contract| match read_in_pieces(contract, limits, [&bytes[..]]) {
            Ok(read) => {
                let reasons = (read.rejects(), read.raw_rejects(), read.warnings());
                format!("{:?}", (read.accepted(), places(&read), reasons, read.end.blank_lines))
            }
            Err(unreadable) => unreadable.to_string(),
        };
        prop_assert_eq!(rows(&separated), rows(&plain));
    }
}

fn only_line_ends(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes)
        .replace("\r\n", "")
        .replace('\n', "");
    text.is_empty()
}
