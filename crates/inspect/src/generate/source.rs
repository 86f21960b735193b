//! Where a column's values come from: its codes, its form, its pattern, its type, or words that
//! mean nothing. A source proposes; the judge of the column decides.

use std::collections::BTreeMap;

use contract::{Column, ValueCheck};
use regex_syntax::hir::Hir;

use super::judge::{Judge, Verdict};
use super::random::Random;
use super::shapes::{self, Walk};
use super::typed::{MICROSECONDS_PER_DAY, Typed};
use super::{forms, window};
use crate::infer::names;

/// What the values of a row have in common: its place in time, 0 to [`ERA`].
#[derive(Debug, Clone, Copy)]
pub(super) struct RowContext {
    pub(super) moment: i128,
}

pub(super) const ERA: i128 = 1 << 32;

#[derive(Debug)]
pub(super) enum Source {
    Listed(Vec<String>),
    Form(ValueCheck),
    Pattern(Hir),
    /// Numbers, days, moments between two values, both included.
    Typed {
        low: i128,
        high: i128,
        /// How many days after the row's moment, at most; `None`: any day.
        days_after: Option<i128>,
    },
    /// Words, of so many characters.
    Words {
        min: usize,
        max: usize,
    },
    /// Letters and digits.
    Code {
        length: usize,
    },
}

const SYLLABLES: [&str; 24] = [
    "ba", "co", "du", "fe", "gi", "ho", "ju", "ka", "le", "mi", "no", "pu", "qua", "ro", "si",
    "tu", "ve", "wo", "xi", "ya", "zo", "lor", "mun", "tep",
];
const AWKWARD: [&str; 5] = [",", "\"", "\n", "|", ";"];
/// One text in so many has a character that separates or quotes somewhere.
const AWKWARD_IN: u64 = 16;
const WORDS_CHARACTERS_MAX: usize = 40;
const CODE_CHARACTERS_MAX: usize = 12;
const CODE_DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

impl Source {
    /// What the column could be filled from, the most particular first. `place`: how many
    /// characters there are for it. `rank`: which of the contract's dates it is.
    pub(super) fn of(
        column: &Column,
        judge: &Judge,
        place: Option<usize>,
        rank: i128,
    ) -> Vec<Self> {
        let mut sources = Vec::new();
        if let Some(domain) = &judge.domain {
            sources.push(Self::Listed(domain.keys().cloned().collect()));
        }
        if let Some(check) = judge.check {
            sources.push(Self::Form(check));
        }
        if let Some(hir) = column.pattern.as_deref().and_then(shapes::parse) {
            sources.push(Self::Pattern(hir));
        }
        match &judge.typed {
            Typed::Text => {
                let most = |limit: usize| {
                    let asked = column.length.map_or(limit, |length| length.max.min(limit));
                    place.map_or(asked, |place| place.min(asked))
                };
                let least = column.length.map_or(1, |length| length.min.max(1));
                let code = names::is_identifier(&column.name);
                let length = most(CODE_CHARACTERS_MAX).max(least);
                if code || most(WORDS_CHARACTERS_MAX) < 4 {
                    sources.push(Self::Code { length });
                } else {
                    let max = most(WORDS_CHARACTERS_MAX).max(least);
                    sources.push(Self::Words { min: least, max });
                    sources.push(Self::Code { length });
                }
            }
            Typed::Boolean { .. } => sources.push(Self::Typed {
                low: 0,
                high: 1,
                days_after: None,
            }),
            _ => {
                let (low, high) = window::of(column, judge, place);
                let apart = names::is_birth_or_death(&column.name);
                sources.push(Self::Typed {
                    low,
                    high,
                    days_after: (!apart).then_some(rank),
                });
            }
        }
        sources
    }

    pub(super) fn draw(
        &self,
        judge: &Judge,
        random: &mut Random,
        row: RowContext,
    ) -> Option<String> {
        match self {
            Self::Listed(list) => (!list.is_empty()).then(|| random.pick(list).clone()),
            Self::Form(check) => Some(forms::nth(*check, random.below(forms::room(*check)))),
            Self::Pattern(hir) => {
                let shape = shapes::shape(hir, Walk::Any, random)?;
                Some(shapes::nth(&shape, random.below(shapes::room(&shape))))
            }
            Self::Typed {
                low,
                high,
                days_after,
            } => {
                let number = match &judge.typed {
                    Typed::Date { .. } if days_after.is_some() => {
                        at_moment((*low, *high), row, *days_after, random)
                    }
                    Typed::Timestamp { .. } => {
                        let day = |micros: i128| micros.div_euclid(MICROSECONDS_PER_DAY);
                        let days = (day(*low), day(*high));
                        let day = at_moment(days, row, *days_after, random);
                        // In the daytime no clock is ever set forward.
                        let seconds = random.between(9 * 3600, 16 * 3600);
                        (day * MICROSECONDS_PER_DAY + seconds * 1_000_000).clamp(*low, *high)
                    }
                    _ => random.between(*low, *high),
                };
                let first = random.index(4) > 0;
                let spelling = match judge.typed.spellings() {
                    many if many > 1 && !first => random.index(many),
                    _ => 0,
                };
                judge.typed.text(number, spelling)
            }
            Self::Words { min, max } => {
                let mut text = words(random, *min, *max);
                if random.one_in(AWKWARD_IN) && text.len() > 6 {
                    // What a careless reader trips over; where the file cannot carry it, the
                    // layout refuses it.
                    let at = random.between(2, text.len() as i128 - 2) as usize;
                    text.replace_range(at..=at, random.pick::<&str>(&AWKWARD));
                }
                Some(text)
            }
            Self::Code { length } => {
                let digits = (0..*length).map(|_| char::from(*random.pick(CODE_DIGITS)));
                Some(digits.collect())
            }
        }
    }
}

