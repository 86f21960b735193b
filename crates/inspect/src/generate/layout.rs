//! How a record is written in the contract's own format, and what a cell of it can carry.

use contract::{Characters, Contract, Delimited, Encoding, Header, Shape};

use super::error::TwinError;
use super::json::Tree;

#[derive(Debug)]
pub(super) enum Layout {
    Delimited {
        format: Delimited,
        columns: usize,
        encoding: Encoding,
    },
    Fixed {
        places: Vec<Characters>,
        trimmed: Vec<bool>,
        /// In characters, of all places or as the contract says.
        length: usize,
        encoding: Encoding,
    },
    Json(Tree),
}

/// What a cell holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    Text(String),
    /// Bytes as they are to stand in the file: no text, or no well-formed field.
    Raw(Vec<u8>),
}

impl Layout {
    pub(super) fn of(contract: &Contract) -> Result<Self, TwinError> {
        let encoding = contract.format.encoding;
        match &contract.format.shape {
            Shape::Delimited(format) => Ok(Self::Delimited {
                format: format.clone(),
                columns: contract.columns.len(),
                encoding,
            }),
            Shape::FixedWidth(format) => {
                let places: Vec<Characters> =
                    contract.columns.iter().filter_map(|c| c.place).collect();
                refuse_overlaps(contract, &places)?;
                let last = places.iter().map(|place| place.start + place.length - 1);
                Ok(Self::Fixed {
                    length: format.record_length.or(last.max()).unwrap_or(0),
                    trimmed: contract.columns.iter().map(|column| column.trim).collect(),
                    places,
                    encoding,
                })
            }
            Shape::JsonLines | Shape::JsonArray => Ok(Self::Json(Tree::of(&contract.columns)?)),
        }
    }

    /// How many characters there are for a column, where its place sets them.
    pub(super) fn place(&self, column: usize) -> Option<usize> {
        match self {
            Self::Fixed { places, .. } => places.get(column).map(|place| place.length),
            _ => None,
        }
    }

    /// Whether a cell of the file can carry the text and give it back.
    pub(super) fn fits(&self, column: usize, text: &str) -> bool {
        match self {
            Self::Delimited {
                format,
                columns,
                encoding,
            } => {
                let unquoted_ok = format.quote.is_some() || !needs_quotes(format, text);
                // Of a line with nothing in it no row is made.
                let a_line = *columns > 1 || format.quote.is_some() || !text.is_empty();
                unquoted_ok && a_line && encodable(*encoding, text)
            }
            Self::Fixed {
                places,
                trimmed,
                encoding,
                ..
            } => {
                let length = text.chars().count();
                let line_end = text.contains(['\r', '\n']);
                let place = places[column].length;
                let fills = length == place || (trimmed[column] && length < place);
                fills && !line_end && encodable(*encoding, text)
            }
            Self::Json(_) => true,
        }
    }

    /// Whether the cell stands in quotes.
    pub(super) fn quotes(&self, cell: &Cell) -> bool {
        match (self, cell) {
            (Self::Delimited { format, .. }, Cell::Text(text)) => needs_quotes(format, text),
            _ => false,
        }
    }

    /// A record, in UTF-8 but for what is raw.
    pub(super) fn record(&self, cells: &[Cell], empty_is_left_out: bool, out: &mut Vec<u8>) {
        match self {
            Self::Delimited { format, .. } => {
                for (at, cell) in cells.iter().enumerate() {
                    if at > 0 {
                        out.extend_from_slice(format.delimiter.as_bytes());
                    }
                    match cell {
                        Cell::Raw(bytes) => out.extend_from_slice(bytes),
                        Cell::Text(text) => {
                            let quoted =
                                needs_quotes(format, text) || (cells.len() == 1 && text.is_empty());
                            field(format, text, quoted, out);
                        }
                    }
                }
                if format.trailing_delimiter {
                    out.extend_from_slice(format.delimiter.as_bytes());
                }
            }
            Self::Fixed { places, length, .. } => fixed(places, *length, cells, out),
            Self::Json(tree) => tree.write(cells, empty_is_left_out, out),
        }
    }

