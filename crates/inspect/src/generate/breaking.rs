//! Cells and records that break one rule and no other.

use contract::{Encoding, Shape};

use super::Twin;
use super::judge::Verdict;
use super::layout::{Cell, Layout};
use super::maker::{Maker, Value};
use super::random::Random;
use super::source::RowContext;
use crate::reason::CellRule;

/// How often a cell is tried for. What cannot be broken alone takes all of them, once.
const TRIES_MAX: usize = 600;

/// Where a mutation puts something else.
const STRANGERS: [&str; 14] = [
    "?", "x", "Q", "7", "0", "9", "z", "-", "A", "K", "5", "#", "M", "3",
];

/// A cell of that column that breaks the rule alone, or nothing where none was found.
pub(super) fn cell(
    twin: &Twin,
    rule: CellRule,
    column: usize,
    row: RowContext,
    random: &mut Random,
) -> Option<Cell> {
    let (layout, maker) = (&twin.layout, &twin.makers[column]);
    match rule {
        _ if !maker.judge.asks(rule) => None,
        CellRule::NulByte => nul_byte(layout, column),
        CellRule::Encoding => {
            let is_utf8 = twin.contract.format.encoding == Encoding::Utf8;
            is_utf8.then(|| Cell::Raw(vec![0xFF]))
        }
        _ => (0..TRIES_MAX).find_map(|_| {
            let value = maker.value(layout, random, row);
            let text = candidate(maker, rule, &value, random)?;
            let alone = maker.judge.verdict(&text) == Verdict::Breaks(vec![rule]);
            (alone && layout.fits(column, &text)).then_some(Cell::Text(text))
        }),
    }
}

/// Behind some letters: a file whose first bytes are NUL bytes is no text at all.
fn nul_byte(layout: &Layout, column: usize) -> Option<Cell> {
    const WITH_NUL: &[u8; 4] = b"nul\0";
    match layout {
        Layout::Json(_) => Some(Cell::Raw(b"\\u0000".to_vec())),
        _ if layout
            .place(column)
            .is_some_and(|place| place < WITH_NUL.len()) =>
        {
            None
        }
        _ => Some(Cell::Raw(WITH_NUL.to_vec())),
    }
}

/// Something that may well break the rule.
fn candidate(maker: &Maker, rule: CellRule, good: &Value, random: &mut Random) -> Option<String> {
    let judge = &maker.judge;
    match rule {
        CellRule::Required => {
            let sentinels = judge.sentinels.iter();
            let sentinels = sentinels.filter_map(|number| judge.typed.text(*number, 0));
            let spelt: Vec<String> = judge.nulls.iter().cloned().chain(sentinels).collect();
            // Mostly nothing at all, as in life.
            Some(match random.index(3) {
                0 => random.pick(&spelt).clone(),
                _ => String::new(),
            })
        }
        CellRule::Range => {
            let (low, high) = judge.bounds;
            let unit = match judge.typed {
                super::typed::Typed::Timestamp { .. } => super::typed::MICROSECONDS_PER_DAY,
                _ => 1,
            };
            let beyond = unit * (1 + random.below(400) as i128);
            let number = match random.index(2) {
                0 => high.checked_add(beyond)?,
                _ => low.checked_sub(beyond)?,
            };
            judge.typed.text(number, 0)
        }
        CellRule::Length => {
            let length = judge.length?;
            let characters: Vec<char> = good.text.chars().collect();
            let count = if random.index(2) == 0 {
                if length.max > LONGEST_BROKEN {
                    return None;
                }
                length.max + 1 + random.index(3)
            } else {
                length.min.checked_sub(1 + random.index(3))?
            };
            Some(characters.iter().cycle().take(count).collect())
        }
        CellRule::Type if random.index(4) == 0 => Some("9".repeat(20 + random.index(20))),
        _ => Some(mutated(&good.text, random)),
    }
}

/// A longer text is not made only to be too long.
const LONGEST_BROKEN: usize = 100_000;

