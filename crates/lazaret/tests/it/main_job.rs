//! From dropped files to the statewide canonical month, on both sets of services, against an
//! independent reading of the same files.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::drops::{self, CORRECTED};
use crate::outputs::{counted_by_duckdb, rows_by};
use crate::project::{Project, Stack};

on_both_stacks!(
    every_row_is_accounted_for,
    a_second_run_has_nothing_to_do,
    content_that_was_dropped_before_is_recognised_and_changes_nothing,
    a_late_file_makes_the_group_a_new_submission_of_all_its_files,
);

fn every_row_is_accounted_for(stack: Stack) {
    let project = Project::new(stack);
    drops::carry_through(&project);
    let expected = drops::expected();
    let counted = counted_by_duckdb(&project);
    let silver = rows_by(&counted, "silver", "submission_id");
    let quarantine = rows_by(&counted, "quarantine", "submission_id");
    for drop in expected["drops"].as_array().unwrap() {
        let name = drop["drop"].as_str().unwrap();
        let submission = project.submission(name);
        assert_eq!(submission["state"], drop["state"], "{name}: {submission}");
        assert_eq!(submission["grouping_method"], drop["closed_by"], "{name}");
        if drop["rows"].is_null() {
            continue;
        }
        let id = submission["submission_id"].as_str().unwrap();
        assert_eq!(submission["rows_in"], drop["rows"], "{name}");
        assert_eq!(
            silver.get(id).copied().unwrap_or(0),
            drop["accepted"].as_i64().unwrap(),
            "{name}"
        );
        assert_eq!(
            quarantine.get(id).copied().unwrap_or(0),
            drop["rejected"].as_i64().unwrap(),
            "{name}"
        );
        assert_eq!(reasons(&counted, id), drop["reasons"], "{name}");
    }
    assert_eq!(counted["rows_doubled"], serde_json::json!([]));
    assert_eq!(canonical_rows(&counted), expected_canonical_rows(&expected));
    assert_eq!(gold_rows(&counted), expected_gold_rows(&expected));
}

/// A submission's reasons in quarantine, as DuckDB counts them.
fn reasons(counted: &Value, id: &str) -> Value {
    let entries = counted["quarantine"].as_array().unwrap();
    let found = entries.iter().find(|entry| entry["submission_id"] == id);
    found.map_or_else(|| serde_json::json!({}), |entry| entry["reasons"].clone())
}

fn canonical_rows(counted: &Value) -> BTreeMap<String, i64> {
    rows_by(counted, "gold_canonical", "atomic_month")
}

fn expected_canonical_rows(expected: &Value) -> BTreeMap<String, i64> {
    let months = expected["canonical"].as_object().unwrap();
    months
        .iter()
        .map(|(month, built)| (month.clone(), built["rows"].as_i64().unwrap()))
        .collect()
}

type SubmitterMonth = (String, String);

fn gold_rows(counted: &Value) -> BTreeMap<SubmitterMonth, i64> {
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
    let entries = counted["gold_submitter"].as_array().unwrap();
    let row = |entry: &Value| {
        (
            (text(entry, "submitter_id"), text(entry, "atomic_month")),
            entry["rows"].as_i64().unwrap(),
        )
    };
    entries.iter().map(row).collect()
}

fn expected_gold_rows(expected: &Value) -> BTreeMap<SubmitterMonth, i64> {
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
    let winners = expected["winners"].as_array().unwrap();
    let row = |winner: &Value| {
        (
            (text(winner, "submitter"), text(winner, "month")),
            winner["rows"].as_i64().unwrap(),
        )
    };
    winners.iter().map(row).collect()
}

fn a_second_run_has_nothing_to_do(stack: Stack) {
    let project = Project::new(stack);
    drops::carry_through(&project);
    let before = counted_by_duckdb(&project);
    let ran = project.run_once();
    assert_eq!(ran["submissions"], serde_json::json!([]));
    assert_eq!(ran["canonical"], serde_json::json!([]));
    assert_eq!(counted_by_duckdb(&project), before);
}

#[test]
fn a_copied_folder_holds_nothing_new() {
    let project = Project::new(Stack::SqliteAndFolder);
    drops::drop_one(&project, "cascade/medical_claim/20110131");
    project.run_once();
    let inbox = project.root().join("data/inbox");
    let copy = project.root().join("data/copy");
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .arg(&inbox)
        .arg(&copy)
        .status();
    assert!(copied.unwrap().success());
    std::fs::remove_dir_all(&inbox).unwrap();
    std::fs::rename(&copy, &inbox).unwrap();
    let found = project.run_once();
    assert_eq!(found["discovery"]["changed"], 0, "{found}");
    assert_eq!(project.submissions().len(), 1);
}

fn content_that_was_dropped_before_is_recognised_and_changes_nothing(stack: Stack) {
    let project = Project::new(stack);
    drops::carry_through(&project);
    let before = counted_by_duckdb(&project)["canonical_by_source"].clone();
    let folder = crate::project::repository()
        .join("demo/inbox")
        .join(CORRECTED);
    project.drop_folder(&folder, "evergreen/medical_claim/20110301-again");
    let ran = project.run_once();
    let again = project.submission("evergreen/medical_claim/20110301-again");
    assert_eq!(
        again["duplicate_of"],
        project.submission(CORRECTED)["submission_id"]
    );
    assert_eq!(ran["submissions"][0]["months_won"], 0);
    assert_eq!(counted_by_duckdb(&project)["canonical_by_source"], before);
}

fn a_late_file_makes_the_group_a_new_submission_of_all_its_files(stack: Stack) {
    let project = Project::new(stack);
    let group = "cascade/medical_claim/20110131";
    drops::drop_one(&project, group);
    project.run_once();
    let folder = crate::project::repository().join("demo/inbox").join(group);
    let first = crate::project::files_below(&folder).remove(0);
    project.drop_bytes(
        &format!("{group}/claims_late.csv"),
        std::fs::read(first).unwrap(),
    );
    project.run_once();
    let files: Vec<usize> = project
        .submissions()
        .iter()
        .map(|submission| {
            let shown = project.json(&[
                "submission",
                "show",
                submission["submission_id"].as_str().unwrap(),
            ]);
            shown["files"].as_array().unwrap().len()
        })
        .collect();
    assert_eq!(files, [3, 2], "newest first");
}
