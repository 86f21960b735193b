//! A corridor's runs as a lineage backend is told of them.

use std::path::Path;

use serde_json::Value;
use store::{Run, RunFilter, RunStatus};
use testkit::answer::Answer;
use testkit::python::run_python;
use testkit::receiver::Receiver;

use super::*;
use crate::corridor::{NAME, VALUE, World};

fn to_file(file: &Path) -> Lineage {
    Lineage::new(LineageSettings {
        file: Some(file.to_owned()),
        ..LineageSettings::default()
    })
}

impl Pipeline {
    /// All runs that there were, oldest first.
    async fn all_runs(&self) -> Vec<Run> {
        let mut runs = self.store.runs(&RunFilter::default()).await.unwrap();
        runs.reverse();
        runs
    }
}

fn events(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(!text.contains(NAME) && !text.contains(VALUE), "{text}");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Readable: what differs from run to run is masked.
fn masked(events: &[Value], root: &Path) -> String {
    let mut text = String::new();
    let mut runs: Vec<String> = Vec::new();
    for event in events {
        let mut event = event.clone();
        event["eventTime"] = "<time>".into();
        let run = event["run"]["runId"].as_str().unwrap().to_owned();
        let number = runs
            .iter()
            .position(|known| *known == run)
            .unwrap_or_else(|| {
                runs.push(run);
                runs.len() - 1
            });
        event["run"]["runId"] = format!("<run {number}>").into();
        text.push_str(&serde_json::to_string_pretty(&event).unwrap());
        text.push('\n');
    }
    text.replace(root.to_str().unwrap(), "<root>")
        .replace(env!("CARGO_PKG_VERSION"), "<version>")
}

#[tokio::test]
async fn each_run_is_told_from_raw_files_to_the_statewide_month() {
    let world = World::new();
    let mut pipeline = world.pipeline().await;
    let file = world.root().join("lineage.jsonl");
    pipeline.lineage = to_file(&file).into();
    world.drop_rows("1", 1);
    pipeline.run_once().await.unwrap();
    let runs = pipeline.all_runs().await;
    let events = events(&file);
    let of_rows = runs.iter().filter(|run| JOBS.contains(&run.job.as_str()));
    let told: Vec<_> = events
        .chunks(2)
        .map(|pair| {
            assert_eq!(pair[0]["run"]["runId"], pair[1]["run"]["runId"]);
            assert_eq!(
                (&pair[0]["eventType"], &pair[1]["eventType"]),
                (&"START".into(), &"COMPLETE".into())
            );
            pair[0]["run"]["runId"].as_str().unwrap().to_owned()
        })
        .collect();
    let expected: Vec<_> = of_rows.map(|run| run.run_id.to_string()).collect();
    assert_eq!(expected.len(), 3);
    assert_eq!(told, expected);
    assert_eq!(
        (pipeline.lineage.emitted(), pipeline.lineage.lost()),
        (6, 0)
    );
    insta::assert_snapshot!(masked(&events, world.root()));
}

#[tokio::test]
async fn what_fails_is_told_with_its_error() {
    let world = World::new();
    let mut pipeline = world.pipeline().await;
    let file = world.root().join("lineage.jsonl");
    pipeline.lineage = to_file(&file).into();
    // A file that cannot be read: the run did its work, and nothing came of it.
    world.drop_text("1", "");
    pipeline.run_once().await.unwrap();
    let of_file = events(&file);
    assert_eq!(of_file.len(), 2);
    assert_eq!(of_file[1]["eventType"], "FAIL");
    let message = &of_file[1]["run"]["facets"]["errorMessage"]["message"];
    let message = message.as_str().unwrap();
    assert!(
        message.starts_with("(name withheld) cannot be read"),
        "{message}"
    );

    // A run that could not be done.
    let id = pipeline
        .store
        .submissions(&store::SubmissionFilter::default())
        .await;
    let subject = id.unwrap()[0].submission_id.to_string();
    let run = RunId::new();
    let error = format!("the disk is full at {NAME}.csv");
    pipeline
        .lineage_ended(
            run,
            "parse",
            &subject,
            &RunOutcome::Failed {
                error,
                next: store::Next::Stop,
            },
        )
        .await;
    pipeline.catalog = Default::default();
    let gone = RunOutcome::Failed {
        error: "layout `visit@v1` is not in the project".to_owned(),
        next: store::Next::Stop,
    };
    pipeline.lineage_ended(run, "parse", &subject, &gone).await;
    assert_eq!(events(&file)[3]["job"]["name"], "parse");
    assert_eq!(events(&file)[3]["eventType"], "FAIL");
    let failed = &events(&file)[2];
    assert_eq!(failed["eventType"], "FAIL");
    assert_eq!(failed["run"]["runId"], run.to_string());
    assert_eq!(
        failed["run"]["facets"]["errorMessage"]["message"],
        "the disk is full at (name withheld)"
    );
}

#[tokio::test]
async fn a_backend_is_told_and_one_that_is_down_holds_nothing_up() {
    let world = World::new();
    let mut pipeline = world.pipeline().await;
    let backend = Receiver::start();
    pipeline.lineage = Lineage::new(LineageSettings {
        url: Some(format!("{}/", backend.url())),
        ..LineageSettings::default()
    })
    .into();
    world.drop_rows("1", 0);
    // It refuses one, and is down from the next on.
    backend.answer([201, 422, 503].map(Answer::status));
    pipeline.run_once().await.unwrap();
    let runs = pipeline.all_runs().await;
    assert!(runs.iter().all(|run| run.status == RunStatus::Succeeded));
    let received = backend.take();
    for request in &received {
        assert_eq!(request.path, "/api/v1/lineage");
        let event: Value = serde_json::from_slice(&request.body).unwrap();
        let run = event["run"]["runId"].as_str().unwrap().parse().unwrap();
        let trace = TraceParent::of_run(run).to_string();
        assert_eq!(request.header("traceparent"), Some(trace.as_str()));
    }
    assert_eq!(received.len(), 3, "after 503 it is left alone");
    assert_eq!(
        (pipeline.lineage.emitted(), pipeline.lineage.lost()),
        (1, 5)
    );
}

#[tokio::test]
async fn a_file_that_cannot_be_written_loses_events_and_nothing_else() {
    let world = World::new();
    let mut pipeline = world.pipeline().await;
    pipeline.lineage = to_file(world.root()).into();
    let run = RunId::new();
    pipeline
        .lineage_started(run, "parse", "no submission")
        .await;
    assert_eq!(
        (pipeline.lineage.emitted(), pipeline.lineage.lost()),
        (0, 1)
    );
    // Jobs that move no rows are not told of.
    pipeline
        .lineage_started(run, "stage", "no submission")
        .await;
    assert_eq!(pipeline.lineage.lost(), 1);
}

#[tokio::test]
async fn openlineages_own_classes_take_every_event() {
    let world = World::new();
    let mut pipeline = world.pipeline().await;
    let file = world.root().join("lineage.jsonl");
    pipeline.lineage = to_file(&file).into();
    world.drop_rows("1", 1);
    world.drop_text("2", "");
    pipeline.run_once().await.unwrap();
    let script = include_str!("../../tests/oracle/read_lineage.py");
    let said = run_python(script, &[file.to_str().unwrap()]);
    assert_eq!(
        said.trim(),
        "8 events: columnLineage, dataQualityMetrics, errorMessage, outputStatistics, schema"
    );
}