/// A day that follows the row's moment, so that a contract's dates come in its columns' order.
fn at_moment(
    (low, high): (i128, i128),
    row: RowContext,
    days_after: Option<i128>,
    random: &mut Random,
) -> i128 {
    let Some(rank) = days_after else {
        return random.between(low, high);
    };
    let day = low + (high - low) * row.moment / ERA;
    (day + rank).min(high)
}

/// Syllables, a few words of them.
fn words(random: &mut Random, min: usize, max: usize) -> String {
    let goal = random.between(min.max(4) as i128, (max as i128).max(4)) as usize;
    let mut text = String::new();
    let mut in_word = 0;
    while text.len() < goal {
        if in_word == 3 {
            text.push(' ');
            in_word = 0;
        }
        text.push_str(random.pick::<&str>(&SYLLABLES));
        in_word += 1;
    }
    text.truncate(goal.min(max).max(1));
    if text.ends_with(' ') {
        text.pop();
        text.push('a');
    }
    text
}

/// Every value of a source in turn, without repeats: what makes rows unique.
#[derive(Debug, Clone)]
pub(super) enum Enumeration {
    Listed(Vec<String>),
    Form(ValueCheck),
    Shape(shapes::Shape),
    Typed { low: i128, step: i128, count: u128 },
    Code { length: usize },
}

impl Enumeration {
    pub(super) fn of(
        source: &Source,
        judge: &Judge,
        place: Option<usize>,
        random: &mut Random,
    ) -> Option<Self> {
        Some(match source {
            Source::Listed(list) => {
                // Of two values that mean the same code one is enough.
                let codes = list.iter().filter_map(|text| match judge.verdict(text) {
                    Verdict::Holds { key, .. } => Some((key, text.clone())),
                    _ => None,
                });
                let by_code: BTreeMap<String, String> = codes.collect();
                Self::Listed(by_code.into_values().collect())
            }
            Source::Form(check) => Self::Form(*check),
            Source::Pattern(hir) => {
                let mut shapes = Vec::new();
                for walk in std::iter::repeat_n([Walk::Longest, Walk::Any], 32).flatten() {
                    let Some(shape) = shapes::shape(hir, walk, random) else {
                        continue;
                    };
                    // Some text of the shape must hold all that is asked.
                    let holds = (0..20).any(|_| {
                        let text = shapes::nth(&shape, random.below(shapes::room(&shape)));
                        matches!(judge.verdict(&text), Verdict::Holds { .. })
                    });
                    shapes.extend(holds.then_some(shape));
                }
                // Characters that a transform makes one would make two rows one.
                for place in shapes.iter_mut().flatten().filter(|place| place.len() > 1) {
                    place.retain(|character| judge.keeps(*character));
                }
                shapes.retain(|shape| shape.iter().all(|place| !place.is_empty()));
                shapes.sort_by_key(shapes::room);
                Self::Shape(shapes.pop()?)
            }
            Source::Typed { low, high, .. } => {
                let step = match judge.typed {
                    Typed::Timestamp { .. } => 60_000_000,
                    _ => 1,
                };
                let high = match judge.typed {
                    // Room is what is asked for, not what looks plausible.
                    Typed::Integer | Typed::Decimal { .. } => {
                        window::widest(judge, place).max(*high)
                    }
                    _ => *high,
                };
                Self::Typed {
                    low: *low,
                    step,
                    count: (high.saturating_sub(*low) / step + 1).unsigned_abs(),
                }
            }
            Source::Words { max, .. } => Self::Code {
                length: (*max).min(CODE_CHARACTERS_MAX),
            },
            Source::Code { length } => Self::Code { length: *length },
        })
    }

    pub(super) fn room(&self) -> u128 {
        match self {
            Self::Listed(list) => list.len() as u128,
            Self::Form(check) => forms::room(*check),
            Self::Shape(shape) => shapes::room(shape),
            Self::Typed { count, .. } => *count,
            Self::Code { length } => 36u128.saturating_pow(*length as u32),
        }
    }

    /// The typed value of that text, where values are typed.
    pub(super) fn number(&self, number: u128) -> Option<i128> {
        match self {
            Self::Typed { low, step, .. } => Some(low + number as i128 * step),
            _ => None,
        }
    }

    pub(super) fn nth(&self, judge: &Judge, number: u128) -> Option<String> {
        if number >= self.room() {
            return None;
        }
        match self {
            Self::Listed(list) => list.get(number as usize).cloned(),
            Self::Form(check) => Some(forms::nth(*check, number)),
            Self::Shape(shape) => Some(shapes::nth(shape, number)),
            Self::Typed { .. } => judge.typed.text(self.number(number)?, 0),
            Self::Code { length } => {
                let (mut rest, mut text) = (number, vec![b'0'; *length]);
                for digit in text.iter_mut().rev() {
                    *digit = CODE_DIGITS[(rest % 36) as usize];
                    rest /= 36;
                }
                String::from_utf8(text).ok()
            }
        }
    }
}
