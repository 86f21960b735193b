//! Compressed streams and archives: what comes out, and what is said of damaged ones.

use std::io::{Cursor, Write};

use flate2::Compression as Level;
use flate2::write::{DeflateEncoder, GzEncoder};
use inspect::{
    Archive, Compression, PassedOver, Unpacker, Unreadable, is_archive, open_archive, read_member,
};
use proptest::prelude::*;

#[derive(Debug)]
enum Failure {
    Unreadable(Unreadable),
    Io(std::io::Error),
}

impl From<Unreadable> for Failure {
    fn from(unreadable: Unreadable) -> Self {
        Self::Unreadable(unreadable)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl Failure {
    fn said(self) -> String {
        match self {
            Self::Unreadable(unreadable) => unreadable.to_string(),
            Self::Io(error) => panic!("{error}"),
        }
    }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Level::default());
    encoder.write_all(text).expect("written to memory");
    encoder.finish().expect("written to memory")
}

fn zstd(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 3).expect("written to memory")
}

/// What is in it, pushed in pieces of that size, or what is said.
fn unpack(bytes: &[u8], piece: usize) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut unpacker = Unpacker::new();
    let mut take = |piece: &[u8]| {
        out.extend_from_slice(piece);
        Ok(())
    };
    let mut outcome: Result<(), Unreadable> = bytes
        .chunks(piece)
        .try_for_each(|piece| unpacker.push(piece, &mut take));
    if outcome.is_ok() {
        outcome = unpacker.finish(&mut take);
    }
    outcome.map(|()| out).map_err(|error| error.to_string())
}

fn text() -> Vec<u8> {
    (0..40_000u32)
        .flat_map(|at| format!("{at},{}\n", at.wrapping_mul(2_654_435_761)).into_bytes())
        .collect()
}

#[test]
fn streams_are_found_by_their_first_bytes() {
    let text = text();
    let gz = [gzip(&text[..300_000]), gzip(&text[300_000..])].concat();
    let zst = [zstd(&text[..300_000]), zstd(&text[300_000..])].concat();
    let padded = [gz.clone(), vec![0; 700]].concat();
    for packed in [&gz, &zst, &text, &padded] {
        for piece in [1, 3, 1000, 1 << 20] {
            assert_eq!(unpack(packed, piece).as_ref(), Ok(&text), "{piece}");
        }
    }
    for tiny in [&b""[..], b"a", b"a,b", b"\x1F"] {
        assert_eq!(unpack(tiny, 1), Ok(tiny.to_vec()));
    }
    for empty in [gzip(b""), zstd(b"")] {
        assert_eq!(unpack(&empty, 5), Ok(Vec::new()));
    }
    assert_eq!(Compression::of(&gz), Some(Compression::Gzip));
    assert_eq!(Compression::of(&zst), Some(Compression::Zstd));
    assert_eq!(Compression::of(&text), None);
}

#[test]
fn streams_that_are_cut_off_or_damaged() {
    let text = text();
    for (packed, name) in [(gzip(&text), "gzip"), (zstd(&text), "zstd")] {
        let cut_off = format!(
            "the file is packed ({name}), and it is cut off before its end: pack it anew and \
             send it again"
        );
        for cut in [5, 11, 1000, packed.len() - 4, packed.len() - 1] {
            assert_eq!(
                unpack(&packed[..cut], 100),
                Err(cut_off.clone()),
                "{name} {cut}"
            );
        }
        let mut wrong = packed.clone();
        let middle = wrong.len() / 2;
        wrong[middle..middle + 30].fill(0x5A);
        let said = unpack(&wrong, 1000).unwrap_err();
        assert!(said.starts_with("the file is packed"), "{said}");
        let behind = [&packed[..], b"and text"].concat();
        assert!(unpack(&behind, 1000).is_err());
    }
    let mut wrong_sum = gzip(&text);
    let at = wrong_sum.len() - 8;
    wrong_sum[at] ^= 1;
    assert!(unpack(&wrong_sum, 1000).is_err());
}

#[test]
fn a_bomb_comes_out_in_pieces() {
    let bomb = gzip(&vec![0; 40 << 20]);
    let (mut total, mut largest) = (0, 0);
    let mut unpacker = Unpacker::new();
    let mut take = |piece: &[u8]| {
        total += piece.len();
        largest = largest.max(piece.len());
        Ok::<(), Unreadable>(())
    };
    unpacker.push(&bomb, &mut take).unwrap();
    unpacker.finish(&mut take).unwrap();
    assert_eq!(total, 40 << 20);
    assert!(largest <= 9 << 20, "{largest}");
}

