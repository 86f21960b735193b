use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::*;

/// As Dagster encodes a variable.
fn encoded(value: &Value) -> String {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(value.to_string().as_bytes()).unwrap();
    STANDARD.encode(encoder.finish().unwrap())
}

/// A session as `PipesSubprocessClient` opens it, for a step with these assets and checks.
fn session(messages: &Path, asset_keys: &Value, checks: &Value) -> Pipes {
    let of_each: serde_json::Map<_, _> = texts(asset_keys)
        .into_iter()
        .map(|asset| (asset, checks.clone()))
        .collect();
    let extras = json!({ "checks": of_each });
    let context = json!({ "data": { "asset_keys": asset_keys, "extras": extras, "run_id": "r" } });
    let messages = json!({ "path": messages });
    Pipes::opened(Some(&encoded(&context)), Some(&encoded(&messages))).unwrap()
}

fn messages_in(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap();
    let parsed = text.lines().map(|line| serde_json::from_str(line).unwrap());
    parsed.collect()
}

/// `method key=value …` of each message, which is what a reader of a failure wants to see.
fn told(report: &Report, asset_keys: &Value, checks: &Value) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("messages");
    let pipes = session(&file, asset_keys, checks);
    pipes.report(report).unwrap();
    pipes.close(None).unwrap();
    let mut text = String::new();
    for message in messages_in(&file) {
        assert_eq!(message["__dagster_pipes_version"], "0.1");
        let method = message["method"].as_str().unwrap();
        text += method;
        let params = &message["params"];
        for field in ["asset_key", "data_version", "check_name", "passed"] {
            if !params[field].is_null() {
                text += &format!(" {field}={}", params[field]);
            }
        }
        text.push('\n');
        for (name, value) in params["metadata"].as_object().into_iter().flatten() {
            let kind = value["type"].as_str().unwrap();
            text += &format!("    {name}: {kind} {}\n", value["raw_value"]);
        }
    }
    text
}

fn every_check() -> Value {
    json!([
        "rows_reconcile",
        "rejects_within_limit",
        "validated",
        "month_built",
        "mappings_fit"
    ])
}

fn submission(state: &str) -> Value {
    json!({
        "submission_id": "s-1", "grouping_key": "evergreen/medical_claim/may", "state": state,
        "state_reason": null, "submitter_id": "evergreen", "file_type": "medical_claim",
        "layout_version": 1, "content_hash": "c0ffee", "staged_at": "2026-11-21T17:32:10Z",
        "competed_at": null, "rows_in": 391, "rows_accepted": 385, "rows_rejected": 6,
        "warnings": 196, "bytes_in": 98707,
    })
}

fn launched(job: &str, outcome: &str, counts: &Value) -> Value {
    json!({ "job": job, "subject": "s-1", "outcome": outcome, "run_id": "r-1", "counts": counts, "error": null })
}

#[test]
fn what_dagster_encodes_is_read() {
    // `dagster_pipes.encode_param` of the context and of the messages' place.
    let context = "eJxljrEOwzAIRH/FYu7QOb9SRch2kOoktivAbaIo/16cjmXiHifuDpi8ehjcAV6EFBfaxeQDpIWcRFItKGl9E8N4c/DyrEk7NKP5YAOj3AqmqUvucq4Bi8/UwXzdSXnH0nKwN4O7G6JN2csVHJ8Ul9/6H9qrcP0IMsVaYloJxtPmC3CuPso=";
    let messages = "eJyrVipILMlQslJQ0i/JLdDPTS0uTkxPLVaqBQBqmgiP";
    let data = context_data(decoded(CONTEXT, context).unwrap()).unwrap();
    assert_eq!(texts(&data["asset_keys"]), ["submission_silver"]);
    let checks = &data["extras"]["checks"]["submission_silver"];
    assert_eq!(texts(checks), ["rows_reconcile"]);
    let place = Channel::named_by(&decoded(MESSAGES, messages).unwrap()).unwrap();
    assert!(matches!(place, Channel::File(path) if path == Path::new("/tmp/messages")));
}

#[test]
fn without_dagster_nothing_is_written() {
    let pipes = Pipes::opened(None, None).unwrap();
    pipes
        .report(&Report::of_heartbeat(json!({ "row": "phase0_ok" })))
        .unwrap();
    pipes.close(Some("it failed")).unwrap();
}

#[test]
fn variables_that_are_not_dagsters_are_refused() {
    let good = encoded(&json!({ "data": { "asset_keys": null } }));
    let cases = [
        ("%", "", "DAGSTER_PIPES_CONTEXT", "base64"),
        ("aGk=", "", "DAGSTER_PIPES_CONTEXT", "zlib"),
        (&encoded(&json!([])), "", "DAGSTER_PIPES_CONTEXT", "object"),
        (
            &encoded(&json!({})),
            "",
            "DAGSTER_PIPES_CONTEXT",
            "no context",
        ),
        (
            &encoded(&json!({ "path": "/absent" })),
            "",
            "DAGSTER_PIPES_CONTEXT",
            "file",
        ),
        (&good, "aGk=", "DAGSTER_PIPES_MESSAGES", "zlib"),
        (
            &good,
            &encoded(&json!({ "bucket": "b" })),
            "DAGSTER_PIPES_MESSAGES",
            "neither",
        ),
    ];
    for (context, messages, variable, what) in cases {
        let error = Pipes::opened(Some(context), Some(messages)).unwrap_err();
        let said = error.to_string();
        assert!(said.contains(variable) && said.contains(what), "{said}");
    }
}

