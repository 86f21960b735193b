//! What a file is, by its first bytes: a format that is no text, or text and in which encoding.
//! What is found is checked against the contract, and a file that disagrees is refused with what
//! to write instead: read in the wrong encoding, every row would be wrong or, worse, look right.

use contract::Encoding;

use crate::error::Unreadable;

/// How much of a file is looked at.
pub(crate) const SNIFF_BYTES: usize = 1024;

const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";
const UTF16_LE_MARK: &[u8] = b"\xFF\xFE";
const UTF16_BE_MARK: &[u8] = b"\xFE\xFF";

/// The encoding that a file is read in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) encoding: Encoding,
    /// The length of the byte-order mark; zero where there is none.
    pub(crate) mark_bytes: usize,
}

/// The encoding of a file that starts so, where the contract asks for `expected`.
pub(crate) fn sniff(start: &[u8], expected: Encoding) -> Result<Found, Unreadable> {
    let start = &start[..start.len().min(SNIFF_BYTES)];
    refuse_other_formats(start)?;
    if start.is_empty() {
        return Ok(Found {
            encoding: expected,
            mark_bytes: 0,
        });
    }
    let (encoding, mark_bytes) = match mark_of(start) {
        Some((encoding, mark)) => (encoding, mark.len()),
        None => (without_mark(start, expected)?, 0),
    };
    use Encoding::{Auto, Utf8, Utf16, Utf16Be, Utf16Le};
    let expects_utf16 = matches!(expected, Utf16 | Utf16Le | Utf16Be);
    let agrees = match encoding {
        Utf16Le | Utf16Be => [encoding, Utf16, Auto].contains(&expected),
        // The mark is written in UTF-8 only: it is surer than a contract of single bytes.
        Utf8 => !expects_utf16,
        _ => true,
    };
    if agrees {
        return Ok(Found {
            encoding,
            mark_bytes,
        });
    }
    Err(Unreadable::Encoding {
        found: name_of(encoding),
        expected: key_of(expected),
        write: key_of(encoding),
    })
}

fn mark_of(start: &[u8]) -> Option<(Encoding, &'static [u8])> {
    [
        (Encoding::Utf8, UTF8_MARK),
        (Encoding::Utf16Le, UTF16_LE_MARK),
        (Encoding::Utf16Be, UTF16_BE_MARK),
    ]
    .into_iter()
    .find(|(_, mark)| start.starts_with(mark))
}

/// In UTF-16, every character of ASCII has a zero byte, and delimiters and line ends are ASCII.
fn without_mark(start: &[u8], expected: Encoding) -> Result<Encoding, Unreadable> {
    let zeros_at = |parity: usize| {
        let of_parity = start.iter().skip(parity).step_by(2);
        of_parity.filter(|&&byte| byte == 0).count()
    };
    let (even, odd) = (zeros_at(0), zeros_at(1));
    let order = if even > odd {
        Encoding::Utf16Be
    } else {
        Encoding::Utf16Le
    };
    let many = (even + odd) * 4 > start.len();
    match expected {
        Encoding::Utf16 | Encoding::Utf16Le | Encoding::Utf16Be => Ok(match even.cmp(&odd) {
            _ if even + odd == 0 && start.is_ascii() => Encoding::Utf8,
            std::cmp::Ordering::Equal if expected != Encoding::Utf16 => expected,
            _ => order,
        }),
        _ if !many => Ok(expected),
        // A file of text has its zeros on one side.
        _ if even.min(odd) * 8 <= even.max(odd) => Ok(order),
        _ => Err(Unreadable::NotText {
            what: "binary data",
            remedy: "save it as text",
        }),
    }
}

fn name_of(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Utf8 => "UTF-8",
        Encoding::Latin1 => "ISO 8859-1",
        Encoding::Windows1252 => "Windows-1252",
        Encoding::Utf16 => "UTF-16",
        Encoding::Utf16Le => "UTF-16, little-endian",
        Encoding::Utf16Be => "UTF-16, big-endian",
        Encoding::Auto => "UTF-8 or Windows-1252",
    }
}

/// As a contract writes it.
fn key_of(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Utf8 => "utf-8",
        Encoding::Latin1 => "latin-1",
        Encoding::Windows1252 => "windows-1252",
        Encoding::Utf16 => "utf-16",
        Encoding::Utf16Le => "utf-16le",
        Encoding::Utf16Be => "utf-16be",
        Encoding::Auto => "auto",
    }
}

