//! What a person does: assign an unknown file, pin a winner, trace a row.

use crate::drops::{self, CORRECTED, UNKNOWN};
use crate::outputs::{counted_by_duckdb, rows_by};
use crate::project::{Project, Stack, repository};

fn id(submission: &serde_json::Value) -> String {
    submission["submission_id"].as_str().unwrap().to_owned()
}

on_both_stacks!(
    an_unknown_file_waits_for_its_assignment,
    the_header_classifier_knows_a_file_by_its_columns,
    a_pinned_winner_stands_until_it_is_unpinned,
    a_canonical_row_is_traced_to_its_bytes,
);

fn an_unknown_file_waits_for_its_assignment(stack: Stack) {
    let project = Project::new(stack);
    drops::drop_one(&project, UNKNOWN);
    project.run_once();
    let waiting = project.submission(UNKNOWN);
    assert_eq!(waiting["state"], "NEEDS_REVIEW");
    assert!(
        waiting["state_reason"]
            .as_str()
            .unwrap()
            .contains("export_final.csv"),
        "{waiting}"
    );
    project.succeeds(&[
        "submission",
        "assign",
        &id(&waiting),
        "--submitter",
        "cascade",
        "--layout",
        "medical_claim@v2",
    ]);
    project.run_once();
    assert_eq!(project.submission(UNKNOWN)["rows_in"], 50);
    let gold = rows_by(&counted_by_duckdb(&project), "gold_canonical", "file_type");
    assert!(gold["medical_claim"] > 0);
}

fn the_header_classifier_knows_a_file_by_its_columns(stack: Stack) {
    let mut project = Project::new(stack);
    project.set("CLASSIFIER_IMPL", "header");
    drops::drop_one(&project, UNKNOWN);
    project.run_once();
    let known = project.submission(UNKNOWN);
    assert_eq!(
        (&known["layout_version"], &known["rows_in"]),
        (&2.into(), &50.into()),
        "{known}"
    );
}

fn a_pinned_winner_stands_until_it_is_unpinned(stack: Stack) {
    let project = Project::new(stack);
    drops::carry_through(&project);
    let rows = |project: &Project| {
        rows_by(
            &counted_by_duckdb(project),
            "gold_canonical",
            "atomic_month",
        )["2010-11"]
    };
    assert_eq!(
        rows(&project),
        78,
        "8 of cascade and 70 of evergreen's resubmission"
    );
    let first = id(&project.submission("evergreen/medical_claim/20110115"));
    let key = [
        "--state",
        "wa",
        "--file-type",
        "medical_claim",
        "--submitter",
        "evergreen",
        "--month",
        "2010-11",
    ];
    project.succeeds(&[&["winner", "pin"][..], &key, &["--submission", &first]].concat());
    project.run_once();
    assert_eq!(
        rows(&project),
        35,
        "8 of cascade and 27 of evergreen's first"
    );
    let explained = project.json(&[&["explain", "winner"][..], &key].concat());
    let candidates = explained["candidates"].as_array().unwrap();
    let wins: Vec<_> = candidates
        .iter()
        .map(|found| (found["wins"].as_bool(), found["rows_delta"].as_i64()))
        .collect();
    assert_eq!(
        wins,
        [(Some(true), Some(0)), (Some(false), Some(43))],
        "{explained}"
    );
    project.succeeds(&[&["winner", "unpin"][..], &key].concat());
    project.run_once();
    assert_eq!(rows(&project), 78);
    assert_eq!(id(&project.submission(CORRECTED)).len(), 36);
}

fn a_canonical_row_is_traced_to_its_bytes(stack: Stack) {
    let project = Project::new(stack);
    drops::drop_one(&project, "evergreen/medical_claim/20110115");
    project.run_once();
    let folder = crate::outputs::mirror(&project);
    let files = crate::project::files_below(
        &folder
            .path()
            .join("gold_canonical/wa/medical_claim/atomic_month=2010-07"),
    );
    let key = files[0]
        .strip_prefix(folder.path())
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let masked = project.json(&["trace", &key, "3"]);
    let revealed = project.json(&["trace", &key, "3", "--reveal"]);
    let source = repository()
        .join("demo/inbox/evergreen/medical_claim/20110115")
        .join(revealed["source_file"].as_str().unwrap());
    let text = std::fs::read_to_string(source).unwrap();
    let row = revealed["source_row"].as_u64().unwrap() as usize;
    let line = revealed["raw_line"].as_str().unwrap();
    assert_eq!(line, text.lines().nth(row).unwrap(), "the header is line 0");
    let hidden = masked["raw_line"].as_str().unwrap();
    assert!(
        hidden != line && hidden.len() == line.len() && !hidden.contains(&line[..16]),
        "{hidden}"
    );
}
