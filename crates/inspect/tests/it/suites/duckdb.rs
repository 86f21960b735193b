//! DuckDB's own tests of its reject tables: which lines it rejects, where they begin, and why.
//!
//! Its scripts are read as they are: every `read_csv` of one file with the reject table that is
//! expected of it. Where a record's fields cannot be told apart (too few, too many, a wrong
//! quote, too long) DuckDB goes on to judge those that it sees; we say the one thing that the
//! submitter must mend first. DuckDB's line size is our largest record.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use contract::{Column, ColumnType, Contract, FileFormat, Header};
use inspect::{Limits, header_names};
use testkit::shared_data;

use crate::reading::{Read, With, column, contract, date, dialect, text};

use super::{files, read_within, text_column};

/// One `read_csv` and what is expected of it.
#[derive(Debug, Default)]
struct Case {
    /// Below the suite's folder.
    file: String,
    types: Vec<String>,
    header: bool,
    line_bytes_max: Option<usize>,
    /// As text, cells set apart by `|`.
    accepted: Option<Vec<String>>,
    errors: Vec<Expected>,
}

#[derive(Debug, Clone)]
struct Expected {
    line: u64,
    /// From 0.
    offset: u64,
    /// From 0.
    column: Option<usize>,
    kind: String,
}

#[test]
fn rejects_are_the_lines_that_duckdb_rejects() {
    let Some(folder) = shared_data::folder("suites/duckdb") else {
        return;
    };
    let mut seen = BTreeSet::new();
    for script in files(&folder, ".test") {
        for case in cases(&std::fs::read_to_string(&script).unwrap()) {
            check(&folder, &case);
            seen.insert(case.file);
        }
    }
    // A script that were not understood would leave files out.
    let all = files(&folder, ".csv").len();
    assert_eq!(seen.len(), all, "{seen:?}");
}

fn check(folder: &Path, case: &Case) {
    let file = std::fs::read(folder.join("data").join(&case.file)).expect("a file of the suite");
    let limits = Limits {
        record_bytes_max: case
            .line_bytes_max
            .unwrap_or(Limits::default().record_bytes_max),
        ..Limits::default()
    };
    let read = read_within(&contract_of(case, &file), limits, &file).expect("readable");
    if let Some(accepted) = &case.accepted {
        check_accepted(case, &read.accepted(), accepted);
    }
    let mut by_offset: BTreeMap<u64, Vec<&Expected>> = BTreeMap::new();
    for error in &case.errors {
        by_offset.entry(error.offset).or_default().push(error);
    }
    let found: Vec<u64> = rejects(&read).map(|reject| reject.offset).collect();
    let expected: Vec<u64> = by_offset.keys().copied().collect();
    assert_eq!(found, expected, "{}", case.file);
    for (reject, expected) in rejects(&read).zip(by_offset.values()) {
        assert_eq!(reject.row, expected[0].line - u64::from(case.header));
        let found: BTreeSet<(Option<usize>, &str)> = reject
            .problems
            .iter()
            .map(|problem| {
                (
                    problem.column.as_deref().map(column_at),
                    kind_of(&problem.rule),
                )
            })
            .collect();
        assert_eq!(found, said_by_us(expected), "{} {expected:?}", case.file);
    }
}

fn check_accepted(case: &Case, found: &[String], expected: &[String]) {
    if case
        .types
        .iter()
        .any(|column_type| column_type == "DECIMAL")
    {
        // DuckDB rounds to three places, we never do: its numbers of rows agree.
        assert_eq!(found.len(), expected.len(), "{}", case.file);
    } else {
        assert_eq!(found, expected, "{}", case.file);
    }
}

fn rejects(read: &Read) -> impl Iterator<Item = &inspect::Reject> {
    read.blocks.iter().flat_map(|block| &block.rejects)
}

/// From `c3` to 3.
fn column_at(name: &str) -> usize {
    name[1..].parse().expect("a column's number")
}

/// DuckDB's name for our rule.
fn kind_of(rule: &str) -> &'static str {
    match rule {
        "type" | "pattern" => "CAST",
        "encoding" => "INVALID ENCODING",
        "quote" => "UNQUOTED VALUE",
        "field_count" => "COLUMNS",
        "record_length" => "LINE SIZE OVER MAXIMUM",
        other => panic!("DuckDB has no {other}"),
    }
}

/// Of all that DuckDB says of a line, what we say: the gravest, or all of its cells.
fn said_by_us<'a>(expected: &[&'a Expected]) -> BTreeSet<(Option<usize>, &'a str)> {
    for gravest in ["LINE SIZE OVER MAXIMUM", "UNQUOTED VALUE", "COLUMNS"] {
        let mut errors = expected
            .iter()
            .filter(|error| error.kind.ends_with(gravest));
        if let Some(error) = errors.next() {
            let column = error.column.filter(|_| gravest == "UNQUOTED VALUE");
            return BTreeSet::from([(column, gravest)]);
        }
    }
    let cell = |error: &&'a Expected| (error.column, error.kind.as_str());
    expected.iter().map(cell).collect()
}

