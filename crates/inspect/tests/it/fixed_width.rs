//! Fixed-width files, by lines and by a number of characters.

use contract::{Characters, ColumnType, Contract, Encoding, Shape};
use inspect::{Plan, Unreadable};

use crate::checks::fixed_width::members;
use crate::reading::{Read, read};

fn check(contract: &Contract, bytes: &[u8], accepted: &[&str], rejects: &[u64]) -> Read {
    let read = read(contract, bytes).expect("readable");
    let shown = String::from_utf8_lossy(bytes);
    assert_eq!(read.accepted(), accepted, "{shown:?}");
    let length = match &contract.format.shape {
        Shape::FixedWidth(fixed) => fixed.record_length.unwrap_or(14),
        _ => unreachable!("the contract is of fixed width"),
    };
    let expect = |row: &u64| format!("row {row}: the record record_length ({length} characters)");
    let expect: Vec<String> = rejects.iter().map(expect).collect();
    assert_eq!(read.rejects(), expect, "{shown:?}");
    read
}

#[test]
fn fields_by_lines() {
    let file = check(
        &members(None),
        b"001Smith 12.50\r\n\n002\"o,'n -0.05\n   x     00001    \n",
        &["001|Smith|12.50", "002|\"o,'n|-0.05", "∅|x|1.00"],
        &[],
    );
    assert_eq!(file.lineage(), ["1|0|14", "2|17|14", "3|32|18"]);
    assert_eq!(file.end.blank_lines, 1);
}

#[test]
fn short_and_long_lines() {
    check(
        &members(None),
        b"001\n001Smith \n001Smith\n00\n001Smith 12.5\n001Smith 12.50 \n001Smith 12.50x\n",
        &["001|∅|∅", "001|Smith|∅", "001|Smith|12.50"],
        &[3, 4, 5, 7],
    );
}

#[test]
fn places_are_in_characters() {
    check(
        &members(None),
        "é01Müller12.50\n001漢字😀   12.50\n".as_bytes(),
        &["é01|Müller|12.50", "001|漢字😀|12.50"],
        &[],
    );
    let mut latin = members(None);
    latin.format.encoding = Encoding::Windows1252;
    check(
        &latin,
        b"\x8001M\xFCller12.50\n",
        &["€01|Müller|12.50"],
        &[],
    );
    let mut auto = members(None);
    auto.format.encoding = Encoding::Auto;
    let mixed = [b"001M\xFCller12.50\n", "001Müller12.50\n".as_bytes()].concat();
    check(
        &auto,
        &mixed,
        &["001|Müller|12.50", "001|Müller|12.50"],
        &[],
    );
    // Bytes that are no UTF-8 are counted, and break their own field alone.
    let broken = read(&members(None), b"\xE901M\xFCller12.50\n001Smith 12.50\n").unwrap();
    assert_eq!(broken.accepted(), ["001|Smith|12.50"]);
    let encoding = "encoding (valid text in the file's encoding)";
    assert_eq!(
        broken.rejects(),
        [format!("row 1: id {encoding}, name {encoding}")]
    );
}

#[test]
fn records_of_a_number_of_characters() {
    let wide = members(Some(15));
    let rows = ["001|Smith|12.50", "002|Müller|0.01"];
    for line_end in ["", "\n", "\r\n", "\n\n"] {
        let bytes = format!("001Smith 12.50.{line_end}002Müller00.01.{line_end}");
        check(&wide, bytes.as_bytes(), &rows, &[]);
    }
    let mut latin = wide.clone();
    latin.format.encoding = Encoding::Latin1;
    check(&latin, b"001Smith 12.50.002M\xFCller00.01.", &rows, &[]);
    // A file that was cut off.
    let file = check(&wide, b"001Smith 12.50.002Jo", &rows[..1], &[2]);
    assert_eq!(file.raw_rejects(), ["002Jo"]);
    assert_eq!(read(&wide, b"\n\r\n").unwrap_err(), Unreadable::Empty);
}

#[test]
fn places_may_overlap_and_leave_gaps() {
    let mut contract = members(None);
    contract.columns[2].place = Some(Characters {
        start: 2,
        length: 2,
    });
    contract.columns[2].column_type = ColumnType::Integer;
    contract.columns[1].place = Some(Characters {
        start: 6,
        length: 1,
    });
    let file = read(&contract, b"001..x\n").unwrap();
    assert_eq!(file.accepted(), ["001|x|1"]);
}

#[test]
fn a_record_length_has_bounds_and_one_encoding() {
    for (length, encoding, expect) in [
        (0, Encoding::Utf8, "1 to"),
        (2 << 20, Encoding::Utf8, "1 to"),
        (15, Encoding::Auto, "in place of `auto`"),
    ] {
        let mut contract = members(Some(length));
        contract.format.encoding = encoding;
        let error = Plan::compile(&contract).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    }
}
