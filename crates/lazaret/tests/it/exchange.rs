//! Records that are posted to `lazaret up`: taken once, told precisely when they are wrong, and
//! canonical a moment later, on both sets of services.

use serde_json::{Value, json};
use store::{CanonicalFilter, CanonicalRecord, Store};
use testkit::postgres::PrivatePostgres;
use testkit::shared_data;

use crate::project::{Project, Stack, files_below, runtime};
use crate::running::{Running, eventually};

on_both_stacks!(a_posted_record_is_canonical_once);

const CANARY: &str = "Canary-Duckworth";

fn encounter(number: usize) -> String {
    let payload = json!({ "encounter_id": format!("{CANARY}-{number}"), "status": "finished" });
    json!({
        "source": "clinic",
        "record_type": "encounter",
        "occurred_at": "2026-03-01T09:30:00+13:00",
        "payload": payload,
    })
    .to_string()
}

fn headers(key: &str) -> String {
    format!(
        "authorization: Bearer dev\r\ncontent-type: application/json\r\nidempotency-key: {key}\r\n"
    )
}

fn post(up: &Running, path: &str, key: &str, body: &str) -> (u16, Value) {
    let (status, answer) = up.post(path, &headers(key), body);
    let answer = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{status}: {answer}"));
    (status, answer)
}

async fn canonical_at(database: &str) -> Vec<CanonicalRecord> {
    let store = Store::connect(database).await.unwrap();
    let all = CanonicalFilter::default();
    store.canonical_records(&all, None, 1_000).await.unwrap()
}

fn canonical(project: &Project) -> Vec<CanonicalRecord> {
    runtime().block_on(canonical_at(&project.metadata_url()))
}

fn a_posted_record_is_canonical_once(stack: Stack) {
    let mut project = Project::new(stack);
    if stack == Stack::PostgresAndS3 {
        let place = format!("{}/records", project.variable("OBJECTS_URL"));
        project.set("RAW_OBJECTS_URL", &place);
    }
    let up = Running::up(&project);
    let mut expected = Vec::new();
    for number in 0..20 {
        let key = format!("\"record-number-{number:06}\"");
        let (status, first) = post(&up, "/v1/ingest", &key, &encounter(number));
        assert_eq!(status, 202, "{first}");
        let (status, again) = post(&up, "/v1/ingest", &key, &encounter(number));
        assert_eq!((status, &again), (202, &first), "a retry hears the same");
        let (status, refused) = post(&up, "/v1/ingest", &key, &encounter(number + 100));
        assert_eq!(status, 409);
        assert_eq!(refused["type"], "/problems/idempotency-key-reused");
        expected.push(first["record_id"].as_str().unwrap().to_owned());
    }
    eventually("all are canonical", || canonical(&project).len() == 20);
    let mut found: Vec<String> = canonical(&project)
        .iter()
        .map(|record| record.record_id.to_string())
        .collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    let key = format!("records/clinic/{}.json", expected[0]);
    let raw = runtime().block_on(project.objects().get(&key)).unwrap();
    assert_eq!(raw, encounter(0), "as it came");
    assert!(!up.said().contains(CANARY));
}

#[test]
fn one_process_takes_in_and_others_normalise() {
    let mut project = Project::new(Stack::SqliteAndFolder);
    project.set("METADATA_DB_URL", &PrivatePostgres::shared().database());
    project.succeeds(&["migrate"]);
    let serve = project.command(&["exchange", "serve", "--listen", "127.0.0.1:0"]);
    let serving = Running::start(serve, "serving at http://");
    for number in 0..40 {
        let key = format!("record-number-{number:06}");
        let (status, taken) = post(&serving, "/v1/ingest", &key, &encounter(number));
        assert_eq!(status, 202, "{taken}");
    }
    assert_eq!(serving.get("/healthz").0, 200);
    let (_, metrics) = serving.get("/metrics");
    assert!(metrics.contains("outcome=\"accepted\"} 40"), "{metrics}");
    let normalize = || Running::start(project.command(&["exchange", "normalize"]), "normalising");
    let mut crew = [normalize(), normalize()];
    let records = || runtime().block_on(canonical_at(project.variable("METADATA_DB_URL")));
    eventually("all are canonical", || records().len() == 40);
    for process in &mut crew {
        assert!(process.terminate().0.success());
    }
    let dead = project.json(&["exchange", "dead-letters", "list"]);
    assert_eq!(dead["dead_letters"], json!([]));
}

