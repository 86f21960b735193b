//! Typed values as numbers and back to text: whole numbers, a decimal's smallest units, days,
//! microseconds. Written with chrono and the standard library alone, so that a twin does not
//! inherit a fault of the readers that it is made to try.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use contract::{Column, ColumnType};

pub(super) const MICROSECONDS_PER_DAY: i128 = 86_400_000_000;

#[derive(Debug, Clone)]
pub(super) enum Typed {
    Text,
    Integer,
    Decimal {
        precision: u8,
        scale: u8,
        implied: bool,
    },
    Date {
        formats: Vec<String>,
    },
    Timestamp {
        formats: Vec<String>,
        zoned: bool,
        zone: Option<Tz>,
    },
    Boolean {
        truthy: Vec<String>,
        falsy: Vec<String>,
    },
}

impl Typed {
    pub(super) fn of(column: &Column) -> Self {
        match &column.column_type {
            ColumnType::String => Self::Text,
            ColumnType::Integer => Self::Integer,
            &ColumnType::Decimal { precision, scale } => Self::Decimal {
                precision,
                scale,
                implied: column.implied_decimals,
            },
            ColumnType::Date { formats } => Self::Date {
                formats: formats.clone(),
            },
            ColumnType::Timestamp { formats, zoned } => Self::Timestamp {
                formats: formats.clone(),
                zoned: *zoned,
                zone: column.zone.as_deref().and_then(|zone| zone.parse().ok()),
            },
            ColumnType::Boolean { truthy, falsy } => Self::Boolean {
                truthy: truthy.clone(),
                falsy: falsy.clone(),
            },
        }
    }

    /// The number that a text stands for; `None` where it is not of the type. Text is 0.
    pub(super) fn number(&self, text: &str) -> Option<i128> {
        match self {
            Self::Text => Some(0),
            Self::Integer => text.parse::<i64>().ok().map(i128::from),
            &Self::Decimal {
                precision,
                scale,
                implied,
            } => decimal(text, precision, if implied { 0 } else { scale }),
            Self::Date { formats } => formats.iter().find_map(|format| {
                let day = NaiveDate::parse_from_str(text, format).ok()?;
                Some(days(day))
            }),
            Self::Timestamp {
                formats,
                zoned,
                zone,
            } => formats
                .iter()
                .find_map(|format| moment(text, format, *zoned, *zone)),
            Self::Boolean { truthy, falsy } => {
                let among = |list: &[String]| list.iter().any(|one| one.eq_ignore_ascii_case(text));
                among(truthy)
                    .then_some(1)
                    .or_else(|| among(falsy).then_some(0))
            }
        }
    }

    /// A bound or a sentinel of the contract. `last`: a day means its end.
    pub(super) fn bound(&self, text: &str, last: bool) -> Option<i128> {
        match self {
            &Self::Decimal {
                precision, scale, ..
            } => decimal(text, precision, scale),
            Self::Date { .. } => NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(days),
            Self::Timestamp { .. } => {
                if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
                    let rest = if last { MICROSECONDS_PER_DAY - 1 } else { 0 };
                    return Some(days(day) * MICROSECONDS_PER_DAY + rest);
                }
                ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
                    .iter()
                    .find_map(|format| moment(text, format, false, None))
                    .or_else(|| moment(text, "%+", true, None))
            }
            _ => self.number(text),
        }
    }

    /// A value that means none, by the clock of the file where the column has a zone.
    pub(super) fn sentinel(&self, text: &str) -> Option<i128> {
        let number = self.bound(text, false)?;
        match self {
            Self::Timestamp {
                zone: Some(zone), ..
            } => {
                let local = DateTime::from_timestamp_micros(i64::try_from(number).ok()?)?;
                let instant = zone.from_local_datetime(&local.naive_utc()).earliest();
                Some(instant.map_or(number, |instant| i128::from(instant.timestamp_micros())))
            }
            _ => Some(number),
        }
    }

    /// How many ways there are to write a value.
    pub(super) fn spellings(&self) -> usize {
        match self {
            Self::Date { formats } | Self::Timestamp { formats, .. } => formats.len().max(1),
            Self::Boolean { truthy, falsy } => truthy.len().min(falsy.len()).max(1),
            _ => 1,
        }
    }

    /// The text of a value in one of its spellings; `None` where there is no such value.
    pub(super) fn text(&self, number: i128, spelling: usize) -> Option<String> {
        match self {
            Self::Text => None,
            Self::Integer => Some(number.to_string()),
            &Self::Decimal { scale, implied, .. } => {
                Some(written_decimal(number, if implied { 0 } else { scale }))
            }
            Self::Date { formats } => {
                let moment = NaiveDate::default()
                    .checked_add_signed(TimeDelta::try_days(i64::try_from(number).ok()?)?)?;
                let moment = moment.and_hms_opt(0, 0, 0)?.and_utc();
                written(moment, formats.get(spelling)?)
            }
            Self::Timestamp { formats, zone, .. } => {
                let moment = DateTime::from_timestamp_micros(i64::try_from(number).ok()?)?;
                let format = formats.get(spelling)?;
                match zone {
                    Some(zone) if !has_offset(format) => {
                        let local = zone.from_utc_datetime(&moment.naive_utc()).naive_local();
                        written(local.and_utc(), format)
                    }
                    _ => written(moment, format),
                }
            }
            Self::Boolean { truthy, falsy } => {
                let list = if number == 1 { truthy } else { falsy };
                list.get(spelling).cloned()
            }
        }
    }
}