/// Files of other formats, by their first bytes.
fn refuse_other_formats(start: &[u8]) -> Result<(), Unreadable> {
    let utf32 = ("text in UTF-32", "save it as UTF-8");
    let formats: [(&[u8], (&str, &str)); 9] = [
        (
            b"PK\x03\x04",
            (
                "a ZIP archive or an Excel workbook",
                "unpack it, or save the sheet as text",
            ),
        ),
        (
            b"\xD0\xCF\x11\xE0",
            ("an old Excel workbook", "save the sheet as delimited text"),
        ),
        (
            b"%PDF",
            ("a PDF document", "send the data that it was made from"),
        ),
        (
            b"\x1F\x8B",
            ("compressed with gzip", "unpack it and send the file inside"),
        ),
        (
            b"\x28\xB5\x2F\xFD",
            ("compressed with zstd", "unpack it and send the file inside"),
        ),
        (
            b"7z\xBC\xAF",
            ("a 7-Zip archive", "unpack it and send the files inside"),
        ),
        (b"PAR1", ("a Parquet file", "send it as delimited text")),
        (b"\xFF\xFE\0\0", utf32),
        (b"\0\0\xFE\xFF", utf32),
    ];
    let found = formats.iter().find(|(magic, _)| start.starts_with(magic));
    match found {
        Some((_, (what, remedy))) => Err(Unreadable::NotText { what, remedy }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Encoding::{Auto, Latin1, Utf8, Utf16, Utf16Be, Utf16Le, Windows1252};

    fn check(start: &[u8], expected: Encoding, expect: Option<(Encoding, usize)>) {
        let found = sniff(start, expected).ok();
        let found = found.map(|found| (found.encoding, found.mark_bytes));
        assert_eq!(found, expect, "{start:?} as {expected:?}");
    }

    #[test]
    fn marks_are_checked_against_the_contract() {
        let (utf8, little, big) = (b"\xEF\xBB\xBFa", b"\xFF\xFEa\0", b"\xFE\xFF\0a");
        for expected in [Utf8, Latin1, Windows1252, Auto] {
            check(utf8, expected, Some((Utf8, 3)));
        }
        for expected in [Utf16, Utf16Le, Utf16Be] {
            check(utf8, expected, None);
        }
        for expected in [Utf16, Utf16Le, Auto] {
            check(little, expected, Some((Utf16Le, 2)));
        }
        for expected in [Utf8, Latin1, Windows1252, Utf16Be] {
            check(little, expected, None);
        }
        check(big, Utf16, Some((Utf16Be, 2)));
        check(big, Utf16Le, None);
        check(b"\xFF\xFE\0\0a\0\0\0", Utf16, None);
    }

    #[test]
    fn without_a_mark_zero_bytes_tell() {
        let (little, big) = (b"a\0,\0b\0\n\0", b"\0a\0,\0b\0\n");
        for expected in [Utf16, Utf16Le, Auto] {
            check(little, expected, Some((Utf16Le, 0)));
        }
        for expected in [Utf8, Latin1, Windows1252, Utf16Be] {
            check(little, expected, None);
        }
        for expected in [Utf16, Utf16Be, Auto] {
            check(big, expected, Some((Utf16Be, 0)));
        }
        for expected in [Utf8, Latin1, Windows1252, Auto] {
            check(b"a,b\n", expected, Some((expected, 0)));
            check(b"\0\0\0\0\0\0", expected, None);
        }
        for expected in [Utf16, Utf16Le, Utf16Be] {
            check(b"a,b\n", expected, None);
        }
        // Characters without a zero byte.
        check("漢字".as_bytes(), Utf16Be, Some((Utf16Be, 0)));
        check(b"", Utf16, Some((Utf16, 0)));
    }

    #[test]
    fn the_message_says_what_to_write() {
        let error = sniff(b"\xFF\xFEa\0", Utf8).unwrap_err().to_string();
        let expect = ["UTF-16, little-endian", "`utf-8`", "`encoding: utf-16le`"];
        assert!(expect.iter().all(|part| error.contains(part)), "{error}");
    }
}
