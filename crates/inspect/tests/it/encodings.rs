//! Encodings: found from the bytes, held against the contract; places stay bytes of the file.

use contract::{Contract, Encoding};
use inspect::Unreadable;

use crate::reading::{contract, read, text};

fn two_columns(encoding: Encoding) -> Contract {
    let mut contract = contract(vec![text("a"), text("b")]);
    contract.format.encoding = encoding;
    contract
}

fn utf16(text: &str, mark: bool, big_endian: bool) -> Vec<u8> {
    let mark = mark.then_some(0xFEFF);
    let units = mark.into_iter().chain(text.encode_utf16());
    let bytes = |unit: u16| {
        if big_endian {
            unit.to_be_bytes()
        } else {
            unit.to_le_bytes()
        }
    };
    units.flat_map(bytes).collect()
}

#[test]
fn utf16_in_either_order_with_and_without_its_mark() {
    let text = "a,b\r\nJosé,\"漢\n😀\"\nx\ny,z\n";
    use Encoding::{Auto, Utf16, Utf16Be, Utf16Le};
    for (big_endian, own) in [(false, Utf16Le), (true, Utf16Be)] {
        for mark in [false, true] {
            for encoding in [Utf16, own, Auto] {
                let bytes = utf16(text, mark, big_endian);
                let file = read(&two_columns(encoding), &bytes).unwrap();
                assert_eq!(file.accepted(), ["José|漢\n😀", "y|z"]);
                let start = if mark { 2 } else { 0 };
                let place = |row, offset, length| format!("{row}|{}|{length}", start + offset);
                assert_eq!(file.lineage(), [place(1, 10, 22), place(3, 38, 6)]);
                let block = &file.blocks[0];
                let reject = &block.rejects[0];
                assert_eq!((reject.offset, reject.length), (start + 34, 2));
                assert_eq!(
                    block.raw_row(start as i64 + 10, 22),
                    "José,\"漢\n😀\"".as_bytes()
                );
                assert_eq!(block.raw_row(start as i64 + 11, 22), b"");
                assert_eq!((file.end.encoding, file.end.had_bom), (own, mark));
                assert_eq!(file.end.bytes, bytes.len() as u64);
            }
        }
    }
}

#[test]
fn half_characters_reject_their_row() {
    let mut bytes = utf16("a,b\n1,x?x\n2,y\n3,z", false, false);
    let place = bytes.iter().position(|&byte| byte == b'?').unwrap();
    bytes[place..place + 2].copy_from_slice(&0xD83Du16.to_le_bytes());
    bytes.push(b'!');
    let file = read(&two_columns(Encoding::Utf16), &bytes).unwrap();
    assert_eq!(file.accepted(), ["2|y"]);
    let encoding = "b encoding (valid text in the file's encoding)";
    assert_eq!(
        file.rejects(),
        [format!("row 1: {encoding}"), format!("row 3: {encoding}")]
    );
    assert_eq!(file.blocks[0].rejects[1].length, 7);
}

#[test]
fn a_file_in_another_encoding_is_refused_with_what_to_write() {
    let wide = utf16("a,b\n1,2\n", true, false);
    let check = |encoding, bytes: &[u8], expect: &str| {
        let error = read(&two_columns(encoding), bytes).unwrap_err();
        assert!(matches!(error, Unreadable::Encoding { .. }), "{error}");
        assert!(error.to_string().contains(expect), "{error}");
    };
    check(Encoding::Utf8, &wide, "`encoding: utf-16le`");
    check(Encoding::Windows1252, &wide, "`encoding: utf-16le`");
    check(Encoding::Utf16Be, &wide, "`encoding: utf-16le`");
    check(Encoding::Utf8, &wide[2..], "`encoding: utf-16le`");
    check(Encoding::Utf16, b"a,b\n1,2\n", "`encoding: utf-8`");
}

#[test]
fn single_bytes_and_either() {
    let bytes = [b"a,b\n\x80 5,\x93x\x94\nM\xFCller,", "Müller€\n".as_bytes()].concat();
    let file = read(&two_columns(Encoding::Windows1252), &bytes).unwrap();
    assert_eq!(file.accepted(), ["€ 5|“x”", "Müller|MÃ¼llerâ‚¬"]);
    let file = read(&two_columns(Encoding::Auto), &bytes).unwrap();
    assert_eq!(file.accepted(), ["€ 5|“x”", "Müller|Müller€"]);
    assert_eq!(file.end.encoding, Encoding::Auto);
    let file = read(&two_columns(Encoding::Latin1), &bytes[..8]).unwrap();
    assert_eq!(file.end.encoding, Encoding::Latin1);
}

#[test]
fn a_delimiter_that_is_not_ascii() {
    let mut latin = two_columns(Encoding::Latin1);
    crate::reading::dialect(&mut latin).delimiter = "¦".to_owned();
    let file = read(&latin, b"a\xA6b\n1\xA62\n").unwrap();
    assert_eq!(file.accepted(), ["1|2"]);
    latin.format.encoding = Encoding::Utf8;
    let file = read(&latin, "a¦b\n1¦2\n".as_bytes()).unwrap();
    assert_eq!(file.accepted(), ["1|2"]);
}
