//! `lazaret up` and `lazaret worker`: nobody calls anything, and everything is done.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::receiver::Receiver;

use crate::crash::{state, undisturbed};
use crate::drops::{self, CORRECTED};
use crate::project::{Project, Stack, repository};
use crate::running::{Running, eventually};

pub(crate) const TOKEN: &str = "a-token-of-this-test-alone";
/// A drop is written file by file: nobody may take half of it for all of it.
const QUIET_MINUTES: &str = "0.05";
const EARLY: [&str; 2] = [
    "evergreen/medical_claim/20110115",
    "cascade/medical_claim/20110131",
];

/// Whether nothing is due, waits or was stopped, nothing is in work, and that many submissions are
/// there. What is claimed is no longer due, so no run may have begun while this was asked.
pub(crate) fn is_at_rest(project: &Project, submissions: usize) -> bool {
    let newest = || project.json(&["job", "list", "--limit", "1"])["runs"].clone();
    let before = newest();
    let running = project.json(&["job", "list", "--status", "RUNNING"]);
    let sensors = project.json(&["sensor", "list"]);
    let idle = sensors["sensors"]
        .as_array()
        .unwrap()
        .iter()
        .all(|sensor| sensor["due"] == 0 && sensor["waiting"] == 0 && sensor["stopped"] == 0);
    let listed = project.submissions().len();
    idle && running["runs"] == json!([]) && listed == submissions && newest() == before
}

/// What MinIO says of a drop's objects.
pub(crate) fn notification(project: &Project, name: &str) -> String {
    let location = project.objects().url().clone();
    let bucket = location.host_str().unwrap().to_owned();
    let prefix = location.path().trim_matches('/').to_owned();
    let folder = repository().join("demo/inbox").join(name);
    let records: Vec<Value> = crate::project::files_below(&folder)
        .iter()
        .map(|path| {
            let file = path.strip_prefix(&folder).unwrap().to_str().unwrap();
            let key = format!("{prefix}/inbox/{name}/{file}").replace('/', "%2F");
            json!({
                "eventName": "s3:ObjectCreated:Put",
                "s3": { "bucket": { "name": bucket }, "object": { "key": key } },
            })
        })
        .collect();
    json!({ "Records": records }).to_string()
}

/// The daemon's listing comes once in five minutes: what is found sooner was told of.
fn a_drop_reaches_canonical_gold(stack: Stack) {
    let expected = undisturbed();
    let mut project = Project::new(stack);
    project.set("EVENTS_TOKEN", TOKEN);
    project.set("QUIESCENCE_MINUTES", QUIET_MINUTES);
    let up = Running::up(&project);
    let bearer = format!("authorization: Bearer {TOKEN}\r\n");
    let tell = |name: &str| {
        if stack == Stack::PostgresAndS3 {
            let (status, body) = up.post("/v1/events/s3", &bearer, &notification(&project, name));
            assert_eq!(status, 202, "{body}");
        }
    };
    for name in EARLY {
        drops::drop_one(&project, name);
        tell(name);
    }
    eventually("the first wave is done", || is_at_rest(&project, 2));
    drops::drop_one(&project, CORRECTED);
    tell(CORRECTED);
    eventually("the resubmission is done", || is_at_rest(&project, 3));
    assert_eq!(state(&project), expected);
    assert!(!up.said().contains("ERROR"));
}

#[test]
fn a_file_beside_the_daemon_reaches_canonical_gold_on_sqlite_and_a_folder() {
    a_drop_reaches_canonical_gold(Stack::SqliteAndFolder);
}

#[test]
fn a_file_beside_the_daemon_reaches_canonical_gold_on_postgres_and_s3() {
    a_drop_reaches_canonical_gold(Stack::PostgresAndS3);
}

#[test]
fn what_is_told_of_is_staged_within_a_second() {
    let project = Project::new(Stack::SqliteAndFolder);
    let _up = Running::up(&project);
    drops::drop_one(&project, EARLY[0]);
    let dropped = chrono::Utc::now();
    eventually("it is staged", || {
        project
            .submissions()
            .iter()
            .any(|submission| submission["content_hash"].is_string())
    });
    let runs = project.json(&["job", "list", "--job", "stage"]);
    let staged = runs["runs"][0]["finished_at"].as_str().unwrap().to_owned();
    let staged: chrono::DateTime<chrono::Utc> = staged.parse().unwrap();
    let took = staged - dropped;
    assert!(took < chrono::Duration::seconds(1), "it took {took}");
}

