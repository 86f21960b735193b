//! The program under a real Dagster: its own commands, its own daemon, its storage on SQLite and
//! on Postgres. What came of it is read from our store, by DuckDB, and from Dagster's storage.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::postgres::PrivatePostgres;

use crate::drops::{self, UNKNOWN};
use crate::outputs::{counted_by_duckdb, rows_by};
use crate::project::{Project, Stack, repository};

const EVERGREEN: &str = "evergreen/medical_claim/20110115";
const OF_A_SUBMISSION: &str =
    "submission_raw,submission_silver,submission_verdict,submission_months";
/// From a drop to gold in a debug build beside other tests; each of Dagster's runs takes seconds.
const PATIENCE: Duration = Duration::from_secs(600);

/// A Dagster of the test's own, with the code location in `integrations/dagster`.
struct Dagster<'a> {
    project: &'a Project,
    home: TempDir,
}

impl<'a> Dagster<'a> {
    /// `storage`: the URL of a Postgres database, or files below `DAGSTER_HOME`.
    fn new(project: &'a Project, storage: Option<&str>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut settings = std::fs::read_to_string(location().join("dagster.yaml")).unwrap();
        if let Some(url) = storage {
            let url = url.replacen("postgres://", "postgresql://", 1);
            settings += &format!("\nstorage:\n  postgres:\n    postgres_url: \"{url}\"\n");
        }
        std::fs::write(home.path().join("dagster.yaml"), settings).unwrap();
        Self { project, home }
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let folder = std::env::var_os("LAZARET_TEST_DAGSTER")
            .map_or_else(|| repository().join(".venv-dagster/bin"), PathBuf::from);
        let path = folder.join(program);
        assert!(
            path.exists(),
            "{} is not there: `scripts/setup.sh dagster` installs it",
            path.display()
        );
        let mut command = Command::new(path);
        command.args(arguments).current_dir(location());
        for (name, value) in self.project.command(&[]).get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
            .env("DAGSTER_HOME", self.home.path())
            .env("LAZARET_BIN", env!("CARGO_BIN_EXE_lazaret"))
            .env("LAZARET_SENSOR_SECONDS", "1")
            .env("PYTHONWARNINGS", "ignore")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONPATH", location())
            .env_remove("ORCHESTRATOR");
        command
    }

    /// Runs `dagster` with these arguments, which must succeed, and returns all that it printed.
    fn succeeds(&self, arguments: &[&str]) -> String {
        let (done, said) = said(&mut self.command("dagster", arguments));
        assert!(done, "dagster {}:\n{said}", arguments.join(" "));
        said
    }

    fn materializes(&self, assets: &str, partition: Option<&str>) -> String {
        let code = ["-m", "lazaret_dagster.definitions"];
        let asked = ["asset", "materialize", "--select", assets];
        let partition = partition.map_or_else(Vec::new, |key| vec!["--partition", key]);
        self.succeeds(&[&asked[..], &partition, &code].concat())
    }

    fn executes(&self, job: &str, more: &[&str]) -> String {
        let asked = [
            "job",
            "execute",
            "-j",
            job,
            "-m",
            "lazaret_dagster.definitions",
        ];
        self.succeeds(&[&asked[..], more].concat())
    }

    fn previews(&self, sensor: &str) -> String {
        self.succeeds(&["sensor", "preview", sensor])
    }

