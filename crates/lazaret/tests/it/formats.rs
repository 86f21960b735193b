//! Files that are no plain CSV, through the whole program: what they hold, and what their control
//! records announce.

use serde_json::Value;

use crate::outputs::mirror;
use crate::project::{Project, Stack, files_below};

const CONTRACT: &str = r#"
contract: paid_line
version: 1
title: Paid lines, as the regional warehouse extracts them
file:
  delimiter: "|^^|"
  record_separator: "|~~|"
  encoding: utf-16
  header: false
  comment: "--"
  control:
    header: { marker: HD, period_from: 2, period_to: 2 }
    trailer: { marker: TR, row_count: 2, totals: { paid: 3 } }
    period_column: day
    severity: SEVERITY
natural_key: [line]
atomic_month: { column: day }
columns:
  - { name: line, type: string, required: true }
  - { name: day, type: date, formats: ["%Y%m%d"] }
  - { name: paid, type: "decimal(9,2)" }
"#;

const FEED: &str = r#"
feed: regional_lines
title: Regional warehouse
submitter: regional
state: wa
contracts: [paid_line@v1]
"#;

const SOUND: &str = "-- made today|~~|HD|^^|201501|~~|\nä1|^^|20150102|^^|10.50|~~|\n\
                     b\n2|^^|20150131|^^|1.25|~~|TR|^^|2|^^|11.75|~~|\n";

/// The submission of one file under that contract, and its parse report.
fn submitted(stack: Stack, text: &str, severity: &str) -> (Value, Value) {
    let project = Project::new(stack);
    let contract = CONTRACT.replace("SEVERITY", severity);
    project.write("contracts/paid_line/v1.yaml", &contract);
    project.write("feeds/regional_lines.yaml", FEED);
    let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
    let bytes = units.flat_map(u16::to_le_bytes).collect();
    project.drop_bytes("regional/paid_line/201501/lines.txt", bytes);
    project.run_once();
    let objects = mirror(&project);
    let report = (files_below(&objects.path().join("silver")).into_iter())
        .find(|path| path.ends_with("parse_report.json"))
        .map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap());
    let submission = project.submission("regional/paid_line/201501");
    (submission, report.unwrap_or_default())
}

on_both_stacks!(
    a_sound_file_of_long_separators_in_utf16,
    control_records_that_disagree_fail_the_submission_or_warn,
    a_file_in_another_encoding_says_what_to_write,
);

fn a_sound_file_of_long_separators_in_utf16(stack: Stack) {
    let (submission, report) = submitted(stack, SOUND, "fail");
    assert_eq!(submission["state"], "VALIDATED", "{submission}");
    assert_eq!(submission["rows_accepted"], 2);
    let file = &report["files"][0];
    assert_eq!(file["encoding"], "utf-16le");
    let counts = ["comment_lines", "control_records", "record_separators"];
    assert_eq!(
        counts.map(|name| file[name].as_u64()),
        [Some(1), Some(2), Some(5)]
    );
    assert_eq!(file["findings"], serde_json::json!([]));
}

fn control_records_that_disagree_fail_the_submission_or_warn(stack: Stack) {
    let wrong = SOUND
        .replace("TR|^^|2", "TR|^^|3")
        .replace("201501|~~|", "201502|~~|");
    for (severity, state) in [
        ("fail", "VALIDATION_FAILED"),
        ("warn", "VALIDATED_WITH_WARNINGS"),
    ] {
        let (submission, report) = submitted(stack, &wrong, severity);
        assert_eq!(submission["state"], state, "{submission}");
        let reason = submission["state_reason"].as_str().unwrap();
        assert!(
            reason.contains("`TR` announces 3 rows, and the file holds 2"),
            "{reason}"
        );
        let findings = report["files"][0]["findings"].as_array().unwrap();
        assert_eq!(findings.len(), 2);
        assert_eq!(findings[1]["column"], "day");
        assert_eq!(findings[1]["severity"], severity);
        let detail = findings[1]["detail"].as_str().unwrap();
        assert!(
            detail.ends_with("2 of the 2 accepted rows lie outside"),
            "{detail}"
        );
    }
}

fn a_file_in_another_encoding_says_what_to_write(stack: Stack) {
    let project = Project::new(stack);
    let wide: Vec<u8> = "PATIENTID\n1\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    project.drop_bytes("cascade/medical_claim/20240101/claims.csv", wide);
    project.run_once();
    let submission = project.submission("cascade/medical_claim/20240101");
    assert_eq!(submission["state"], "PARSE_FAILED");
    let reason = submission["state_reason"].as_str().unwrap();
    assert!(reason.contains("`encoding: utf-16le`"), "{reason}");
}