#[test]
fn three_processes_share_the_work_and_one_of_them_dies() {
    let expected = undisturbed();
    let project = Project::new(Stack::PostgresAndS3);
    drops::drop_early(&project);
    let workers: Vec<Running> = (0..3).map(|_| Running::worker(&project)).collect();
    let mut workers = workers.into_iter();
    let victim = workers.next().unwrap();
    eventually("work has begun", || {
        project.json(&["job", "list", "--limit", "1"])["runs"] != json!([])
    });
    victim.kill();
    eventually("the first wave is done", || is_at_rest(&project, 2));
    drops::drop_one(&project, CORRECTED);
    // Nobody tells the workers: a fourth process looks at its start.
    let _up = Running::up(&project);
    eventually("the resubmission is done", || is_at_rest(&project, 3));
    assert_eq!(state(&project), expected);
}

#[test]
fn a_poison_submission_stops_and_stops_nothing_else() {
    let mut project = Project::new(Stack::SqliteAndFolder);
    project.write(
        "lazaret.toml",
        "[work]\nattempts = 2\nretry_seconds = 1\n[daemon]\npoll_seconds = 1\n",
    );
    drops::drop_one(&project, EARLY[0]);
    let killed = project
        .command(&["run", "--once"])
        .env("LAZARET_FAULT", "stage.after_state")
        .output()
        .unwrap();
    assert!(!killed.status.success());
    let poisoned = project.submission(EARLY[0])["submission_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let raw = project.root().join("data/raw");
    let hidden = project.root().join("hidden");
    std::fs::rename(&raw, &hidden).unwrap();

    project.set("QUIESCENCE_MINUTES", QUIET_MINUTES);
    let up = Running::up(&project);
    drops::drop_one(&project, EARLY[1]);
    let stopped = || project.json(&["sensor", "preview", "parse"])["stopped"].clone();
    eventually("it is given up", || stopped() != json!([]));
    assert_eq!(stopped()[0]["subject"], poisoned.as_str());
    assert_eq!(stopped()[0]["attempts"], 2);
    eventually("the other one is done", || {
        project.submissions().iter().any(|submission| {
            let state = submission["state"].as_str().unwrap();
            submission["grouping_key"] == EARLY[1] && state.starts_with("VALIDATED")
        })
    });
    let (status, health) = up.get("/health");
    let health: Value = serde_json::from_str(&health).unwrap();
    assert_eq!(status, 200);
    assert_eq!(health["anomalies"][0]["kind"], "stopped");

    for entry in std::fs::read_dir(&hidden).unwrap() {
        copy_into(&entry.unwrap().path(), &raw);
    }
    project.succeeds(&["job", "retry", "parse", &poisoned]);
    eventually("it is done after all", || is_at_rest(&project, 2));
}

fn copy_into(from: &std::path::Path, folder: &std::path::Path) {
    for path in crate::project::files_below(from) {
        let below = path.strip_prefix(from.parent().unwrap()).unwrap();
        let target = folder.join(below);
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(&path, target).unwrap();
    }
}

#[test]
fn it_stops_when_it_is_told_to() {
    let mut project = Project::new(Stack::SqliteAndFolder);
    project.set("QUIESCENCE_MINUTES", QUIET_MINUTES);
    let mut up = Running::up(&project);
    drops::drop_first_wave(&project);
    up.hear("registered");
    let (status, took) = up.terminate();
    assert!(status.success(), "{status}: {}", up.said());
    assert!(took < Duration::from_secs(10), "it took {took:?}");
    let running = project.json(&["job", "list", "--status", "RUNNING"]);
    assert_eq!(running["runs"], json!([]));
    // What it gave back is due and counts as no failure.
    let started = Instant::now();
    project.set("QUIESCENCE_MINUTES", "0");
    project.run_once();
    let waited = started.elapsed();
    assert!(waited < Duration::from_secs(60), "leases were left behind");
    assert!(is_at_rest(&project, drops::names().len() - 1));
}

#[test]
fn whoever_watches_is_told_how_it_goes_and_no_name_of_a_submitter() {
    let project = Project::new(Stack::SqliteAndFolder);
    drops::drop_early(&project);
    project.run_once();
    let up = Running::up(&project);
    assert_eq!(up.get("/healthz"), (200, "ok\n".to_owned()));
    let (status, ready) = up.get("/readyz");
    assert_eq!(status, 200, "{ready}");
    let (_, health) = up.get("/health");
    let health: Value = serde_json::from_str(&health).unwrap();
    let feeds = health["feeds"].as_array().unwrap();
    let evergreen = feeds
        .iter()
        .find(|feed| feed["feed"] == "evergreen_claims")
        .unwrap();
    assert_eq!(evergreen["submissions"], 1);
    assert!(evergreen["last_success"].is_string(), "{evergreen}");
    let (status, page) = up.get("/");
    assert!(status == 200 && page.contains("evergreen_claims"), "{page}");
    let (status, metrics) = up.get("/metrics");
    assert_eq!(status, 200);
    for line in [
        "lazaret_database_up 1",
        "lazaret_runs_total{job=\"parse\",status=\"SUCCEEDED\"} 2",
        "lazaret_queue_depth{sensor=\"parse\",state=\"due\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    let rows = |kind: &str| {
        let label = format!("lazaret_rows_total{{kind=\"{kind}\"}} ");
        let line = metrics.lines().find_map(|line| line.strip_prefix(&label));
        line.unwrap().parse::<u64>().unwrap()
    };
    assert!(rows("in") > 0);
    assert_eq!(rows("in"), rows("accepted") + rows("rejected"));
    for name in ["evergreen", "cascade", "medical_claim"] {
        assert!(!metrics.contains(name), "{name} is in\n{metrics}");
    }
    std::fs::remove_dir_all(project.root().join("data")).unwrap();
    let (status, ready) = up.get("/readyz");
    let ready: Value = serde_json::from_str(&ready).unwrap();
    assert_eq!((status, &ready["objects"]["ready"]), (503, &json!(false)));
    assert_eq!(ready["database"]["ready"], json!(true));
}

#[test]
fn a_notification_is_refused_or_understood() {
    let mut project = Project::new(Stack::SqliteAndFolder);
    let closed = Running::up(&project);
    let body = r#"{"Records": []}"#;
    let bearer = format!("authorization: Bearer {TOKEN}\r\n");
    assert_eq!(closed.post("/v1/events/s3", &bearer, body).0, 401);
    closed.kill();
    project.set("EVENTS_TOKEN", TOKEN);
    let up = Running::up(&project);
    for (headers, body, expected) in [
        ("", body, 401),
        (
            "authorization: Bearer another-token-of-this-length\r\n",
            body,
            401,
        ),
        (bearer.as_str(), "{}", 400),
        (bearer.as_str(), "no JSON", 400),
        (bearer.as_str(), body, 202),
    ] {
        let (status, answer) = up.post("/v1/events/s3", headers, body);
        assert_eq!(status, expected, "{body}: {answer}");
    }
    assert_eq!(project.submissions(), Vec::<Value>::new());
}

#[test]
fn what_fails_is_told_once_and_without_a_value() {
    let receiver = Receiver::start();
    let mut project = Project::new(Stack::SqliteAndFolder);
    project.set("ALERT_WEBHOOK_URL", &receiver.url());
    let up = Running::up(&project);
    project.drop_bytes(
        "evergreen/medical_claim/empty/DE1_0_2008_to_2010_Inpatient_Claims_Sample_1.csv",
        Vec::new(),
    );
    let told = receiver.wait_for(1, Duration::from_secs(60));
    let message: Value = serde_json::from_str(told[0].text()).unwrap();
    assert_eq!(message["action"], "OPEN");
    assert_eq!(message["kind"], "failed_submission");
    let text = message.to_string();
    assert!(!text.contains("Inpatient"), "a submitter's name: {text}");
    let (_, health) = up.get("/health");
    assert!(health.contains("failed_submission"), "{health}");
    // The feed's next delivery is right: that is told too, and nothing is told twice.
    drops::drop_one(&project, EARLY[0]);
    eventually("the good one is done", || is_at_rest(&project, 2));
    std::thread::sleep(Duration::from_secs(3));
    let told: Vec<Value> = receiver
        .received()
        .iter()
        .map(|one| serde_json::from_str(one.text()).unwrap())
        .collect();
    let actions: Vec<_> = told
        .iter()
        .filter(|message| message["kind"] == "failed_submission")
        .map(|message| message["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["OPEN", "RESOLVE"], "{told:?}");
}

#[test]
fn changed_documents_are_taken_in_and_wrong_ones_are_told() {
    let project = Project::new(Stack::SqliteAndFolder);
    let feed = "feeds/evergreen_claims.yaml";
    let text = std::fs::read_to_string(project.root().join(feed)).unwrap();
    let up = Running::up(&project);
    project.write(feed, "feed: [\n");
    up.hear("the changed documents cannot be used");
    let (_, health) = up.get("/health");
    assert!(health.contains("documents"), "{health}");
    project.write(feed, &text.replace("title:", "title: changed"));
    up.hear("the documents have changed and are taken in");
    let (_, health) = up.get("/health");
    assert!(!health.contains("\"documents\""), "{health}");
}

#[test]
fn an_orchestrator_from_outside_does_the_same_piece_by_piece() {
    const PIECES: usize = 3;
    let dropped = EARLY[1];
    let undisturbed = Project::new(Stack::SqliteAndFolder);
    drops::drop_one(&undisturbed, dropped);
    undisturbed.run_once();
    let project = Project::new(Stack::SqliteAndFolder);
    drops::drop_one(&project, dropped);
    for sensor in [
        "inbox_discovery",
        "inbox_discovery",
        "parse",
        "validate",
        "validate",
        "submitter_gold",
        "canonical_rebuild",
    ] {
        let preview = project.json(&["sensor", "preview", sensor]);
        let due = preview["due"].as_array().unwrap();
        assert!(!due.is_empty(), "{sensor}");
        for work in due.iter().take(PIECES) {
            let [job, subject] = ["job", "subject"].map(|key| work[key].as_str().unwrap());
            let launched = project.json(&["job", "launch", job, subject]);
            assert_eq!(launched["outcome"], "SUCCEEDED", "{launched}");
        }
        // Whoever launches it again does no harm.
        let [job, subject] = ["job", "subject"].map(|key| due[0][key].as_str().unwrap());
        let again = project.json(&["job", "launch", job, subject]);
        assert_eq!(again["outcome"], "NOT_DUE", "{again}");
    }
    // Its months are many: the others are done as one.
    project.run_once();
    assert!(is_at_rest(&project, 1));
    assert_eq!(state(&project), state(&undisturbed));
}

#[test]
fn a_heartbeat_comes_back_on_both_sets_of_services() {
    for (stack, database) in [
        (Stack::SqliteAndFolder, "sqlite"),
        (Stack::PostgresAndS3, "postgres"),
    ] {
        let project = Project::new(stack);
        let beat = project.json(&["heartbeat"]);
        let expected = json!({
            "database": database,
            "row": "phase0_ok",
            "object": "bootstrap/hello.txt",
            "bytes": 6,
        });
        assert_eq!(beat, expected);
    }
}

#[test]
fn log_lines_carry_the_trace_of_their_request_and_of_their_run() {
    let mut project = Project::new(Stack::SqliteAndFolder);
    project.set("LOG_FORMAT", "json");
    project.set("RUST_LOG", "lazaret=debug,pipeline=debug");
    let up = Running::up(&project);
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let headers = format!("traceparent: 00-{trace}-b7ad6b7169203331-01\r\n");
    assert_eq!(up.post("/v1/events/s3", &headers, "").0, 401);
    up.hear(&format!("\"trace_id\":\"{trace}\""));

    drops::drop_one(&project, EARLY[0]);
    eventually("it is done", || is_at_rest(&project, 1));
    let said = up.said();
    let lines = said.lines().filter(|line| line.contains("\"run_id\""));
    let spans = lines.map(|line| serde_json::from_str::<Value>(line).unwrap()["span"].clone());
    let mut runs = spans.filter(|span| span["run_id"].is_string()).peekable();
    assert!(runs.peek().is_some(), "{said}");
    for span in runs {
        let run = span["run_id"].as_str().unwrap();
        assert_eq!(span["trace_id"], run.replace('-', ""), "{span}");
    }
}
