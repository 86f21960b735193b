//! The library's newer layouts over every shared file of theirs, and over files with each column
//! spoiled in turn: rows, rejects and warnings by column and rule must be those that the codebooks
//! give, as an independent script reads them.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use testkit::python::run_python;

use crate::project::{Project, Stack, files_below};
use testkit::shared_data;

const LIBRARY_ROWS: &str = include_str!("../oracle/library_rows.py");

/// All that is wrong with the published files: file, whether it rejects, reason, rows (0: the file
/// as a whole), and why.
const FOUND_IN_PUBLISHED_FILES: [(&str, &str, &str, i64, &str); 9] = [
    (
        "synthea/s03_victor/medications.csv",
        "reject",
        "stop_not_before_start",
        1,
        "an antibiotic of one week that stops two days before it starts",
    ),
    (
        "synthea/s02_dbt_synthea/encounters.csv",
        "warn",
        "total_not_below_base",
        2,
        "visits whose total cost is zero",
    ),
    (
        "cms_etl_testdata/DE_0/DE1_0_2008_to_2010_Prescription_Drug_Events_Sample_0.csv",
        "warn",
        "patient_pays_within_cost",
        1,
        "amounts rounded to ten dollars: the patient pays 20 of 10",
    ),
    (
        "cms_etl_testdata/input/prescription_drug_events.csv",
        "warn",
        "patient_pays_within_cost",
        1,
        "the same row",
    ),
    (
        "synthea/s01_jijones/medications.csv",
        "warn",
        "prescription_unique",
        0,
        "the same medicine twice at one encounter",
    ),
    (
        "synthea/s02_dbt_synthea/medications.csv",
        "warn",
        "prescription_unique",
        0,
        "the same",
    ),
    (
        "synthea/s03_victor/medications.csv",
        "warn",
        "prescription_unique",
        0,
        "the same",
    ),
    (
        "synthea/s05_dverma/medications.csv",
        "warn",
        "prescription_unique",
        0,
        "the same",
    ),
    (
        "synthea/s02_dbt_synthea/payer_transitions.csv",
        "warn",
        "coverage_unique",
        0,
        "a patient with two coverages from the same moment",
    ),
];

on_both_stacks!(the_library_judges_the_shared_files_as_the_codebooks_do);

fn the_library_judges_the_shared_files_as_the_codebooks_do(stack: Stack) {
    let Some(data) = shared_data::folder(".") else {
        return;
    };
    let drops = tempfile::tempdir().unwrap();
    let expected = expected(&data, drops.path());
    published_files_have_what_we_know(&expected);

    let project = Project::new(stack);
    without_months_and_unique_keys(&project);
    feed(
        &project,
        "newer",
        "medical_claim@v5, medical_claim@v6, pharmacy_claim@v1, pharmacy_claim@v2, encounter@v1, \
         immunisation@v1, patient@v1, member_eligibility@v2",
    );
    feed(&project, "older", "member_eligibility@v3");
    for submitter in ["newer", "older"] {
        project.drop_folder(&drops.path().join(submitter), submitter);
    }
    let ran = project.run_once();
    assert_eq!(ran["failures"], serde_json::json!([]));

    let submissions: BTreeMap<String, String> = project
        .submissions()
        .iter()
        .map(|submission| {
            (
                text(submission, "grouping_key"),
                text(submission, "submission_id"),
            )
        })
        .collect();
    assert_eq!(submissions.len(), expected.len());
    for entry in &expected {
        let shown = project.json(&["submission", "show", &submissions[&text(entry, "group")]]);
        same_counts(entry, &shown);
    }
}

/// Writes the deliveries into the folder; one entry for each.
fn expected(data: &Path, drops: &Path) -> Vec<Value> {
    let arguments = [data.to_str().unwrap(), drops.to_str().unwrap()];
    let expected: Value = serde_json::from_str(&run_python(LIBRARY_ROWS, &arguments)).unwrap();
    expected.as_array().unwrap().clone()
}