fn contract_of(case: &Case, file: &[u8]) -> Contract {
    let names = header_names(&FileFormat::default(), file).expect("a first line");
    let columns = case.types.iter().enumerate().map(|(at, column_type)| {
        let column = typed(at, column_type);
        match names.get(at) {
            Some(name) if case.header => column.header(name),
            _ => column,
        }
    });
    let mut contract = contract(columns.collect());
    if !case.header {
        dialect(&mut contract).header = Header::Absent;
    }
    contract
}

fn typed(at: usize, column_type: &str) -> Column {
    let name = format!("c{at}");
    let timestamp = |zoned, format: &str| {
        let formats = vec![format.to_owned()];
        column(&name, ColumnType::Timestamp { formats, zoned })
    };
    match column_type {
        "VARCHAR" => text_column(at),
        "INTEGER" => column(&name, ColumnType::Integer),
        "DECIMAL" => column(
            &name,
            ColumnType::Decimal {
                precision: 18,
                scale: 4,
            },
        ),
        "DATE" => date(&name, &["%Y-%m-%d"]),
        "TIMESTAMP" => timestamp(false, "%Y-%m-%dT%H:%M:%S%.f"),
        "TIMESTAMPTZ" => timestamp(true, "%+"),
        // A time of day has no type of its own here.
        "TIME" | "TIMETZ" => text(&name).pattern("[0-2][0-9]:[0-5][0-9]:[0-5][0-9].*"),
        other => panic!("{other} has no type of ours"),
    }
}

/// The reads of one file in a script, each with the reject table that it is expected to leave.
fn cases(script: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut reading = false;
    for block in script.split("\n\n") {
        let (statement, result) = block.split_once("\n----").unwrap_or((block, ""));
        if statement.contains("read_csv") {
            let case = case(statement, block.contains("\n----").then_some(result));
            reading = case.is_some();
            cases.extend(case);
        } else if reading && statement.contains("reject_errors") && !result.is_empty() {
            let errors = result.lines().skip(1).map(|line| error(statement, line));
            if let Some(case) = cases.last_mut() {
                case.errors = errors.collect();
            }
            reading = false;
        }
    }
    cases.retain(|case| !case.errors.is_empty());
    cases
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = &text[text.find(before)? + before.len()..];
    Some(&rest[..rest.find(after)?])
}

fn case(statement: &str, accepted: Option<&str>) -> Option<Case> {
    let file = between(statement, "'{DATA_DIR}/", "'")?;
    // One read of one file; the other files are no part of the shared data.
    if !file.starts_with("csv/rejects/")
        || file.contains('*')
        || statement.matches("read_csv(").count() > 1
    {
        return None;
    }
    let columns = between(statement, "{'", "}").or_else(|| between(statement, "={ '", "}"))?;
    let types = columns.split(',').map(|column| {
        column
            .rsplit('\'')
            .nth(1)
            .expect("a quoted type")
            .to_owned()
    });
    let line_bytes_max = statement
        .split("max_line_size=")
        .nth(1)
        .map(|rest| {
            rest.chars()
                .take_while(char::is_ascii_digit)
                .collect::<String>()
        })
        .and_then(|digits| digits.parse().ok());
    let rows = |rows: &str| {
        let rows = rows.lines().skip(1).map(|row| row.replace('\t', "|"));
        rows.collect()
    };
    Some(Case {
        file: file.to_owned(),
        types: types.collect(),
        header: !statement.contains("header = 0"),
        line_bytes_max,
        accepted: accepted.map(rows),
        errors: Vec::new(),
    })
}

/// A line of the reject table. The statement says which columns it has.
fn error(statement: &str, line: &str) -> Expected {
    let fields: Vec<&str> = line.split('\t').collect();
    let last = fields.len() - 1;
    let (line_at, offset_at, column_at, kind_at) = if statement.contains("EXCLUDE (scan_id)") {
        (1, 2, 4, 6)
    } else if statement.contains("EXCLUDE (scan_id, file_id)") {
        (0, 1, 3, 5)
    } else {
        (1, last - 1, 2, 4)
    };
    let number = |at: usize| fields[at].parse::<u64>().ok();
    Expected {
        line: number(line_at).expect("a line's number"),
        offset: number(offset_at).expect("a place in bytes") - 1,
        column: number(column_at).map(|column| column as usize - 1),
        kind: fields[kind_at].to_owned(),
    }
}
