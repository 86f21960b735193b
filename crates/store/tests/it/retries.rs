use std::time::Duration;

use serde_json::json;
use store::{Due, Except, Job, Moved, Next, RunFilter, RunOutcome, RunStatus, StartedRun, Store};

use crate::fixtures::{LEASE, at, owner, ready, stranger};
use crate::world::{World, on_both_databases};

on_both_databases!(
    failures_are_counted_until_a_success,
    an_outage_and_a_shutdown_are_no_strikes,
    work_that_waits_or_was_stopped_is_not_claimed_by_the_patient,
    a_submitter_has_no_more_in_work_than_its_limit,
    who_begins_a_run_ends_the_one_before,
    a_turn_comes_once,
);

const ACTOR: &str = "test";

async fn begin(store: &Store, job: Job, subject: &str) -> StartedRun {
    let started = store.start_run(job.as_str(), subject, &owner()).await;
    started.unwrap()
}

async fn fail(store: &Store, job: Job, subject: &str, next: Next) -> StartedRun {
    let run = begin(store, job, subject).await;
    let error = "out of luck".to_owned();
    let outcome = RunOutcome::Failed { error, next };
    store.finish_run(run.run_id, &outcome).await.unwrap();
    run
}

async fn failures_are_counted_until_a_success(world: World) {
    let store = &world.store;
    for expected in 1..=3 {
        let run = fail(store, Job::Parse, "one", Next::After(at(expected))).await;
        assert_eq!((run.attempt, run.strikes), (expected, expected));
    }
    let retries = store.retries().await.unwrap();
    assert_eq!(retries.len(), 1);
    assert_eq!((retries[0].attempts, retries[0].strikes), (3, 3));
    assert_eq!(retries[0].not_before, Some(at(3)));
    assert_eq!(retries[0].error.as_deref(), Some("out of luck"));
    assert!(store.has_failed("parse", "one").await.unwrap());
    assert!(!store.has_failed("stage", "one").await.unwrap());

    let run = begin(store, Job::Parse, "one").await;
    let counts = json!({});
    let succeeded = RunOutcome::Succeeded { counts };
    store.finish_run(run.run_id, &succeeded).await.unwrap();
    assert_eq!(store.retries().await.unwrap(), []);
    assert_eq!(begin(store, Job::Parse, "one").await.attempt, 1);
}

async fn an_outage_and_a_shutdown_are_no_strikes(world: World) {
    let store = &world.store;
    fail(store, Job::Parse, "one", Next::AfterOutage(at(1))).await;
    let run = fail(store, Job::Parse, "one", Next::AfterOutage(at(2))).await;
    assert_eq!((run.attempt, run.strikes), (2, 1));

    begin(store, Job::Parse, "one").await;
    assert_eq!(store.give_back(&[stranger()]).await.unwrap(), 0);
    assert_eq!(store.give_back(&[owner()]).await.unwrap(), 1);
    let retries = store.retries().await.unwrap();
    assert_eq!((retries[0].attempts, retries[0].strikes), (2, 0));
    let runs = store.runs(&RunFilter::default()).await.unwrap();
    assert_eq!(runs[0].status, RunStatus::Interrupted);
}

async fn work_that_waits_or_was_stopped_is_not_claimed_by_the_patient(world: World) {
    let store = &world.store;
    let id = ready(store, "a", 1).await;
    let subject = id.to_string();
    let claim = async |minutes, waiting| {
        let except = Except {
            keys: &[],
            waiting,
            busy: None,
        };
        let claimed = store
            .claim_submission(Due::Parse, &owner(), LEASE, at(minutes), except)
            .await
            .unwrap();
        if claimed.is_some() {
            store.release_submission(id, &owner()).await.unwrap();
        }
        claimed.is_some()
    };
    fail(store, Job::Parse, &subject, Next::After(at(10))).await;
    assert!(!claim(5, true).await);
    assert!(claim(5, false).await, "a person's call waits for nothing");
    assert!(claim(10, true).await);

    fail(store, Job::Parse, &subject, Next::Stop).await;
    assert!(!claim(1_000, true).await);
    assert!(claim(1_000, false).await);

    // Another job of the same subject is another matter.
    let again = store.try_again("stage", &subject, ACTOR).await.unwrap();
    assert_eq!(again, Moved::No);
    let again = store.try_again("parse", &subject, ACTOR).await.unwrap();
    assert_eq!(again, Moved::Yes(()));
    assert!(claim(5, true).await);

    fail(store, Job::Parse, &subject, Next::Stop).await;
    assert_eq!(store.try_all_again(ACTOR).await.unwrap(), 1);
    assert_eq!(store.try_all_again(ACTOR).await.unwrap(), 0);
    assert!(claim(5, true).await);
}

async fn a_submitter_has_no_more_in_work_than_its_limit(world: World) {
    let store = &world.store;
    for (drop_id, minutes) in [("a", 1), ("b", 2), ("c", 3)] {
        ready(store, drop_id, minutes).await;
    }
    let claim = async |minutes, limit| {
        let except = Except {
            keys: &[],
            waiting: true,
            busy: Some(limit),
        };
        store
            .claim_submission(Due::Parse, &owner(), LEASE, at(minutes), except)
            .await
            .unwrap()
            .is_some()
    };
    assert!(claim(5, 2).await);
    assert!(claim(5, 2).await);
    assert!(!claim(5, 2).await, "two are in work");
    assert!(claim(5, 3).await);
    // Their leases have lapsed.
    assert!(claim(100, 1).await);
    assert!(!claim(100, 1).await);
}

async fn who_begins_a_run_ends_the_one_before(world: World) {
    let store = &world.store;
    let before = begin(store, Job::Parse, "one").await;
    begin(store, Job::Parse, "another").await;
    begin(store, Job::Parse, "one").await;
    let run = store.run(before.run_id).await.unwrap().unwrap();
    assert_eq!(run.status, RunStatus::Interrupted);
    let counts = json!({});
    let late = RunOutcome::Succeeded { counts };
    let ended = store.finish_run(before.run_id, &late).await.unwrap();
    assert_eq!(ended, Moved::No);
    let running = RunFilter {
        status: Some(RunStatus::Running),
        ..RunFilter::default()
    };
    assert_eq!(store.runs(&running).await.unwrap().len(), 2);
}

async fn a_turn_comes_once(world: World) {
    let store = &world.store;
    let take = async |minutes| {
        let every = Duration::from_secs(300);
        let turn = store.take_turn("inbox_discovery", "listing", every, at(minutes));
        turn.await.unwrap()
    };
    assert!(take(0).await);
    assert!(!take(0).await);
    assert!(!take(4).await);
    assert!(take(5).await);
    assert!(!take(6).await);
}
