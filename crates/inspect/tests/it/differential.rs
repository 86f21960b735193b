//! Properties: our reader and the slow reference read any bytes alike, however they arrive.

use inspect::Limits;
use proptest::prelude::*;

use crate::checks::{self, delimited::Reading};

fn reading() -> impl Strategy<Value = Reading> {
    let limits = (
        1..60usize,
        1..6usize,
        12..60usize,
        0..20usize,
        any::<bool>(),
    );
    let limits = limits.prop_map(
        |(block_bytes, block_records_max, record_bytes_max, record_prefix_bytes, small)| {
            if small {
                Limits {
                    block_bytes,
                    block_records_max,
                    record_bytes_max,
                    record_prefix_bytes,
                }
            } else {
                Limits::default()
            }
        },
    );
    let delimiter = prop::sample::select(b",|\t;".to_vec());
    let quote = prop::sample::select(vec![Some(b'"'), Some(b'"'), Some(b'\''), None]);
    (delimiter, quote, any::<bool>(), any::<bool>(), limits).prop_map(
        |(delimiter, quote, latin1, header, limits)| Reading {
            delimiter,
            quote,
            latin1,
            header,
            limits,
        },
    )
}

/// The bytes that decide how a file is read, with `,` and `"` for delimiter and quote.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        &b","[..],
        b",",
        b"\n",
        b"\n",
        b"\r\n",
        b"\r",
        b"\"",
        b"\"",
        b"\"\"",
        b",\"",
        b"\",",
        b"\"\n",
        b"\n\"",
        b"\",\"",
        b"1",
        b"ab",
        b" ",
        b"\0",
        b"\xE9",
        b"\xC3\xA9",
        b"\xEF\xBB\xBF",
        b"1,2,3\n",
        b"x,\"y\",z\r\n",
        b"\"q\nq\",7,\n",
        b"012345678901234567890123456789",
    ]);
    let rich = prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat());
    let any_bytes = prop::collection::vec(any::<u8>(), 0..200);
    let structural =
        prop::collection::vec(prop::sample::select(b",\"\r\na\0\xE9".to_vec()), 0..120);
    let one = prop_oneof![4 => rich, 1 => any_bytes, 2 => structural];
    // Repeated, so that a file has more rows than a tile.
    let times = prop_oneof![9 => Just(1usize), 1 => 100..400usize];
    (one, times).prop_map(|(body, times)| body.repeat(times))
}

/// The same text in the dialect's own characters.
fn written(reading: &Reading, body: &[u8]) -> Vec<u8> {
    body.iter()
        .map(|&byte| match byte {
            b',' => reading.delimiter,
            b'"' => reading.quote.unwrap_or(b'"'),
            byte => byte,
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_file_reads_as_the_reference_reads_it(
        reading in reading(),
        body in body(),
        sizes in prop::collection::vec(1..70usize, 0..3),
    ) {
        let file = reading.with_header(&written(&reading, &body));
        reading.check(&file, &sizes);
    }

    #[test]
    fn what_fuzzing_checks_holds_for_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        for (_, check) in checks::TARGETS {
            check(&bytes);
        }
    }

    #[test]
    fn numbers_and_dates_are_what_a_plain_reading_says(
        kind in any::<u8>(),
        size in any::<u8>(),
        cell in prop_oneof![
            "[+-]?[0-9]{1,20}", "[+-]?[0-9]{0,12}[.]?[0-9]{0,6}", "[0-9]{8}", "[0-9]{30,45}",
            "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}", "(19|20)[0-9]{2}-?(02|1[0-2])-?(28|29|30|31)",
            "[+-.0-9 e]{0,10}",
        ],
    ) {
        checks::values::check(&[&[kind, size], cell.as_bytes()].concat());
    }

    #[test]
    fn names_match_as_a_plain_search_says(
        pattern in "[a-b*/{}]{0,5}([*]|[{]a[}]|[{]b[}]|x|-|A){0,5}",
        name in "[abxA/-]{0,12}",
    ) {
        checks::file_names::check(format!("{pattern}\n{name}").as_bytes());
    }
}
