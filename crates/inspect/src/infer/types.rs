//! Which type a column's values have.

use chrono::{NaiveDate, NaiveDateTime};
use contract::{ColumnType, ValueCheck};

use super::profile::Profile;

/// What a column is taken for.
pub(super) struct Guess {
    pub(super) column_type: ColumnType,
    pub(super) check: Option<ValueCheck>,
    /// How many of the values tried are not of the type.
    pub(super) misfits: usize,
    pub(super) remark: Option<String>,
}

/// One value in so many may fail to be of the type that all the others have.
const MISFIT_IN: usize = 50;

/// In the order of preference; a format that fits all values comes before one that fits most.
const DATES: [&str; 12] = [
    "%Y-%m-%d",
    "%Y%m%d",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d-%b-%Y",
    "%Y/%m/%d",
    "%m-%d-%Y",
    "%d-%m-%Y",
    "%d.%m.%Y",
    "%d%b%Y",
    "%b %d, %Y",
    "%m%d%Y",
];
const MOMENTS: [&str; 8] = [
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%Y%m%d%H%M%S",
];
const ZONED: [&str; 2] = ["%+", "%Y-%m-%dT%H:%M:%S%.f%z"];
const PRECISION_MAX: usize = 38;

pub(super) fn guess(profile: &Profile) -> Guess {
    let values = &profile.tried;
    let plain = |column_type| Guess {
        column_type,
        check: None,
        misfits: 0,
        remark: None,
    };
    if values.is_empty() {
        return plain(ColumnType::String);
    }
    if let Some((truthy, falsy)) = booleans(profile) {
        return plain(ColumnType::Boolean { truthy, falsy });
    }
    if let Some(check) = known_form(values) {
        return Guess {
            check: Some(check),
            ..plain(ColumnType::String)
        };
    }
    times(values)
        .or_else(|| numbers(values))
        .unwrap_or_else(|| plain(ColumnType::String))
}

/// Two spellings that are each other's opposite.
fn booleans(profile: &Profile) -> Option<(Vec<String>, Vec<String>)> {
    let pairs = [("true", "false"), ("yes", "no"), ("y", "n"), ("t", "f")];
    let values: Vec<&str> = profile.values().collect();
    let (one, other) = match values[..] {
        [one, other] if profile.is_code(2) => (one, other),
        _ => return None,
    };
    let is = |value: &str, word: &str| value.eq_ignore_ascii_case(word);
    let pick = |&(yes, no): &(&str, &str)| {
        if is(one, yes) && is(other, no) {
            Some((vec![one.to_owned()], vec![other.to_owned()]))
        } else if is(one, no) && is(other, yes) {
            Some((vec![other.to_owned()], vec![one.to_owned()]))
        } else {
            None
        }
    };
    pairs.iter().find_map(pick)
}

/// Identifiers that their check digits betray: no other column of ten digits passes.
fn known_form(values: &[String]) -> Option<ValueCheck> {
    let holds = |check: ValueCheck| {
        let holds = crate::value_checks::entry(check).holds;
        let bad = values.iter().filter(|value| !holds(value.as_bytes()));
        values.len() >= 20 && bad.count() * MISFIT_IN <= values.len()
    };
    [ValueCheck::Npi, ValueCheck::NzNhi]
        .into_iter()
        .find(|check| holds(*check))
}

fn times(values: &[String]) -> Option<Guess> {
    let zoned = |value: &str, format: &str| chrono::DateTime::parse_from_str(value, format).is_ok();
    let moment = |value: &str, format: &str| NaiveDateTime::parse_from_str(value, format).is_ok();
    let date = |value: &str, format: &str| NaiveDate::parse_from_str(value, format).is_ok();
    if let Some((formats, misfits)) = fitting(values, &DATES, date, 6) {
        let remark = ambiguous(values, &formats);
        return Some(Guess {
            column_type: ColumnType::Date { formats },
            check: None,
            misfits,
            remark,
        });
    }
    let timestamp = |(formats, misfits), zoned| Guess {
        column_type: ColumnType::Timestamp { formats, zoned },
        check: None,
        misfits,
        remark: None,
    };
    let moments = fitting(values, &MOMENTS, moment, 10).map(|found| timestamp(found, false));
    moments.or_else(|| fitting(values, &ZONED, zoned, 12).map(|found| timestamp(found, true)))
}

