//! The process is killed between every two durable steps, then started again: the state must be
//! the one that an undisturbed run reaches.

use std::collections::BTreeMap;

use pipeline::fault::FaultPoint;
use serde_json::Value;

use crate::drops::{self, CORRECTED};
use crate::outputs::counted_by_duckdb;
use crate::project::{Project, Stack};

/// The state without ids and times: what each group became, and what DuckDB counts where.
pub(crate) fn state(project: &Project) -> (BTreeMap<String, String>, BTreeMap<String, Value>) {
    let submissions = project.submissions();
    let mut names = BTreeMap::new();
    let mut became = BTreeMap::new();
    for submission in &submissions {
        let group = submission["grouping_key"].as_str().unwrap().to_owned();
        names.insert(
            submission["submission_id"].as_str().unwrap().to_owned(),
            group.clone(),
        );
        let counts = [
            "state",
            "rows_in",
            "rows_accepted",
            "rows_rejected",
            "warnings",
        ];
        let said = counts.map(|name| submission[name].to_string()).join(" ");
        assert!(
            became.insert(group.clone(), said).is_none(),
            "{group} is there twice"
        );
    }
    let mut counted = counted_by_duckdb(project);
    rename(&mut counted, &names);
    let Value::Object(parts) = counted else {
        panic!("counts by part")
    };
    let sorted = parts.into_iter().map(|(part, mut entries)| {
        if let Value::Array(entries) = &mut entries {
            entries.sort_by_key(ToString::to_string);
        }
        (part, entries)
    });
    (became, sorted.collect())
}

fn rename(value: &mut Value, names: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(name) = names.get(text.as_str()) {
                text.clone_from(name);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| rename(value, names)),
        Value::Object(fields) => fields.values_mut().for_each(|value| rename(value, names)),
        _ => {}
    }
}

fn undisturbed() -> (BTreeMap<String, String>, BTreeMap<String, Value>) {
    let project = Project::new(Stack::SqliteAndFolder);
    drops::drop_early(&project);
    project.run_once();
    drops::drop_one(&project, CORRECTED);
    project.run_once();
    state(&project)
}

#[test]
fn a_kill_at_any_point_loses_and_doubles_nothing() {
    let expected = undisturbed();
    for point in FaultPoint::ALL {
        let project = Project::new(Stack::SqliteAndFolder);
        drops::drop_early(&project);
        kill_at(&project, *point);
        project.run_once();
        drops::drop_one(&project, CORRECTED);
        kill_at(&project, *point);
        project.run_once();
        assert_eq!(state(&project), expected, "killed at {}", point.name());
    }
}

#[test]
fn a_kill_loses_nothing_on_postgres_and_s3_either() {
    let expected = undisturbed();
    for point in [
        FaultPoint::RawCopied,
        FaultPoint::ReportWritten,
        FaultPoint::CanonicalWritten,
    ] {
        let project = Project::new(Stack::PostgresAndS3);
        drops::drop_early(&project);
        kill_at(&project, point);
        project.run_once();
        drops::drop_one(&project, CORRECTED);
        project.run_once();
        assert_eq!(state(&project), expected, "killed at {}", point.name());
    }
}

/// Runs until the process dies there; a run that passes it by is a fault of the test.
fn kill_at(project: &Project, point: FaultPoint) {
    use std::os::unix::process::ExitStatusExt;
    let output = project
        .command(&["run", "--once"])
        .env("LAZARET_FAULT", point.name())
        .output()
        .unwrap();
    assert!(
        output.status.signal().is_some(),
        "{} was not reached: {}",
        point.name(),
        output.status
    );
}
