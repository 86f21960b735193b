//! JSONTestSuite, and CMS's adjudicated claims (RDA) in NDJSON counted against Python's json.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use contract::{ColumnType, Shape};
use inspect::is_json;

use crate::reading::{With, column, contract, read, text};

/// Where the suite leaves the answer open: what is JSON to us. Bytes that are not UTF-8 and
/// halves of pairs are refused where a column reads them, not where they are passed over;
/// numbers of any size are read by their digits; UTF-16 is told by the file's first bytes.
const OPEN_AND_REFUSED: [&str; 2] = [
    "i_string_UTF-16LE_with_BOM.json",
    "i_string_utf16LE_no_BOM.json",
];

#[test]
fn json_test_suite() {
    let Some(folder) = testkit::shared_data::folder("suites/JSONTestSuite/test_parsing") else {
        return;
    };
    let mut counts = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let accepted = is_json(&std::fs::read(&path).unwrap());
        let kind = name[..1].to_owned();
        let expected = match &*kind {
            "y" => true,
            "n" => false,
            _ => !OPEN_AND_REFUSED.contains(&&*name),
        };
        assert_eq!(accepted, expected, "{name}");
        *counts.entry(kind).or_insert(0) += 1;
    }
    assert!(counts["y"] >= 40 && counts["n"] >= 92, "{counts:?}");
}

const COUNT: &str = r#"
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8") if line.strip()]
def get(row, path):
    for part in path.split("."):
        row = row[int(part)] if isinstance(row, list) and int(part) < len(row) else row.get(part) if isinstance(row, dict) else None
    return None if row is None or row == "" else row
paths = sys.argv[2:]
print(len(rows), *[sum(get(row, path) is not None for row in rows) for path in paths], sum(int(row["seq"]) for row in rows))
"#;

#[test]
fn adjudicated_claims() {
    let Some(folder) = testkit::shared_data::folder("cms_bfd/rda_ndjson") else {
        return;
    };
    let Some(python) = std::env::var_os("LAZARET_TEST_PYTHON") else {
        eprintln!("LAZARET_TEST_PYTHON names no Python to count with");
        return;
    };
    let bridge = "bfd-pipeline-rda-bridge/src/test/resources/expected";
    let grpc = "bfd-pipeline-rda-grpc/src/test/resources";
    for file in [
        format!("{bridge}/expected-mcs.ndjson"),
        format!("{bridge}/expected-fiss.ndjson"),
        format!("{grpc}/MCS.ndjson"),
        format!("{grpc}/FISS.ndjson"),
        format!("{grpc}/SAMPLE-FISS.ndjson"),
        format!("{grpc}/SAMPLE-MCS.ndjson"),
    ] {
        check_counts(&python, &folder.join(file));
    }
}

fn check_counts(python: &std::ffi::OsStr, path: &Path) {
    let paths = [
        "timestamp",
        "claim.idrBeneSexEnum",
        "claim.mcsDetails",
        "claim.mcsDetails.0.idrDtlNumber",
        "claim.medaProvId",
        "claim.fissProcCodes.1.procCd",
        "source.phaseSeqNum",
    ];
    let mut columns: Vec<_> = (0..)
        .zip(paths)
        .map(|(at, path)| text(&format!("c{at}")).header(path))
        .collect();
    columns.push(column("seq", ColumnType::Integer).required());
    let mut contract = contract(columns);
    contract.format.shape = Shape::JsonLines;
    let read = read(
        &contract,
        &std::fs::read(path).expect("a file of the suite"),
    )
    .expect("JSON lines");
    assert_eq!(read.rejects(), Vec::<String>::new(), "{}", path.display());

    let filled = read.statistics.columns.iter().take(paths.len());
    let filled = filled.map(|column| (column.rows - column.nulls).to_string());
    let last = read.accepted();
    let sequence = last
        .iter()
        .map(|row| row.rsplit('|').next().expect("a last column"));
    let sum: i64 = sequence
        .map(|number| number.parse::<i64>().expect("a number"))
        .sum();
    let mut ours = vec![read.end.rows.to_string()];
    ours.extend(filled);
    ours.push(sum.to_string());

    let counted = Command::new(python)
        .args(["-c", COUNT])
        .arg(path)
        .args(paths)
        .output()
        .expect("Python runs");
    assert!(counted.status.success(), "{counted:?}");
    let theirs = String::from_utf8(counted.stdout).expect("text");
    assert_eq!(ours.join(" "), theirs.trim(), "{}", path.display());
}
