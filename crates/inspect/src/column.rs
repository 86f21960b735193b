//! One tight loop per column and tile: read the cell, type it, check it, keep it. What is broken
//! is told to `report`, which is cold; no cell allocates.

use contract::{Encoding, Length};

use crate::cell::{Cell, CellReader, Decoding};
use crate::check::Allowed;
use crate::fields::FieldReader;
use crate::fixed_date::FixedDates;
use crate::keep::{Keep, KeepText, KeepTyped, Kept, LengthOnly};
use crate::number::{
    parse_decimal, parse_implied_decimal, parse_integer, short_decimal, short_implied_decimal,
    short_integer,
};
use crate::plan::{ColumnPlan, Kind};
use crate::reason::{Broken, CellRule};
use crate::tile::{Tile, TileRow};
use crate::time_format::TimeFormat;
use crate::values::{ColumnValues, TextRows, Values};
use crate::word::ShortText;

/// The tile that a column is read from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'t> {
    pub(crate) bytes: &'t [u8],
    pub(crate) tile: &'t Tile,
    /// The quote, where the tile has any, and whether it has doubled ones.
    pub(crate) quote: Option<(u8, bool)>,
    pub(crate) decoding: Decoding,
}

impl<'t> Source<'t> {
    pub(crate) fn new(
        bytes: &'t [u8],
        tile: &'t Tile,
        reader: &FieldReader,
        encoding: Encoding,
    ) -> Self {
        let quote = reader.quote().filter(|_| tile.quoted);
        Self {
            bytes,
            tile,
            quote: quote.map(|quote| (quote, tile.doubled)),
            decoding: Decoding::of(tile.extent(bytes), encoding, reader.cuts_at_ascii()),
        }
    }
}

/// What is read in place of an empty number.
const ZERO: ShortText = ShortText {
    low: b'0' as u64,
    high: 0,
    length: 1,
};

/// Types one column of a tile into `out`. `field`: its place in the record, if the file has it.
pub(crate) fn type_column(
    column: &ColumnPlan,
    source: Source<'_>,
    field: Option<usize>,
    out: &mut ColumnValues,
    scratch: &mut Vec<u8>,
    report: &mut impl FnMut(u32, Broken),
) {
    let count = source.tile.rows.len();
    let Some(field) = field else {
        out.push_nulls(count);
        return;
    };
    let mut cells = Cells {
        source,
        field,
        reader: CellReader::new(column, source.quote, source.decoding),
        missing: Broken::when(column.required, CellRule::Required),
        valid: more(&mut out.valid, count),
        scratch,
    };
    match (&column.kind, &mut out.values) {
        (Kind::Text, Values::Text(values)) => {
            let rows = values.rows(count);
            type_text(column, cells, rows, report);
        }
        (Kind::Integer { allowed }, Values::Integer(values)) => {
            let short = Some((short_integer, ZERO));
            let values = more(values, count);
            cells.each(report, typed(column, values, allowed, parse_integer, short));
        }
        (
            &Kind::Decimal {
                precision,
                scale,
                implied,
                ref allowed,
            },
            Values::Decimal(values),
        ) => {
            let written = (precision, scale, implied);
            type_decimals(column, written, allowed, cells, more(values, count), report);
        }
        (
            Kind::Date {
                formats,
                fixed,
                allowed,
            },
            Values::Date(values),
        ) => {
            let formats = (&formats[..], fixed.as_ref());
            type_dates(column, formats, allowed, cells, more(values, count), report);
        }
        (
            Kind::Timestamp {
                formats,
                reading,
                allowed,
            },
            Values::Timestamp(values),
        ) => {
            let parse = |text: &[u8]| {
                let mut formats = formats.iter();
                formats.find_map(|format| reading.timestamp(format, text))
            };
            let values = more(values, count);
            cells.each(
                report,
                typed(column, values, allowed, parse, ShortReader::None),
            );
        }
        (Kind::Boolean { truthy, falsy }, Values::Boolean(values)) => {
            let values = more(values, count);
            type_booleans(column, (truthy, falsy), cells, values, report);
        }
        _ => unreachable!("a column's values are made from its kind"),
    }
}

/// The same for a column of decimals, of that precision and scale and with its point or not.
fn type_decimals(
    column: &ColumnPlan,
    (precision, scale, implied): (u8, u8, bool),
    allowed: &Allowed<i128>,
    mut cells: Cells<'_>,
    values: &mut [i128],
    report: &mut impl FnMut(u32, Broken),
) {
    if implied {
        let parse = |text: &[u8]| parse_implied_decimal(text, precision);
        let short = Some((|text| short_implied_decimal(text, precision), ZERO));
        cells.each(report, typed(column, values, allowed, parse, short));
    } else {
        let parse = |text: &[u8]| parse_decimal(text, precision, scale);
        let short = Some((|text| short_decimal(text, precision, scale), ZERO));
        cells.each(report, typed(column, values, allowed, parse, short));
    }
}

/// The same for a column of days.
fn type_dates(
    column: &ColumnPlan,
    (formats, fixed): (&[TimeFormat], Option<&FixedDates>),
    allowed: &Allowed<i32>,
    mut cells: Cells<'_>,
    values: &mut [i32],
    report: &mut impl FnMut(u32, Broken),
) {
    let parse = |text: &[u8]| formats.iter().find_map(|format| format.parse_date(text));
    let short = fixed.map(|dates| (|text| dates.parse(text), dates.day_zero()));
    cells.each(report, typed(column, values, allowed, parse, short));
}

