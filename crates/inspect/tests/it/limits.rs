//! Blocks, and records that are too long.

use inspect::{Limits, RECORD_BYTES_MAX, RECORD_PREFIX_BYTES};

use crate::reading::{contract, read, read_in_pieces, text};

fn small(block_bytes: usize, block_records_max: usize, record_bytes_max: usize) -> Limits {
    Limits {
        block_bytes,
        block_records_max,
        record_bytes_max,
        record_prefix_bytes: 4,
    }
}

fn columns() -> contract::Contract {
    contract(vec![text("a"), text("b")])
}

#[test]
fn a_block_ends_with_the_record_that_fills_it() {
    let bytes = b"a,b\n1,2\n3,4\n5,6\n7,8\n9,0\n";
    let blocks = |limits| -> Vec<u64> {
        let read = read_in_pieces(&columns(), limits, [&bytes[..]]).unwrap();
        assert_eq!(read.accepted(), ["1|2", "3|4", "5|6", "7|8", "9|0"]);
        assert_eq!(read.lineage()[4], "5|20|3");
        read.blocks.iter().map(|block| block.rows_in).collect()
    };
    assert_eq!(blocks(small(5, 100, 100)), [2, 2, 1]);
    assert_eq!(blocks(small(4, 100, 100)), [1, 1, 1, 1, 1]);
    assert_eq!(blocks(small(1000, 3, 100)), [3, 2]);
}

#[test]
fn a_record_that_is_too_long_is_rejected_alone() {
    let bytes = b"a,b\n1,2\n3,4444444444\r\n5,6\n7,88888888888";
    let read = read_in_pieces(&columns(), small(1000, 100, 8), [&bytes[..]]).unwrap();
    assert_eq!(read.accepted(), ["1|2", "5|6"]);
    assert_eq!(read.lineage(), ["1|4|3", "3|22|3"]);
    let expect = "the record record_length (a line end within 16 MiB)";
    assert_eq!(
        read.rejects(),
        [format!("row 2: {expect}"), format!("row 4: {expect}")]
    );
    let places: Vec<_> = read
        .blocks
        .iter()
        .flat_map(|block| &block.rejects)
        .map(|reject| (reject.offset, reject.length, reject.raw.clone()))
        .collect();
    assert_eq!(
        places,
        [(8, 12, b"3,44".to_vec()), (26, 13, b"7,88".to_vec())]
    );
    assert_eq!((read.end.line_ends.lf, read.end.line_ends.crlf), (3, 1));
    assert_eq!(read.end.rows, 4);
}

#[test]
fn a_quote_open_for_too_long_takes_its_own_line_only() {
    let bytes = b"a,b\n1,\"2\n3,4\n5,6\n7,8\n\"9\",0\n";
    let read = read_in_pieces(&columns(), small(1000, 100, 10), [&bytes[..]]).unwrap();
    assert_eq!(read.accepted(), ["3|4", "5|6", "7|8", "9|0"]);
    assert_eq!(read.raw_rejects(), ["1,\"2"]);
}

#[test]
fn at_full_size_memory_stays_bounded_and_offsets_right() {
    let long = vec![b'x'; RECORD_BYTES_MAX + 5];
    let pieces = std::iter::once(&b"a,b\n1,2\n"[..])
        .chain(long.chunks(100_000))
        .chain([&b"\n3,4\n"[..]]);
    let read = read_in_pieces(&columns(), Limits::default(), pieces).unwrap();
    assert_eq!(read.accepted(), ["1|2", "3|4"]);
    assert_eq!(read.lineage()[1], format!("3|{}|3", 8 + long.len() + 1));
    let reject = &read.blocks[1].rejects[0];
    assert_eq!(reject.length, long.len() as u64);
    assert_eq!(reject.raw.len(), RECORD_PREFIX_BYTES);
}

#[test]
fn a_file_of_many_tiles_and_blocks() {
    let mut bytes = b"a,b\n".to_vec();
    for row in 0..200_000 {
        let line = match row % 1000 {
            7 => format!("{row},\"two\nlines\"\n"),
            8 => format!("{row}\n"),
            _ => format!("{row},x\n"),
        };
        bytes.extend_from_slice(line.as_bytes());
    }
    let read = read(&columns(), &bytes).unwrap();
    assert!(read.blocks.len() > 2);
    assert_eq!(read.end.rows, 200_000);
    let accepted = read.accepted();
    assert_eq!(accepted.len(), 200_000 - 200);
    assert_eq!(accepted[7], "7|two\nlines");
    assert_eq!(accepted.last().map(String::as_str), Some("199999|x"));
    assert_eq!(read.rejects().len(), 200);
}

#[test]
fn blocks_may_be_inspected_on_any_thread() {
    let plan = inspect::Plan::compile(&columns()).unwrap();
    let mut splitter = inspect::Splitter::with_limits(&plan.for_file("x"), small(4, 100, 100));
    splitter.push(b"a,b\n1,2\n3,4\n5,6\n").unwrap();
    let (blocks, _) = splitter.finish().unwrap();
    let rows: u64 = std::thread::scope(|scope| {
        let threads: Vec<_> = blocks
            .iter()
            .map(|block| scope.spawn(|| block.inspect().rows_in))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!((blocks.len(), rows), (3, 3));
}
