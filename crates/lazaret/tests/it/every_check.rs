//! One contract that asks for every kind of check, key, threshold and waiver, through the whole
//! program: counts are those of an independent program that knows the rules in words.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};
use testkit::python::run_python;

use crate::outputs::mirror;
use crate::project::{Project, Stack, files_below};

const COUNT: &str = include_str!("../oracle/count_checks.py");

const SUMS: &str = r#"
import duckdb, json, sys
columns = "count(*), sum(cast(paid * 100 as bigint)), sum(cast(epoch(seen_at) as bigint)), list_sort(list(distinct facility) filter (where facility is not null))"
row = duckdb.connect().execute(f"select {columns} from read_parquet({sys.argv[1:]})").fetchone()
print(json.dumps(row, default=int))
"#;

const CONTRACT: &str = r#"
contract: visit
version: 1
title: Visits
natural_key: [visit, line]
atomic_month: { column: day }
thresholds: { reject_ratio: 0.9, min_rows: 1 }
columns:
  - { name: visit, type: string, required: true }
  - { name: line, type: integer }
  - { name: day, type: date, formats: ["%Y%m%d"] }
  - { name: kind, type: string }
  - { name: facility, type: string, zero_pad: 5, required_when: "kind = 'I'" }
  - { name: npi, type: string, check: npi, completeness: { min: 0.99, of_rows: "kind = 'I'", severity: SEVERITY } }
  - { name: paid, type: "decimal(9,2)", implied_decimals: true }
  - { name: ended, type: date, formats: ["%Y%m%d"], sentinels: ["9999-12-31"], completeness: { min: 0.5 } }
  - { name: seen_at, type: timestamp_tz, formats: ["%Y-%m-%d %H:%M"], zone: America/New_York }
  - { name: payer, type: string }
rules:
  - id: has_payer
    sql: "payer <> 'none'"
    tier: 1
    category: completeness
    explanation: Every visit has a payer.
    waivers: [{ submitter: regional, until: "9999-12-31", reason: Their system has none }]
  - id: has_plan
    sql: "payer <> 'no plan'"
    explanation: Every payer has a plan.
    waivers: [{ submitter: regional, until: "2020-01-01", reason: It was being migrated }]
  - id: paid_positive
    sql: "paid > 0"
    denominator: "paid IS NOT NULL"
    threshold: 0.01
    severity: warn
    tier: 2
    category: plausibility
    explanation: Few payments are taken back.
  - id: paid_small
    sql: "paid < 100000"
    threshold: 0.5
    explanation: Most payments are small.
"#;

const FEED: &str = "
feed: regional_visits
title: Visits
submitter: regional
state: wa
contracts: [visit@v1]
";

/// 3,000 rows, all that can be wrong among them at intervals that meet each other.
fn visits() -> String {
    let mut file = String::from("visit,line,day,kind,facility,npi,paid,ended,seen_at,payer\n");
    for n in 0..3000 {
        let every = |step: usize, text: &'static str, other: &'static str| {
            if n % step == step - 1 { text } else { other }
        };
        let visit = if n % 40 == 39 { n / 2 } else { n };
        let npi = every(11, "1234567890", every(7, "", "1234567893"));
        let paid = match n % 23 {
            22 => "12.50".to_owned(),
            21 => String::new(),
            20 => format!("-{n}"),
            19 => "10000000".to_owned(),
            _ => format!("{:07}", n * 17),
        };
        let seen_at = match n % 29 {
            28 => "2024-03-10 02:30",
            27 => "2024-11-03 01:30",
            26 => "",
            25 => "2024-07-04 09:00",
            _ => "2024-01-05 09:00",
        };
        writeln!(
            file,
            "v{visit},{line},2024{month:02}15,{kind},{facility},{npi},{paid},{ended},{seen_at},{payer}",
            line = every(13, "", "1"),
            month = n % 3 + 1,
            kind = every(3, "I", "P"),
            facility = every(5, "", every(4, "00042", "42")),
            ended = every(3, "99991231", every(5, "", "20240229")),
            payer = every(17, "none", every(19, "no plan", "aetna")),
        )
        .unwrap();
    }
    file
}

fn submitted(stack: Stack, severity: &str) -> (Project, Value, Value, String) {
    let project = Project::new(stack);
    let contract = CONTRACT.replace("SEVERITY", severity);
    project.write("contracts/visit/v1.yaml", &contract);
    project.write("feeds/regional_visits.yaml", FEED);
    project.write("visits.csv", &visits());
    project.drop_bytes("regional/visit/2024/visits.csv", visits().into_bytes());
    project.run_once();
    let submission = project.submission("regional/visit/2024");
    let id = submission["submission_id"].as_str().unwrap().to_owned();
    let shown = project.json(&["submission", "show", &id]);
    let text = project.succeeds(&["submission", "show", &id]);
    (project, submission, shown, text)
}

