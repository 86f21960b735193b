//! What a contract says of one cell's text, worked out the slow way: this is how a twin knows
//! that a value holds everything, and that a defect breaks one rule and no other.

use std::collections::BTreeMap;

use contract::{Column, Length, Transform, ValueCheck};
use regex::Regex;

use super::typed::Typed;
use crate::reason::CellRule;
use crate::{transform, value_checks};

#[derive(Debug)]
pub(super) struct Judge {
    pub(super) typed: Typed,
    /// What the type and the range leave.
    pub(super) bounds: (i128, i128),
    pub(super) sentinels: Vec<i128>,
    pub(super) nulls: Vec<String>,
    pub(super) required: bool,
    pub(super) length: Option<Length>,
    pub(super) domain: Option<BTreeMap<String, String>>,
    pub(super) check: Option<ValueCheck>,
    pattern: Option<Regex>,
    trim: bool,
    transforms: Vec<Transform>,
    zero_pad: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// No value, which the column allows.
    Null,
    Holds {
        /// The typed value, as [`Typed::number`] has it.
        number: i128,
        /// What two rows with the same natural key share.
        key: String,
    },
    Breaks(Vec<CellRule>),
}

impl Judge {
    /// Of a column whose contract compiles.
    pub(super) fn of(column: &Column) -> Self {
        let typed = Typed::of(column);
        let range = column.range.as_ref();
        let bound = |text: Option<&String>, last| typed.bound(text?, last);
        let (lowest, highest) = widest(&typed);
        let bounds = (
            bound(range.and_then(|range| range.min.as_ref()), false).unwrap_or(lowest),
            bound(range.and_then(|range| range.max.as_ref()), true).unwrap_or(highest),
        );
        let sentinels = column.sentinels.iter();
        let whole = |pattern: &String| Regex::new(&format!(r"\A(?:{pattern})\z"));
        Self {
            bounds,
            sentinels: sentinels.filter_map(|text| typed.sentinel(text)).collect(),
            nulls: column.nulls.clone(),
            required: column.required,
            length: column.length,
            domain: column.domain.as_ref().map(|domain| domain.values.clone()),
            check: column.check,
            pattern: column.pattern.as_ref().and_then(|text| whole(text).ok()),
            trim: column.trim,
            transforms: column.transforms.clone(),
            zero_pad: column.zero_pad.unwrap_or(0),
            typed,
        }
    }

    /// Whether the column can break the rule at all.
    pub(super) fn asks(&self, rule: CellRule) -> bool {
        let is_text = matches!(self.typed, Typed::Text);
        match rule {
            CellRule::Required => self.required,
            CellRule::Type => !is_text,
            CellRule::Length => self.length.is_some(),
            CellRule::Range => !is_text && !matches!(self.typed, Typed::Boolean { .. }),
            CellRule::Pattern => self.pattern.is_some(),
            CellRule::Domain => self.domain.is_some(),
            CellRule::Check => self.check.is_some(),
            CellRule::Encoding | CellRule::NulByte => true,
        }
    }

    /// The character as the column's transforms leave it.
    pub(super) fn keeps(&self, character: char) -> bool {
        let mut text = character.to_string().into_bytes();
        transform::apply(&self.transforms, &mut text);
        text == character.to_string().into_bytes()
    }

    pub(super) fn verdict(&self, cell: &str) -> Verdict {
        let missing = || match self.required {
            true => Verdict::Breaks(vec![CellRule::Required]),
            false => Verdict::Null,
        };
        let text = if self.trim { cell.trim() } else { cell };
        if text.is_empty() || self.nulls.iter().any(|null| null == text) {
            return missing();
        }
        let mut changed = text.as_bytes().to_vec();
        transform::apply(&self.transforms, &mut changed);
        transform::zero_pad(self.zero_pad, &mut changed);
        let text = String::from_utf8_lossy(&changed).into_owned();
        if text.is_empty() {
            return missing();
        }
        let Some(number) = self.typed.number(&text) else {
            return Verdict::Breaks(vec![CellRule::Type]);
        };
        if self.sentinels.contains(&number) {
            return missing();
        }
        let broken = self.broken(&text, number);
        if !broken.is_empty() {
            return Verdict::Breaks(broken);
        }
        let key = match &self.typed {
            Typed::Text => {
                let code = self.domain.as_ref().and_then(|domain| domain.get(&text));
                code.cloned().unwrap_or(text)
            }
            _ => number.to_string(),
        };
        Verdict::Holds { number, key }
    }

    fn broken(&self, text: &str, number: i128) -> Vec<CellRule> {
        let length = text.chars().count();
        let too = |of: &Length| length < of.min || length > of.max;
        let has_range = !matches!(self.typed, Typed::Text | Typed::Boolean { .. });
        let (low, high) = self.bounds;
        let holds = |check| (value_checks::entry(check).holds)(text.as_bytes());
        let rules = [
            (CellRule::Length, self.length.as_ref().is_some_and(too)),
            (
                CellRule::Range,
                has_range && !(low..=high).contains(&number),
            ),
            (
                CellRule::Pattern,
                self.pattern.as_ref().is_some_and(|one| !one.is_match(text)),
            ),
            (
                CellRule::Domain,
                (self.domain.as_ref()).is_some_and(|domain| !domain.contains_key(text)),
            ),
            (
                CellRule::Check,
                self.check.is_some_and(|check| !holds(check)),
            ),
        ];
        let broken = rules.into_iter().filter(|(_, broken)| *broken);
        broken.map(|(rule, _)| rule).collect()
    }
}

/// The values that a type has.
fn widest(typed: &Typed) -> (i128, i128) {
    match typed {
        Typed::Integer => (i64::MIN.into(), i64::MAX.into()),
        &Typed::Decimal { precision, .. } => {
            let largest = 10i128.pow(precision.into()) - 1;
            (-largest, largest)
        }
        _ => (i128::MIN, i128::MAX),
    }
}