    /// What its storage holds, once no run is unfinished.
    fn knows(&self) -> Value {
        let script = location().join("tests/what_dagster_knows.py");
        let mut command = self.command("python", &[script.to_str().unwrap()]);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Its daemon, with sensors that run.
    fn daemon(&self) -> Running {
        use std::os::unix::process::CommandExt;
        let log = self.home.path().join("daemon.log");
        let file = std::fs::File::create(&log).unwrap();
        let daemon = self.command("dagster-daemon", &["run"]);
        let mut watched = Command::new("sh");
        watched
            .args(["-c", WATCHED, "dagster of a test"])
            .arg(daemon.get_program())
            .args(daemon.get_args())
            .current_dir(location());
        for (name, value) in daemon.get_envs() {
            match value {
                Some(value) => watched.env(name, value),
                None => watched.env_remove(name),
            };
        }
        watched
            .env("ORCHESTRATOR", "dagster")
            .stdin(Stdio::piped())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .process_group(0);
        Running {
            child: watched.spawn().unwrap(),
            log,
        }
    }
}

/// Ends what it started, and all that this has started, when standard input closes: however the
/// test ends, nothing is left behind.
const WATCHED: &str = r#"
"$@" </dev/null &
cat >/dev/null
trap '' TERM
kill -TERM 0
for _ in 1 2 3 4 5 6 7 8 9 10; do
    sleep 1
    kill -0 $! 2>/dev/null || break
done
kill -KILL 0
"#;

fn location() -> PathBuf {
    repository().join("integrations/dagster")
}

fn said(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = text(&output.stdout) + &text(&output.stderr);
    (output.status.success(), said)
}

/// A process with children of its own; dropping it ends all of them.
struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// The metadata of the newest materialization of an asset's partition.
fn metadata<'a>(known: &'a Value, asset: &str, partition: &str) -> &'a Value {
    let made = known["materializations"].as_array().unwrap();
    let found = made
        .iter()
        .find(|one| one["asset"] == asset && one["partition"] == partition);
    &found.unwrap_or_else(|| panic!("{asset} of {partition} was not materialized: {known}"))["metadata"]
}

fn checks<'a>(known: &'a Value, name: &str) -> Vec<&'a Value> {
    let checks = known["checks"].as_array().unwrap();
    checks
        .iter()
        .filter(|check| check["check"] == name)
        .collect()
}

fn drop_of<'a>(expected: &'a Value, name: &str) -> &'a Value {
    let drops = expected["drops"].as_array().unwrap();
    drops.iter().find(|drop| drop["drop"] == name).unwrap()
}

#[test]
fn dagsters_own_commands_carry_a_drop_with_its_storage_on_sqlite() {
    let project = Project::new(Stack::SqliteAndFolder);
    let dagster = Dagster::new(&project, None);
    dagster.materializes(
        "bootstrap_heartbeat_asset,sync_layout_registry,sync_canonical_registry",
        None,
    );

    drops::drop_one(&project, EVERGREEN);
    let preview = dagster.previews("inbox_discovery_sensor");
    assert!(
        preview.contains(&format!("grouping_key: {EVERGREEN}"))
            && preview.contains("grouping_method: MARKER_FILE"),
        "{preview}"
    );
    assert!(
        project.submissions().is_empty(),
        "a preview registers nothing"
    );

    let group = json!({ "grouping_key": EVERGREEN, "grouping_method": "MARKER_FILE" });
    let config = json!({ "ops": { "register_submission_from_group": { "config": group } } });
    let file = dagster.home.path().join("config.json");
    std::fs::write(&file, config.to_string()).unwrap();
    let job = "register_submission_from_group_job";
    dagster.executes(job, &["--config", file.to_str().unwrap()]);
    dagster.executes(job, &["--config", file.to_str().unwrap()]);
    assert_eq!(project.submissions().len(), 1, "registered once");
    let submission = project.submission(EVERGREEN);
    assert_eq!(submission["state"], "RECEIVED");
    let id = submission["submission_id"].as_str().unwrap();

    dagster.materializes(OF_A_SUBMISSION, Some(id));
    let expected = drops::expected();
    let evergreen = drop_of(&expected, EVERGREEN);
    assert_eq!(project.submission(EVERGREEN)["state"], evergreen["state"]);

    let preview = dagster.previews("canonical_rebuild_sensor");
    assert!(
        preview.contains("asked_for: canonical_rebuild wa/medical_claim/2010-07"),
        "{preview}"
    );
    dagster.executes("list_partitions_job", &[]);
    dagster.materializes("submitter_gold", Some("wa/medical_claim/evergreen/2010-07"));
    let month = json!({ "dagster/partition": "wa/medical_claim/2010-07" }).to_string();
    dagster.executes("build_canonical_month_job", &["--tags", &month]);

    let counted = counted_by_duckdb(&project);
    let gold = rows_by(&counted, "gold_canonical", "atomic_month");
    let rows = rows_of_winner(&expected, "evergreen", "2010-07");
    assert_eq!(
        gold.into_iter().collect::<Vec<_>>(),
        [("2010-07".to_owned(), rows)]
    );
    let by_submitter = rows_by(&counted, "gold_submitter", "atomic_month");
    assert_eq!(by_submitter["2010-07"], rows);
    dagster_was_told(&dagster.knows(), evergreen, id, rows);
}

