//! What bad input gets: a clear verdict that names file, column and remedy; the rest goes on.

use crate::drops;
use crate::outputs::counted_by_duckdb;
use crate::project::{Project, Stack};

const GROUP: &str = "cascade/medical_claim/20240101";

/// Drops one file under a name that the layout knows, runs, and returns state and reason.
fn verdict(stack: Stack, bytes: &[u8]) -> (String, String) {
    let project = Project::new(stack);
    project.drop_bytes(&format!("{GROUP}/claims.csv"), bytes.to_vec());
    drops::drop_one(&project, "olympic/medical_claim/20190415");
    project.run_once();
    assert_eq!(
        project.submission("olympic/medical_claim/20190415")["rows_in"],
        18,
        "the other goes on"
    );
    let counted = counted_by_duckdb(&project);
    let silver = counted["silver"].as_array().unwrap();
    assert!(
        silver
            .iter()
            .all(|entry| entry["submitter_id"] == "olympic"),
        "nothing half written"
    );
    let submission = project.submission(GROUP);
    let text = |name: &str| submission[name].as_str().unwrap_or_default().to_owned();
    (text("state"), text("state_reason"))
}

on_both_stacks!(
    unreadable_files_fail_with_their_reason_and_stop_nothing,
    too_many_rejects_fail_the_submission_and_stay_in_quarantine,
);

fn unreadable_files_fail_with_their_reason_and_stop_nothing(stack: Stack) {
    for (name, bytes, expected) in [
        ("empty", &b""[..], "empty"),
        ("zip", b"PK\x03\x04rest of an archive", "ZIP"),
        ("pdf", b"%PDF-1.7 and so on", "PDF"),
        ("another file's header", b"name,age\nx,1\n", "PATIENTID"),
    ] {
        let (state, reason) = verdict(stack, bytes);
        assert_eq!(state, "PARSE_FAILED", "{name}");
        assert!(
            reason.contains("claims.csv") && reason.contains(expected),
            "{name}: {reason}"
        );
    }
}

fn too_many_rejects_fail_the_submission_and_stay_in_quarantine(stack: Stack) {
    let project = Project::new(stack);
    let sample = crate::project::repository().join("demo/inbox/cascade/medical_claim/20110131");
    let file = crate::project::files_below(&sample).remove(0);
    let header = std::fs::read_to_string(file)
        .unwrap()
        .lines()
        .next()
        .unwrap()
        .to_owned();
    project.drop_bytes(
        &format!("{GROUP}/claims.csv"),
        format!("{header}\na,b\nc,d\n").into_bytes(),
    );
    project.run_once();
    let failed = project.submission(GROUP);
    assert_eq!(failed["state"], "PARSE_FAILED");
    let counts = ["rows_in", "rows_accepted", "rows_rejected"].map(|name| failed[name].as_i64());
    assert_eq!(counts, [Some(2), Some(0), Some(2)]);
    let counted = counted_by_duckdb(&project);
    assert_eq!(
        counted["quarantine"][0]["reasons"],
        serde_json::json!({ "field_count": 2 })
    );
}

#[test]
fn a_missing_document_or_setting_is_named_at_the_start() {
    let mut project = Project::new(Stack::SqliteAndFolder);
    std::fs::write(
        project.root().join("feeds/wrong.yaml"),
        "feed: wrong\nsubmiter: x\n",
    )
    .unwrap();
    let output = project.run(&["run", "--once"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("feeds/wrong.yaml") && said.contains("submiter"),
        "{said}"
    );
    std::fs::remove_file(project.root().join("feeds/wrong.yaml")).unwrap();

    project.set("GROUP_BY_DEPTH", "deep");
    let output = project.run(&["run", "--once"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("GROUP_BY_DEPTH") && said.contains("deep"),
        "{said}"
    );
}
