//! `contract generate` as a person calls it: the file, the list of rejects, and what it refuses.

use std::fs;

use serde_json::Value;

use crate::project::{Project, Stack, repository};

#[test]
fn a_twin_and_its_rejects_are_written_once() {
    let project = Project::new(Stack::SqliteAndFolder);
    let contract = repository().join("library/contracts/pharmacy_claim/v1.yaml");
    let path = |name: &str| project.root().join(name).to_str().unwrap().to_owned();
    let (file, list) = (path("twin.csv"), path("rejects.jsonl"));
    let call = [
        "contract",
        "generate",
        contract.to_str().unwrap(),
        "--rows",
        "500",
        "--defects",
        "required:pde_id=5,type=1%,too_few_fields=2",
        "--out",
        &file,
        "--expected",
        &list,
    ];
    let told = project.succeeds(&call);
    assert!(
        told.contains("500 rows, of which 12 must be rejected"),
        "{told}"
    );
    assert!(told.contains("lazaret inspect"), "{told}");
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 501);
    let list = fs::read_to_string(&list).unwrap();
    let rules: Vec<Value> = list
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["rule"].clone())
        .collect();
    assert_eq!(rules.len(), 12);
    assert_eq!(rules.iter().filter(|rule| **rule == "required").count(), 5);

    let before = fs::read(&file).unwrap();
    assert_eq!(project.run(&call).status.code(), Some(3));
    assert_eq!(fs::read(&file).unwrap(), before);
    let again: Vec<&str> = call
        .into_iter()
        .chain(["--overwrite", "--seed", "9"])
        .collect();
    project.succeeds(&again);
    assert_ne!(fs::read(&file).unwrap(), before);
    let wrong = [
        "contract",
        "generate",
        call[2],
        "--rows",
        "5",
        "--defects",
        "json=1",
    ];
    assert_eq!(project.run(&wrong).status.code(), Some(2));
}
