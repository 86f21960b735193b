//! Columns: which came, which went, and what became of their types.

use super::{Changes, checks, turned};
use crate::{Column, ColumnType, Contract, Header};

pub(super) fn compare(old: &Contract, new: &Contract, changes: &mut Changes) {
    for column in &old.columns {
        match new.column(&column.name) {
            None => changes.breaking(
                Some(&column.name),
                "removed",
                "stored rows keep it, new rows have no value; mappings and queries that name it fail",
            ),
            Some(other) => compare_column(column, other, changes),
        }
    }
    for column in new
        .columns
        .iter()
        .filter(|column| old.column(&column.name).is_none())
    {
        if column.required {
            let meaning = "files of the old version, which do not have it, are refused; it is null \
                           in stored rows";
            changes.breaking(Some(&column.name), "added, required", meaning);
        } else {
            let meaning = "null in stored rows and in files that do not have it";
            changes.compatible(Some(&column.name), "added, optional", meaning);
        }
    }
    compare_order(old, new, changes);
}

/// Where there are no names, a column is its position.
fn compare_order(old: &Contract, new: &Contract, changes: &mut Changes) {
    if old.format.header() == Header::ByName || old.format.as_delimited().is_none() {
        return;
    }
    let common = |contract: &Contract, other: &Contract| -> Vec<String> {
        let names = contract.columns.iter().map(|column| column.name.clone());
        names.filter(|name| other.column(name).is_some()).collect()
    };
    let appended = new.columns.iter().take(old.columns.len());
    let in_place = old
        .columns
        .iter()
        .zip(appended)
        .all(|(one, other)| one.name == other.name);
    if !in_place || new.columns.len() < old.columns.len() || common(old, new) != common(new, old) {
        let meaning = "columns are found by position: values of the old files would land in other \
                       columns";
        changes.breaking(None, "positions of the columns", meaning);
    } else if new.columns.len() > old.columns.len() {
        let meaning = "columns are found by position: records of the old files are too short";
        changes.breaking(None, "more columns in a record", meaning);
    }
}

fn compare_column(old: &Column, new: &Column, changes: &mut Changes) {
    let name = Some(old.name.as_str());
    compare_header(old, new, changes);
    if old.place != new.place {
        let meaning = "files of the old version have another field there";
        changes.breaking(name, "place in the record", meaning);
    }
    compare_type(old, new, changes);
    match (old.required, new.required) {
        (false, true) => changes.breaking(
            name,
            "now required",
            "rows without a value are refused from now on; stored rows may have none",
        ),
        (true, false) => changes.compatible(
            name,
            "no longer required",
            "new rows may have no value where stored rows always have one",
        ),
        _ => {}
    }
    checks::compare(old, new, changes);
    if old.pii != new.pii {
        let what = turned("pii", Some(old.pii.as_str()), Some(new.pii.as_str()));
        if new.pii.rank() > old.pii.rank() {
            let meaning = "protection applies to new rows; what is stored must be protected again";
            changes.breaking(name, what, meaning);
        } else {
            let meaning = "stored rows stay protected as they were";
            changes.compatible(name, what, meaning);
        }
    }
}

fn compare_header(old: &Column, new: &Column, changes: &mut Changes) {
    let name = Some(old.name.as_str());
    let known = |header: &str| {
        new.headers()
            .any(|other| other.eq_ignore_ascii_case(header))
    };
    let lost = old.headers().find(|header| !known(header));
    if let Some(header) = lost {
        let meaning = if new.required {
            "files under the old header lack the column: name it in `aliases` to read both"
        } else {
            "in files under the old header the column is null"
        };
        changes.breaking(
            name,
            format!("header `{header}` is no longer known"),
            meaning,
        );
    } else if old.header != new.header || old.aliases != new.aliases {
        changes.compatible(
            name,
            "more headers are known",
            "old files are read as before",
        );
    }
}

fn compare_type(old: &Column, new: &Column, changes: &mut Changes) {
    let name = Some(old.name.as_str());
    let (before, after) = (&old.column_type, &new.column_type);
    if before.to_string() != after.to_string() {
        let what = turned("type", Some(before), Some(after));
        if widens(before, after) {
            let meaning = "every stored value can be cast to the new type without loss";
            changes.compatible(name, what, meaning);
        } else {
            let meaning = "stored values are of the old type and cannot all be cast: one table \
                           cannot hold both";
            changes.breaking(name, what, meaning);
        }
        return;
    }
    match (before, after) {
        (ColumnType::Date { formats: old }, ColumnType::Date { formats: new })
        | (
            ColumnType::Timestamp { formats: old, .. },
            ColumnType::Timestamp { formats: new, .. },
        ) if old != new => {
            if new.starts_with(old) {
                changes.compatible(name, "more formats", "old files are read as before");
            } else {
                let meaning = "the same text may be read as another day, or refused";
                changes.breaking(name, "other formats, or in another order", meaning);
            }
        }
        (ColumnType::Boolean { .. }, ColumnType::Boolean { .. }) if before != after => {
            let meaning = "the same text may be read as another value, or refused";
            changes.breaking(name, "other spellings", meaning);
        }
        _ => {}
    }
    if (old.implied_decimals, &old.zone) != (new.implied_decimals, &new.zone) {
        let meaning = "the same text becomes another value than in stored rows";
        changes.breaking(name, "reading of the value", meaning);
    }
}

/// Whether each value of one type is a value of the other.
fn widens(from: &ColumnType, to: &ColumnType) -> bool {
    match (from, to) {
        (ColumnType::Integer, ColumnType::Decimal { precision, scale }) => precision - scale >= 19,
        (
            ColumnType::Decimal {
                precision: p1,
                scale: s1,
            },
            ColumnType::Decimal {
                precision: p2,
                scale: s2,
            },
        ) => s2 >= s1 && p2 - s2 >= p1 - s1,
        (ColumnType::Date { .. }, ColumnType::Timestamp { zoned: false, .. }) => true,
        _ => false,
    }
}