/// The formats that together read nearly all values, and how many they do not read. One format
/// if it reads as many as any other; a second where it adds at least one value in twenty.
fn fitting(
    values: &[String],
    formats: &[&str],
    reads: impl Fn(&str, &str) -> bool,
    shortest: usize,
) -> Option<(Vec<String>, usize)> {
    let mut chosen: Vec<String> = Vec::new();
    let mut rest: Vec<&String> = values.iter().collect();
    while chosen.len() < 3 && !rest.is_empty() {
        let count = |format: &&&str| {
            rest.iter()
                .filter(|value| value.len() >= shortest && reads(value, format))
                .count()
        };
        let (best, read) = formats
            .iter()
            .rev()
            .map(|format| (format, count(&format)))
            .max_by_key(|(_, read)| *read)?;
        if read * 20 < values.len() || read == 0 {
            break;
        }
        rest.retain(|value| value.len() < shortest || !reads(value, best));
        chosen.push((*best).to_owned());
    }
    (!chosen.is_empty() && rest.len() * MISFIT_IN <= values.len()).then_some((chosen, rest.len()))
}

/// Day and month may be the other way round where every value reads both ways.
fn ambiguous(values: &[String], formats: &[String]) -> Option<String> {
    let twin = match formats.first()?.as_str() {
        "%m/%d/%Y" => "%d/%m/%Y",
        "%m-%d-%Y" => "%d-%m-%Y",
        _ => return None,
    };
    let both = values
        .iter()
        .all(|value| NaiveDate::parse_from_str(value, twin).is_ok());
    both.then(|| format!("every value reads as {twin} too: ask which is meant"))
}

fn numbers(values: &[String]) -> Option<Guess> {
    let mut misfits = 0;
    let (mut before, mut after, mut has_point) = (1, 0, false);
    for value in values {
        match digits(value) {
            Some(_) if has_leading_zero(value) => return None,
            Some((whole, fraction)) => {
                before = before.max(whole);
                after = after.max(fraction.unwrap_or(0));
                has_point |= fraction.is_some();
            }
            None => misfits += 1,
        }
    }
    if misfits * MISFIT_IN > values.len() || before + after > PRECISION_MAX {
        return None;
    }
    let column_type = if !has_point && before <= 18 {
        ColumnType::Integer
    } else {
        // Room for larger amounts than the sample has.
        let precision = (before + 2).max(10) + after;
        ColumnType::Decimal {
            precision: precision.min(PRECISION_MAX) as u8,
            scale: after as u8,
        }
    };
    Some(Guess {
        column_type,
        check: None,
        misfits,
        remark: None,
    })
}

/// How many digits stand before and after the point.
fn digits(value: &str) -> Option<(usize, Option<usize>)> {
    let number = value.strip_prefix(['-', '+']).unwrap_or(value);
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (number, None),
    };
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let some = !whole.is_empty() || fraction.is_some_and(|fraction| !fraction.is_empty());
    (some && all_digits(whole) && fraction.is_none_or(all_digits))
        .then(|| (whole.len(), fraction.map(str::len)))
}

/// A code, not a number: `00123`.
fn has_leading_zero(value: &str) -> bool {
    let mut bytes = value.bytes();
    bytes.next() == Some(b'0') && bytes.next().is_some_and(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[&str], expect: &str) {
        let mut profile = Profile::default();
        for _ in 0..25 {
            values.iter().for_each(|value| profile.take(Some(value)));
        }
        let guess = guess(&profile);
        let formats = match &guess.column_type {
            ColumnType::Date { formats } | ColumnType::Timestamp { formats, .. } => {
                format!(" {}", formats.join(" "))
            }
            _ => String::new(),
        };
        let form = guess
            .check
            .map_or_else(String::new, |form| format!(" {}", form.as_str()));
        assert_eq!(
            format!("{}{formats}{form}", guess.column_type),
            expect,
            "{values:?}"
        );
    }

    #[test]
    fn values_have_types() {
        check(&["1", "-20"], "integer");
        check(&["001", "20"], "string");
        check(&["0", "20"], "integer");
        check(&["1.5", "20"], "decimal(11,1)");
        check(&["1e5", "20"], "string");
        check(&["20240131", "19991231"], "date %Y%m%d");
        check(&["2024-01-31", "01/31/2024"], "date %Y-%m-%d %m/%d/%Y");
        check(&["31/01/2024", "01/02/2024"], "date %d/%m/%Y");
        check(&["01-Feb-2024"], "date %d-%b-%Y");
        check(&["2024-01-31T10:00:00Z"], "timestamp_tz %+");
        check(&["2024-01-31 10:00:00"], "timestamp %Y-%m-%d %H:%M:%S%.f");
        check(&["Y", "N"], "boolean");
        check(&["1234567893", "1679576722"], "string npi");
        check(&["abc", "20"], "string");
        check(&[], "string");
    }

    #[test]
    fn a_few_misfits_are_counted() {
        let mut profile = Profile::default();
        (0..99).for_each(|n| profile.take(Some(&format!("2024-01-{:02}", n % 28 + 1))));
        profile.take(Some("soon"));
        let guess = guess(&profile);
        assert!(matches!(guess.column_type, ColumnType::Date { .. }));
        assert_eq!(guess.misfits, 1);
    }
}
