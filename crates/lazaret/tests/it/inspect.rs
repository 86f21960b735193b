//! `lazaret inspect`: one file by one contract, without a project.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tempfile::TempDir;
use testkit::python::run_python;

use crate::project::{Project, Stack, files_below, repository};

const CONTRACT: &str = r#"
contract: dose
version: 1
title: Doses
natural_key: [id]
thresholds: { reject_ratio: 0.6 }
columns:
  - { name: id, type: integer, required: true }
  - { name: given, type: date, required: true }
  - { name: amount, type: "decimal(8,2)", range: { min: "0" } }
  - { name: note, type: string }
atomic_month: { column: given }
rules:
  - id: id_is_small
    sql: "id < 1000"
    explanation: "Ids of this register have three digits."
  - id: some_notes
    scope: file
    sql: "count(note) >= 1"
    severity: warn
    explanation: "A register without any note was cut."
"#;

/// Rows 2 (three mistakes), 4 (a rule in SQL), 5 (its key stands in row 1) are wrong.
const DOSES: &str = "\
id,given,amount,note
1,2024-01-05,0.50,\"first, with \"\"care\"\"\"
two,soon,-1,
3,2024-02-01,,
4000,2024-02-02,1.00,
1,2024-02-03,1.00,
6,2024-02-29,12.25,
";

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("dose.yaml", CONTRACT.as_bytes());
        folder.write("doses.csv", DOSES.as_bytes());
        folder
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lazaret"));
        command.current_dir(self.0.path()).args(arguments);
        command.env_remove("LAZARET_PROJECT").env_remove("RUST_LOG");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(&[&["inspect"], arguments].concat())
            .output()
            .unwrap()
    }

    /// The exit code and the answer as JSON.
    fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let output = self.run(&[arguments, &["--format", "json"]].concat());
        (output.status.code().unwrap(), answer(&output))
    }

    fn names(&self) -> Vec<String> {
        let files = files_below(self.0.path());
        let name =
            |path: &std::path::PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        files.iter().map(name).collect()
    }
}

