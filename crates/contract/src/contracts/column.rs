//! One column of a contract: its type with all that belongs to it, and its checks.

use std::collections::BTreeSet;

use regex::Regex;
use serde_saphyr::Spanned;

use super::domain::Domains;
use super::file::RawFile;
use super::raw::{RawColumn, RawCompleteness, RawLength, Text};
use super::{check_ratio, formats, range};
use crate::document::Review;
use crate::file_name::last_line;
use crate::names::{ROW_LINEAGE_COLUMNS, is_snake_case};
use crate::{Characters, Column, ColumnType, Completeness, Length, Pii, Severity};

const TRUE_VALUES: [&str; 5] = ["true", "t", "yes", "y", "1"];
const FALSE_VALUES: [&str; 5] = ["false", "f", "no", "n", "0"];

/// `None` only where the type is not one: nothing else of the column can be judged then.
pub(super) fn check(
    raw: &RawColumn,
    file: &RawFile,
    domains: &mut Domains<'_>,
    review: &mut Review<'_>,
) -> Option<Column> {
    check_name(&raw.name, review);
    let column_type = check_type(raw, review)?;
    let domain = raw.domain.as_ref().and_then(|domain| {
        check_is_text(domain, "domain", &column_type, review).then(|| domains.check(domain, review))
    });
    let pattern = raw
        .pattern
        .as_ref()
        .and_then(|pattern| check_pattern(pattern, &column_type, review));
    let header = raw
        .header
        .as_ref()
        .unwrap_or(&raw.name)
        .value
        .trim()
        .to_owned();
    let text = |given: &Option<Text>| given.as_ref().map(|text| text.value.trim().to_owned());
    Some(Column {
        name: raw.name.value.clone(),
        header,
        aliases: raw
            .aliases
            .iter()
            .map(|alias| alias.value.trim().to_owned())
            .collect(),
        place: (raw.place.as_ref()).map(|place| Characters {
            start: place.value.start,
            length: place.value.length,
        }),
        required: raw.required,
        required_when: text(&raw.required_when),
        nulls: nulls(raw, file),
        sentinels: range::check_sentinels(&raw.sentinels, &column_type, review),
        trim: raw.trim.or(file.trim).unwrap_or(true),
        transforms: raw.transform.clone(),
        zero_pad: (raw.zero_pad.as_ref()).and_then(|width| {
            check_is_text(width, "zero_pad", &column_type, review).then_some(width.value)
        }),
        implied_decimals: check_implied_decimals(raw, &column_type, review),
        zone: check_zone(raw, &column_type, review),
        length: raw
            .length
            .as_ref()
            .and_then(|length| check_length(length, review)),
        range: raw
            .range
            .as_ref()
            .and_then(|range| range::check(range, &column_type, review)),
        pattern,
        domain,
        check: (raw.check.as_ref()).and_then(|check| {
            check_is_text(check, "check", &column_type, review).then_some(check.value)
        }),
        completeness: (raw.completeness.as_ref())
            .map(|given| check_completeness(&given.value, review)),
        severity: raw.severity.unwrap_or(Severity::Reject),
        pii: raw.pii.unwrap_or(Pii::None),
        description: raw
            .description
            .as_deref()
            .unwrap_or_default()
            .trim()
            .to_owned(),
        column_type,
    })
}

fn check_implied_decimals(
    raw: &RawColumn,
    column_type: &ColumnType,
    review: &mut Review<'_>,
) -> bool {
    let Some(given) = raw.implied_decimals.as_ref().filter(|given| given.value) else {
        return false;
    };
    let has_places = matches!(column_type, ColumnType::Decimal { scale, .. } if *scale > 0);
    if !has_places {
        let message = format!("`implied_decimals` does not go with type {column_type}");
        let help = "write for example `type: decimal(12,2)`: `1234` is then 12.34";
        review.refuse(given, message, "expected on a decimal with places", help);
    }
    has_places
}

