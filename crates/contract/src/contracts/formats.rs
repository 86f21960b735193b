//! Date and timestamp formats: each must be valid `strftime` notation and name a whole value.
//!
//! What "whole" means is not derived from the notation but tried: a sample is written in the
//! format and must be read back as itself.

use std::fmt::Write as _;

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, TimeZone};
use serde_saphyr::Spanned;

use crate::ColumnType;
use crate::document::Review;

/// One day, so that month and day cannot be taken for each other, in the afternoon, so that a
/// 12-hour clock without am or pm shows.
fn sample(offset_hours: i32) -> Option<DateTime<FixedOffset>> {
    let local = NaiveDate::from_ymd_opt(2015, 11, 23)?.and_hms_opt(15, 16, 17)?;
    FixedOffset::east_opt(offset_hours * 3600)?
        .from_local_datetime(&local)
        .single()
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum FormatFault {
    NotStrftime,
    NotWhole,
    HasOffset,
}

/// What is wrong with a format for a column of this type, if anything.
pub(super) fn fault(format: &str, column_type: &ColumnType) -> Option<FormatFault> {
    if StrftimeItems::new(format).any(|item| item == Item::Error) {
        return Some(FormatFault::NotStrftime);
    }
    let sample_utc = sample(0)?;
    let Some(text) = written(sample_utc, format) else {
        return Some(FormatFault::NotStrftime);
    };
    let whole = match column_type {
        ColumnType::Timestamp { zoned: true, .. } => {
            DateTime::parse_from_str(&text, format).is_ok_and(|read| same_minute(read.naive_utc()))
        }
        ColumnType::Timestamp { zoned: false, .. } => {
            NaiveDateTime::parse_from_str(&text, format).is_ok_and(same_minute)
        }
        _ => NaiveDate::parse_from_str(&text, format)
            .is_ok_and(|read| read == sample_utc.date_naive()),
    };
    let zoned_wanted = matches!(column_type, ColumnType::Timestamp { zoned: false, .. });
    match whole {
        false => Some(FormatFault::NotWhole),
        // An offset that is read and dropped would move the value in silence.
        true if zoned_wanted && sample(2).and_then(|s| written(s, format)) != Some(text) => {
            Some(FormatFault::HasOffset)
        }
        true => None,
    }
}

/// Seconds may be absent from a format; they are then zero.
fn same_minute(read: NaiveDateTime) -> bool {
    sample(0).is_some_and(|sample| {
        let seconds = sample.naive_utc().signed_duration_since(read).num_seconds();
        (0..60).contains(&seconds)
    })
}

fn written(sample: DateTime<FixedOffset>, format: &str) -> Option<String> {
    let mut text = String::new();
    write!(text, "{}", sample.format(format))
        .ok()
        .map(|()| text)
}

/// The formats of a date or timestamp column: those given, or the type's own. `has_zone`: the
/// column names the zone of texts without an offset, so its formats need none.
pub(super) fn check(
    given: Option<&Spanned<Vec<Spanned<String>>>>,
    column_type: &ColumnType,
    has_zone: bool,
    review: &mut Review<'_>,
) -> Vec<String> {
    let (defaults, example): (&[&str], &str) = match column_type {
        ColumnType::Timestamp { zoned: true, .. } if has_zone => (
            &["%+", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"],
            "%Y-%m-%d %H:%M:%S",
        ),
        ColumnType::Timestamp { zoned: true, .. } => (&["%+"], "%Y-%m-%dT%H:%M:%S%z"),
        ColumnType::Timestamp { zoned: false, .. } => (
            &["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"],
            "%Y-%m-%d %H:%M:%S",
        ),
        _ => (&["%Y-%m-%d"], "%Y%m%d"),
    };
    let Some(given) = given else {
        return defaults.iter().map(|&format| format.to_owned()).collect();
    };
    if given.value.is_empty() {
        review.refuse(
            given,
            "no format is given",
            "expected at least one",
            format!("write `formats: [\"{example}\"]`, or leave `formats` out"),
        );
    }
    let local = ColumnType::Timestamp {
        formats: Vec::new(),
        zoned: false,
    };
    for format in &given.value {
        let fault = fault(&format.value, column_type)
            .filter(|_| !has_zone || fault(&format.value, &local).is_some());
        let (message, expected, help) = match fault {
            None => continue,
            Some(FormatFault::NotStrftime) => (
                "is not `strftime` notation",
                "expected `%` with a known letter".to_owned(),
                format!("write for example `{example}`; a `%` itself is `%%`"),
            ),
            Some(FormatFault::NotWhole) => (
                "does not name a whole value",
                format!("expected all that a {column_type} consists of"),
                format!("write for example `{example}`"),
            ),
            Some(FormatFault::HasOffset) => (
                "reads an offset, which a `timestamp` cannot keep",
                "expected no offset".to_owned(),
                "write `type: timestamp_tz`, or leave the offset out of the format".to_owned(),
            ),
        };
        review.refuse(
            format,
            format!("the format `{}` {message}", format.value),
            expected,
            help,
        );
    }
    given
        .value
        .iter()
        .map(|format| format.value.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_must_name_a_whole_value() {
        use FormatFault::{HasOffset, NotStrftime, NotWhole};
        for (column_type, format, expected) in [
            ("date", "%Y%m%d", None),
            ("date", "%d-%b-%Y", None),
            ("date", "%m/%d/%y", None),
            ("date", "%Y-%j", None),
            ("date", "%Y-%m-%dT%H:%M:%SZ", None),
            ("date", "%Y-%m", Some(NotWhole)),
            ("date", "yyyy-mm-dd", Some(NotWhole)),
            ("date", "", Some(NotWhole)),
            ("date", "%Y-%Q", Some(NotStrftime)),
            ("date", "%Y-%m-%d %", Some(NotStrftime)),
            ("timestamp", "%Y-%m-%d %H:%M:%S%.f", None),
            ("timestamp", "%Y-%m-%d %H:%M", None),
            ("timestamp", "%Y-%m-%d %I:%M:%S %p", None),
            ("timestamp", "%Y-%m-%d %I:%M:%S", Some(NotWhole)),
            ("timestamp", "%Y-%m-%d", Some(NotWhole)),
            ("timestamp", "%Y-%m-%dT%H:%M:%S%z", Some(HasOffset)),
            ("timestamp_tz", "%+", None),
            ("timestamp_tz", "%Y-%m-%dT%H:%M:%S%:z", None),
            ("timestamp_tz", "%Y-%m-%dT%H:%M:%S", Some(NotWhole)),
        ] {
            let column_type = ColumnType::parse(column_type).unwrap();
            assert_eq!(
                fault(format, &column_type),
                expected,
                "{format} as {column_type}"
            );
        }
    }
}