/// A member as a test wants it.
#[derive(Clone, Default)]
pub(crate) struct Packed {
    name: String,
    text: Vec<u8>,
    stored: bool,
    /// Sizes and sum follow the data, as where an archive is written to a pipe.
    described: bool,
    zip64: bool,
    flags: u16,
}

pub(crate) fn packed(name: &str, text: &[u8]) -> Packed {
    Packed {
        name: name.to_owned(),
        text: text.to_vec(),
        ..Packed::default()
    }
}

impl Packed {
    /// The member's bytes in the archive.
    fn data(&self) -> Vec<u8> {
        if self.stored {
            return self.text.clone();
        }
        let mut encoder = DeflateEncoder::new(Vec::new(), Level::default());
        encoder.write_all(&self.text).expect("written to memory");
        encoder.finish().expect("written to memory")
    }
}

/// An archive by the letter of the format (APPNOTE 4.3).
pub(crate) fn zip(members: &[Packed]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut directory = Vec::new();
    for member in members {
        let offset = file.len() as u32;
        let mut sum = flate2::Crc::new();
        sum.update(&member.text);
        let data = member.data();
        let (packed, size) = (data.len() as u32, member.text.len() as u32);
        let flags = member.flags | if member.described { 8 } else { 0 };
        let method = if member.stored { 0u16 } else { 8 };
        let name = member.name.as_bytes();
        let head = |sum: u32, sizes: [u32; 2], extra: usize| {
            let mut head = Vec::new();
            for half in [45u16, flags, method, 0, 0x21] {
                head.extend(half.to_le_bytes());
            }
            head.extend(sum.to_le_bytes());
            head.extend(sizes[0].to_le_bytes());
            head.extend(sizes[1].to_le_bytes());
            head.extend((name.len() as u16).to_le_bytes());
            head.extend((extra as u16).to_le_bytes());
            head
        };
        let mut extra = Vec::new();
        if member.zip64 {
            extra.extend([1, 0, 16, 0]);
            extra.extend(u64::from(size).to_le_bytes());
            extra.extend(u64::from(packed).to_le_bytes());
        }
        let sizes = if member.zip64 {
            [u32::MAX; 2]
        } else {
            [packed, size]
        };
        file.extend(b"PK\x03\x04");
        if member.described {
            file.extend(head(0, [0, 0], 0));
            file.extend(name);
        } else {
            file.extend(head(sum.sum(), sizes, extra.len()));
            file.extend(name);
            file.extend(&extra);
        }
        file.extend(&data);
        if member.described {
            file.extend(b"PK\x07\x08");
            for word in [sum.sum(), packed, size] {
                file.extend(word.to_le_bytes());
            }
        }
        directory.extend(b"PK\x01\x02\x2D\x00");
        directory.extend(head(sum.sum(), sizes, extra.len()));
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name);
        directory.extend(&extra);
    }
    let count = members.len() as u16;
    let (length, start) = (directory.len() as u32, file.len() as u32);
    file.extend(directory);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend(count.to_le_bytes());
    file.extend(count.to_le_bytes());
    file.extend(length.to_le_bytes());
    file.extend(start.to_le_bytes());
    file.extend([0, 0]);
    file
}

fn list(bytes: &[u8]) -> Result<Archive, String> {
    open_archive::<Failure>(&mut Cursor::new(bytes)).map_err(Failure::said)
}

