//! How a file is written, guessed from its first bytes.

use std::borrow::Cow;

use contract::{Delimited, Encoding, FileFormat, FixedWidth, Header, Shape};

use super::places::Places;
use super::{members, places};
use crate::error::Unreadable;
use crate::sniff::sniff;

/// How much is looked at.
const LOOKED_AT_BYTES: usize = 256 << 10;
const DELIMITERS: [&str; 9] = ["|^^|", "|~|", ",", "|", "\t", ";", "^", "~", "\u{1}"];

/// A format, and where its columns are if they have fixed places.
#[derive(Debug)]
pub(super) struct Dialect {
    pub(super) format: FileFormat,
    pub(super) places: Option<Places>,
}

/// Of the beginning of a file. `is_cut`: it goes on.
pub(super) fn of(bytes: &[u8], is_cut: bool) -> Result<Dialect, Unreadable> {
    let found = sniff(bytes, Encoding::Auto)?;
    let looked_at = &bytes[found.mark_bytes..bytes.len().min(LOOKED_AT_BYTES)];
    let encoding = match (found.encoding, str::from_utf8(looked_at)) {
        (Encoding::Utf16Le | Encoding::Utf16Be, _) => found.encoding,
        (_, Ok(_)) => Encoding::Utf8,
        // Only its end is cut.
        (_, Err(error)) if error.error_len().is_none() => Encoding::Utf8,
        (_, Err(_)) => Encoding::Windows1252,
    };
    let text = &text_of(looked_at, encoding);
    if text.trim().is_empty() {
        return Err(Unreadable::Empty);
    }
    let with_shape = |shape| FileFormat {
        shape,
        encoding,
        ..FileFormat::default()
    };
    let without_places = |format| Dialect {
        format,
        places: None,
    };
    if let Some(shape) = members::shape(text).filter(|_| encoding != Encoding::Windows1252) {
        return Ok(without_places(with_shape(shape)));
    }
    let separated = delimiter(text);
    if separated.is_none_or(|(_, alike)| alike != ALL_ALIKE) {
        let cut = is_cut || found.mark_bytes + looked_at.len() < bytes.len();
        if let Some(places) = places::of(text, cut) {
            return Ok(Dialect {
                format: FileFormat {
                    skip_lines: usize::from(places.names.is_some()),
                    ..with_shape(Shape::FixedWidth(FixedWidth::default()))
                },
                places: Some(places),
            });
        }
    }
    let delimiter = separated.map_or(",", |(delimiter, _)| delimiter);
    Ok(without_places(with_shape(Shape::Delimited(Delimited {
        delimiter: delimiter.to_owned(),
        header: header(text, delimiter),
        ..Delimited::default()
    }))))
}

/// In tenths of the lines.
const ALL_ALIKE: usize = 10;

fn text_of(bytes: &[u8], encoding: Encoding) -> Cow<'_, str> {
    let decoder = match encoding {
        Encoding::Utf16Le => encoding_rs::UTF_16LE,
        Encoding::Utf16Be => encoding_rs::UTF_16BE,
        Encoding::Windows1252 => encoding_rs::WINDOWS_1252,
        _ => encoding_rs::UTF_8,
    };
    decoder.decode_without_bom_handling(bytes).0
}

/// The delimiter that most lines have equally often; of several, the one with most fields. One of
/// several characters, which is never there by chance, comes before the single ones. With it, how
/// many tenths of the lines have it equally often.
fn delimiter(text: &str) -> Option<(&'static str, usize)> {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.is_empty())
        .take(200)
        .collect();
    let score = |delimiter: &&'static str| {
        let counts: Vec<usize> = lines
            .iter()
            .map(|line| fields(line, delimiter).len())
            .collect();
        let of_first = counts.first().copied().unwrap_or(1);
        let alike = counts.iter().filter(|count| **count == of_first).count();
        let long = delimiter.len() > 1 && alike == lines.len();
        // A delimiter that is not there is no delimiter, however equally it is absent.
        (of_first > 1).then_some((long, alike * 10 / lines.len(), of_first))
    };
    let best = DELIMITERS.into_iter().rev().max_by_key(score)?;
    score(&best).map(|(_, alike, _)| (best, alike))
}

/// Quoted text between delimiters is one field.
fn fields<'a>(line: &'a str, delimiter: &str) -> Vec<&'a str> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let from = match rest.strip_prefix('"') {
            Some(quoted) => quoted.find('"').map_or(rest.len(), |end| end + 2),
            None => 0,
        };
        match rest[from..].find(delimiter) {
            Some(at) => {
                fields.push(&rest[..from + at]);
                rest = &rest[from + at + delimiter.len()..];
            }
            None => {
                fields.push(rest);
                return fields;
            }
        }
    }
}

/// A header names its fields: none is empty or a number, and no name stands twice.
fn header(text: &str, delimiter: &str) -> Header {
    let first = text
        .lines()
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    let mut names: Vec<String> = fields(first, delimiter)
        .iter()
        .map(|name| name.trim().trim_matches('"').to_lowercase())
        .collect();
    let is_name = |name: &String| {
        name.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && name.chars().filter(char::is_ascii_digit).count() * 2 <= name.len()
    };
    let named = names.iter().filter(|name| is_name(name)).count();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    if names.len() == all && named * 10 >= all * 9 {
        Header::ByName
    } else {
        Header::Absent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, delimiter: &str, header: Header) {
        let format = of(text.as_bytes(), false).unwrap().format;
        let found = format.as_delimited().unwrap();
        assert_eq!(
            (found.delimiter.as_str(), found.header),
            (delimiter, header),
            "{text}"
        );
    }

    #[test]
    fn dialects() {
        check("id,name\n1,a\n", ",", Header::ByName);
        check("id|name, first\n1|a, b\n2|c\n", "|", Header::ByName);
        check("id\tname\n1\ta\n", "\t", Header::ByName);
        check("id|^^|name\n1|^^|a\n", "|^^|", Header::ByName);
        check("id;paid\n1;2,5\n2;3,5\n", ";", Header::ByName);
        check("1,\"a,b,c\",3\n2,\"d\",4\n", ",", Header::Absent);
        check("id\n1\n2\n", ",", Header::ByName);
        check("id,id\n1,2\n", ",", Header::Absent);
    }

    #[test]
    fn encodings() {
        let of_bytes = |bytes: &[u8]| of(bytes, false).map(|found| found.format.encoding);
        assert_eq!(of_bytes("id,é\n".as_bytes()).unwrap(), Encoding::Utf8);
        assert_eq!(of_bytes(b"id,\xE9\n1,2\n").unwrap(), Encoding::Windows1252);
        assert_eq!(of_bytes(b"  \n").unwrap_err(), Unreadable::Empty);
        assert!(of_bytes(b"PK\x03\x04").is_err());
    }
}