#[test]
fn what_is_refused_is_told_precisely_and_leaves_no_trace() {
    let project = Project::new(Stack::SqliteAndFolder);
    let up = Running::up(&project);
    let key = "a-key-of-enough-characters";
    let mut bodies: Vec<(&str, String, u16, &str)> = vec![
        ("/v1/ingest", "{".into(), 400, "invalid-json"),
        (
            "/v1/ingest",
            r#"{"a":1,"a":2}"#.into(),
            400,
            "duplicate-member",
        ),
        ("/v1/ingest", "1e999".into(), 400, "number-out-of-range"),
        ("/v1/ingest", "[".repeat(500), 400, "too-deep"),
        ("/v1/ingest", "{}".into(), 422, "invalid-record"),
        ("/v2/ingest", encounter(1), 422, "invalid-record"),
    ];
    let unknown = encounter(1).replace("\"encounter\"", "\"invoice\"");
    bodies.push(("/v1/ingest", unknown, 422, "invalid-record"));
    let large = encounter(1).replace("finished", &"x".repeat(2 << 20));
    bodies.push(("/v1/ingest", large, 413, "body-too-large"));
    for (path, body, expected, name) in bodies {
        let (status, problem) = post(&up, path, key, &body);
        assert_eq!(status, expected, "{name}: {problem}");
        assert_eq!(problem["type"], format!("/problems/{name}"));
        assert!(!problem.to_string().contains(CANARY), "{problem}");
    }
    let good = encounter(1);
    for (headers, expected) in [
        (headers("short"), 400),
        (headers(key).replace("idempotency-key", "x-other"), 400),
        (headers(key).replace("application/json", "text/csv"), 415),
        (headers(key).replace("Bearer dev", "Bearer prod"), 401),
        (headers(key).replace("authorization", "x-other"), 401),
    ] {
        let (status, told) = up.post("/v1/ingest", &headers, &good);
        assert_eq!(status, expected, "{told}");
    }
    let (_, metrics) = up.get("/metrics");
    let counted =
        "lazaret_exchange_requests_total{route=\"/v1/ingest\",outcome=\"invalid-record\"} 2";
    assert!(metrics.contains(counted), "{metrics}");
    let none: [std::path::PathBuf; 0] = [];
    assert_eq!(files_below(&project.root().join("data/records")), none);
    let held = project.metadata();
    assert!(!held.contains(key) && !held.contains(CANARY));
}

#[test]
fn what_was_given_up_is_sent_again_once_it_is_mended() {
    let project = Project::new(Stack::SqliteAndFolder);
    let serve = project.command(&["exchange", "serve", "--listen", "127.0.0.1:0"]);
    let serving = Running::start(serve, "serving at http://");
    let mut records = Vec::new();
    for number in 0..2 {
        let key = format!("record-number-{number:06}");
        let (_, taken) = post(&serving, "/v1/ingest", &key, &encounter(number));
        records.push(taken["record_id"].as_str().unwrap().to_owned());
    }
    drop(serving);
    let object = |record: &str| {
        project
            .root()
            .join(format!("data/records/clinic/{record}.json"))
    };
    let away = project.root().join("away.json");
    std::fs::rename(object(&records[0]), &away).unwrap();
    std::fs::write(object(&records[1]), "{}").unwrap();
    let _normalizing = Running::start(project.command(&["exchange", "normalize"]), "normalising");
    let listed = || project.json(&["exchange", "dead-letters", "list"])["dead_letters"].clone();
    eventually("both are given up", || {
        listed().as_array().unwrap().len() == 2
    });
    let dead = |reason: &str| {
        let listed = listed();
        let mut all = listed.as_array().unwrap().iter();
        let found = all.find(|dead| dead["reason_code"] == reason);
        found.unwrap()["dead_letter_id"]
            .as_str()
            .unwrap()
            .to_owned()
    };

    std::fs::rename(&away, object(&records[0])).unwrap();
    let missing = dead("missing_object");
    let spoiled = dead("size_mismatch");
    let decide = |word: &str, id: &str| project.run(&["exchange", "dead-letters", word, id]);
    assert!(decide("redrive", &missing).status.success());
    assert!(decide("discard", &spoiled).status.success());
    eventually("the mended one is canonical", || {
        canonical(&project).len() == 1
    });
    assert_eq!(canonical(&project)[0].record_id.to_string(), records[0]);
    let again = decide("redrive", &missing);
    assert_eq!(again.status.code(), Some(3), "it was decided before");
    let shown = project.succeeds(&["exchange", "dead-letters", "show", &spoiled]);
    assert!(
        shown.contains("DISCARDED") && !shown.contains(CANARY),
        "{shown}"
    );
}

