//! What must hold for any bytes at all. The fuzz targets call these functions with what they
//! find, the tests with the corpora of earlier runs.

use contract::Contract;
use inspect::{Limits, Unreadable};

use crate::reading::{Read, read_in_pieces};

pub(crate) mod delimited;
pub(crate) mod documents;
pub(crate) mod file_names;
pub(crate) mod fixed_width;
pub(crate) mod json;
pub(crate) mod values;

/// Each target's name, as its corpus's folder has it.
pub(crate) const TARGETS: [(&str, fn(&[u8])); 6] = [
    ("delimited", delimited::check),
    ("documents", documents::check),
    ("file_names", file_names::check),
    ("fixed_width", fixed_width::check),
    ("json", json::check),
    ("values", values::check),
];

/// Limits as two bytes of an input give them: small enough to be met.
fn limits(block: u8, record: u8) -> Limits {
    Limits {
        block_bytes: usize::from(block) + 1,
        block_records_max: usize::from(block >> 4) + 1,
        record_bytes_max: usize::from(record) + 12,
        record_prefix_bytes: usize::from(record & 15),
    }
}

/// Every row of the file is judged and every byte seen, in whatever pieces the file arrives.
fn check_arrival(
    contract: &Contract,
    limits: Limits,
    file: &[u8],
    sizes: &[usize],
) -> Result<Read, Unreadable> {
    let whole = read_in_pieces(contract, limits, [file]);
    if let Ok(read) = &whole {
        let judged: u64 = read.blocks.iter().map(|block| block.rows_in).sum();
        assert_eq!(judged, read.end.rows);
        assert_eq!(read.end.bytes, file.len() as u64);
    }
    let shown = |read: &Result<Read, Unreadable>| match read {
        Ok(read) => Ok(read.whole()),
        Err(unreadable) => Err(unreadable.to_string()),
    };
    let expected = shown(&whole);
    for &size in sizes {
        let read = read_in_pieces(contract, limits, file.chunks(size));
        assert_eq!(shown(&read), expected, "pieces of {size}");
    }
    whole
}
