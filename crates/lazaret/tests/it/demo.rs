//! `lazaret demo` in an empty folder, as a newcomer runs it.

use std::process::Command;

use serde_json::Value;

use crate::drops;

#[test]
fn the_demo_ends_with_canonical_rows_of_three_layouts() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_lazaret"))
        .args(["demo", "--format", "json"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = drops::expected();
    let sum = |name: &str| {
        let drops = expected["drops"].as_array().unwrap();
        drops
            .iter()
            .filter_map(|drop| drop[name].as_i64())
            .sum::<i64>()
    };
    assert_eq!(shown["rows_in"].as_i64(), Some(sum("rows")), "{shown}");
    assert_eq!(shown["rows_accepted"].as_i64(), Some(sum("accepted")));
    assert_eq!(shown["rows_rejected"].as_i64(), Some(sum("rejected")));
}