fn answer(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// `(column: rule, rows)` of a list of reasons, sorted.
fn reasons(of: &Value) -> Vec<(String, u64)> {
    let told = of.as_array().unwrap().iter().map(|reason| {
        let column = reason["column"].as_str().unwrap_or("row");
        let rule = reason["rule"].as_str().unwrap();
        (
            format!("{column}: {rule}"),
            reason["rows"].as_u64().unwrap(),
        )
    });
    let mut told: Vec<_> = told.collect();
    told.sort();
    told
}

#[test]
fn every_form_of_output_holds_every_row() {
    let folder = Folder::new();
    for ending in ["parquet", "csv", "jsonl"] {
        let (accepted, rejected) = (format!("good.{ending}"), format!("bad.{ending}"));
        let (code, found) = folder.json(&[
            "doses.csv",
            "--contract",
            "dose.yaml",
            "--accepted",
            &accepted,
            "--rejected",
            &rejected,
            "--report",
            &format!("{ending}.json"),
        ]);
        assert_eq!(code, 4, "{found}");
        assert_eq!(found["outcome"], "some_rejected");
        let report = &found["report"];
        assert_eq!(
            (
                &report["rows_in"],
                &report["rows_accepted"],
                &report["rows_rejected"]
            ),
            (&6.into(), &3.into(), &3.into())
        );
        assert_eq!(
            reasons(&report["reject_reasons"]),
            [
                ("amount: range".to_owned(), 1),
                ("given: type".to_owned(), 1),
                ("id: type".to_owned(), 1),
                ("row: id_is_small".to_owned(), 1),
                ("row: unique".to_owned(), 1),
            ]
        );
        assert_eq!(report["months"]["2024-02"], 2);
        let written = std::fs::read_to_string(folder.path(&format!("{ending}.json"))).unwrap();
        let written: Value = serde_json::from_str(&written).unwrap();
        assert_eq!(
            written["report"], *report,
            "the report is what was answered"
        );
    }
    assert_eq!(
        folder.run(&["doses.csv", "-c", "dose.yaml"]).status.code(),
        Some(4)
    );
    let listed = run_python(READ, &[folder.0.path().to_str().unwrap()]);
    assert_eq!(listed, [ROWS, ROWS, ROWS, REASONS].concat());
}

/// Every output as DuckDB reads it.
const READ: &str = r#"
import duckdb, sys, os
os.chdir(sys.argv[1])
for ending, read in (('parquet', 'read_parquet'), ('csv', 'read_csv'), ('jsonl', 'read_json')):
    good = duckdb.sql(f'''select id, cast(given as date), cast(amount as decimal(8,2)), note,
        source_file, source_row, source_offset, source_length
        from {read}('good.{ending}') order by source_row''').fetchall()
    for row in good: print(*row, sep='|')
    bad = duckdb.sql(f'''select source_file, source_row, source_offset, source_length, raw_text
        from {read}('bad.{ending}') order by source_row''').fetchall()
    for row in bad: print(*row, sep='|')
lists = [[[': '.join(filter(None, (r['column'], r['rule']))) for r in row[0]]
    for row in duckdb.sql(f'select reasons from {read} order by source_row').fetchall()]
    for read in ("read_parquet('bad.parquet')", "read_json('bad.jsonl')")]
assert lists[0] == lists[1], lists
print(lists[0])
words = duckdb.sql('''select reasons from read_csv('bad.csv') order by source_row''').fetchall()
print(words[0][0].split('; ')[0])
"#;

/// As read from one pair of files.
const ROWS: &str = "\
1|2024-01-05|0.50|first, with \"care\"|doses.csv|1|21|40
3|2024-02-01|None|None|doses.csv|3|75|14
6|2024-02-29|12.25|None|doses.csv|6|131|19
doses.csv|2|62|12|two,soon,-1,
doses.csv|4|90|21|4000,2024-02-02,1.00,
doses.csv|5|112|18|1,2024-02-03,1.00,
";

/// The reasons of each reject, and the first of them in words.
const REASONS: &str = "\
[['id: type', 'given: type', 'amount: range'], ['id_is_small'], ['unique']]
id: type (a whole number of 64 bits)
";

#[test]
fn standard_input_and_packed_files_are_read_as_what_they_hold() {
    let folder = Folder::new();
    folder.write("doses.csv.gz", &gzip(DOSES.as_bytes()));
    folder.write(
        "doses.csv.zst",
        &zstd::encode_all(DOSES.as_bytes(), 3).unwrap(),
    );
    run_python(
        "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED)\n\
         z.write(sys.argv[2], '2024/doses.csv')\nz.writestr('__MACOSX/._doses.csv', 'x')\nz.close()",
        &[
            folder.path("doses.zip").to_str().unwrap(),
            folder.path("doses.csv").to_str().unwrap(),
        ],
    );
    let (_, plain) = folder.json(&["doses.csv", "-c", "dose.yaml"]);
    for name in ["doses.csv.gz", "doses.csv.zst", "doses.zip"] {
        let (code, found) = folder.json(&[name, "-c", "dose.yaml"]);
        assert_eq!(code, 4, "{name}: {found}");
        assert_eq!(
            found["report"]["months"], plain["report"]["months"],
            "{name}"
        );
        assert_eq!(
            reasons(&found["report"]["reject_reasons"]),
            reasons(&plain["report"]["reject_reasons"]),
            "{name}"
        );
    }
    let (_, found) = folder.json(&["doses.zip", "-c", "dose.yaml"]);
    assert_eq!(
        found["report"]["files"][0]["file_name"],
        "doses.zip/2024/doses.csv"
    );
    assert_eq!(
        found["report"]["archives"][0]["passed_over"][0]["member"],
        "__MACOSX/._doses.csv"
    );

    let mut child = folder
        .command(&[
            "inspect",
            "-",
            "-c",
            "dose.yaml",
            "--format",
            "json",
            "--name",
            "d.csv",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(DOSES.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    let found = answer(&output);
    assert_eq!(found["report"]["files"][0]["file_name"], "d.csv");
    assert_eq!(found["report"]["rows_rejected"], 3);
}

impl Folder {
    fn ends(&self, arguments: &[&str], expected: i32, said: &str) {
        let arguments = [&["-c", "dose.yaml"], arguments].concat();
        let output = self.run(&arguments);
        let told = [output.stderr, output.stdout].concat();
        let told = String::from_utf8_lossy(&told);
        assert_eq!(
            output.status.code(),
            Some(expected),
            "{arguments:?}: {told}"
        );
        assert!(told.contains(said), "{arguments:?}: {told}");
    }
}

#[test]
fn the_exit_code_tells_how_a_file_ended() {
    let folder = Folder::new();
    folder.write("good.csv", b"id,given,amount,note\n1,2024-01-05,0.50,x\n");
    folder.write("sparse.csv", b"id,given,amount,note\n1,2024-01-05,0.50,\n");
    folder.write("bad.csv", b"id,given,amount,note\nx,2024-01-05,0.50,x\n");
    folder.write("other.csv", b"drug,strength\na,b\n");
    folder.write("cut.csv.gz", &gzip(DOSES.as_bytes())[..40]);
    folder.ends(
        &["good.csv"],
        0,
        "ACCEPTED: 1 row in, 1 accepted, 0 rejected",
    );
    folder.ends(&["sparse.csv"], 0, "some_notes");
    folder.ends(&["doses.csv"], 4, "next: --rejected OUT.csv");
    folder.ends(&["bad.csv"], 1, "1 of 1 rows were rejected, 100.0%");
    folder.ends(&["other.csv"], 1, "FAILED\n");
    folder.ends(
        &["cut.csv.gz", "--accepted", "a.csv"],
        1,
        "cut off before its end",
    );
    let left = folder.names();
    let is_left = |name: &String| name == "a.csv" || name.contains(".lazaret");
    assert!(!left.iter().any(is_left), "{left:?}");
}

#[test]
fn calls_that_are_wrong_change_nothing() {
    let folder = Folder::new();
    folder.write("kept.csv", b"kept");
    let ends = |arguments: &[&str], code: i32, said: &str| {
        folder.ends(&[&["doses.csv"], arguments].concat(), code, said);
    };
    ends(&["--accepted", "a.xlsx"], 2, ".parquet, .csv or .jsonl");
    ends(&["--report", "a.pdf"], 2, ".json or .txt");
    ends(
        &["--accepted", "doses.csv", "--overwrite"],
        3,
        "to be inspected",
    );
    ends(&["--rejected", "kept.csv"], 3, "--overwrite");
    ends(&["--accepted", "no/a.csv"], 3, "make the folder first");
    ends(
        &["--accepted", "a.csv", "--rejected", "a.csv"],
        3,
        "named twice",
    );
    folder.ends(&["none.csv"], 2, "none.csv");
    let output = folder.run(&["doses.csv", "-c", "dose@v9"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(folder.names(), ["dose.yaml", "doses.csv", "kept.csv"]);
    assert_eq!(std::fs::read(folder.path("kept.csv")).unwrap(), b"kept");
    ends(
        &["--rejected", "kept.csv", "--overwrite"],
        4,
        "kept.csv (patients' data)",
    );
    assert_ne!(std::fs::read(folder.path("kept.csv")).unwrap(), b"kept");
}

#[cfg(unix)]
#[test]
fn output_files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    folder.run(&[
        "doses.csv",
        "-c",
        "dose.yaml",
        "--accepted",
        "a.parquet",
        "--rejected",
        "r.csv",
    ]);
    for name in ["a.parquet", "r.csv"] {
        let mode = std::fs::metadata(folder.path(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

/// The library's contract needs no project, and says what a submission's report says.
#[test]
fn it_finds_what_a_project_finds() {
    let claims = repository().join("demo/inbox/cascade/medical_claim/20190430");
    let mut text = std::fs::read_to_string(&files_below(&claims)[0]).unwrap();
    let row = text.lines().nth(1).unwrap().to_owned();
    text += &format!("{row}\nnonsense\n{}\n", row.replacen('-', "", 1));
    let folder = Folder::new();
    folder.write("claims.csv", text.as_bytes());
    let (_, found) = folder.json(&["claims.csv", "-c", "medical_claim@v2"]);

    let project = Project::new(Stack::SqliteAndFolder);
    project.drop_bytes("cascade/medical_claim/all/claims.csv", text.into_bytes());
    project.run_once();
    let submission = project.submission("cascade/medical_claim/all");
    let id = submission["submission_id"].as_str().unwrap();
    let shown = project.json(&["submission", "show", id]);
    let report = &found["report"];
    for count in ["rows_in", "rows_accepted", "rows_rejected"] {
        assert_eq!(report[count], shown[count], "{count}");
    }
    assert!(report["rows_rejected"].as_u64().unwrap() >= 2, "{report}");
    assert_eq!(report["reject_reasons"], shown["reject_reasons"]);
    assert_eq!(report["warnings"], shown["warning_reasons"]);
    assert_eq!(found["reason"], shown["state_reason"]);
}

/// What a person reads holds no value of a row.
#[test]
fn the_answer_holds_no_value() {
    let folder = Folder::new();
    let output = folder.run(&["doses.csv", "-c", "dose.yaml", "--report", "report.txt"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let written = std::fs::read_to_string(folder.path("report.txt")).unwrap();
    assert_eq!(text, written);
    for value in ["first, with", "soon", "4000", "two"] {
        assert!(!text.contains(value), "{value} in {text}");
    }
    let without_time = text.lines().filter(|line| !line.starts_with("took"));
    insta::assert_snapshot!(without_time.collect::<Vec<_>>().join("\n"));
    assert!(Path::new(&folder.path("report.txt")).exists());
}

/// A twin's seeded defects are the rejects, each with its reason, and nothing else is.
#[test]
fn a_twin_is_rejected_as_it_was_foretold() {
    let folder = Folder::new();
    for layout in [
        "medical_claim@v2",
        "medical_claim@v7",
        "member_eligibility@v4",
    ] {
        let arguments = ["contract", "generate", layout, "--rows", "3000"];
        let more = [
            "--defects",
            "all=2%",
            "--out",
            "twin.txt",
            "--expected",
            "told.jsonl",
        ];
        let made = folder.command(&[&arguments[..], &more, &["--overwrite"]].concat());
        let made = { made }.output().unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let outputs = [
            "--rejected",
            "found.jsonl",
            "--accepted",
            "good.parquet",
            "--overwrite",
        ];
        let (code, found) = folder.json(&[&["twin.txt", "-c", layout], &outputs[..]].concat());
        assert_eq!(code, 4, "{layout}: {found}");
        assert_eq!(found["report"]["rows_accepted"], 2940, "{layout}");
        let lines = |name: &str| -> Vec<Value> {
            let text = std::fs::read_to_string(folder.path(name)).unwrap();
            let lines = text.lines();
            lines
                .map(|line| serde_json::from_str(line).unwrap())
                .collect()
        };
        let told = lines("told.jsonl");
        assert_eq!(told.len(), 60, "{layout}");
        let found: Vec<Value> = lines("found.jsonl")
            .into_iter()
            .map(|row| {
                let reason = &row["reasons"][0];
                assert_eq!(row["reasons"].as_array().unwrap().len(), 1, "{row}");
                serde_json::json!({
                    "row": row["source_row"], "column": reason["column"], "rule": reason["rule"],
                })
            })
            .collect();
        assert_eq!(found, told, "{layout}");
    }
}