/// Rows by `column:rule`.
fn reasons(list: &Value) -> BTreeMap<String, i64> {
    let list = list.as_array().unwrap().iter();
    list.map(|reason| {
        let rule = reason["rule"].as_str().unwrap();
        let name = match reason["column"].as_str() {
            Some(column) => format!("{column}:{rule}"),
            None => rule.to_owned(),
        };
        (name, reason["rows"].as_i64().unwrap())
    })
    .collect()
}

on_both_stacks!(
    every_check_counts_what_an_independent_program_counts,
    a_threshold_of_severity_fail_fails_the_submission,
);

fn every_check_counts_what_an_independent_program_counts(stack: Stack) {
    let (project, submission, shown, text) = submitted(stack, "warn");
    let file = project.root().join("visits.csv");
    let counted: Value =
        serde_json::from_str(&run_python(COUNT, &[file.to_str().unwrap()])).unwrap();

    assert_eq!(
        submission["state"], "VALIDATED_WITH_WARNINGS",
        "{submission}"
    );
    assert_eq!(submission["rows_in"], counted["rows"]);
    assert_eq!(submission["rows_accepted"], counted["accepted"]);
    assert_eq!(submission["rows_rejected"], counted["rejected"]);
    assert_eq!(json!(reasons(&shown["reject_reasons"])), counted["reasons"]);
    assert_eq!(
        json!(reasons(&shown["warning_reasons"])),
        counted["warnings"]
    );

    // What silver holds, read by DuckDB.
    let objects = mirror(&project);
    let parts = files_below(&objects.path().join("silver"));
    let parts = parts
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "parquet"));
    let parts: Vec<&str> = parts.map(|path| path.to_str().unwrap()).collect();
    let sums: Value = serde_json::from_str(&run_python(SUMS, &parts)).unwrap();
    let expected = ["accepted", "paid_cents", "seen_at_seconds", "facilities"];
    assert_eq!(sums, json!(expected.map(|name| counted[name].clone())));

    check_thresholds(&submission, &shown, &counted);
    check_waiver(&shown, &text);
}

/// What the thresholds found, and what they come to.
fn check_thresholds(submission: &Value, shown: &Value, counted: &Value) {
    let thresholds = shown["thresholds"][0]["thresholds"].as_array().unwrap();
    let holds: Vec<(String, bool)> = thresholds
        .iter()
        .map(|threshold| {
            let name = threshold["column"]
                .as_str()
                .or(threshold["rule"].as_str())
                .unwrap();
            for count in ["rows", "short", "first_rows"] {
                let expected = &counted["thresholds"][name][count];
                assert_eq!(&threshold[count], expected, "{name} {count}");
            }
            (name.to_owned(), threshold["holds"].as_bool().unwrap())
        })
        .collect();
    let expected = [
        ("npi", false),
        ("ended", true),
        ("paid_positive", false),
        ("paid_small", true),
    ];
    assert_eq!(
        holds,
        expected.map(|(name, holds)| (name.to_owned(), holds))
    );
    let reason = submission["state_reason"].as_str().unwrap();
    assert!(reason.contains("`npi`: completeness"), "{reason}");
    assert!(reason.contains("paid_positive broken by"), "{reason}");
}

fn check_waiver(shown: &Value, text: &str) {
    let waived = shown["warning_reasons"].as_array().unwrap();
    let waived = waived
        .iter()
        .find(|reason| reason["rule"] == "has_payer")
        .unwrap();
    assert_eq!(
        (
            &waived["tier"],
            &waived["category"],
            &waived["waived_until"],
            &waived["expected"]
        ),
        (
            &json!(1),
            &json!("completeness"),
            &json!("9999-12-31"),
            &json!("Every visit has a payer. (waived until 9999-12-31)")
        )
    );
    for told in [
        "has_payer (tier 1, completeness)",
        "paid_positive (tier 2, plausibility)",
        "at least 99%",
    ] {
        assert!(text.contains(told), "{told} is not in\n{text}");
    }
}

fn a_threshold_of_severity_fail_fails_the_submission(stack: Stack) {
    let (_project, submission, _, _) = submitted(stack, "fail");
    assert_eq!(submission["state"], "VALIDATION_FAILED", "{submission}");
    let reason = submission["state_reason"].as_str().unwrap();
    assert!(
        reason.contains("`npi`: completeness") && reason.contains("99% is expected"),
        "{reason}"
    );
}