fn rows_of_winner(expected: &Value, submitter: &str, month: &str) -> i64 {
    let winners = expected["winners"].as_array().unwrap();
    let found = winners
        .iter()
        .find(|winner| winner["submitter"] == submitter && winner["month"] == month);
    found.unwrap()["rows"].as_i64().unwrap()
}

/// What a person finds in Dagster's pages: counts, places, checks.
fn dagster_was_told(known: &Value, drop: &Value, id: &str, rows_of_july: i64) {
    let silver = metadata(known, "submission_silver", id);
    for (field, expected) in [
        ("rows_in", &drop["rows"]),
        ("rows_accepted", &drop["accepted"]),
        ("rows_rejected", &drop["rejected"]),
    ] {
        assert_eq!(&silver[field], expected, "{field}");
    }
    for place in ["silver", "quarantine"] {
        let path = PathBuf::from(silver[place].as_str().unwrap());
        assert!(path.is_dir(), "{} is no folder", path.display());
    }
    let raw = metadata(known, "submission_raw", id);
    assert_eq!(raw["grouping_key"], drop["drop"]);
    let verdict = metadata(known, "submission_verdict", id);
    assert_eq!(verdict["state"], drop["state"]);
    for (asset, partition) in [
        ("submitter_gold", "wa/medical_claim/evergreen/2010-07"),
        ("canonical_gold", "wa/medical_claim/2010-07"),
    ] {
        assert_eq!(
            metadata(known, asset, partition)["rows"],
            rows_of_july,
            "{asset}"
        );
    }
    for name in [
        "rows_reconcile",
        "rejects_within_limit",
        "validated",
        "month_built",
    ] {
        let found = checks(known, name);
        assert!(!found.is_empty(), "{name} was not evaluated");
        assert!(
            found.iter().all(|check| check["passed"] == true),
            "{found:?}"
        );
    }
    let heartbeat = metadata_of_unpartitioned(known, "bootstrap_heartbeat_asset");
    assert_eq!(heartbeat["row"], "phase0_ok");
    metadata_of_unpartitioned(known, "sync_layout_registry");
    metadata_of_unpartitioned(known, "sync_canonical_registry");
    let runs = known["runs"].as_array().unwrap();
    assert!(
        runs.iter().all(|run| run["status"] == "SUCCESS"),
        "{runs:?}"
    );
}

fn metadata_of_unpartitioned<'a>(known: &'a Value, asset: &str) -> &'a Value {
    let made = known["materializations"].as_array().unwrap();
    let found = made.iter().find(|one| one["asset"] == asset);
    &found.unwrap_or_else(|| panic!("{asset} was not materialized"))["metadata"]
}

/// A drop that nobody can classify has no silver: nothing is materialized that does not exist.
#[test]
fn what_cannot_be_carried_on_is_shown_as_it_is() {
    const BAD: &str = "olympic/medical_claim/bad";
    let project = Project::new(Stack::SqliteAndFolder);
    let dagster = Dagster::new(&project, None);
    drops::drop_one(&project, UNKNOWN);
    // A header that the contract knows, and rows that are none.
    let claims = repository().join("demo/inbox/olympic/medical_claim/20190415/inpatient.csv");
    let claims = std::fs::read_to_string(claims).unwrap();
    let header = claims.lines().next().unwrap();
    project.drop_bytes(
        &format!("{BAD}/inpatient.csv"),
        format!("{header}\nno\nclaims\n").into_bytes(),
    );
    for group in [UNKNOWN, BAD] {
        let launched = project.json(&["job", "launch", "register", group]);
        assert_eq!(launched["outcome"], "SUCCEEDED", "{launched}");
    }
    dagster.executes("list_partitions_job", &[]);
    for group in [UNKNOWN, BAD] {
        let id = project.submission(group)["submission_id"].clone();
        dagster.materializes(OF_A_SUBMISSION, id.as_str());
    }
    assert_eq!(project.submission(UNKNOWN)["state"], "NEEDS_REVIEW");
    assert_eq!(project.submission(BAD)["state"], "PARSE_FAILED");

    let known = dagster.knows();
    let made = known["materializations"].as_array().unwrap();
    let assets: Vec<_> = made.iter().map(|one| &one["asset"]).collect();
    assert_eq!(assets, ["submission_raw", "submission_raw"], "{known}");
    let judged = checks(&known, "rejects_within_limit");
    assert_eq!(judged.len(), 1, "{judged:?}");
    assert_eq!(judged[0]["passed"], false);
    assert_eq!(judged[0]["metadata"]["state"], "PARSE_FAILED");
}

