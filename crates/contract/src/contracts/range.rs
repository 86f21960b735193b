//! Ranges: bounds must be values of the column's own type, in order.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use serde_saphyr::Spanned;

use super::raw::{RawRange, Text};
use crate::document::Review;
use crate::{ColumnType, Range};

/// A day as the upper bound of timestamps means all of that day.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Min,
    Max,
}

/// A bound as a number that compares as the column's values do. Dates and times are written in
/// ISO form, whatever the column's input formats.
fn bound(text: &str, end: End, column_type: &ColumnType) -> Option<i128> {
    let days = || {
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        Some(date.and_time(NaiveTime::MIN))
    };
    match column_type {
        ColumnType::Integer => text.parse::<i64>().ok().map(i128::from),
        ColumnType::Decimal { precision, scale } => decimal(text, *precision, *scale),
        ColumnType::Date { .. } => days().map(|day| day.and_utc().timestamp().into()),
        ColumnType::Timestamp { .. } => {
            let moment = match (days(), end) {
                (Some(day), End::Min) => day,
                (Some(day), End::Max) => day + TimeDelta::days(1) - TimeDelta::microseconds(1),
                (None, _) => ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
                    .iter()
                    .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())?,
            };
            Some(moment.and_utc().timestamp_micros().into())
        }
        ColumnType::String | ColumnType::Boolean { .. } => None,
    }
}

/// In units of the last place, or `None` where the text is no decimal of that size.
fn decimal(text: &str, precision: u8, scale: u8) -> Option<i128> {
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let fits = fraction.len() <= usize::from(scale)
        && whole.trim_start_matches('0').len() <= usize::from(precision - scale);
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || !fits {
        return None;
    }
    let width = usize::from(scale);
    format!("{whole}{fraction:0<width$}")
        .parse::<i128>()
        .ok()
        .map(|units| sign * units)
}

/// Sentinels must be values of the column's own type.
pub(super) fn check_sentinels(
    given: &[Text],
    column_type: &ColumnType,
    review: &mut Review<'_>,
) -> Vec<String> {
    for sentinel in given {
        if bound(&sentinel.value, End::Min, column_type).is_none() {
            let message = format!("the sentinel `{}` is no {column_type}", sentinel.value);
            let help = match column_type {
                ColumnType::String | ColumnType::Boolean { .. } => {
                    "list the spelling in `nulls` instead"
                }
                ColumnType::Date { .. } | ColumnType::Timestamp { .. } => {
                    "write it as `9999-12-31`, whatever format the file has"
                }
                ColumnType::Integer | ColumnType::Decimal { .. } => "write a number",
            };
            review.refuse(sentinel, message, "expected a value of the column", help);
        }
    }
    given
        .iter()
        .map(|sentinel| sentinel.value.clone())
        .collect()
}

pub(super) fn check(
    range: &Spanned<RawRange>,
    column_type: &ColumnType,
    review: &mut Review<'_>,
) -> Option<Range> {
    let (expected, example) = match column_type {
        ColumnType::Integer => ("expected a whole number", "{ min: 0, max: 100 }"),
        ColumnType::Decimal { .. } => (
            "expected a number of no more digits than the type has",
            "{ min: 0, max: \"99.5\" }",
        ),
        ColumnType::Date { .. } => ("expected YYYY-MM-DD", "{ min: \"1900-01-01\" }"),
        ColumnType::Timestamp { .. } => (
            "expected YYYY-MM-DD, with or without a time",
            "{ min: \"1900-01-01\" }",
        ),
        ColumnType::String | ColumnType::Boolean { .. } => {
            review.refuse(
                range,
                format!("`range` does not go with type {column_type}"),
                "expected on integer, decimal, date and timestamp columns",
                "use `pattern` or `domain`, or give the column another type",
            );
            return None;
        }
    };
    let RawRange { min, max } = &range.value;
    if min.is_none() && max.is_none() {
        let help = format!("write for example `range: {example}`");
        review.refuse(
            range,
            "the range has no bound",
            "expected `min`, `max` or both",
            help,
        );
    }
    let mut value = |side: &Option<Spanned<String>>, end: End| {
        let side = side.as_ref()?;
        let value = bound(&side.value, end, column_type);
        if value.is_none() {
            review.refuse(
                side,
                format!("`{}` is no value of type {column_type}", side.value),
                expected,
                format!("write for example `range: {example}`"),
            );
        }
        value
    };
    if let (Some(low), Some(high)) = (value(min, End::Min), value(max, End::Max))
        && low > high
    {
        let help = "exchange `min` and `max`, or correct one of them";
        review.refuse(
            range,
            "no value is in this range",
            "expected min ≤ max",
            help,
        );
    }
    let text = |side: &Option<Spanned<String>>| side.as_ref().map(|side| side.value.clone());
    Some(Range {
        min: text(min),
        max: text(max),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_compare_as_values_do() {
        for (column_type, text, expected) in [
            ("integer", "-5", Some(-5)),
            ("integer", "9223372036854775808", None),
            ("integer", "1.0", None),
            ("decimal(5,2)", "-1.5", Some(-150)),
            ("decimal(5,2)", "-0.05", Some(-5)),
            ("decimal(5,2)", "999.99", Some(99_999)),
            ("decimal(5,2)", "0001", Some(100)),
            ("decimal(5,2)", "1000", None),
            ("decimal(5,2)", "1.005", None),
            ("decimal(5,2)", ".5", None),
            ("decimal(5,2)", "1e2", None),
            ("decimal(5,2)", "--1", None),
            ("decimal(3,0)", "7", Some(7)),
            ("date", "2024-02-30", None),
            ("date", "20240201", None),
            ("string", "a", None),
        ] {
            let column_type = ColumnType::parse(column_type).unwrap();
            assert_eq!(
                bound(text, End::Min, &column_type),
                expected,
                "{text} as {column_type}"
            );
        }
        let date = ColumnType::parse("date").unwrap();
        let timestamp = ColumnType::parse("timestamp").unwrap();
        for (column_type, min, max) in [
            (&date, "1999-12-31", "2000-01-01"),
            (&timestamp, "2000-01-01", "2000-01-01"),
            (&timestamp, "2000-01-01T12:00:00", "2000-01-01"),
            (&timestamp, "2000-01-01 12:00:00", "2000-01-01T12:00:00.5"),
        ] {
            let (low, high) = (
                bound(min, End::Min, column_type),
                bound(max, End::Max, column_type),
            );
            assert!(low.is_some() && low < high, "{min} to {max}");
        }
    }
}
