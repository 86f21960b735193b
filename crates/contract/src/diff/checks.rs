//! A column's checks and the changes of its text: tighter, looser, or other.

use std::collections::{BTreeMap, BTreeSet};

use super::{Changes, turned};
use crate::{Column, Length, Severity, ValueCheck};

const TIGHTER: &str =
    "rows that passed may be refused; stored rows were not judged by it and may break it";
const LOOSER: &str = "rows that were refused now pass; stored rows hold only what passed before";
const OTHER_VALUE: &str = "the same text becomes another value than in stored rows";

pub(super) fn compare(old: &Column, new: &Column, changes: &mut Changes) {
    let name = Some(old.name.as_str());
    let mut judged = |what: String, tighter: bool| {
        if tighter && new.severity > Severity::Warn {
            changes.breaking(name, what, TIGHTER);
        } else if tighter {
            changes.compatible(name, what, "more warnings; no row is lost by it");
        } else {
            changes.compatible(name, what, LOOSER);
        }
    };
    let length = |column: &Column| {
        column.length.unwrap_or(Length {
            min: 0,
            max: usize::MAX,
        })
    };
    let (before, after) = (length(old), length(new));
    if before != after {
        judged(
            "length".to_owned(),
            after.min > before.min || after.max < before.max,
        );
    }
    if old.range != new.range {
        judged("range".to_owned(), !range_is_wider(old, new));
    }
    if old.pattern != new.pattern {
        let what = turned("pattern", old.pattern.as_ref(), new.pattern.as_ref());
        judged(what, new.pattern.is_some());
    }
    if old.check != new.check {
        let word = |column: &Column| column.check.map(ValueCheck::as_str);
        judged(turned("check", word(old), word(new)), new.check.is_some());
    }
    if old.required_when != new.required_when {
        let what = turned(
            "required_when",
            old.required_when.as_ref(),
            new.required_when.as_ref(),
        );
        judged(what, new.required_when.is_some());
    }
    compare_domains(old, new, changes);
    compare_completeness(old, new, changes);
    if old.severity != new.severity {
        let what = turned(
            "severity",
            Some(old.severity.as_str()),
            Some(new.severity.as_str()),
        );
        if new.severity > old.severity {
            changes.breaking(name, what, TIGHTER);
        } else {
            changes.compatible(name, what, LOOSER);
        }
    }
    compare_text(old, new, changes);
}

/// Bounds are text of the column's type; what is not plainly wider counts as tighter.
fn range_is_wider(old: &Column, new: &Column) -> bool {
    let ends = |column: &Column| {
        let range = column.range.clone();
        range.map_or((None, None), |range| (range.min, range.max))
    };
    let ((old_min, old_max), (new_min, new_max)) = (ends(old), ends(new));
    let not_above = |one: &Option<String>, other: &Option<String>| match (one, other) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(one), Some(other)) => one == other || orders(one, other),
    };
    let not_below = |one: &Option<String>, other: &Option<String>| match (one, other) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(one), Some(other)) => one == other || orders(other, one),
    };
    not_above(&new_min, &old_min) && not_below(&new_max, &old_max)
}

/// Numbers by value, dates by their text.
fn orders(smaller: &str, larger: &str) -> bool {
    match (smaller.parse::<f64>(), larger.parse::<f64>()) {
        (Ok(smaller), Ok(larger)) => smaller < larger,
        _ => smaller < larger,
    }
}

fn compare_domains(old: &Column, new: &Column, changes: &mut Changes) {
    let name = Some(old.name.as_str());
    let (before, after) = match (&old.domain, &new.domain) {
        (None, None) => return,
        (None, Some(_)) => return changes.breaking(name, "a domain is set", TIGHTER),
        (Some(_), None) => return changes.compatible(name, "the domain is lifted", LOOSER),
        (Some(before), Some(after)) => (&before.values, &after.values),
    };
    let keys = |values: &BTreeMap<String, String>| -> BTreeSet<String> {
        values.keys().cloned().collect()
    };
    let (old_keys, new_keys) = (keys(before), keys(after));
    let (lost, come) = (
        old_keys.difference(&new_keys).count(),
        new_keys.difference(&old_keys).count(),
    );
    if lost > 0 {
        changes.breaking(name, format!("{lost} codes fewer in the domain"), TIGHTER);
    }
    if come > 0 {
        changes.compatible(name, format!("{come} codes more in the domain"), LOOSER);
    }
    let mut common = before
        .iter()
        .filter_map(|(key, code)| Some((code, after.get(key)?)));
    if common.any(|(one, other)| one != other) {
        changes.breaking(name, "other canonical codes", OTHER_VALUE);
    }
}

fn compare_completeness(old: &Column, new: &Column, changes: &mut Changes) {
    if old.completeness == new.completeness {
        return;
    }
    let name = Some(old.name.as_str());
    let min = |column: &Column| column.completeness.as_ref().map(|given| given.min);
    let what = turned("completeness", min(old), min(new));
    let fails = new
        .completeness
        .as_ref()
        .is_some_and(|given| given.severity == Severity::Fail);
    if fails && min(new) >= min(old) {
        let meaning = "files that passed may fail; stored data was not judged by it";
        changes.breaking(name, what, meaning);
    } else {
        changes.compatible(name, what, "reported from now on; no row is lost by it");
    }
}

/// What the text goes through before it is a value.
fn compare_text(old: &Column, new: &Column, changes: &mut Changes) {
    let name = Some(old.name.as_str());
    if old.transforms != new.transforms || old.zero_pad != new.zero_pad || old.trim != new.trim {
        changes.breaking(name, "changes of the text", OTHER_VALUE);
    }
    let spellings = |column: &Column| -> BTreeSet<String> {
        column
            .nulls
            .iter()
            .chain(&column.sentinels)
            .cloned()
            .collect()
    };
    let (before, after) = (spellings(old), spellings(new));
    if before != after {
        let meaning = "some values of stored rows would now be null, or were null and now are not";
        changes.breaking(name, "spellings of no value", meaning);
    }
}