/// The same for a column of truth values.
fn type_booleans(
    column: &ColumnPlan,
    (truthy, falsy): (&[String], &[String]),
    mut cells: Cells<'_>,
    values: &mut [bool],
    report: &mut impl FnMut(u32, Broken),
) {
    let parse = |text: &[u8]| parse_boolean(truthy, falsy, text);
    let any = Allowed::between(false, true);
    // The first spelling of each is all that most files have.
    let first = |spellings: &[String]| ShortText::of(spellings.first()?.as_bytes());
    let differ = falsy.first().map(|no| parse(no.as_bytes())) == Some(Some(false));
    let spellings = first(truthy).zip(first(falsy)).filter(|_| differ);
    let short = spellings.map(|(yes, no)| {
        let read = move |text: ShortText| ((text == yes) | (text == no)).then_some(text == yes);
        (read, no)
    });
    cells.each(report, typed(column, values, &any, parse, short));
}

/// The same for a column of text.
fn type_text(
    column: &ColumnPlan,
    mut cells: Cells<'_>,
    rows: TextRows<'_>,
    report: &mut impl FnMut(u32, Broken),
) {
    const ANY: Length = Length {
        min: 0,
        max: usize::MAX,
    };
    let checks = &column.checks;
    match (checks.length, &checks.pattern, &checks.domain) {
        (length, None, None) => {
            let length = LengthOnly(length.unwrap_or(ANY));
            cells.each(report, KeepText::of(column, rows, length));
        }
        (None, Some(pattern), None) => cells.each(report, KeepText::of(column, rows, pattern)),
        (None, None, Some(domain)) => cells.each(report, KeepText::of(column, rows, domain)),
        _ => cells.each(report, KeepText::of(column, rows, checks)),
    }
}

/// Reads short texts of a type that has no other way for them.
type ShortReader<T> = Option<(fn(ShortText) -> Option<T>, ShortText)>;

/// So many placeholders behind what is there.
fn more<T: Copy + Default>(values: &mut Vec<T>, count: usize) -> &mut [T] {
    let before = values.len();
    values.resize(before + count, T::default());
    &mut values[before..]
}

fn typed<'c, T, P, S>(
    column: &'c ColumnPlan,
    values: &'c mut [T],
    allowed: &'c Allowed<T>,
    parse: P,
    short: Option<(S, ShortText)>,
) -> KeepTyped<'c, T, P, S> {
    KeepTyped {
        values,
        checks: &column.checks,
        allowed,
        required: column.required,
        parse,
        short,
    }
}

struct Cells<'c> {
    source: Source<'c>,
    field: usize,
    reader: CellReader<'c>,
    missing: Broken,
    /// One for each row, to be told whether the cell has a value.
    valid: &'c mut [bool],
    scratch: &'c mut Vec<u8>,
}

impl Cells<'_> {
    /// `keep` gets every cell's text in order, or nothing where there is none.
    #[inline(always)]
    fn each(&mut self, report: &mut impl FnMut(u32, Broken), mut keep: impl Keep) {
        let (source, field, reader) = (self.source, self.field, self.reader);
        let (rows, bytes) = (&source.tile.rows[..], source.bytes);
        let quick = reader.is_quick() && keep.is_quick();
        debug_assert_eq!(
            rows.len(),
            self.valid.len(),
            "there is one answer for each row"
        );
        for (at, &row) in rows.iter().enumerate() {
            let (start, end) = source.tile.place(row, field);
            if quick
                && let Some(text) = ShortText::at(bytes, start, end)
                && reader.is_bare(text, bytes, end)
                && keep.keep_short(at, text)
            {
                self.valid[at] = !text.is_empty();
                continue;
            }
            let (has_value, broken) = self.keep_any(&mut keep, at, &bytes[start..end]);
            self.valid[at] = has_value;
            if !broken.is_nothing() {
                report_cell(report, row, broken);
            }
        }
    }

    /// What is to be said about a cell is not said here, so that the loop stays small: what it
    /// needs for short cells stays in registers.
    #[inline(never)]
    fn keep_any(&mut self, keep: &mut impl Keep, row: usize, field: &[u8]) -> Kept {
        let cell = if self.reader.is_quick() {
            self.reader.read_quick(field, self.scratch)
        } else {
            self.reader.read(field, self.scratch)
        };
        let (text, unread) = match cell {
            Cell::Text(text) => (Some(text), Broken::NOTHING),
            Cell::Null => (None, self.missing),
            Cell::Broken(broken) => (None, broken),
        };
        let (has_value, broken) = keep.keep(row, text);
        (has_value, broken.and(unread))
    }
}

#[cold]
fn report_cell(report: &mut impl FnMut(u32, Broken), row: TileRow, broken: Broken) {
    report(row.record, broken);
}

fn parse_boolean(truthy: &[String], falsy: &[String], text: &[u8]) -> Option<bool> {
    let among = |spellings: &[String]| {
        spellings
            .iter()
            .any(|spelling| spelling.as_bytes().eq_ignore_ascii_case(text))
    };
    if among(truthy) {
        Some(true)
    } else if among(falsy) {
        Some(false)
    } else if text.is_ascii() {
        None
    } else {
        let lower = str::from_utf8(text).ok()?.to_lowercase();
        let among = |spellings: &[String]| spellings.iter().any(|s| s.to_lowercase() == lower);
        among(truthy)
            .then_some(true)
            .or_else(|| among(falsy).then_some(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans() {
        let spellings = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        let (truthy, falsy) = (spellings(&["Y", "sí", "1"]), spellings(&["n", "0"]));
        let check = |text: &str, expect: Option<bool>| {
            assert_eq!(
                parse_boolean(&truthy, &falsy, text.as_bytes()),
                expect,
                "{text}"
            );
        };
        check("y", Some(true));
        check("SÍ", Some(true));
        check("1", Some(true));
        check("N", Some(false));
        check("0", Some(false));
        check("2", None);
        check("é", None);
    }
}
