//! sineemore/csv-test-data: RFC 4180, valid files with their JSON, and invalid ones (`bad-`).

use std::path::{Path, PathBuf};

use inspect::Unreadable;
use serde_json::Value;
use testkit::shared_data;

use crate::reading::{With, contract};

use super::{all_cells, by_position, files, json, read, stem, text_column};

/// Blank lines are no rows to us: a row of nothing has nothing to say, and files that end in
/// several line ends are common. The suite holds such a line to be a row of one empty field.
const WITH_BLANK_LINES: [&str; 2] = ["all-empty", "empty-one-column"];

fn suite() -> Option<(PathBuf, Vec<PathBuf>)> {
    let folder = shared_data::folder("suites/csv-test-data")?;
    let files = files(&folder, ".csv");
    assert!(files.len() >= 25);
    Some((folder, files))
}

fn expected(folder: &Path, path: &Path) -> Vec<Value> {
    let expect = json(&folder.join("json").join(format!("{}.json", stem(path))));
    expect.as_array().expect("a list of rows").clone()
}

#[test]
fn files_without_a_header() {
    let Some((folder, files)) = suite() else {
        return;
    };
    let mut seen = 0;
    for path in files {
        let name = stem(&path);
        if name.starts_with("bad-") || name.starts_with("header-") {
            continue;
        }
        seen += 1;
        let file = std::fs::read(&path).unwrap();
        let mut expect: Vec<Vec<String>> = expected(&folder, &path)
            .into_iter()
            .map(|row| serde_json::from_value(row).unwrap())
            .collect();
        let columns = expect[0].len();
        if WITH_BLANK_LINES.contains(&name) {
            expect.retain(|row| *row != [""]);
        }
        match read(&by_position(columns), &file) {
            Ok(read) => assert_eq!(all_cells(&read), expect, "{name}"),
            Err(unreadable) => {
                assert_eq!(unreadable, Unreadable::Empty, "{name}");
                assert!(expect.is_empty(), "{name}");
            }
        }
    }
    assert!(seen >= 15, "{seen} files");
}

fn foo_bar_baz() -> contract::Contract {
    let columns = ["foo", "bar", "baz"].into_iter().enumerate();
    contract(
        columns
            .map(|(at, name)| text_column(at).header(name))
            .collect(),
    )
}

#[test]
fn files_with_a_header() {
    let Some((folder, files)) = suite() else {
        return;
    };
    let with_header = files
        .iter()
        .filter(|path| stem(path).starts_with("header-"));
    let mut seen = 0;
    for path in with_header {
        seen += 1;
        let file = std::fs::read(path).unwrap();
        let rows = all_cells(&read(&foo_bar_baz(), &file).unwrap());
        let expect: Vec<Vec<String>> = expected(&folder, path)
            .iter()
            .map(|row| ["foo", "bar", "baz"].map(|name| row[name].as_str().unwrap().to_owned()))
            .map(Vec::from)
            .collect();
        assert_eq!(rows, expect, "{}", path.display());
    }
    assert_eq!(seen, 2);
}

#[test]
fn invalid_files() {
    let Some((_, files)) = suite() else {
        return;
    };
    let bad = files.iter().filter(|path| stem(path).starts_with("bad-"));
    let mut seen = 0;
    for path in bad {
        seen += 1;
        let file = std::fs::read(path).unwrap();
        let name = stem(path);
        let contract = if name.starts_with("bad-header-") {
            foo_bar_baz()
        } else {
            by_position(3)
        };
        let outcome = match read(&contract, &file) {
            Ok(read) => [read.accepted(), read.rejects()].concat().join(" / "),
            Err(unreadable) => unreadable.to_string(),
        };
        let quote = "foo|bar|baz / row 2: c1 quote";
        let expect = match name {
            "bad-header-less-fields" | "bad-header-more-fields" => {
                "row 1: the record field_count (3 fields)"
            }
            "bad-header-no-header" => "the file is empty",
            "bad-header-wrong-header" => "columns missing from the header: foo, bar, baz",
            "bad-missing-quote" | "bad-quotes-with-unescaped-quote" => quote,
            // RFC 4180 forbids a quote in an unquoted field. Nothing is ambiguous about it, and
            // submitters send `5" dressing`: it is text to us.
            "bad-unescaped-quote" => "foo|bar|baz / 1|This \"quotes\" must be escaped|3",
            other => panic!("{other} has no expected outcome"),
        };
        assert!(outcome.starts_with(expect), "{name}: {outcome}");
    }
    assert_eq!(seen, 7);
}
