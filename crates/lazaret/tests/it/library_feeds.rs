//! The feeds of Medicare (CCLF) and of all-payer claims (APCD-CDL), from deliveries to canonical
//! tables: rows, rejects, warnings, thresholds and verdicts must be those that an independent script
//! counts from the published layouts, and each canonical value the one that it derives.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use testkit::python::run_python;
use testkit::shared_data;

use crate::library_rows::{feed, same_rows};
use crate::outputs::mirror;
use crate::project::{Project, Stack};

const ORACLE: &str = concat!(
    include_str!("../oracle/library_feeds.py"),
    include_str!("../oracle/library_feeds_run.py")
);
/// Layouts that share a file type come from submitters of their own: months of one file type of one
/// submitter replace each other.
const MAPPED: [&str; 6] = ["cclf1", "cclf2", "cclf5", "cclf8", "cclf9", "apcd"];
/// Their rows are counted, and not looked at in the canonical tables.
const COUNTED: [&str; 3] = ["published", "spoiled", "control"];
/// Sends files whose names fit no grammar.
const MISNAMED: &str = "misnamed";

on_both_stacks!(feeds_of_medicare_and_all_payers_come_to_what_their_layouts_say);

fn feeds_of_medicare_and_all_payers_come_to_what_their_layouts_say(stack: Stack) {
    let Some(data) = shared_data::folder(".") else {
        return;
    };
    let drops = tempfile::tempdir().unwrap();
    let expected = script(&["deliver", text(&data), text(drops.path())]);
    let expected = expected.as_array().unwrap();
    defects_are_of_every_kind(expected);

    let project = Project::new(stack);
    for submitter in MAPPED.into_iter().chain(COUNTED).chain([MISNAMED]) {
        feed(
            &project,
            submitter,
            "medical_claim@v7, medical_claim@v8, medical_claim@v9, medical_claim_line@v2, \
             member_eligibility@v4, member_eligibility@v5, member_id_history@v1, pharmacy_claim@v3",
        );
        project.drop_folder(&drops.path().join(submitter), submitter);
    }
    let ran = project.run_once();
    assert_eq!(ran["failures"], json!([]));

    let mut submissions: BTreeMap<String, Value> = project
        .submissions()
        .into_iter()
        .map(|submission| (word(&submission, "grouping_key").to_owned(), submission))
        .collect();
    for entry in expected {
        let submission = submissions.remove(word(entry, "group")).unwrap();
        let shown = project.json(&["submission", "show", word(&submission, "submission_id")]);
        same_rows(entry, &shown);
        same_thresholds(entry, &shown);
        same_verdict(entry, &shown);
    }
    assert_eq!(submissions.len(), 5, "the misnamed files alone are left");
    for submission in submissions.values() {
        assert_eq!(submission["state"], "NEEDS_REVIEW", "{submission}");
    }

    let outputs = mirror(&project);
    let mapped = script(&[
        "compare",
        text(&data),
        text(drops.path()),
        text(outputs.path()),
    ]);
    same_canonical_rows(&mapped);
}

fn script(arguments: &[&str]) -> Value {
    serde_json::from_str(&run_python(ORACLE, arguments)).unwrap()
}

/// What is compared is worth comparing: most rules of the layouts are broken by some delivery.
fn defects_are_of_every_kind(expected: &[Value]) {
    let broken = |kind: &str| -> usize {
        let reasons = expected
            .iter()
            .map(|entry| entry[kind].as_object().unwrap());
        reasons.map(serde_json::Map::len).sum()
    };
    assert!(
        broken("reject_reasons") > 150,
        "{}",
        broken("reject_reasons")
    );
    assert!(broken("warnings") > 300, "{}", broken("warnings"));
    for said in [
        "control",
        "diagnosis_share",
        "`member_gender`: completeness",
    ] {
        let told = |entry: &&Value| entry["said"].as_array().unwrap().contains(&json!(said));
        assert!(expected.iter().any(|entry| told(&entry)), "{said}");
    }
}

fn same_thresholds(entry: &Value, shown: &Value) {
    let group = &entry["group"];
    let found = shown["thresholds"].as_array().into_iter().flatten();
    let found = found.flat_map(|file| file["thresholds"].as_array().into_iter().flatten());
    let found: BTreeMap<String, (Value, bool)> = found
        .map(|threshold| {
            let counted = (threshold["short"].clone(), threshold["holds"] == true);
            (word(threshold, "column").to_owned(), counted)
        })
        .collect();
    let below = entry["below"].as_array().unwrap();
    let expected = entry["short"].as_object().unwrap().iter();
    let expected = expected.map(|(column, short)| {
        let holds = !below.contains(&json!(column));
        (column.clone(), (short.clone(), holds))
    });
    assert_eq!(found, expected.collect(), "{group}");
}

/// A file is failed for what the script says, and for nothing where it says nothing.
fn same_verdict(entry: &Value, shown: &Value) {
    let reason = shown["state_reason"].as_str().unwrap_or_default();
    let state = word(shown, "state");
    let said = entry["said"].as_array().unwrap();
    let failed = state == "VALIDATION_FAILED";
    assert_eq!(failed, !said.is_empty(), "{entry} {state} {reason}");
    assert!(failed || state.starts_with("VALIDATED"), "{entry} {state}");
    for said in said {
        let said = said.as_str().unwrap();
        assert!(reason.contains(said), "{said} is not in {reason}");
    }
}

fn same_canonical_rows(mapped: &Value) {
    for (layout, rows, least_values) in [
        ("medical_claim@v7", 40, 700),
        ("medical_claim@v8", 40, 900),
        ("medical_claim@v9", 40, 1300),
        ("member_eligibility@v4", 6, 100),
        ("member_eligibility@v5", 40, 650),
        ("pharmacy_claim@v3", 40, 900),
    ] {
        let of_layout = &mapped[layout];
        assert_eq!(of_layout["in_file"], rows, "{layout}");
        assert_eq!(of_layout["in_table"], rows, "{layout}");
        assert_eq!(of_layout["differing_columns"], json!([]), "{layout}");
        let values = of_layout["cells_with_a_value"].as_i64().unwrap();
        assert!(values >= least_values, "{layout}: {values}");
    }
}

fn word<'a>(entry: &'a Value, name: &str) -> &'a str {
    entry[name].as_str().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