#[test]
fn a_context_may_lie_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("context");
    std::fs::write(&file, r#"{"asset_keys": ["a"], "extras": {}}"#).unwrap();
    let context = encoded(&json!({ "path": file }));
    let messages = encoded(&json!({ "path": folder.path().join("messages") }));
    let pipes = Pipes::opened(Some(&context), Some(&messages)).unwrap();
    assert_eq!(pipes.asset_keys, ["a"]);
}

#[test]
fn a_failure_closes_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("messages");
    let pipes = session(&file, &json!(["a"]), &json!([]));
    pipes.close(Some("the store does not answer")).unwrap();
    let messages = messages_in(&file);
    let methods: Vec<_> = messages.iter().map(|message| &message["method"]).collect();
    assert_eq!(methods, ["opened", "closed"]);
    let exception = &messages[1]["params"]["exception"];
    assert_eq!(exception["message"], "the store does not answer");
}

#[test]
fn a_parsed_submission() {
    let counts =
        json!({ "rows_in": 391, "rows_accepted": 385, "rows_rejected": 6, "warnings": 196 });
    let report = Report::of_job(
        launched("parse", "SUCCEEDED", &counts),
        &submission("PARSED"),
        &vec![("silver", "/lake/silver/s-1/".into())],
    );
    assert_snapshot!(told(&report, &json!(["submission_silver"]), &every_check()), @r#"
    opened
    report_custom_message
    report_asset_materialization asset_key="submission_silver"
        file_type: text "medical_claim"
        grouping_key: text "evergreen/medical_claim/may"
        job: text "parse"
        layout_version: int 1
        outcome: text "SUCCEEDED"
        rows_accepted: int 385
        rows_in: int 391
        rows_rejected: int 6
        run_id: text "r-1"
        silver: path "/lake/silver/s-1/"
        state: text "PARSED"
        subject: text "s-1"
        submitter_id: text "evergreen"
        warnings: int 196
    report_asset_check asset_key="submission_silver" check_name="rows_reconcile" passed=true
        rows_accepted: int 385
        rows_in: int 391
        rows_rejected: int 6
        warnings: int 196
    report_asset_check asset_key="submission_silver" check_name="rejects_within_limit" passed=true
        rows_accepted: int 385
        rows_in: int 391
        rows_rejected: int 6
        state: text "PARSED"
        warnings: int 196
    closed
    "#);
}

#[test]
fn what_somebody_else_did_stands_the_same() {
    let counts =
        json!({ "rows_in": 391, "rows_accepted": 385, "rows_rejected": 6, "warnings": 196 });
    let ours = launched("parse", "SUCCEEDED", &counts);
    let theirs = launched("parse", "NOT_DUE", &Value::Null);
    let of = |answer| Report::of_job(answer, &submission("VALIDATED"), &Vec::new());
    let (ours, theirs) = (of(ours), of(theirs));
    assert_eq!(ours.checks, theirs.checks);
    let rows = |report: &Report| report.stands.as_ref().unwrap()["rows_accepted"].clone();
    assert_eq!(rows(&ours), rows(&theirs));
}

#[test]
fn too_many_rejects_leave_no_silver_and_fail_the_check() {
    let mut failed = submission("PARSE_FAILED");
    failed["state_reason"] = json!("200 of 391 rows were rejected");
    let counts = json!({ "rows_in": 391 });
    let report = Report::of_job(
        launched("parse", "SUCCEEDED", &counts),
        &failed,
        &Vec::new(),
    );
    assert_snapshot!(told(&report, &json!(["submission_silver"]), &every_check()), @r#"
    opened
    report_custom_message
    report_asset_check asset_key="submission_silver" check_name="rows_reconcile" passed=true
        rows_accepted: int 385
        rows_in: int 391
        rows_rejected: int 6
        warnings: int 196
    report_asset_check asset_key="submission_silver" check_name="rejects_within_limit" passed=false
        reason: text "200 of 391 rows were rejected"
        rows_accepted: int 385
        rows_in: int 391
        rows_rejected: int 6
        state: text "PARSE_FAILED"
        warnings: int 196
    closed
    "#);
}

#[test]
fn rows_that_do_not_add_up_fail_the_check() {
    let mut lost = submission("PARSED");
    lost["rows_accepted"] = json!(384);
    let report = Report::of_job(
        launched("parse", "SUCCEEDED", &Value::Null),
        &lost,
        &Vec::new(),
    );
    let check = report
        .checks
        .iter()
        .find(|check| check.name == "rows_reconcile");
    assert!(!check.unwrap().passed);
}

#[test]
fn checks_that_the_step_did_not_declare_are_not_told() {
    let report = Report::of_job(
        launched("parse", "SUCCEEDED", &Value::Null),
        &submission("PARSED"),
        &Vec::new(),
    );
    let told = told(
        &report,
        &json!(["silver"]),
        &json!(["rejects_within_limit"]),
    );
    assert!(
        told.contains("rejects_within_limit") && !told.contains("rows_reconcile"),
        "{told}"
    );
}

#[test]
fn an_op_without_assets_gets_the_answer_alone() {
    let answer = launched("register", "SUCCEEDED", &json!({ "submission_id": "s-1" }));
    let report = Report::of_job(answer, &Value::Null, &Vec::new());
    assert_eq!(
        told(&report, &Value::Null, &every_check()),
        "opened\nreport_custom_message\nclosed\n"
    );
}

/// The asset exists where the subject's state says so, whatever the outcome of the launch.
#[test]
fn what_stands_decides() {
    let reviewed = json!({ "state": "NEEDS_REVIEW", "staged_at": "2026-11-21T17:32:10Z" });
    let received = json!({ "state": "RECEIVED", "staged_at": null });
    let winner =
        |held: &str| json!({ "submission_id": "new", "gold_submission_id": held, "gold_rows": 3 });
    let build = |status: &str, rows: Value| json!({ "status": status, "rows_now": rows, "fingerprint": "f" });
    let cases = [
        ("stage", received.clone(), false),
        ("stage", reviewed.clone(), true),
        ("parse", reviewed.clone(), false),
        ("parse", submission("READY_FOR_PARSE"), false),
        ("parse", submission("VALIDATION_FAILED"), true),
        ("validate", submission("PARSED"), false),
        ("validate", submission("VALIDATED_WITH_WARNINGS"), true),
        ("compete", submission("VALIDATED"), false),
        (
            "compete",
            json!({ "competed_at": "2026-11-21T17:32:11Z" }),
            true,
        ),
        ("submitter_gold", winner("old"), false),
        ("submitter_gold", winner("new"), true),
        (
            "submitter_gold",
            json!({ "submission_id": "new", "gold_submission_id": null }),
            false,
        ),
        ("submitter_gold", Value::Null, false),
        ("canonical_rebuild", build("RUNNING", json!(3)), false),
        ("canonical_rebuild", build("SUCCEEDED", json!(3)), true),
        ("canonical_rebuild", build("SKIPPED", json!(3)), true),
        ("canonical_rebuild", build("SKIPPED", Value::Null), false),
        ("canonical_rebuild", build("FAILED", json!(3)), false),
        ("canonical_rebuild", Value::Null, false),
    ];
    for (job, stands, expected) in cases {
        let answer = launched(job, "NOT_DUE", &Value::Null);
        let report = Report::of_job(answer, &stands, &Vec::new());
        assert_eq!(report.stands.is_some(), expected, "{job}: {stands}");
    }
}

#[test]
fn a_month_that_failed_to_build() {
    let stands = json!({ "status": "FAILED", "reason": "`paid` is empty in a row", "rows_now": 3 });
    let counts =
        json!({ "months": [{ "status": "FAILED", "reason": "`paid` is empty in a row" }] });
    let answer = launched("canonical_rebuild", "SUCCEEDED", &counts);
    let report = Report::of_job(answer, &stands, &Vec::new());
    assert_snapshot!(told(&report, &json!(["canonical_gold"]), &every_check()), @r#"
    opened
    report_custom_message
    report_asset_check asset_key="canonical_gold" check_name="month_built" passed=false
        build: text "FAILED"
        reason: text "`paid` is empty in a row"
    closed
    "#);
}

#[test]
fn a_synced_registry_and_one_with_problems() {
    let changes = json!([{ "document": "medical_claim@v1", "change": "registered" }]);
    let synced = Report::of_registry(json!({ "changes": changes, "problems": [] }));
    let assets = json!(["sync_layout_registry", "sync_canonical_registry"]);
    assert_snapshot!(told(&synced, &assets, &every_check()), @r#"
    opened
    report_custom_message
    report_asset_materialization asset_key="sync_layout_registry"
        changes: json [{"change":"registered","document":"medical_claim@v1"}]
        documents_changed: int 1
    report_asset_check asset_key="sync_layout_registry" check_name="mappings_fit" passed=true
        mappings: json []
        problems: int 0
    report_asset_materialization asset_key="sync_canonical_registry"
        changes: json [{"change":"registered","document":"medical_claim@v1"}]
        documents_changed: int 1
    report_asset_check asset_key="sync_canonical_registry" check_name="mappings_fit" passed=true
        mappings: json []
        problems: int 0
    closed
    "#);
    let problems = json!([{ "mapping": "medical_claim@v1", "problems": ["no such column"] }]);
    let refused = Report::of_registry(json!({ "changes": [], "problems": problems }));
    assert!(refused.stands.is_none() && !refused.checks[0].passed);
}