#[test]
fn dagsters_daemon_carries_a_drop_to_gold_with_its_storage_on_postgres() {
    let project = Project::new(Stack::PostgresAndS3);
    let dagster = Dagster::new(&project, Some(&PrivatePostgres::shared().database()));
    // A file of few months: each is a run of Dagster's.
    let folder = repository().join("demo/inbox/cascade/medical_claim/20110131");
    let file = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let group = "cascade/medical_claim/clinic1";
    project.drop_bytes(
        &format!("{group}/claims_2010_clinic1.csv"),
        file("claims_2010_clinic1.csv"),
    );
    let daemon = dagster.daemon();
    await_nothing_due(&project, &daemon, 1);

    // Both by mistake: while Dagster drives, somebody runs everything that is due, again and again.
    let other = "cascade/medical_claim/clinic2";
    project.drop_bytes(
        &format!("{other}/claims_2010_clinic2.csv"),
        file("claims_2010_clinic2.csv"),
    );
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(15) {
        project.run_once();
    }
    await_nothing_due(&project, &daemon, 2);
    let known = dagster.knows();
    drop(daemon);

    let counted = counted_by_duckdb(&project);
    assert_eq!(counted["rows_doubled"], json!([]));
    let accepted: i64 = rows_by(&counted, "silver", "submission_id").values().sum();
    assert_eq!(accepted, 34, "{counted}");
    for group in [group, other] {
        assert_eq!(project.submission(group)["state"], "VALIDATED");
    }
    let winners = project.json(&["winner", "list"])["winners"].clone();
    let winners = winners.as_array().unwrap();
    let of_winners: i64 = winners
        .iter()
        .map(|w| w["gold_rows"].as_i64().unwrap())
        .sum();
    let gold: i64 = rows_by(&counted, "gold_canonical", "atomic_month")
        .values()
        .sum();
    assert_eq!(gold, of_winners);

    let runs = known["runs"].as_array().unwrap();
    let failed: Vec<_> = runs
        .iter()
        .filter(|run| run["status"] != "SUCCESS")
        .collect();
    assert!(failed.is_empty(), "{failed:?}");
    let registered = format!("register:{group}");
    let by_dagster = runs.iter().filter(|run| run["work"] == *registered).count();
    assert_eq!(by_dagster, 1, "{runs:?}");
    let id = project.submission(group)["submission_id"].clone();
    let silver = metadata(&known, "submission_silver", id.as_str().unwrap());
    assert_eq!(silver["rows_in"], 3);
    assert!(
        silver["silver"].as_str().unwrap().starts_with("s3://"),
        "{silver}"
    );
    let jobs = ["build_submitter_gold_job", "build_canonical_month_job"];
    for job in jobs {
        assert!(runs.iter().any(|run| run["job"] == job), "{job}: {runs:?}");
    }
}

/// Waits until so many submissions are decided and all months that rest on them are built.
fn await_nothing_due(project: &Project, daemon: &Running, submissions: usize) {
    let began = Instant::now();
    loop {
        let status = project.json(&["status"]);
        let validated: u64 = status["submissions"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|of| of["state"] == "VALIDATED")
            .filter_map(|of| of["submissions"].as_u64())
            .sum();
        let is_done = validated == submissions as u64
            && status["backlog"] == 0
            && status["pending_rebuilds"] == json!([])
            && gold_holds_every_winner(project);
        if is_done {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{status}\n{}", daemon.said());
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn gold_holds_every_winner(project: &Project) -> bool {
    let winners = project.json(&["winner", "list"])["winners"].clone();
    let winners = winners.as_array().unwrap();
    !winners.is_empty()
        && winners
            .iter()
            .all(|winner| winner["gold_submission_id"] == winner["submission_id"])
}

/// The code location's own tests: which runs a sensor asks for, what Dagster loads.
#[test]
fn the_code_location_passes_its_own_tests() {
    let project = Project::new(Stack::SqliteAndFolder);
    let dagster = Dagster::new(&project, None);
    let arguments = ["-m", "unittest", "discover", "-s", "tests", "-t", "."];
    let (passed, said) = said(&mut dagster.command("python", &arguments));
    assert!(passed && said.contains("\nRan "), "{said}");
    assert!(!said.contains("Ran 0 tests"), "{said}");
}