/// What the script finds in the files as they are published is the table above, and no more.
fn published_files_have_what_we_know(expected: &[Value]) {
    let mut found = Vec::new();
    for entry in expected
        .iter()
        .filter(|entry| entry["published"].is_string())
    {
        let file = text(entry, "published");
        for (kind, severity) in [("reject_reasons", "reject"), ("warnings", "warn")] {
            for (reason, rows) in entry[kind].as_object().unwrap() {
                let rows = rows.as_i64().unwrap();
                found.push((file.clone(), severity, reason.clone(), rows));
            }
        }
        for (rule, broken) in entry["file_rules"].as_object().unwrap() {
            if broken == true {
                found.push((file.clone(), "warn", rule.clone(), 0));
            }
        }
    }
    found.sort();
    let mut known: Vec<_> = FOUND_IN_PUBLISHED_FILES
        .iter()
        .map(|(file, severity, reason, rows, _)| {
            ((*file).to_owned(), *severity, (*reason).to_owned(), *rows)
        })
        .collect();
    known.sort();
    assert_eq!(found, known);
    let rows = |filter: &dyn Fn(&&Value) -> bool, name: &str| -> i64 {
        let entries = expected.iter().filter(filter);
        entries.map(|entry| entry[name].as_i64().unwrap()).sum()
    };
    let published = rows(&|entry| entry["published"].is_string(), "rows");
    assert_eq!(published, 17_943);
    let spoiled = rows(&|entry| entry["published"].is_null(), "rejected");
    assert!(spoiled > 600, "{spoiled} spoiled rows are rejected");
}

fn same_counts(entry: &Value, shown: &Value) {
    same_rows(entry, shown);
    let group = &entry["group"];
    let said = shown["state_reason"].as_str().unwrap_or_default();
    for (rule, broken) in entry["file_rules"].as_object().unwrap() {
        assert_eq!(
            said.contains(rule),
            broken == true,
            "{group} {rule}: {said}"
        );
    }
}

/// As many rows, and of them rejected and warned of by each reason, as the script's entry has.
pub(crate) fn same_rows(entry: &Value, shown: &Value) {
    let group = &entry["group"];
    assert_eq!(shown["rows_in"], entry["rows"], "{group}");
    assert_eq!(shown["rows_accepted"], entry["accepted"], "{group}");
    assert_eq!(shown["rows_rejected"], entry["rejected"], "{group}");
    for (ours, theirs) in [
        ("reject_reasons", "reject_reasons"),
        ("warning_reasons", "warnings"),
    ] {
        let ours = by_reason(&shown[ours]);
        let theirs = entry[theirs].as_object().unwrap();
        let theirs = theirs
            .iter()
            .map(|(reason, rows)| (reason.clone(), rows.as_i64().unwrap()));
        assert_eq!(ours, theirs.collect(), "{group}");
    }
}

/// Rows by `{column}:{rule}`, or by the rule where it is of the row.
fn by_reason(reasons: &Value) -> BTreeMap<String, i64> {
    let reasons = reasons.as_array().unwrap().iter().map(|reason| {
        let rule = text(reason, "rule");
        let named = match reason["column"].as_str() {
            Some(column) => format!("{column}:{rule}"),
            None => rule,
        };
        (named, reason["rows"].as_i64().unwrap())
    });
    reasons.collect()
}

/// Takes the month out of the project's contracts: the sets span 75 years, and building their gold
/// would take minutes without counting anything more. `library_canonical` builds some. Takes out
/// the uniqueness of keys too: a spoiled file is one row over and over. `every_check` counts that.
fn without_months_and_unique_keys(project: &Project) {
    for path in files_below(&project.root().join("contracts")) {
        if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            let contract = std::fs::read_to_string(&path).unwrap();
            let removed = ["atomic_month:", "unique:"];
            let kept = (contract.lines())
                .filter(|line| !removed.iter().any(|key| line.starts_with(key)))
                .chain(["unique: off"]);
            std::fs::write(&path, kept.collect::<Vec<_>>().join("\n")).unwrap();
        }
    }
}

/// A feed of the submitter of that name, whose files are read however much of them is rejected.
pub(crate) fn feed(project: &Project, submitter: &str, layouts: &str) {
    let document = format!(
        "feed: {submitter}\ntitle: {submitter}\nsubmitter: {submitter}\nstate: ma\n\
         thresholds: {{ reject_ratio: 1 }}\ncontracts: [{layouts}]\n"
    );
    let path = project.root().join(format!("feeds/{submitter}.yaml"));
    std::fs::write(path, document).unwrap();
}

fn text(entry: &Value, name: &str) -> String {
    entry[name].as_str().unwrap().to_owned()
}
