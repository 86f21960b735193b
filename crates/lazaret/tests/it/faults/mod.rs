//! Services that fail under a run: what it rides out, it finishes; what it cannot, it reports,
//! leaves due and half writes nothing of. In the end the state is that of a project that nothing
//! ever happened to.

mod database;
mod full_disk;
mod objects;
mod unattended;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::{Child, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use testkit::postgres::{through, upstream};
use testkit::proxy::{FaultProxy, Requests};

use crate::crash::state;
use crate::drops;
use crate::project::{Project, Stack};

const CONTRACT: &str = r#"
contract: visit
version: 1
title: Visits
file_name: { pattern: "visits_{year}.csv" }
natural_key: [id]
columns:
  - { name: id, type: integer, required: true }
  - { name: note, type: string }
"#;

const FEED: &str = r#"
feed: regional_visits
title: Regional visits
submitter: regional
state: wa
contracts: [visit@v1]
"#;

/// The group of the large file, which is read in two ranges and copied in two parts.
const LARGE: &str = "regional/visit/2024";
/// Where its second range begins.
const SECOND_RANGE: &str = "bytes=8388608-";

/// Each 9,000th row has no id.
fn large_file() -> Vec<u8> {
    const ROWS: u32 = 80_000;
    let mut text = String::from("id,note\n");
    for row in 1..=ROWS {
        let id = if row % 9_000 == 0 {
            String::new()
        } else {
            row.to_string()
        };
        let mark = u64::from(row).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        writeln!(text, "{id},visit {mark:0150}").unwrap();
    }
    assert!(
        text.len() > 12 << 20,
        "two ranges of 8 MiB, two parts of 10 MiB"
    );
    text.into_bytes()
}

/// Deliveries that pass every step, and a file that is long enough to fail in the middle of.
fn deliver(project: &Project) {
    project.write("contracts/visit/v1.yaml", CONTRACT);
    project.write("feeds/regional_visits.yaml", FEED);
    drops::drop_early(project);
    project.drop_bytes(&format!("{LARGE}/visits_2024.csv"), large_file());
}

/// Nothing takes so long, unless it hangs.
const HANGS: Duration = Duration::from_secs(300);

type State = (BTreeMap<String, String>, BTreeMap<String, Value>);

/// What becomes of the deliveries where nothing happens.
fn undisturbed() -> State {
    let project = Project::new(Stack::SqliteAndFolder);
    deliver(&project);
    let ran = project.run_once();
    assert_eq!(ran["failures"], serde_json::json!([]));
    let state = state(&project);
    assert!(
        state.0[LARGE].starts_with(r#""VALIDATED" 80000 79992 8"#),
        "{state:?}"
    );
    assert_eq!(state.0.len(), 3);
    state
}

/// A project on Postgres and S3, which it reaches through proxies.
struct Behind {
    project: Project,
    database: FaultProxy,
    objects: FaultProxy,
}

impl Behind {
    fn proxies() -> Self {
        let mut project = Project::new(Stack::PostgresAndS3);
        deliver(&project);
        // Most of what the first run says to the database, and nothing that is tested here.
        project.succeeds(&["registry", "sync"]);
        let url = project.variable("METADATA_DB_URL").to_owned();
        let database = FaultProxy::start(upstream(&url));
        project.set("METADATA_DB_URL", &through(&url, database.address()));
        let objects = FaultProxy::start_http(project.variable("AWS_ENDPOINT_URL"));
        project.set("AWS_ENDPOINT_URL", &objects.url());
        Self {
            project,
            database,
            objects,
        }
    }

    /// Requests for objects below a folder of the project's place.
    fn requests(&self, method: &str, folder: &str) -> Requests {
        let place = self.project.variable("OBJECTS_URL");
        let place = place.strip_prefix("s3:/").unwrap();
        Requests::of(method).below(&format!("{place}/{folder}"))
    }

    /// The same for those of the large file's.
    fn of_large(&self, method: &str, top: &str) -> Requests {
        self.requests(method, &format!("{top}/regional/visit/"))
    }

    fn run(&self) -> Ran {
        Ran::of(&self.project.run(&["run", "--once", "--format", "json"]))
    }

    /// Starts a run and returns while it waits for that request's answer.
    fn run_to(&self, requests: Requests) -> Running {
        let mut command = self.project.command(&["run", "--once", "--format", "json"]);
        let held = self.objects.counters().held;
        self.objects.hold(requests);
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        self.objects.wait_until_held(held + 1, HANGS);
        Running(child)
    }

    /// Nothing fails any more: whatever is due is done in one run, and the end is as it should be.
    fn ends_as(&self, expected: &State) {
        self.objects.heal();
        self.database.heal();
        let ran = self.run();
        assert_eq!((ran.code, ran.failed()), (0, vec![]), "{}", ran.told);
        assert_eq!(state(&self.project), *expected);
    }
}

/// A run under way.
struct Running(Child);

impl Running {
    fn end(self) -> Ran {
        Ran::of(&self.0.wait_with_output().unwrap())
    }
}

/// How a run ended.
struct Ran {
    code: i32,
    /// Its answer; null where it could not give one.
    answer: Value,
    /// What it said beside the answer.
    told: String,
}

impl Ran {
    fn of(output: &Output) -> Self {
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!told.contains("panicked"), "{told}");
        Self {
            code: output.status.code().expect("no signal ended it"),
            answer: serde_json::from_slice(&output.stdout).unwrap_or_default(),
            told,
        }
    }

    /// The steps that failed.
    fn failed(&self) -> Vec<&str> {
        let failures = self.answer["failures"].as_array();
        let steps = failures.into_iter().flatten();
        steps
            .map(|failure| failure["step"].as_str().unwrap())
            .collect()
    }
}
