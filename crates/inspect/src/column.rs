//! One tight loop per column and tile: read the cell, type it, check it, keep it. What is broken
//! is told to `report`, which is cold; no cell allocates.

use contract::Encoding;

use crate::cell::{Cell, CellReader, Decoding};
use crate::check::{Allowed, TextChecks, length_holds};
use crate::fields::FieldReader;
use crate::number::{parse_decimal, parse_implied_decimal, parse_integer};
use crate::plan::{ColumnPlan, Kind};
use crate::reason::{Broken, CellRule};
use crate::tile::{Tile, TileRow};
use crate::values::{ColumnValues, TextValues, Values};

/// The tile that a column is read from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'t> {
    pub(crate) bytes: &'t [u8],
    pub(crate) tile: &'t Tile,
    /// The quote, where the tile has any, and whether it has doubled ones.
    pub(crate) quote: Option<(u8, bool)>,
    pub(crate) decoding: Decoding,
    /// How many fields a record has.
    pub(crate) width: usize,
}

impl<'t> Source<'t> {
    pub(crate) fn new(
        bytes: &'t [u8],
        tile: &'t Tile,
        reader: &FieldReader,
        encoding: Encoding,
        width: usize,
    ) -> Self {
        let quote = reader.quote().filter(|_| tile.quoted);
        Self {
            bytes,
            tile,
            quote: quote.map(|quote| (quote, tile.doubled)),
            decoding: Decoding::of(tile.extent(bytes), encoding, reader.cuts_at_ascii()),
            width,
        }
    }
}

/// Whether a cell gave a value, and what it broke.
type Taken = (bool, Broken);

/// Types one column of a tile into `out`. `field`: its place in the record, if the file has it.
pub(crate) fn type_column(
    column: &ColumnPlan,
    source: Source<'_>,
    field: Option<usize>,
    out: &mut ColumnValues,
    scratch: &mut Vec<u8>,
    report: &mut impl FnMut(u32, Broken),
) {
    let Some(field) = field else {
        out.push_nulls(source.tile.rows.len());
        return;
    };
    let mut cells = Cells {
        column,
        source,
        field,
        valid: &mut out.valid,
        scratch,
    };
    let checks = &column.checks;
    let missing = Broken::when(column.required, CellRule::Required);
    match (&column.kind, &mut out.values) {
        (Kind::Text, Values::Text(values)) if checks.is_empty() => cells.each(report, |text| {
            values.push(text.unwrap_or_default());
            (text.is_some(), Broken::NOTHING)
        }),
        (Kind::Text, Values::Text(values)) => {
            cells.each(report, |text| take_checked_text(values, checks, text));
        }
        (Kind::Integer { allowed }, Values::Integer(values)) => {
            cells.each(
                report,
                typed(values, checks, allowed, missing, parse_integer),
            );
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
            let parse = |text: &[u8]| match implied {
                true => parse_implied_decimal(text, precision),
                false => parse_decimal(text, precision, scale),
            };
            cells.each(report, typed(values, checks, allowed, missing, parse));
        }
        (Kind::Date { formats, allowed }, Values::Date(values)) => {
            let parse = |text: &[u8]| formats.iter().find_map(|format| format.parse_date(text));
            cells.each(report, typed(values, checks, allowed, missing, parse));
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
            cells.each(report, typed(values, checks, allowed, missing, parse));
        }
        (Kind::Boolean { truthy, falsy }, Values::Boolean(values)) => {
            let parse = |text: &[u8]| parse_boolean(truthy, falsy, text);
            let any = Allowed::between(false, true);
            cells.each(report, typed(values, checks, &any, missing, parse));
        }
        _ => unreachable!("a column's values are made from its kind"),
    }
}

struct Cells<'c> {
    column: &'c ColumnPlan,
    source: Source<'c>,
    field: usize,
    valid: &'c mut Vec<bool>,
    scratch: &'c mut Vec<u8>,
}

