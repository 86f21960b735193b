//! How a record becomes fields, for each kind of file. Works on any thread, a tile at a time.

use std::sync::Arc;

use contract::{Characters, Encoding, FieldPlace, FileFormat, Shape};

use crate::block::Span;
use crate::encoding::decoded;
use crate::fixed_width::Places;
use crate::json::{Members, RecordReader};
use crate::plan::Dialect;
use crate::separators::Separators;
use crate::tile::{Misshapen, Tile};

/// Fills tiles with the fields of records.
#[derive(Debug, Clone)]
pub(crate) enum FieldReader {
    /// Fields are slices of the block between delimiters of one byte.
    Plain(Dialect, Arc<Separators>),
    /// Fields between any separators, laid out without quotes and escapes.
    Separated(Arc<Separators>),
    /// Fields at fixed places, laid out in the order of the columns.
    Places(Arc<Places>),
    /// Fields are members of JSON objects, laid out in the order of the columns.
    Json(Arc<Members>),
}

impl FieldReader {
    /// `places`: of the contract's columns. `encoding`: that of the text, which is UTF-8 where
    /// the file is UTF-16.
    pub(crate) fn of(
        format: &FileFormat,
        places: impl Iterator<Item = Option<Characters>>,
        encoding: Encoding,
    ) -> Self {
        match &format.shape {
            Shape::Delimited(delimited) => {
                let separators = Arc::new(Separators::of(delimited, encoding));
                match Dialect::of(delimited) {
                    Some(dialect) if !delimited.trailing_delimiter => {
                        Self::Plain(dialect, separators)
                    }
                    _ => Self::Separated(separators),
                }
            }
            Shape::FixedWidth(fixed) => {
                Self::Places(Arc::new(Places::of(*fixed, places, encoding)))
            }
            Shape::JsonLines | Shape::JsonArray => {
                unreachable!("JSON is read by the members that its plan knows")
            }
        }
    }

    /// Fills `tile` with the records at `spans`, of which the first is record `first_record` of
    /// the block and each has `width` fields. `misshapen` is told of those that get no row.
    pub(crate) fn fill(
        &self,
        tile: &mut Tile,
        bytes: &[u8],
        (spans, first_record): (&[Span], u32),
        width: usize,
        mut misshapen: impl FnMut(u32, Misshapen),
    ) {
        let mut lay_out = |lay_out: &mut dyn FnMut(&[u8], &mut Tile) -> Result<(), Misshapen>| {
            tile.begin();
            for (span, record) in spans.iter().zip(first_record..) {
                let bytes = &bytes[span.start as usize..span.end as usize];
                match lay_out(bytes, tile) {
                    Ok(()) => tile.end_row(record),
                    Err(how) => {
                        tile.drop_row();
                        misshapen(record, how);
                    }
                }
            }
        };
        match self {
            Self::Plain(dialect, _) => tile.fill(
                bytes,
                spans,
                first_record,
                (dialect.delimiter, dialect.quote),
                width,
                misshapen,
            ),
            Self::Separated(separators) => {
                let mut scratch = Vec::new();
                lay_out(&mut |record, tile| {
                    let push = |field: &[u8]| tile.push_field(field);
                    match separators.split(record, width, &mut scratch, push)? {
                        fields if fields == width => Ok(()),
                        _ => Err(Misshapen::FieldCount),
                    }
                });
            }
            Self::Places(places) => {
                let mut scratch = Vec::new();
                lay_out(&mut |record, tile| places.lay_out(record, &mut scratch, tile));
            }
            Self::Json(members) => {
                let mut reader = RecordReader::new(members);
                lay_out(&mut |record, tile| {
                    reader.read(record).map_err(Misshapen::Json)?;
                    for column in 0..width {
                        tile.push_field(reader.field(record, column));
                    }
                    Ok(())
                });
                tile.unknown_members.extend(reader.unknown());
            }
        }
    }

    /// The quote that a field of a filled tile may still have around it.
    pub(crate) fn quote(&self) -> Option<u8> {
        match self {
            Self::Plain(dialect, _) => dialect.quote,
            Self::Separated(_) | Self::Places(_) | Self::Json(_) => None,
        }
    }

    /// Whether the fields of a filled tile lie between ASCII characters.
    pub(crate) fn cuts_at_ascii(&self) -> bool {
        match self {
            Self::Plain(dialect, _) => {
                dialect.delimiter.is_ascii() && dialect.quote.is_none_or(|quote| quote.is_ascii())
            }
            Self::Separated(_) | Self::Places(_) | Self::Json(_) => true,
        }
    }

    /// How a quoted field has to be written.
    pub(crate) fn expected_quoting(&self) -> &'static str {
        match self {
            Self::Separated(separators) if separators.has_escape() => {
                "a closing quote before the delimiter, with quotes in the text escaped"
            }
            _ => "a closing quote before the delimiter, with quotes in the text doubled",
        }
    }

    /// How many characters a record has, where that is fixed.
    pub(crate) fn record_length(&self) -> Option<usize> {
        match self {
            Self::Plain(..) | Self::Separated(_) | Self::Json(_) => None,
            Self::Places(places) => Some(places.record_length()),
        }
    }

    /// The fields of a single delimited record, as text; nothing where they cannot be told apart.
    pub(crate) fn texts(&self, record: &[u8], encoding: Encoding) -> Option<Vec<String>> {
        let (Self::Plain(_, separators) | Self::Separated(separators)) = self else {
            return None;
        };
        let mut texts = Vec::new();
        let take = |field: &[u8]| texts.push(decoded(field, encoding));
        separators
            .split(record, usize::MAX, &mut Vec::new(), take)
            .ok()?;
        Some(texts)
    }

    /// The text at a place of a single record, trimmed; nothing where there is none.
    pub(crate) fn text_at(
        &self,
        record: &[u8],
        place: FieldPlace,
        encoding: Encoding,
    ) -> Option<String> {
        let text = match (self, place) {
            (Self::Places(places), FieldPlace::Characters(place)) => {
                decoded(places.text(record, place), encoding)
            }
            (_, FieldPlace::Field(field)) => {
                let texts = self.texts(record, encoding)?;
                texts.into_iter().nth(field.checked_sub(1)?)?
            }
            (_, FieldPlace::Characters(_)) => return None,
        };
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}
