//! What concerns the file and the contract as a whole.

use std::collections::BTreeMap;

use super::{Changes, turned};
use crate::{Contract, Rule, RuleScope, Severity};

const OTHER_FILES: &str =
    "files written for the old version are not read as they were; stored data stays as it is";
const MORE_REFUSED: &str =
    "files that passed may be refused or lose rows; stored rows were not judged by it";
const FEWER_REFUSED: &str =
    "rows and files that were refused now pass; stored rows stay as they are";

pub(super) fn compare(old: &Contract, new: &Contract, changes: &mut Changes) {
    if old.layout.file_type != new.layout.file_type {
        let what = turned(
            "file type",
            Some(&old.layout.file_type),
            Some(&new.layout.file_type),
        );
        changes.breaking(None, what, "another file type is another table");
    }
    if old.format != new.format {
        changes.breaking(None, "file format", OTHER_FILES);
    }
    let pattern = |contract: &Contract| contract.file_name.as_ref().map(|g| g.pattern().to_owned());
    if pattern(old) != pattern(new) {
        let what = turned("file name", pattern(old), pattern(new));
        changes.breaking(None, what, "files under the old names are not recognised");
    }
    compare_keys(old, new, changes);
    compare_thresholds(old, new, changes);
    compare_rules(old, new, changes);
}

fn compare_keys(old: &Contract, new: &Contract, changes: &mut Changes) {
    if old.natural_key != new.natural_key {
        let list = |contract: &Contract| Some(contract.natural_key.join(", "));
        let meaning = "stored rows are known by the old key: merges and repairs by key would miss \
                       or double them";
        changes.breaking(None, turned("natural key", list(old), list(new)), meaning);
    }
    if old.unique != new.unique {
        let word = |severity: Option<Severity>| severity.map(Severity::as_str);
        let what = turned("unique", word(old.unique), word(new.unique));
        if new.unique > old.unique {
            changes.breaking(None, what, MORE_REFUSED);
        } else {
            changes.compatible(None, what, "repeated keys may be stored from now on");
        }
    }
    if old.atomic_month != new.atomic_month {
        let meaning = "new rows go to other months than stored rows of the same kind: months must \
                       be built again";
        changes.breaking(None, "source of the month", meaning);
    }
}

fn compare_thresholds(old: &Contract, new: &Contract, changes: &mut Changes) {
    let (before, after) = (old.thresholds, new.thresholds);
    let mut differs = |what: String, tighter: bool| {
        if tighter {
            changes.breaking(None, what, MORE_REFUSED);
        } else {
            changes.compatible(None, what, FEWER_REFUSED);
        }
    };
    if before.reject_ratio != after.reject_ratio {
        let what = turned(
            "reject ratio",
            Some(before.reject_ratio),
            Some(after.reject_ratio),
        );
        differs(what, after.reject_ratio < before.reject_ratio);
    }
    if before.min_rows != after.min_rows {
        let what = turned("least rows", Some(before.min_rows), Some(after.min_rows));
        differs(what, after.min_rows > before.min_rows);
    }
}

fn compare_rules(old: &Contract, new: &Contract, changes: &mut Changes) {
    let by_id = |contract: &Contract| -> BTreeMap<String, Rule> {
        contract
            .rules
            .iter()
            .map(|rule| (rule.id.clone(), rule.clone()))
            .collect()
    };
    let (before, after) = (by_id(old), by_id(new));
    for (id, rule) in &before {
        match after.get(id) {
            None => changes.compatible(None, format!("rule {id} removed"), FEWER_REFUSED),
            Some(other) => compare_rule(rule, other, changes),
        }
    }
    for (id, rule) in after.iter().filter(|(id, _)| !before.contains_key(*id)) {
        let what = format!("rule {id} added ({})", rule.severity.as_str());
        match rule.severity {
            Severity::Warn => changes.compatible(None, what, "more warnings; no row is lost by it"),
            Severity::Reject | Severity::Fail => changes.breaking(None, what, MORE_REFUSED),
        }
    }
}

fn compare_rule(old: &Rule, new: &Rule, changes: &mut Changes) {
    let judged = |rule: &Rule| {
        let scope = matches!(rule.scope, RuleScope::File);
        (scope, rule.sql.clone(), rule.denominator.clone())
    };
    let id = &old.id;
    if judged(old) != judged(new) {
        let what = format!("rule {id} asks for something else");
        changes.breaking(None, what, MORE_REFUSED);
    }
    if old.severity != new.severity {
        let words = (Some(old.severity.as_str()), Some(new.severity.as_str()));
        let what = turned(&format!("rule {id}: severity"), words.0, words.1);
        if new.severity > old.severity {
            changes.breaking(None, what, MORE_REFUSED);
        } else {
            changes.compatible(None, what, FEWER_REFUSED);
        }
    }
    if old.threshold != new.threshold {
        let what = turned(
            &format!("rule {id}: threshold"),
            old.threshold,
            new.threshold,
        );
        if new.threshold.unwrap_or(0.0) < old.threshold.unwrap_or(0.0) {
            changes.breaking(None, what, MORE_REFUSED);
        } else {
            changes.compatible(None, what, FEWER_REFUSED);
        }
    }
}