impl Cells<'_> {
    /// `take` gets every cell's text in order, or nothing where there is none.
    #[inline(always)]
    fn each(
        &mut self,
        report: &mut impl FnMut(u32, Broken),
        mut take: impl FnMut(Option<&[u8]>) -> Taken,
    ) {
        let Self {
            column,
            source,
            field,
            ref mut valid,
            ref mut scratch,
        } = *self;
        let reader = CellReader::new(column, source.quote, source.decoding);
        let missing = Broken::when(column.required, CellRule::Required);
        let last = field + 1 == source.width;
        let (tile, bytes) = (source.tile, source.bytes);
        let quick = reader.is_quick();
        // One loop, in which `take` occurs once, so that it becomes a part of it.
        valid.extend(tile.rows.iter().map(|&row| {
            let field = tile.field(bytes, row, field, last);
            let cell = if quick {
                reader.read_quick(field, scratch)
            } else {
                reader.read(field, scratch)
            };
            let (text, unread) = match cell {
                Cell::Text(text) => (Some(text), Broken::NOTHING),
                Cell::Null => (None, missing),
                Cell::Broken(broken) => (None, broken),
            };
            let (has_value, broken) = take(text);
            let broken = broken.and(unread);
            if !broken.is_nothing() {
                report_cell(report, row, broken);
            }
            has_value
        }));
    }
}

#[cold]
fn report_cell(report: &mut impl FnMut(u32, Broken), row: TileRow, broken: Broken) {
    report(row.record, broken);
}

fn typed<T: Copy + Default + PartialOrd>(
    values: &mut Vec<T>,
    checks: &TextChecks,
    allowed: &Allowed<T>,
    missing: Broken,
    parse: impl Fn(&[u8]) -> Option<T>,
) -> impl FnMut(Option<&[u8]>) -> Taken {
    let (range, sentinels) = (allowed.range, &*allowed.sentinels);
    move |text| {
        let Some(text) = text else {
            values.push(T::default());
            return (false, Broken::NOTHING);
        };
        let Some(value) = parse(text) else {
            values.push(T::default());
            return (false, Broken::one(CellRule::Type));
        };
        if !sentinels.is_empty() && sentinels.contains(&value) {
            values.push(T::default());
            return (false, missing);
        }
        values.push(value);
        let out_of_range = Broken::when(!range.contains(value), CellRule::Range);
        if checks.is_empty() {
            (true, out_of_range)
        } else {
            let not_listed = checks
                .domain
                .as_ref()
                .is_some_and(|d| d.code(text).is_none());
            let broken = broken_form(checks, text).and(Broken::when(not_listed, CellRule::Domain));
            (true, out_of_range.and(broken))
        }
    }
}

#[inline(always)]
fn take_checked_text(values: &mut TextValues, checks: &TextChecks, text: Option<&[u8]>) -> Taken {
    let (kept, broken) = match text {
        None => (&b""[..], Broken::NOTHING),
        Some(text) => {
            let broken = broken_form(checks, text);
            match checks.domain.as_ref().map(|domain| domain.code(text)) {
                None => (text, broken),
                Some(Some(code)) => (code, broken),
                Some(None) => (text, broken.and(Broken::one(CellRule::Domain))),
            }
        }
    };
    values.push(kept);
    (text.is_some(), broken)
}

#[inline(always)]
fn broken_form(checks: &TextChecks, text: &[u8]) -> Broken {
    let length = checks
        .length
        .is_some_and(|length| !length_holds(length, text));
    let pattern = checks
        .pattern
        .as_ref()
        .is_some_and(|pattern| !pattern.is_match(text));
    let form = checks.form.is_some_and(|holds| !holds(text));
    Broken::when(length, CellRule::Length)
        .and(Broken::when(pattern, CellRule::Pattern))
        .and(Broken::when(form, CellRule::Check))
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