    /// The names of the columns, where the file has them.
    pub(super) fn header(&self, contract: &Contract, out: &mut Vec<u8>) -> bool {
        let Self::Delimited { format, .. } = self else {
            return false;
        };
        if format.header == Header::Absent {
            return false;
        }
        for (at, column) in contract.columns.iter().enumerate() {
            if at > 0 {
                out.extend_from_slice(format.delimiter.as_bytes());
            }
            let quoted = needs_quotes(format, &column.header);
            field(format, &column.header, quoted, out);
        }
        if format.trailing_delimiter {
            out.extend_from_slice(format.delimiter.as_bytes());
        }
        true
    }
}

fn refuse_overlaps(contract: &Contract, places: &[Characters]) -> Result<(), TwinError> {
    let mut sorted: Vec<_> = places.iter().zip(&contract.columns).collect();
    sorted.sort_by_key(|(place, _)| place.start);
    for pair in sorted.windows(2) {
        let ((one, first), (other, second)) = (pair[0], pair[1]);
        if one.start + one.length > other.start {
            return Err(TwinError::Layout {
                reason: format!(
                    "the places of `{}` and `{}` overlap, so that one value decides the other",
                    first.name, second.name
                ),
            });
        }
    }
    Ok(())
}

/// Whether the text would be something else without quotes.
fn needs_quotes(format: &Delimited, text: &str) -> bool {
    let first = |separator: &str| separator.chars().next();
    let structural = |character: char| {
        matches!(character, '\r' | '\n')
            || Some(character) == first(&format.delimiter)
            || Some(character) == format.record_separator.as_deref().and_then(first)
            || [format.quote, format.escape].contains(&u8::try_from(character).ok())
                && character.is_ascii()
    };
    // `|` and `~` between two `|` make `|~|`.
    let amid = || format!("{0}{text}{0}", format.delimiter);
    let separator = format.record_separator.as_ref();
    text.contains(structural)
        || separator.is_some_and(|separator| amid().contains(separator))
        || (format.quote.is_some() && text.starts_with(' ') | text.ends_with(' '))
}

fn field(format: &Delimited, text: &str, quoted: bool, out: &mut Vec<u8>) {
    let Some(quote) = format.quote.filter(|_| quoted) else {
        out.extend_from_slice(text.as_bytes());
        return;
    };
    out.push(quote);
    for &byte in text.as_bytes() {
        if byte == quote || Some(byte) == format.escape {
            out.push(format.escape.unwrap_or(quote));
        }
        out.push(byte);
    }
    out.push(quote);
}

fn fixed(places: &[Characters], length: usize, cells: &[Cell], out: &mut Vec<u8>) {
    // Every character of the record by itself: a raw byte is one, too.
    let mut characters: Vec<Vec<u8>> = vec![vec![b' ']; length];
    for (place, cell) in places.iter().zip(cells) {
        let at = place.start - 1;
        match cell {
            Cell::Text(text) => {
                for (offset, character) in text.chars().take(place.length).enumerate() {
                    characters[at + offset] = character.to_string().into_bytes();
                }
            }
            Cell::Raw(bytes) => {
                for (offset, byte) in bytes.iter().take(place.length).enumerate() {
                    characters[at + offset] = vec![*byte];
                }
            }
        }
    }
    out.extend(characters.into_iter().flatten());
}

fn encodable(encoding: Encoding, text: &str) -> bool {
    match encoding {
        _ if text.is_ascii() => true,
        Encoding::Latin1 => text.chars().all(|character| u32::from(character) < 256),
        Encoding::Windows1252 => !encoding_rs::WINDOWS_1252.encode(text).2,
        _ => true,
    }
}

/// The record as the file's encoding has it. What is no text stays as it is.
pub(super) fn encode(encoding: Encoding, record: &[u8], out: &mut Vec<u8>) {
    let Ok(text) = str::from_utf8(record) else {
        out.extend_from_slice(record);
        return;
    };
    match encoding {
        Encoding::Utf8 | Encoding::Auto => out.extend_from_slice(record),
        Encoding::Latin1 => out.extend(text.chars().map(|one| u32::from(one) as u8)),
        Encoding::Windows1252 => {
            out.extend_from_slice(&encoding_rs::WINDOWS_1252.encode(text).0);
        }
        Encoding::Utf16 | Encoding::Utf16Le => {
            out.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        }
        Encoding::Utf16Be => out.extend(text.encode_utf16().flat_map(u16::to_be_bytes)),
    }
}