/// Real bundles, counted by themselves.
#[test]
fn a_bundle_of_fhir_becomes_its_records() {
    let Some(samples) = shared_data::folder("fhir/jijones") else {
        return;
    };
    let project = Project::new(Stack::SqliteAndFolder);
    let up = Running::up(&project);
    let mut kept = 0;
    for (number, path) in files_below(&samples).iter().enumerate() {
        let text = std::fs::read_to_string(path).unwrap();
        let bundle: Value = serde_json::from_str(&text).unwrap();
        let entries = bundle["entry"].as_array().unwrap();
        let is_record = |entry: &&Value| {
            let kind = entry["resource"]["resourceType"].as_str();
            matches!(kind, Some("Encounter" | "Claim" | "Observation"))
        };
        let records = entries.iter().filter(is_record).count();
        let headers = headers(&format!("bundle-number-{number:06}"));
        for told in ["accepted", "accepted before, as this record"] {
            let (status, answer) = up.post("/fhir/Bundle?source=clinic", &headers, &text);
            assert_eq!(status, 200, "{answer}");
            let answer: Value = serde_json::from_str(&answer).unwrap();
            let answers = answer["entry"].as_array().unwrap();
            assert_eq!(answers.len(), entries.len());
            let taken = answers.iter().filter(|entry| {
                let said = &entry["response"]["outcome"]["issue"][0];
                entry["response"]["status"] == "202 Accepted" && said.to_string().contains(told)
            });
            assert_eq!(taken.count(), records, "{}", path.display());
        }
        kept += records;
    }
    assert!(kept > 100, "{kept}");
    let all = CanonicalFilter::default();
    eventually("all are canonical", || {
        let count = async {
            let store = Store::connect(&project.metadata_url()).await.unwrap();
            store.count_canonical(&all).await.unwrap()
        };
        runtime().block_on(count) == kept as i64
    });
    let (status, refused) = post(&up, "/fhir/Bundle", "a-key-of-enough-characters", "{}");
    assert_eq!(
        (status, &refused["errors"][0]["rule"]),
        (422, &json!("source"))
    );
}

#[test]
fn identifiers_get_the_same_tokens_each_time() {
    let mut project = Project::new(Stack::SqliteAndFolder);
    // 32 bytes of no secret.
    project.set("TOKENIZER_KEYS", &format!("v1:{}=", "A".repeat(43)));
    let up = Running::up(&project);
    let asked = |value: &str| {
        let item = json!({ "field": "nhi", "recipient": "registry", "value": value });
        json!({ "items": [item] }).to_string()
    };
    let token = |value: &str| {
        let (status, answer) = post(&up, "/tokenize", "of-no-meaning-here", &asked(value));
        assert_eq!(status, 200, "{answer}");
        answer["items"][0]["tokens"][0].as_str().unwrap().to_owned()
    };
    assert_eq!(token(CANARY), token(CANARY));
    assert_ne!(token(CANARY), token("another"));
    assert!(token(CANARY).starts_with("tok_v1_"));
    let (status, refused) = post(&up, "/tokenize", "of-no-meaning-here", &asked(""));
    assert_eq!(status, 422, "{refused}");
    assert_eq!(refused["errors"][0]["rule"], "value-empty");
    assert!(!up.said().contains(CANARY));
}

#[test]
fn where_nobody_can_show_who_it_is_nobody_may_post() {
    let mut project = Project::new(Stack::SqliteAndFolder);
    project.set("ENV", "production");
    let up = Running::up(&project);
    let (status, _) = up.post(
        "/v1/ingest",
        &headers("a-key-of-enough-characters"),
        &encounter(1),
    );
    assert_eq!(status, 404);
}
