//! Properties of JSON: how the bytes arrive changes nothing, every byte is accounted for, and
//! another parser agrees.

use contract::{Contract, Shape};
use inspect::Limits;
use proptest::prelude::*;

use crate::checks::json::visits;
use crate::reading::{read, read_in_pieces};

fn like_json() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => Just("["), 3 => Just("]"), 4 => Just("{"), 4 => Just("}"), 4 => Just(","),
        3 => Just("\n"), 4 => Just("\""), 2 => Just("\\"), 2 => Just(" "), 2 => Just("\n  "),
        3 => Just("{\"id\":\"a\"}"), 3 => Just(",\n{\"id\":\"b\",\"visits\":1}"), 1 => Just("é"),
        2 => Just("\"id\":"), 1 => Just("1"), 1 => Just("null"), 1 => Just(":"),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat().into_bytes())
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

fn outcome(contract: &Contract, limits: Limits, bytes: &[u8], piece: usize) -> String {
    match read_in_pieces(contract, limits, bytes.chunks(piece)) {
        Ok(read) => read.whole(),
        Err(unreadable) => format!("{unreadable:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn how_the_bytes_arrive_changes_nothing(
        body in like_json(), limits in limits(), piece in 1..40usize, is_array in any::<bool>(),
    ) {
        let shape = if is_array { Shape::JsonArray } else { Shape::JsonLines };
        let contract = visits(shape);
        let start: &[u8] = if is_array { b"[" } else { b"" };
        let bytes = [start, &body].concat();
        let whole = outcome(&contract, limits, &bytes, bytes.len().max(1));
        prop_assert_eq!(outcome(&contract, limits, &bytes, piece), whole);
    }

    /// What is between the records of an array is space, commas and its brackets, unless it is
    /// reported behind the array.
    #[test]
    fn every_byte_is_a_records_or_structure(body in like_json()) {
        let bytes = [b"[", &body[..]].concat();
        let file = read(&visits(Shape::JsonArray), &bytes).unwrap();
        let mut spans: Vec<(usize, usize)> = file.lineage().iter().map(|line| {
            let mut parts = line.split('|').skip(1).map(|part| part.parse::<usize>().unwrap());
            (parts.next().unwrap(), parts.next().unwrap())
        }).collect();
        let rejects = file.blocks.iter().flat_map(|block| &block.rejects);
        spans.extend(rejects.map(|reject| (reject.offset as usize, reject.length as usize)));
        spans.sort_unstable();
        let mut between = Vec::new();
        let mut at = 0;
        for (start, length) in spans {
            prop_assert!(start >= at && length > 0);
            between.extend_from_slice(&bytes[at..start]);
            at = start + length;
        }
        between.extend_from_slice(&bytes[at..]);
        let trailing = between.iter().position(|&byte| byte == b']').unwrap_or(between.len());
        prop_assert!(between[..trailing].iter().all(|byte| b"[, \n".contains(byte)));
        let behind = between[trailing..].iter().any(|byte| !b"] \n".contains(byte))
            || between[trailing..].iter().filter(|&&byte| byte == b']').count() > 1;
        let closed = trailing < between.len();
        prop_assert_eq!(file.end.findings.len(), usize::from(behind || !closed));
    }

    /// A record is accepted exactly where serde_json reads it too.
    #[test]
    fn serde_json_agrees(body in like_json()) {
        let text: Vec<u8> = body.iter().copied().filter(|&byte| byte != b'\n').collect();
        let theirs = serde_json::from_slice::<serde_json::Value>(&text).is_ok();
        prop_assert_eq!(inspect::is_json(&text), theirs);
    }
}