fn written(moment: DateTime<Utc>, format: &str) -> Option<String> {
    use std::fmt::Write;
    let mut text = String::new();
    write!(text, "{}", moment.format(format)).ok()?;
    Some(text)
}

pub(super) fn days(day: NaiveDate) -> i128 {
    i128::from(day.signed_duration_since(NaiveDate::default()).num_days())
}

fn has_offset(format: &str) -> bool {
    ["%z", "%:z", "%#z", "%+", "%s"]
        .iter()
        .any(|part| format.contains(part))
}

fn moment(text: &str, format: &str, zoned: bool, zone: Option<Tz>) -> Option<i128> {
    if zoned && (zone.is_none() || has_offset(format)) {
        let moment = DateTime::parse_from_str(text, format).ok()?;
        return Some(i128::from(moment.timestamp_micros()));
    }
    let local = NaiveDateTime::parse_from_str(text, format)
        .ok()
        .or_else(|| {
            NaiveDate::parse_from_str(text, format)
                .ok()?
                .and_hms_opt(0, 0, 0)
        })?;
    let instant = match zone {
        Some(zone) => zone.from_local_datetime(&local).earliest()?.to_utc(),
        None => local.and_utc(),
    };
    Some(i128::from(instant.timestamp_micros()))
}

fn decimal(text: &str, precision: u8, scale: u8) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let missing = usize::from(scale).checked_sub(fraction.len())?;
    let units = format!("{whole}{fraction}{}", "0".repeat(missing));
    let units = units.trim_start_matches('0');
    if units.len() > usize::from(precision) {
        return None;
    }
    let magnitude = if units.is_empty() {
        0
    } else {
        units.parse::<i128>().ok()?
    };
    Some(if negative { -magnitude } else { magnitude })
}

pub(super) fn written_decimal(units: i128, scale: u8) -> String {
    let scale = usize::from(scale);
    let sign = if units < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", units.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if scale == 0 {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_their_texts() {
        let amount = Typed::Decimal {
            precision: 6,
            scale: 2,
            implied: false,
        };
        for (text, units) in [("0.05", 5), ("-12.30", -1230), ("9999.99", 999_999)] {
            assert_eq!(amount.number(text), Some(units), "{text}");
            assert_eq!(amount.text(units, 0).as_deref(), Some(text));
        }
        for text in ["10000.00", "1.234", ".", "", "1e3"] {
            assert_eq!(amount.number(text), None, "{text}");
        }
        let zoned = Typed::Timestamp {
            formats: vec!["%+".to_owned()],
            zoned: true,
            zone: None,
        };
        let noon = zoned.number("2024-02-29T12:00:00Z").expect("a moment");
        assert_eq!(
            zoned.text(noon, 0).as_deref(),
            Some("2024-02-29T12:00:00+00:00")
        );
    }
}