/// The zone of moments whose text carries no offset.
fn check_zone(
    raw: &RawColumn,
    column_type: &ColumnType,
    review: &mut Review<'_>,
) -> Option<String> {
    let given = raw.zone.as_ref()?;
    if !matches!(column_type, ColumnType::Timestamp { zoned: true, .. }) {
        let message = format!("`zone` does not go with type {column_type}");
        let help = "write `type: timestamp_tz`, or remove `zone`";
        review.refuse(given, message, "expected on a timestamp_tz column", help);
    }
    if given.value.parse::<chrono_tz::Tz>().is_err() {
        let message = format!("`{}` is not a time zone", given.value);
        let help = "write an IANA name such as `America/New_York`, `Pacific/Auckland` or `UTC`";
        review.refuse(given, message, "expected a time zone", help);
    }
    Some(given.value.clone())
}

fn check_completeness(raw: &RawCompleteness, review: &mut Review<'_>) -> Completeness {
    let help = "write the share of rows that must have a value: `0.98` is 98 in a hundred";
    check_ratio(&raw.min, help, review);
    if let Some(severity) = &raw.severity
        && severity.value == Severity::Reject
    {
        let message = "a threshold judges the whole file and cannot reject a row";
        let help = "write `warn` or `fail`; `required: true` rejects rows without a value";
        review.refuse(severity, message, "expected `warn` or `fail`", help);
    }
    Completeness {
        min: raw.min.value,
        of_rows: raw.of_rows.as_ref().map(|sql| sql.value.trim().to_owned()),
        severity: raw
            .severity
            .as_ref()
            .map_or(Severity::Warn, |severity| severity.value),
    }
}

fn check_name(name: &Spanned<String>, review: &mut Review<'_>) {
    let text = name.value.as_str();
    if !is_snake_case(text) {
        let help = "write a-z, 0-9 and `_`, starting with a letter; the file's own spelling goes \
                    to `header`";
        review.refuse(
            name,
            format!("`{text}` cannot name a column"),
            "expected snake_case",
            help,
        );
    } else if ROW_LINEAGE_COLUMNS.contains(&text) || text == "atomic_month" {
        let help = format!("write for example `name: file_{text}` and keep `header: {text}`");
        let message = format!("the name `{text}` is taken: every row carries such a column");
        review.refuse(name, message, "expected another name", help);
    }
}

fn check_type(raw: &RawColumn, review: &mut Review<'_>) -> Option<ColumnType> {
    let mut column_type = match ColumnType::parse(&raw.column_type.value) {
        Ok(column_type) => column_type,
        Err(error) => {
            let (message, help) = (error.to_string(), error.remedy());
            review.refuse(&raw.column_type, message, "expected a column type", help);
            return None;
        }
    };
    // With a zone of the column's own, the text carries no offset.
    let plain = match &column_type {
        ColumnType::Timestamp { formats, .. } if raw.zone.is_some() => ColumnType::Timestamp {
            formats: formats.clone(),
            zoned: false,
        },
        other => other.clone(),
    };
    let (mut timed, mut boolean) = (false, false);
    match &mut column_type {
        ColumnType::Date { formats } | ColumnType::Timestamp { formats, .. } => {
            *formats = formats::check(raw.formats.as_ref(), &plain, raw.zone.is_some(), review);
            timed = true;
        }
        ColumnType::Boolean { truthy, falsy } => {
            (*truthy, *falsy) = check_spellings(raw, review);
            boolean = true;
        }
        ColumnType::String | ColumnType::Integer | ColumnType::Decimal { .. } => {}
    }
    let misplaced = [
        ("formats", &raw.formats, timed, "a date or timestamp"),
        ("true_values", &raw.true_values, boolean, "a boolean"),
        ("false_values", &raw.false_values, boolean, "a boolean"),
    ];
    for (key, values, belongs, owner) in misplaced {
        if let (Some(values), false) = (values, belongs) {
            let message = format!("`{key}` does not go with type {column_type}");
            let help = format!("remove `{key}`, or make the column {owner}");
            review.refuse(values, message, format!("expected on {owner} column"), help);
        }
    }
    Some(column_type)
}