/// Every member with its text.
fn members(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, String> {
    let archive = list(bytes)?;
    let mut read = Vec::new();
    for member in &archive.members {
        let mut text = Vec::new();
        let take = |piece: &[u8]| {
            text.extend_from_slice(piece);
            Ok(())
        };
        read_member::<Failure>(&mut Cursor::new(bytes), &archive, member, take)
            .map_err(Failure::said)?;
        assert_eq!(member.size_bytes, text.len() as u64);
        read.push((member.name.clone(), text));
    }
    Ok(read)
}

#[test]
fn members_of_every_form() {
    let text = text();
    let plain = packed("2024/a.csv", &text);
    let forms = [
        plain.clone(),
        Packed {
            name: "b.csv".to_owned(),
            stored: true,
            ..plain.clone()
        },
        Packed {
            name: "c.csv".to_owned(),
            described: true,
            ..plain.clone()
        },
        Packed {
            name: "d.csv".to_owned(),
            zip64: true,
            ..plain.clone()
        },
        packed("empty.csv", b""),
    ];
    let archive = zip(&forms);
    assert!(is_archive(&archive));
    let read = members(&archive).unwrap();
    assert_eq!(read.len(), forms.len());
    for ((name, read), form) in read.iter().zip(&forms) {
        assert_eq!((name, read == &form.text), (&form.name, true));
    }
}

#[test]
fn what_is_no_data_is_passed_over() {
    let stored = |name: &str| Packed {
        stored: true,
        ..packed(name, b"x")
    };
    let archive = zip(&[
        Packed {
            stored: true,
            ..packed("d/", b"")
        },
        stored("d/a.csv"),
        stored("__MACOSX/d/._a.csv"),
        stored(".DS_Store"),
        stored("Thumbs.db"),
    ]);
    let archive = list(&archive).unwrap();
    let names: Vec<_> = archive.members.iter().map(|member| &*member.name).collect();
    assert_eq!(names, ["d/a.csv"]);
    let passed: Vec<_> = archive.passed_over.iter().map(|(_, why)| *why).collect();
    use PassedOver::{Directory, Hidden, MacMetadata, SystemFile};
    assert_eq!(passed, [Directory, MacMetadata, Hidden, SystemFile]);
}

#[test]
fn archives_that_are_something_else() {
    let check = |names: &[&str], flags: u16, expect: &str| {
        let members: Vec<_> = names
            .iter()
            .map(|name| Packed {
                flags,
                stored: true,
                ..packed(name, b"x")
            })
            .collect();
        let said = list(&zip(&members)).err().unwrap_or_default();
        assert!(said.contains(expect), "{names:?}: {said}");
    };
    check(
        &["[Content_Types].xml", "xl/workbook.xml"],
        0,
        "the file is an Excel workbook",
    );
    check(
        &["[Content_Types].xml", "word/document.xml"],
        0,
        "is an Office document",
    );
    check(&["mimetype", "content.xml"], 0, "is an OpenDocument file");
    check(&["a.csv"], 1, "is a ZIP archive with a password");
    check(&[], 0, "is a ZIP archive without a file");
    check(&["d/"], 0, "is a ZIP archive without a file");
    check(&["a.csv", "a.csv"], 0, "two files of the same name");
}

#[test]
fn archives_that_are_cut_off_or_damaged() {
    let archive = zip(&[packed("a.csv", &text()), packed("b.csv", b"1,2\n")]);
    for cut in [0, 3, 30, 1000, archive.len() - 1] {
        let said = members(&archive[..cut]).unwrap_err();
        assert!(said.contains("cut off"), "{cut}: {said}");
    }
    let mut wrong = archive.clone();
    wrong[1000..1010].fill(0);
    assert!(members(&wrong).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever bytes are wrong, there is an end and an answer.
    #[test]
    fn damage_is_survived(
        wrong in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        described in any::<bool>(), zip64 in any::<bool>(), cut in any::<prop::sample::Index>(),
    ) {
        let member = Packed { described, zip64: zip64 && !described, ..packed("a.csv", b"1,2\n3,4\n3,4\n") };
        let mut archive = zip(&[member, packed("b.csv", b"5,6\n")]);
        for (at, byte) in wrong {
            let at = at.index(archive.len());
            archive[at] = byte;
        }
        let _ = members(&archive);
        let _ = members(&archive[..cut.index(archive.len())]);
        let _ = unpack(&archive, 7);
    }
}

/// The deliveries as they lie there, listed with what Python's zipfile says of them.
#[test]
fn real_deliveries() {
    let Some(folder) = testkit::shared_data::folder("cms_cclf") else {
        return;
    };
    let read = |path: &str| members(&std::fs::read(folder.join(path)).unwrap());
    let names_and_sizes = |path: &str| {
        let members = read(path).unwrap();
        let shown = |(name, text): &(String, Vec<u8>)| format!("{name} {}", text.len());
        members.iter().map(shown).collect::<Vec<_>>()
    };
    assert_eq!(
        names_and_sizes("archives/valid/T.BCD.A0001.ZCY18.D181120.T1000000"),
        [
            "T.BCD.A0001.ZC8Y18.D181120.T1000009 3850",
            "T.BCD.A0001.ZC9Y18.D181120.T1000010 336",
            "T.BCD.A0001.ZC0Y18.D181120.T1000011 839",
        ]
    );
    assert_eq!(
        names_and_sizes("archives/0/missing_data/T.BCD.ACO.ZC0Y18.D181120.T0001000"),
        [
            "T.A0001.ACO.ZC0Y18.D181120.T1000011 699",
            "tdir/T.A0001.ACO.ZC0Y18.D181120.T10000199 978",
        ]
    );
    assert_eq!(
        names_and_sizes("mixed/with_invalid_filenames/T.BCDE.ACO.ZC0Y18.D181120.T0001000"),
        ["T.A0001.ACO.ZC0Y18.D181120.T1000011 840"]
    );
    let corrupt = read("archives/corrupted/T.BCD.A0001.ZCY18.D181120.T1000000");
    assert!(corrupt.unwrap_err().contains("cut off"));
    let empty = read("archives/8/invalid/T.BCD.A0001.ZCY18.D181125.T1000087");
    assert!(empty.unwrap_err().contains("without a file"));
}
