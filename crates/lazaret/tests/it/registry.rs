//! Layouts and mappings are documents: adding one is no code, and a wrong one is refused.

use std::fs;

use serde_json::Value;

use crate::drops;
use crate::outputs::{counted_by_duckdb, rows_by};
use crate::project::{Project, Stack, repository};

const GROUP: &str = "cascade/medical_claim/20110131";

fn canonical(ran: &Value) -> Vec<(&str, &str)> {
    let text = |month: &'_ Value, name: &str| month[name].as_str().unwrap_or_default().to_owned();
    let months = ran["canonical"].as_array().unwrap();
    for month in months {
        assert!(!text(month, "status").is_empty(), "{month}");
    }
    months
        .iter()
        .map(|month| {
            (
                month["status"].as_str().unwrap(),
                month["reason"].as_str().unwrap_or_default(),
            )
        })
        .collect()
}

on_both_stacks!(
    a_layout_is_added_by_documents_alone,
    a_failed_build_says_why_and_is_retried_when_it_is_asked_for_again,
);

fn a_layout_is_added_by_documents_alone(stack: Stack) {
    let project = Project::new(stack);
    let root = project.root();
    // The same file with its columns renamed: what another submitter's system would export.
    let contract = fs::read_to_string(root.join("contracts/medical_claim/v2.yaml")).unwrap();
    let contract = contract
        .replace("\nversion: 2\n", "\nversion: 9\n")
        .replace("header: PATIENTID", "header: PERSON");
    fs::write(root.join("contracts/medical_claim/v9.yaml"), contract).unwrap();
    let mapping =
        fs::read_to_string(root.join("canonical/mappings/medical_claim/v2/v1.json")).unwrap();
    let mapping = mapping.replace("medical_claim@v2", "medical_claim@v9");
    fs::create_dir_all(root.join("canonical/mappings/medical_claim/v9")).unwrap();
    fs::write(
        root.join("canonical/mappings/medical_claim/v9/v1.json"),
        mapping,
    )
    .unwrap();
    let feed = fs::read_to_string(root.join("feeds/cascade_claims.yaml")).unwrap();
    fs::write(
        root.join("feeds/cascade_claims.yaml"),
        feed.replace("medical_claim@v2", "medical_claim@v9"),
    )
    .unwrap();

    let synced = project.json(&["registry", "sync"]);
    assert!(
        synced.to_string().contains("mapping medical_claim@v9 v1"),
        "{synced}"
    );
    for path in crate::project::files_below(&repository().join("demo/inbox").join(GROUP)) {
        let text = fs::read_to_string(&path)
            .unwrap()
            .replacen("PATIENTID", "PERSON", 1);
        let name = path.file_name().unwrap().to_str().unwrap();
        project.drop_bytes(&format!("{GROUP}/{name}"), text.into_bytes());
    }
    project.run_once();
    let rows = rows_by(
        &counted_by_duckdb(&project),
        "canonical_by_source",
        "source_layout_id",
    );
    assert_eq!(
        rows.into_iter().collect::<Vec<_>>(),
        [("medical_claim@v9".to_owned(), 34)]
    );
}

fn a_failed_build_says_why_and_is_retried_when_it_is_asked_for_again(stack: Stack) {
    let project = Project::new(stack);
    let mapping = project
        .root()
        .join("canonical/mappings/medical_claim/v2/v1.json");
    let document = fs::read(&mapping).unwrap();
    fs::remove_file(&mapping).unwrap();
    drops::drop_one(&project, GROUP);
    let output = project.run(&["run", "--once", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1), "a failed build is a fault");
    let ran: Value = serde_json::from_slice(&output.stdout).unwrap();
    for (status, reason) in canonical(&ran) {
        assert_eq!(status, "FAILED");
        assert!(
            reason.contains("cascade")
                && reason.contains("canonical/mappings/medical_claim/v2/v1.json"),
            "{reason}"
        );
    }
    assert_eq!(
        project.run_once()["canonical"],
        serde_json::json!([]),
        "its queue rows are processed"
    );

    fs::write(&mapping, document).unwrap();
    let ran = project.run_once();
    assert_eq!(canonical(&ran).len(), 8);
    assert!(
        canonical(&ran)
            .iter()
            .all(|(status, _)| *status == "SUCCEEDED"),
        "{ran}"
    );
}

#[test]
fn a_mapping_that_does_not_fit_is_refused_with_its_column() {
    let project = Project::new(Stack::SqliteAndFolder);
    let mapping = project
        .root()
        .join("canonical/mappings/medical_claim/v2/v1.json");
    let document = fs::read_to_string(&mapping).unwrap();
    fs::write(&mapping, document.replace("patient_id", "patient_idd")).unwrap();
    let output = project.run(&["registry", "sync"]);
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("medical_claim@v2") && said.contains("patient_idd"),
        "{said}"
    );
}
