//! The README's first feed, run as it is written there.

use std::path::Path;
use std::process::Command;

use crate::project::repository;

/// The text of the README's `sh` blocks, in order.
fn commands() -> String {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let blocks = readme.split("```sh\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap())
        .collect()
}

#[test]
fn the_first_feed_of_the_readme_works_as_written() {
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_lazaret")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &commands()])
        .current_dir(folder.path())
        .env("PATH", path)
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{printed}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for expected in [
        "days_supply: range: 1 to 365",
        "the latest validated submission",
        "pharmacy_claim@v1, pharmacy_claim@v2",
        "ACCEPTED: 5 rows in, 5 accepted, 0 rejected",
        "SOME ROWS REJECTED: 4 rows in, 1 accepted, 3 rejected",
        "exit code 4",
    ] {
        assert!(
            printed.contains(expected),
            "{expected} is not in\n{printed}"
        );
    }
    assert!(!printed.contains("M-02"), "values are masked");
}