/// The text with one or two small changes.
fn mutated(text: &str, random: &mut Random) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..=random.index(2) {
        let stranger = random.pick(&STRANGERS).chars();
        let at = random.index(characters.len());
        match random.index(8) {
            0 => characters.extend(stranger),
            1 if characters.len() > 1 => {
                characters.remove(at);
            }
            2 => {
                for character in &mut characters {
                    let other = random.pick(&STRANGERS).chars();
                    *character = other.last().unwrap_or('?');
                }
            }
            _ => {
                characters.splice(at..(at + 1).min(characters.len()), stranger);
            }
        }
    }
    characters.into_iter().collect()
}

/// How a record is broken as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Misshape {
    TooFewFields,
    TooManyFields,
    TooLong,
    TooShort,
    Json,
}

impl Misshape {
    pub(super) const ALL: [Self; 5] = [
        Self::TooFewFields,
        Self::TooManyFields,
        Self::TooLong,
        Self::TooShort,
        Self::Json,
    ];

    /// As people ask for it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::TooFewFields => "too_few_fields",
            Self::TooManyFields => "too_many_fields",
            Self::TooLong => "too_long",
            Self::TooShort => "too_short",
            Self::Json => "json",
        }
    }

    /// As reasons name it.
    pub(super) fn rule(self) -> &'static str {
        match self {
            Self::TooFewFields | Self::TooManyFields => "field_count",
            Self::TooLong | Self::TooShort => "record_length",
            Self::Json => "json",
        }
    }

    /// Whether records of that contract can be broken so.
    pub(super) fn is_possible(self, twin: &Twin) -> bool {
        let columns = twin.makers.len();
        match (self, &twin.layout, &twin.contract.format.shape) {
            (Self::TooFewFields, Layout::Delimited { .. }, _) => columns > 2,
            (Self::TooManyFields, Layout::Delimited { .. }, _) => true,
            // Where records have no line ends, one of another length would shift all the rest.
            (Self::TooLong, Layout::Fixed { .. }, Shape::FixedWidth(format)) => {
                format.record_length.is_none()
            }
            (Self::TooShort, Layout::Fixed { places, length, .. }, Shape::FixedWidth(format)) => {
                let is_last =
                    |place: &&contract::Characters| place.start + place.length - 1 == *length;
                format.record_length.is_none()
                    && *length > 1
                    && places
                        .iter()
                        .find(is_last)
                        .is_some_and(|place| place.length > 1)
            }
            (Self::Json, Layout::Json(_), _) => true,
            _ => false,
        }
    }

    /// Breaks a good record, which `cells` are.
    pub(super) fn apply(self, twin: &Twin, cells: &mut Vec<Cell>, record: &mut Vec<u8>) {
        match (self, &twin.layout) {
            (Self::TooFewFields, Layout::Delimited { format, .. }) => {
                cells.pop();
                record.clear();
                twin.layout.record(cells, false, record);
                if format.trailing_delimiter {
                    // Otherwise it would stand for the field that is not there.
                    record.truncate(record.len() - format.delimiter.len());
                }
            }
            (Self::TooManyFields, Layout::Delimited { format, .. }) => {
                let more = if format.trailing_delimiter { 1 } else { 2 };
                for _ in 0..more {
                    record.extend_from_slice(format.delimiter.as_bytes());
                    record.push(b'x');
                }
            }
            (Self::TooLong, _) => record.extend_from_slice(b"x"),
            (Self::TooShort, _) => {
                let text = str::from_utf8(record).unwrap_or_default();
                let last = text.char_indices().next_back().map_or(0, |(at, _)| at);
                record.truncate(last);
            }
            (Self::Json, _) => {
                if let Some(colon) = colon(record) {
                    record[colon] = b' ';
                }
            }
            _ => {}
        }
    }
}

/// The first colon between a member's name and its value.
fn colon(record: &[u8]) -> Option<usize> {
    record
        .windows(2)
        .position(|pair| pair == b"\":")
        .map(|at| at + 1)
}

/// Text after a closing quote.
pub(super) fn quote_cell(layout: &Layout) -> Option<Cell> {
    match layout {
        Layout::Delimited { format, .. } => {
            let quote = format.quote?;
            Some(Cell::Raw(vec![quote, b'a', quote, b'b']))
        }
        _ => None,
    }
}
