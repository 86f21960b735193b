//! The values of one column: drawn, judged, and held against what a cell of the file can carry.

use contract::Column;

use super::error::TwinError;
use super::judge::{Judge, Verdict};
use super::layout::Layout;
use super::random::Random;
use super::source::{Enumeration, RowContext, Source};

/// Draws until a value holds. Most sources need one.
const DRAWS_MAX: usize = 2000;
/// A column that may be empty is so in one row of so many.
const EMPTY_IN: u64 = 8;
/// A value that means none is written as such in one of so many.
const SENTINEL_IN: u64 = 100;

#[derive(Debug)]
pub(super) struct Maker {
    pub(super) name: String,
    pub(super) judge: Judge,
    source: Source,
    /// A value that holds, for the day on which none is drawn.
    proven: Value,
    may_be_empty: bool,
    /// The share of rows that may be empty, where the contract sets one.
    empty_share: Option<f64>,
    at: usize,
}

/// A cell's text that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) text: String,
    pub(super) number: i128,
    pub(super) key: String,
}

/// What the contract says elsewhere of a column.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Standing {
    /// A key, a rule or a period needs its value.
    pub(super) always_there: bool,
    /// The days or moments that the control records announce, in the column's own numbers.
    pub(super) period: Option<(i128, i128)>,
    /// Which of the contract's dates it is.
    pub(super) rank: i128,
}

impl Maker {
    pub(super) fn new(
        at: usize,
        column: &Column,
        standing: Standing,
        layout: &Layout,
        random: &mut Random,
    ) -> Result<Self, TwinError> {
        let judge = Judge::of(column);
        // What lies outside the period breaks no rule of a cell, so only the source keeps to it.
        let mut within = Judge::of(column);
        if let Some((first, last)) = standing.period {
            within.bounds = (judge.bounds.0.max(first), judge.bounds.1.min(last));
        }
        let row = RowContext { moment: 0 };
        let place = layout.place(at);
        for source in Source::of(column, &within, place, standing.rank) {
            let tries = || DRAWS_MAX;
            let found = (0..tries()).find_map(|_| {
                let text = source.draw(&judge, random, row)?;
                holds(&judge, layout, at, text)
            });
            if let Some(proven) = found {
                let judge_nulls = judge.verdict("") == Verdict::Null && layout.fits(at, "");
                let share = column.completeness.as_ref();
                return Ok(Self {
                    name: column.name.clone(),
                    may_be_empty: judge_nulls
                        && !standing.always_there
                        && column.required_when.is_none()
                        && share.is_none_or(|share| share.of_rows.is_none()),
                    empty_share: share.map(|share| (1.0 - share.min) / 2.0),
                    source,
                    proven,
                    judge,
                    at,
                });
            }
        }
        Err(TwinError::NoValue {
            column: column.name.clone(),
        })
    }

    pub(super) fn value(&self, layout: &Layout, random: &mut Random, row: RowContext) -> Value {
        let found = (0..DRAWS_MAX).find_map(|_| {
            let text = self.source.draw(&self.judge, random, row)?;
            holds(&self.judge, layout, self.at, text)
        });
        found.unwrap_or_else(|| self.proven.clone())
    }

    /// The value of another text, if it holds.
    pub(super) fn holds(&self, layout: &Layout, text: String) -> Option<Value> {
        holds(&self.judge, layout, self.at, text)
    }

    /// Whether the cell is left empty. `empty`: how many were before, of `rows`.
    pub(super) fn is_empty(&self, random: &mut Random, empty: u64, rows: u64) -> bool {
        let within = |share: f64| (empty + 1) as f64 <= share * rows as f64;
        self.may_be_empty && self.empty_share.is_none_or(within) && random.one_in(EMPTY_IN)
    }

    /// A text that means no value, other than the empty one, where the contract has any.
    pub(super) fn no_value(&self, layout: &Layout, random: &mut Random) -> String {
        let judge = &self.judge;
        if random.one_in(SENTINEL_IN / EMPTY_IN) {
            let sentinels = judge.sentinels.iter();
            let sentinels = sentinels.filter_map(|number| judge.typed.text(*number, 0));
            let spelt: Vec<String> = judge.nulls.iter().cloned().chain(sentinels).collect();
            let text = random.pick(&spelt);
            if judge.verdict(text) == Verdict::Null && layout.fits(self.at, text) {
                return text.clone();
            }
        }
        String::new()
    }

    pub(super) fn enumeration(&self, layout: &Layout, random: &mut Random) -> Option<Enumeration> {
        Enumeration::of(&self.source, &self.judge, layout.place(self.at), random)
    }
}

fn holds(judge: &Judge, layout: &Layout, at: usize, text: String) -> Option<Value> {
    if !layout.fits(at, &text) {
        return None;
    }
    match judge.verdict(&text) {
        Verdict::Holds { number, key } => Some(Value { text, number, key }),
        Verdict::Null | Verdict::Breaks(_) => None,
    }
}
