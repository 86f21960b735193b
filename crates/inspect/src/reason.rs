//! Why a cell or a record is wrong: the rules' names, and what the contract expected in words.
//! Nothing here ever sees a value.

use std::sync::Arc;

use contract::{Column, ColumnType, Domain, Length, Range};

use crate::value_checks::entry;

/// A rule that a single cell can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CellRule {
    Required,
    Type,
    Length,
    Range,
    Pattern,
    Domain,
    Check,
    Encoding,
    NulByte,
}

impl CellRule {
    pub(crate) const COUNT: usize = 9;

    pub(crate) const ALL: [Self; Self::COUNT] = [
        Self::Required,
        Self::Type,
        Self::Length,
        Self::Range,
        Self::Pattern,
        Self::Domain,
        Self::Check,
        Self::Encoding,
        Self::NulByte,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Type => "type",
            Self::Length => "length",
            Self::Range => "range",
            Self::Pattern => "pattern",
            Self::Domain => "domain",
            Self::Check => "check",
            Self::Encoding => "encoding",
            Self::NulByte => "nul_byte",
        }
    }

    /// Whether the row is rejected whatever severity the column has: there is no value to keep.
    pub(crate) fn always_rejects(self) -> bool {
        matches!(self, Self::Type | Self::Encoding | Self::NulByte)
    }
}

/// A rule that a record breaks as a whole, before its cells can be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordRule {
    FieldCount,
    Quote,
    RecordLength,
    /// Of a fixed-width record.
    FixedLength,
}

impl RecordRule {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::FieldCount => "field_count",
            Self::Quote => "quote",
            Self::RecordLength | Self::FixedLength => "record_length",
        }
    }
}

/// The set of rules that one cell breaks; empty on the clean path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Broken(u16);

impl Broken {
    pub(crate) const NOTHING: Self = Self(0);

    pub(crate) fn one(rule: CellRule) -> Self {
        Self(1 << rule as u8)
    }

    #[inline]
    pub(crate) fn when(broken: bool, rule: CellRule) -> Self {
        Self(u16::from(broken) << rule as u8)
    }

    #[inline]
    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[inline]
    pub(crate) fn is_nothing(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn rules(self) -> impl Iterator<Item = CellRule> {
        CellRule::ALL
            .into_iter()
            .filter(move |rule| self.0 & (1 << *rule as u8) != 0)
    }
}

/// What the column's contract expects under each rule, in the order of [`CellRule::ALL`].
pub(crate) fn details(column: &Column) -> [Arc<str>; CellRule::COUNT] {
    CellRule::ALL.map(|rule| {
        let text = match rule {
            CellRule::Required => "a value".to_owned(),
            CellRule::Type => expected_value(column),
            CellRule::Length => column.length.map_or_else(String::new, expected_length),
            CellRule::Range => column
                .range
                .as_ref()
                .map_or_else(String::new, expected_range),
            CellRule::Pattern => column
                .pattern
                .as_ref()
                .map_or_else(String::new, |p| format!("text that matches {p}")),
            CellRule::Domain => column
                .domain
                .as_ref()
                .map_or_else(String::new, expected_code),
            CellRule::Check => column
                .check
                .map_or_else(String::new, |check| entry(check).expected.to_owned()),
            CellRule::Encoding => "valid text in the file's encoding".to_owned(),
            CellRule::NulByte => "text without NUL bytes".to_owned(),
        };
        text.into()
    })
}

/// What the column's text must be to have a value.
fn expected_value(column: &Column) -> String {
    match (&column.column_type, &column.zone) {
        (&ColumnType::Decimal { precision, scale }, _) if column.implied_decimals => format!(
            "at most {precision} digits without a point, the last {scale} of them the decimals"
        ),
        (ColumnType::Timestamp { formats, .. }, Some(zone)) => format!(
            "a timestamp in {}, where it has no offset one that the clocks of {zone} show",
            formats.join(" or ")
        ),
        (other, _) => expected_type(other),
    }
}

pub(crate) fn expected_type(column_type: &ColumnType) -> String {
    match column_type {
        ColumnType::String => "text".to_owned(),
        ColumnType::Integer => "a whole number of 64 bits".to_owned(),
        ColumnType::Decimal { precision, scale } => format!(
            "a number with at most {} digits before the point and {scale} after it",
            precision.saturating_sub(*scale)
        ),
        ColumnType::Date { formats } => format!("a date in {}", formats.join(" or ")),
        ColumnType::Timestamp {
            formats,
            zoned: false,
        } => {
            format!("a timestamp in {}", formats.join(" or "))
        }
        ColumnType::Timestamp {
            formats,
            zoned: true,
        } => {
            format!("a timestamp with its offset in {}", formats.join(" or "))
        }
        ColumnType::Boolean { truthy, falsy } => {
            format!(
                "one of {} (true) or {} (false)",
                truthy.join(", "),
                falsy.join(", ")
            )
        }
    }
}

fn expected_length(Length { min, max }: Length) -> String {
    match (min, max) {
        (min, max) if min == max => format!("{min} characters"),
        (0, max) => format!("at most {max} characters"),
        (min, usize::MAX) => format!("at least {min} characters"),
        (min, max) => format!("{min} to {max} characters"),
    }
}

fn expected_range(range: &Range) -> String {
    match (&range.min, &range.max) {
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, Some(max)) => format!("at most {max}"),
        (None, None) => "any value".to_owned(),
    }
}

const CODES_LISTED_MAX: usize = 12;

fn expected_code(domain: &Domain) -> String {
    let count = domain.values.len();
    if count > CODES_LISTED_MAX {
        return format!("one of the {count} codes that the contract lists");
    }
    let codes: Vec<&str> = domain.values.keys().map(String::as_str).collect();
    format!("one of {}", codes.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_rules_gives_each_once() {
        let broken = Broken::one(CellRule::Pattern)
            .and(Broken::one(CellRule::Length))
            .and(Broken::when(false, CellRule::Domain))
            .and(Broken::when(true, CellRule::Pattern));
        let rules: Vec<_> = broken.rules().collect();
        assert_eq!(rules, [CellRule::Length, CellRule::Pattern]);
        assert!(Broken::NOTHING.is_nothing());
        assert!(!broken.is_nothing());
    }

    #[test]
    fn lengths_read_well() {
        let check =
            |min, max, expect: &str| assert_eq!(expected_length(Length { min, max }), expect);
        check(5, 5, "5 characters");
        check(0, 5, "at most 5 characters");
        check(2, usize::MAX, "at least 2 characters");
        check(2, 5, "2 to 5 characters");
    }
}