/// The spellings of true and of false; none may mean both.
fn check_spellings(raw: &RawColumn, review: &mut Review<'_>) -> (Vec<String>, Vec<String>) {
    let spellings = |given: &Option<Spanned<Vec<Spanned<String>>>>, defaults: [&str; 5]| match given
    {
        Some(given) => given.value.iter().map(|text| text.value.clone()).collect(),
        None => defaults.map(str::to_owned).to_vec(),
    };
    let truthy: Vec<String> = spellings(&raw.true_values, TRUE_VALUES);
    let falsy: Vec<String> = spellings(&raw.false_values, FALSE_VALUES);
    let lower = |words: &[String]| {
        words
            .iter()
            .map(|w| w.to_lowercase())
            .collect::<BTreeSet<_>>()
    };
    let both: Vec<_> = lower(&truthy)
        .intersection(&lower(&falsy))
        .cloned()
        .collect();
    if let (Some(word), Some(given)) = (
        both.first(),
        raw.true_values.as_ref().or(raw.false_values.as_ref()),
    ) {
        let help = "give both `true_values` and `false_values`, without a common spelling";
        let message = format!("`{word}` would mean true and false");
        review.refuse(given, message, "expected spellings that differ", help);
    }
    for (given, words) in [(&raw.true_values, &truthy), (&raw.false_values, &falsy)] {
        if let (Some(given), true) = (given, words.is_empty()) {
            let help = "list at least one, or leave the key out";
            review.refuse(given, "no spelling is given", "expected at least one", help);
        }
    }
    (truthy, falsy)
}

fn check_is_text<T>(
    at: &Spanned<T>,
    key: &str,
    column_type: &ColumnType,
    review: &mut Review<'_>,
) -> bool {
    let is_text = *column_type == ColumnType::String;
    if !is_text {
        let message = format!("`{key}` does not go with type {column_type}");
        let help = "write `type: string`, or check the value with `range` or a rule";
        review.refuse(at, message, "expected on string columns", help);
    }
    is_text
}

fn check_pattern(
    pattern: &Spanned<String>,
    column_type: &ColumnType,
    review: &mut Review<'_>,
) -> Option<String> {
    if !check_is_text(pattern, "pattern", column_type, review) {
        return None;
    }
    if let Err(error) = Regex::new(&pattern.value) {
        let message = format!("not a regular expression: {}", last_line(&error));
        let help = "write for example `\"[0-9]{10}\"`; a `\\` inside double quotes is `\\\\`";
        review.refuse(pattern, message, "expected a regular expression", help);
    }
    Some(pattern.value.clone())
}

fn check_length(length: &Spanned<RawLength>, review: &mut Review<'_>) -> Option<Length> {
    let RawLength { min, max } = length.value;
    let example = "write `length: 16` or `length: { min: 1, max: 20 }`";
    if min.is_none() && max.is_none() {
        review.refuse(
            length,
            "the length has no bound",
            "expected `min`, `max` or both",
            example,
        );
    }
    let (min, max) = (min.unwrap_or(0), max.unwrap_or(usize::MAX));
    if min > max || max == 0 {
        review.refuse(
            length,
            "no value has this length",
            "expected min ≤ max, max ≥ 1",
            example,
        );
    }
    Some(Length { min, max })
}

/// The empty string, the file's spellings and the column's own, each once.
fn nulls(raw: &RawColumn, file: &RawFile) -> Vec<String> {
    let mut nulls = vec![String::new()];
    for spelling in file.nulls.iter().chain(&raw.nulls) {
        if !nulls.contains(spelling) {
            nulls.push(spelling.clone());
        }
    }
    nulls
}
