//! The `file` section: how bytes become records and fields.

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::control::{self, RawControl};
use super::raw::{RawColumn, Text};
use crate::document::Review;
use crate::{Delimited, Encoding, FileFormat, FixedWidth, Header, Shape};

#[derive(Default, Deserialize)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "the keys of a file's format"
)]
pub(super) struct RawFile {
    format: RawFormat,
    delimiter: Option<Text>,
    record_separator: Option<Text>,
    quote: Option<Text>,
    escape: Option<Text>,
    encoding: Option<Encoding>,
    header: Option<Spanned<bool>>,
    #[serde(rename = "match")]
    match_by: Option<Spanned<RawMatch>>,
    trailing_delimiter: Option<Spanned<bool>>,
    record_length: Option<Spanned<usize>>,
    skip_lines: usize,
    skip_footer_lines: usize,
    comment: Option<Text>,
    control: Option<RawControl>,
    pub(super) nulls: Vec<String>,
    pub(super) trim: Option<bool>,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawFormat {
    #[default]
    Delimited,
    FixedWidth,
    JsonLines,
    JsonArray,
}

impl RawFormat {
    fn word(self) -> &'static str {
        match self {
            Self::Delimited => "delimited",
            Self::FixedWidth => "fixed_width",
            Self::JsonLines => "json_lines",
            Self::JsonArray => "json_array",
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawMatch {
    Name,
    Position,
}

pub(super) fn check(raw: &RawFile, columns: &[RawColumn], review: &mut Review<'_>) -> FileFormat {
    refuse_misplaced(raw, review);
    check_places(raw, columns, review);
    let shape = match raw.format {
        RawFormat::Delimited => Shape::Delimited(delimited(raw, review)),
        RawFormat::FixedWidth => Shape::FixedWidth(FixedWidth {
            record_length: raw.record_length.as_ref().map(|length| length.value),
        }),
        RawFormat::JsonLines => Shape::JsonLines,
        RawFormat::JsonArray => Shape::JsonArray,
    };
    if let Some(comment) = &raw.comment {
        check_text(comment, "comment", "`\"#\"`", review);
    }
    FileFormat {
        encoding: raw.encoding.unwrap_or_default(),
        skip_lines: raw.skip_lines,
        skip_footer_lines: raw.skip_footer_lines,
        comment: raw.comment.as_ref().map(|comment| comment.value.clone()),
        control: (raw.control.as_ref()).map(|given| control::check(given, &shape, columns, review)),
        shape,
    }
}

/// Keys that mean nothing in this format.
fn refuse_misplaced(raw: &RawFile, review: &mut Review<'_>) {
    let mut refuse = |key: &str, owner: RawFormat, at: Option<&Spanned<()>>| {
        if let Some(at) = at
            && owner != raw.format
        {
            let message = format!("`{key}` does not go with format {}", raw.format.word());
            let help = format!("remove `{key}`, or write `format: {}`", owner.word());
            let expected = format!("expected in a {} file", owner.word());
            review.refuse(at, message, expected, help);
        }
    };
    let text = |given: &Option<Text>| given.as_ref().map(place_of);
    let flag = |given: &Option<Spanned<bool>>| given.as_ref().map(place_of);
    use RawFormat::{Delimited, FixedWidth};
    refuse("delimiter", Delimited, text(&raw.delimiter).as_ref());
    refuse(
        "record_separator",
        Delimited,
        text(&raw.record_separator).as_ref(),
    );
    refuse("quote", Delimited, text(&raw.quote).as_ref());
    refuse("escape", Delimited, text(&raw.escape).as_ref());
    refuse("header", Delimited, flag(&raw.header).as_ref());
    refuse(
        "match",
        Delimited,
        raw.match_by.as_ref().map(place_of).as_ref(),
    );
    refuse(
        "trailing_delimiter",
        Delimited,
        flag(&raw.trailing_delimiter).as_ref(),
    );
    refuse(
        "record_length",
        FixedWidth,
        raw.record_length.as_ref().map(place_of).as_ref(),
    );
}

fn place_of<T>(given: &Spanned<T>) -> Spanned<()> {
    Spanned {
        value: (),
        referenced: given.referenced,
        defined: given.defined,
    }
}

/// Columns of a fixed-width file have places, and no others have.
fn check_places(raw: &RawFile, columns: &[RawColumn], review: &mut Review<'_>) {
    let fixed = raw.format == RawFormat::FixedWidth;
    for column in columns {
        match &column.place {
            None if fixed => {
                let help = "write `place: { start: 1, length: 10 }`, in characters from 1";
                let message = format!("the column `{}` has no place", column.name.value);
                review.refuse(&column.name, message, "expected `place`", help);
            }
            Some(place) if !fixed => {
                let help = "remove `place`, or write `format: fixed_width` in `file`";
                let message = format!("`place` does not go with format {}", raw.format.word());
                review.refuse(place, message, "expected in a fixed_width file", help);
            }
            Some(place) if place.value.start == 0 || place.value.length == 0 => {
                let help = "positions count from 1, and a field has at least one character";
                review.refuse(place, "there is no such place", "expected 1 or more", help);
            }
            Some(place) => {
                let end = place.value.start - 1 + place.value.length;
                let record_length = raw.record_length.as_ref().map(|length| length.value);
                if record_length.is_some_and(|length| end > length) {
                    let message = format!("the field ends at {end}, after the record");
                    let help = "correct the place, or `record_length` in `file`";
                    review.refuse(place, message, "expected within the record", help);
                }
            }
            None => {}
        }
    }
}

fn delimited(raw: &RawFile, review: &mut Review<'_>) -> Delimited {
    let defaults = Delimited::default();
    let delimiter = match &raw.delimiter {
        Some(given) => {
            let example = "`\",\"`, `\"|\"`, `\"\\t\"` or `\"|^^|\"`";
            check_text(given, "delimiter", example, review);
            given.value.clone()
        }
        None => defaults.delimiter,
    };
    let quote = match &raw.quote {
        Some(given) if given.value == "none" => None,
        Some(given) => check_byte(
            given,
            "quote",
            "`'\"'`, or `none` where quotes are ordinary",
            review,
        ),
        None => defaults.quote,
    };
    let escape = (raw.escape.as_ref())
        .and_then(|given| check_byte(given, "escape", "`'\\'`", review))
        .filter(|escape| Some(*escape) != quote);
    if quote.is_some_and(|quote| delimiter.as_bytes().contains(&quote))
        && let Some(given) = raw.delimiter.as_ref().or(raw.quote.as_ref())
    {
        let help = "give one of them another character, or write `quote: none`";
        let message = "delimiter and quote are the same";
        review.refuse(given, message, "expected two", help);
    }
    if let Some(given) = &raw.record_separator
        && (given.value.is_empty() || given.value.contains('\0') || given.value == delimiter)
    {
        let help = "write for example `\"|~~|\"`; leave it out for ordinary lines";
        let message = "the record separator cannot be used";
        let expected = "expected text other than the delimiter";
        review.refuse(given, message, expected, help);
    }
    Delimited {
        delimiter,
        record_separator: (raw.record_separator.as_ref())
            .map(|given| given.value.clone())
            .filter(|separator| separator != "\n" && separator != "\r\n"),
        quote,
        escape,
        header: check_header(raw, review),
        trailing_delimiter: raw
            .trailing_delimiter
            .as_ref()
            .is_some_and(|flag| flag.value),
    }
}

fn check_header(raw: &RawFile, review: &mut Review<'_>) -> Header {
    let has_header = raw.header.as_ref().is_none_or(|flag| flag.value);
    match &raw.match_by {
        None if has_header => Header::ByName,
        None => Header::Absent,
        Some(Spanned {
            value: RawMatch::Position,
            ..
        }) if has_header => Header::ByPosition,
        Some(Spanned {
            value: RawMatch::Position,
            ..
        }) => Header::Absent,
        Some(Spanned {
            value: RawMatch::Name,
            ..
        }) if has_header => Header::ByName,
        Some(given) => {
            let help = "remove `header: false`, or write `match: position`";
            let message = "a file without a header has no names";
            review.refuse(given, message, "expected `match: position`", help);
            Header::Absent
        }
    }
}

/// At least one character, and none that ends a line.
fn check_text(given: &Text, key: &str, example: &str, review: &mut Review<'_>) {
    if given.value.is_empty() || given.value.contains(['\n', '\r', '\0']) {
        let message = format!("the {key} cannot be used");
        let help = format!("write for example {example}");
        let expected = "expected one character or more, no line end";
        review.refuse(given, message, expected, help);
    }
}

fn check_byte(given: &Text, key: &str, example: &str, review: &mut Review<'_>) -> Option<u8> {
    let byte = match *given.value.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r' | 0) => Some(byte),
        _ => None,
    };
    if byte.is_none() {
        let message = format!("the {key} is not one ASCII character");
        let help = format!("write for example {example}");
        review.refuse(given, message, "expected one character, no line end", help);
    }
    byte
}
