//! Contracts as documents, as a person handles them: drafted, checked, compared, exchanged.

use std::fs;

use serde_json::Value;

use crate::project::{Project, Stack, repository};

/// A claims file that the library has no contract for: 200 rows, two date formats, codes.
fn claims() -> String {
    let mut text = String::from("Claim Number|Member ID|Service Date|Paid|Status|Provider NPI\n");
    for row in 0..200u32 {
        let day = row % 28 + 1;
        let date = if row % 3 == 0 {
            format!("03/{day:02}/2024")
        } else {
            format!("2024-03-{day:02}")
        };
        let status = ["paid", "denied"][row as usize % 2];
        let npi = ["1234567893", "1679576722"][row as usize % 2];
        text += &format!(
            "C{row:06}|M{:04}|{date}|{}.50|{status}|{npi}\n",
            row % 40,
            row * 7
        );
    }
    text
}

#[test]
fn a_file_nobody_described_gets_a_contract_that_passes_the_check() {
    let project = Project::new(Stack::SqliteAndFolder);
    let file = project.root().join("claims_202403.txt");
    fs::write(&file, claims()).unwrap();
    let draft = project.succeeds(&["contract", "infer", file.to_str().unwrap()]);
    insta::assert_snapshot!("drafted", draft);

    let contract = project.root().join("claims.yaml");
    fs::write(&contract, &draft).unwrap();
    let contract = contract.to_str().unwrap();
    project.succeeds(&["contract", "check", contract]);

    let exported = project.succeeds(&["contract", "export", contract, "--to", "odcs"]);
    let odcs = project.root().join("claims.odcs.yaml");
    fs::write(&odcs, exported).unwrap();
    let imported = project.succeeds(&["contract", "import", odcs.to_str().unwrap()]);
    let without_notes: String = (draft.lines())
        .filter(|line| !line.trim_start().starts_with('#'))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(imported.trim(), without_notes.trim());
    for form in ["json-schema", "sql", "markdown"] {
        let text = project.succeeds(&["contract", "export", contract, "--to", form]);
        assert!(
            text.contains("service_date") || text.contains("Service Date"),
            "{text}"
        );
    }
}

#[test]
fn a_newer_contract_says_what_it_breaks() {
    let library = repository().join("library/contracts/medical_claim/v1.yaml");
    let old = fs::read_to_string(&library).unwrap();
    let project = Project::new(Stack::SqliteAndFolder);
    let write = |name: &str, text: &str| {
        let path = project.root().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let before = write("before.yaml", &old);
    let wider = write(
        "wider.yaml",
        &old.replacen("decimal(12,2)", "decimal(14,2)", 1),
    );
    let told = project.succeeds(&["contract", "diff", &before, &wider]);
    assert!(told.contains("decimal(12,2) → decimal(14,2)"), "{told}");

    let gone = write("gone.yaml", &old.replacen("decimal(12,2)", "integer", 1));
    let output = project.run(&["contract", "diff", &before, &gone, "--format", "json"]);
    assert_eq!(output.status.code(), Some(1), "a breaking change");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["compatible"], false);
    assert_eq!(told["changes"][0]["column"], "clm_pmt_amt");
    assert_eq!(told["changes"][0]["compatibility"], "breaking");
}
