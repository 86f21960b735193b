//! Any file, read as records of fixed width.

use contract::{Characters, ColumnType, Contract, Encoding, FileFormat, FixedWidth, Shape};

use super::{check_arrival, limits};
use crate::reading::{column, contract, text};

/// `id` at 1–3, `name` at 4–9, `paid` at 10–14.
pub(crate) fn members(record_length: Option<usize>) -> Contract {
    let paid = ColumnType::Decimal {
        precision: 7,
        scale: 2,
    };
    let mut contract = contract(vec![text("id"), text("name"), column("paid", paid)]);
    for (column, (start, length)) in contract.columns.iter_mut().zip([(1, 3), (4, 6), (10, 5)]) {
        column.place = Some(Characters { start, length });
    }
    contract.format = FileFormat {
        shape: Shape::FixedWidth(FixedWidth { record_length }),
        ..FileFormat::default()
    };
    contract
}

/// The first bytes say how the rest is read.
pub(crate) fn check(input: &[u8]) {
    let [flags, block, record, piece, rest @ ..] = input else {
        return;
    };
    let encodings = [
        Encoding::Utf8,
        Encoding::Latin1,
        Encoding::Windows1252,
        Encoding::Auto,
    ];
    let encoding = encodings[usize::from(flags >> 1 & 3)];
    // A number of characters is one of bytes in none but a known encoding.
    let by_length = flags & 1 != 0 && encoding != Encoding::Auto;
    let mut contract = members(by_length.then_some(14));
    contract.format.encoding = encoding;
    let cuts = [usize::from(*piece) + 1, 1];
    let read = check_arrival(&contract, limits(*block, *record), rest, &cuts);
    let Ok(read) = read else {
        return;
    };
    // Rows, blank lines and what separates them are all that a file of lines has.
    let end = &read.end;
    assert!(end.row_bytes + end.separator_bytes <= end.bytes);
    assert_eq!(
        read.accepted().len() + read.rejects().len(),
        end.rows as usize
    );
}
