//! The full public sets of the shipped layouts: every row of every file, counted by our program
//! and by an independent reading of the same contracts.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use testkit::python::run_python;
use testkit::shared_data;

use crate::outputs::{counted_by_duckdb, rows_by};
use crate::project::{Project, Stack, repository};

const COUNT_ROWS: &str = include_str!("../oracle/count_rows.py");

/// Submitter that sends a layout in the demo's feeds.
fn submitter(layout: &str) -> &'static str {
    match layout {
        "medical_claim@v1" | "member_eligibility@v1" => "evergreen",
        "medical_claim@v2" | "medical_claim_line@v1" => "cascade",
        "medical_claim@v3" => "olympic",
        "medical_claim@v4" => "puget",
        other => panic!("no feed sends {other}"),
    }
}

/// One entry for each file of the sets.
fn counted_independently(data: &Path) -> Value {
    let contracts = repository().join("library/contracts");
    let arguments = [
        "--contracts",
        contracts.to_str().unwrap(),
        "--data",
        data.to_str().unwrap(),
    ];
    serde_json::from_str(&run_python(COUNT_ROWS, &arguments)).unwrap()
}

on_both_stacks!(every_row_of_the_full_sets_is_accounted_for);

fn every_row_of_the_full_sets_is_accounted_for(stack: Stack) {
    let Some(data) = shared_data::folder(".") else {
        return;
    };
    let oracle = counted_independently(&data);
    let files = oracle.as_array().expect("one entry per file");
    assert!(
        files.len() > 20,
        "the sets hold more than {} files",
        files.len()
    );

    let project = Project::new(stack);
    let mut groups = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let path = data.join(file["file"].as_str().unwrap());
        let layout = file["layout"].as_str().unwrap();
        let file_type = layout.split('@').next().unwrap();
        let group = format!("{}/{file_type}/set{index:02}", submitter(layout));
        let name = path.file_name().unwrap().to_str().unwrap();
        project.drop_bytes(&format!("{group}/{name}"), std::fs::read(&path).unwrap());
        groups.push(group);
    }
    let ran = project.run_once();
    assert_eq!(ran["failures"], serde_json::json!([]));

    let counted = counted_by_duckdb(&project);
    let silver = rows_by(&counted, "silver", "submission_id");
    let quarantine = rows_by(&counted, "quarantine", "submission_id");
    for (file, group) in files.iter().zip(&groups) {
        let submission = project.submission(group);
        let id = submission["submission_id"].as_str().unwrap();
        let name = &file["file"];
        let count = |field: &str| submission[field].as_i64();
        assert_eq!(count("rows_in"), file["rows"].as_i64(), "{name}");
        assert_eq!(count("rows_accepted"), file["accepted"].as_i64(), "{name}");
        assert_eq!(count("rows_rejected"), file["rejected"].as_i64(), "{name}");
        assert_eq!(
            quarantine.get(id).copied().unwrap_or(0),
            file["rejected"].as_i64().unwrap(),
            "{name}"
        );
        // A file of which too much is rejected leaves no silver.
        let accepted = if submission["state"] == "PARSE_FAILED" {
            0
        } else {
            file["accepted"].as_i64().unwrap()
        };
        assert_eq!(silver.get(id).copied().unwrap_or(0), accepted, "{name}");
    }
    assert_eq!(counted["rows_doubled"], serde_json::json!([]));

    let expected: BTreeMap<String, &Value> = files
        .iter()
        .zip(&groups)
        .map(|(file, group)| {
            (
                text(&project.submission(group), "submission_id"),
                &file["months"],
            )
        })
        .collect();
    gold_holds_the_winners(&project, &counted, &expected);
}

/// Every winner's month has in submitter gold, and in canonical gold where its file type has a
/// canonical schema, as many rows as the independent reading finds in its file.
fn gold_holds_the_winners(project: &Project, counted: &Value, expected: &BTreeMap<String, &Value>) {
    let shown = project.json(&["winner", "list"]);
    let winners = shown["winners"].as_array().unwrap();
    assert!(winners.len() > 500, "{} winners", winners.len());
    let of_submitter = counted["gold_submitter"].as_array().unwrap();
    assert_eq!(of_submitter.len(), winners.len());
    let canonical = counted["canonical_by_source"].as_array().unwrap();
    let find = |entries: &[Value], winner: &Value, id: &str| {
        let same = |entry: &&Value| {
            let names = ["state", "file_type", "submitter_id", "atomic_month"];
            names.iter().all(|name| entry[*name] == winner[*name])
        };
        let found = entries.iter().find(same).cloned();
        found.unwrap_or_else(|| panic!("no rows of submission {id}: {winner}"))
    };
    for winner in winners {
        let id = text(winner, "submission_id");
        let rows = &expected[&id][text(winner, "atomic_month")];
        assert_eq!(&find(of_submitter, winner, &id)["rows"], rows, "{winner}");
        if winner["file_type"] != "medical_claim_line" {
            let built = find(canonical, winner, &id);
            assert_eq!(
                (&built["rows"], text(&built, "source_submission_id")),
                (rows, id)
            );
        }
    }
}

fn text(entry: &Value, name: &str) -> String {
    entry[name].as_str().unwrap().to_owned()
}
