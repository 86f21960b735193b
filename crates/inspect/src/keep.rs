//! What becomes of a cell's text in a column: it is typed, checked and kept.
//!
//! Most cells are short, and nothing is wrong with them. Those take a way on which no branch
//! depends on what they hold, not even on whether they are empty: a branch that the processor
//! guesses wrongly costs as much as all else that is done to a cell. Whatever that way cannot
//! decide, it leaves to the other one.

use std::hint::select_unpredictable;

use contract::Length;

use crate::check::{Allowed, DomainTable, TextChecks, length_holds, short_length_holds};
use crate::pattern::Pattern;
use crate::plan::ColumnPlan;
use crate::reason::{Broken, CellRule};
use crate::values::TextRows;
use crate::word::ShortText;

/// Whether a cell gave a value, and what it broke.
pub(crate) type Kept = (bool, Broken);

/// Takes the cells of a column in a tile, row by row.
pub(crate) trait Keep {
    /// Whether [`Self::keep_short`] may keep some.
    fn is_quick(&self) -> bool;

    /// Keeps a cell's text, or none where it is empty, if nothing is wrong with it. False says
    /// that the row is still to be kept.
    fn keep_short(&mut self, row: usize, text: ShortText) -> bool;

    /// Keeps a cell that has this text, or none.
    fn keep(&mut self, row: usize, text: Option<&[u8]>) -> Kept;
}

/// What is to be checked of short texts, so that each combination has a loop of its own, small
/// enough for the processor's registers.
pub(crate) trait CheckShort {
    /// What is to be kept of a text, and whether it is known to hold. May be wrong where the
    /// text is empty.
    fn check(&self, text: ShortText) -> (ShortText, bool);
}

/// The length, if anything.
#[derive(Clone, Copy)]
pub(crate) struct LengthOnly(pub(crate) Length);

impl CheckShort for LengthOnly {
    #[inline(always)]
    fn check(&self, text: ShortText) -> (ShortText, bool) {
        (text, short_length_holds(self.0, text))
    }
}

impl CheckShort for &Pattern {
    #[inline(always)]
    fn check(&self, text: ShortText) -> (ShortText, bool) {
        (text, self.matches_short(text))
    }
}

impl CheckShort for &DomainTable {
    #[inline(always)]
    fn check(&self, text: ShortText) -> (ShortText, bool) {
        self.short_code(text)
    }
}

/// All of them at once.
impl CheckShort for &TextChecks {
    #[inline(always)]
    fn check(&self, text: ShortText) -> (ShortText, bool) {
        let length = self
            .length
            .is_none_or(|length| short_length_holds(length, text));
        let pattern = self
            .pattern
            .as_ref()
            .is_none_or(|pattern| pattern.matches_short(text));
        let domain = self.domain.as_ref();
        let (kept, known) = domain.map_or((text, true), |domain| domain.short_code(text));
        (kept, known && length && pattern)
    }
}

/// A column of text.
pub(crate) struct KeepText<'c, C> {
    rows: TextRows<'c>,
    checks: &'c TextChecks,
    short: C,
    required: bool,
}

impl<'c, C: CheckShort> KeepText<'c, C> {
    pub(crate) fn of(column: &'c ColumnPlan, rows: TextRows<'c>, short: C) -> Self {
        Self {
            rows,
            checks: &column.checks,
            short,
            required: column.required,
        }
    }
}

impl<C: CheckShort> Keep for KeepText<'_, C> {
    fn is_quick(&self) -> bool {
        let domain = self.checks.domain.as_ref();
        self.checks.form.is_none() && domain.is_none_or(DomainTable::has_short_codes)
    }

    #[inline(always)]
    fn keep_short(&mut self, row: usize, text: ShortText) -> bool {
        let empty = text.is_empty();
        let (kept, holds) = self.short.check(text);
        let fine = select_unpredictable(empty, !self.required, holds);
        if fine {
            let kept = select_unpredictable(empty, text, kept);
            self.rows.write_short(row, kept);
        }
        fine
    }

    #[inline(always)]
    fn keep(&mut self, row: usize, text: Option<&[u8]>) -> Kept {
        let Some(text) = text else {
            self.rows.write(row, b"");
            return (false, Broken::NOTHING);
        };
        let mut broken = broken_form(self.checks, text);
        let mut kept = text;
        if let Some(domain) = &self.checks.domain {
            match domain.code(text) {
                Some(code) => kept = code,
                None => broken = broken.and(Broken::one(CellRule::Domain)),
            }
        }
        self.rows.write(row, kept);
        (true, broken)
    }
}

/// A column of any other type.
pub(crate) struct KeepTyped<'c, T, P, S> {
    pub(crate) values: &'c mut [T],
    pub(crate) checks: &'c TextChecks,
    pub(crate) allowed: &'c Allowed<T>,
    pub(crate) required: bool,
    pub(crate) parse: P,
    /// What reads short texts, where there is such a way: gives a value only if `parse` gives
    /// the same. With it a text that it can read, to be read in place of an empty one.
    pub(crate) short: Option<(S, ShortText)>,
}

impl<T, P, S> Keep for KeepTyped<'_, T, P, S>
where
    T: Copy + Default + PartialOrd,
    P: Fn(&[u8]) -> Option<T>,
    S: Fn(ShortText) -> Option<T>,
{
    fn is_quick(&self) -> bool {
        self.short.is_some() && self.checks.is_empty()
    }

    #[inline(always)]
    fn keep_short(&mut self, row: usize, text: ShortText) -> bool {
        let Some((read, instead)) = &self.short else {
            return false;
        };
        let empty = text.is_empty();
        let Some(value) = read(select_unpredictable(empty, *instead, text)) else {
            return false;
        };
        let sentinels = &*self.allowed.sentinels;
        let has_value = sentinels.is_empty() || !sentinels.contains(&value);
        let allowed = self.allowed.range.contains(value) & has_value;
        let fine = (allowed | empty) & !(empty & self.required);
        if fine {
            self.values[row] = select_unpredictable(empty, T::default(), value);
        }
        fine
    }

    #[inline(always)]
    fn keep(&mut self, row: usize, text: Option<&[u8]>) -> Kept {
        let Some(text) = text else {
            return (false, Broken::NOTHING);
        };
        let Some(value) = (self.parse)(text) else {
            return (false, Broken::one(CellRule::Type));
        };
        let sentinels = &*self.allowed.sentinels;
        if !sentinels.is_empty() && sentinels.contains(&value) {
            return (false, Broken::when(self.required, CellRule::Required));
        }
        self.values[row] = value;
        let out_of_range = Broken::when(!self.allowed.range.contains(value), CellRule::Range);
        if self.checks.is_empty() {
            return (true, out_of_range);
        }
        let domain = self.checks.domain.as_ref();
        let not_listed = domain.is_some_and(|domain| domain.code(text).is_none());
        let broken = broken_form(self.checks, text).and(Broken::when(not_listed, CellRule::Domain));
        (true, out_of_range.and(broken))
    }
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
