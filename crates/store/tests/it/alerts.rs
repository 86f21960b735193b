use contract::FeedName;
use serde_json::json;
use store::{
    AlertAction, AlertChannel, AlertDelivery, AlertFacts, AlertScope, DeliveryOutcome, Due,
    IncidentChange, IncidentFilter, IncidentKind, Moved, Next, Owner, RunOutcome, Store,
    SubmissionState,
};

use crate::fixtures::{
    LEASE, at, claim, competed, month_key, owner, parsed, ready, received, stranger, verdict,
};
use crate::world::{World, on_both_databases};

on_both_databases!(
    an_incident_is_opened_once_and_told_to_each_channel,
    an_end_is_sent_after_its_beginning,
    a_delivery_is_leased_retried_and_sent_once,
    what_was_given_up_is_not_resolved_either,
    a_run_that_failed_is_known_until_its_work_is_done,
    a_failed_submission_is_known_with_its_names,
    a_feed_is_as_fresh_as_its_newest_new_submission,
    a_failed_month_is_known_until_it_is_built,
    what_was_before_the_watch_is_not_told,
);

const CHANNELS: [AlertChannel; 2] = [AlertChannel::Webhook, AlertChannel::Slack];

pub(crate) fn scope(minutes: i64) -> AlertScope {
    AlertScope {
        now: at(minutes),
        feeds: vec!["acme_claims".parse().unwrap()],
        channels: CHANNELS.to_vec(),
        history: chrono::Duration::days(30),
    }
}

pub(crate) fn open(kind: IncidentKind, subject: &str) -> IncidentChange {
    IncidentChange::Open {
        kind,
        subject: subject.to_owned(),
        detail: json!({ "rows": 3 }),
    }
}

pub(crate) fn resolve(kind: IncidentKind, subject: &str) -> IncidentChange {
    IncidentChange::Resolve {
        kind,
        subject: subject.to_owned(),
        resolution: json!({ "by": "success" }),
    }
}

pub(crate) async fn change(store: &Store, minutes: i64, changes: &[IncidentChange]) -> usize {
    let decide = |_: &AlertFacts| changes.to_vec();
    store
        .judge_incidents(&scope(minutes), &decide)
        .await
        .unwrap()
}

/// What is known, where nothing is decided.
async fn facts(store: &Store, minutes: i64) -> AlertFacts {
    let seen = std::sync::Mutex::new(None);
    let decide = |facts: &AlertFacts| {
        *seen.lock().unwrap() = Some(facts.clone());
        Vec::new()
    };
    store
        .judge_incidents(&scope(minutes), &decide)
        .await
        .unwrap();
    seen.into_inner().unwrap().unwrap()
}

pub(crate) async fn claim_delivery(
    store: &Store,
    owner: &Owner,
    minutes: i64,
) -> Option<AlertDelivery> {
    store
        .claim_alert_delivery(owner, LEASE, at(minutes), &CHANNELS)
        .await
        .unwrap()
}

async fn finish(store: &Store, delivery: &AlertDelivery, outcome: DeliveryOutcome) -> Moved {
    store
        .finish_alert_delivery(delivery.delivery_id, &owner(), &outcome, at(9))
        .await
        .unwrap()
}

/// Fixtures happen in the past of the migration.
async fn watch_from_the_start(world: &World) {
    world
        .execute("UPDATE alert_watch SET since = '2024-01-01T00:00:00.000000Z'")
        .await;
}

async fn failed_run(store: &Store, job: &str, subject: &str) {
    let id = store
        .start_run(job, subject, &owner())
        .await
        .unwrap()
        .run_id;
    let error = "out of disk".to_owned();
    store
        .finish_run(
            id,
            &RunOutcome::Failed {
                error,
                next: Next::Stop,
            },
        )
        .await
        .unwrap();
}

async fn an_incident_is_opened_once_and_told_to_each_channel(world: World) {
    let store = &world.store;
    let other = world.another_handle().await;
    let opened = [open(IncidentKind::StaleFeed, "acme_claims")];
    let (one, two) = tokio::join!(change(store, 1, &opened), change(&other, 1, &opened));
    assert_eq!(one + two, 1, "one of the two opened it");
    let told = store.alert_deliveries().await.unwrap();
    let channels: Vec<_> = told.iter().map(|delivery| delivery.channel).collect();
    assert_eq!(channels, CHANNELS);
    assert_eq!(told[0].incident.detail, json!({ "rows": 3 }));

    // Another subject and another kind are incidents of their own.
    let others = [
        open(IncidentKind::StaleFeed, "other"),
        open(IncidentKind::RejectRatio, "acme_claims"),
    ];
    assert_eq!(change(store, 2, &others).await, 2);

    // Over, and not over twice; then it may come again.
    let over = [resolve(IncidentKind::StaleFeed, "acme_claims")];
    assert_eq!(change(store, 3, &over).await, 1);
    assert_eq!(change(store, 3, &over).await, 0);
    let first = store.incidents(&IncidentFilter::default()).await.unwrap();
    let first = first.last().unwrap();
    assert_eq!(first.resolved_at, Some(at(3)));
    assert_eq!(first.resolution, Some(json!({ "by": "success" })));
    assert_eq!(change(store, 4, &opened).await, 1);
    let filter = IncidentFilter {
        only_open: true,
        limit: None,
    };
    assert_eq!(store.incidents(&filter).await.unwrap().len(), 3);
}

async fn an_end_is_sent_after_its_beginning(world: World) {
    let store = &world.store;
    let (kind, subject) = (IncidentKind::Failure, "parse/one");
    change(store, 1, &[open(kind, subject), resolve(kind, subject)]).await;
    let mut sent = Vec::new();
    let first = claim_delivery(store, &owner(), 1).await.unwrap();
    assert_eq!(first.channel, AlertChannel::Webhook);
    let again = DeliveryOutcome::Again {
        at: at(5),
        error: "503".to_owned(),
    };
    assert!(finish(store, &first, again).await.is_yes());
    // Webhook's end waits for its beginning; Slack is not held up.
    while let Some(delivery) = claim_delivery(store, &owner(), 1).await {
        sent.push((delivery.channel, delivery.action));
        finish(store, &delivery, DeliveryOutcome::Sent).await;
    }
    let slack = AlertChannel::Slack;
    assert_eq!(
        sent,
        [(slack, AlertAction::Open), (slack, AlertAction::Resolve)]
    );
    sent.clear();
    while let Some(delivery) = claim_delivery(store, &owner(), 5).await {
        sent.push((delivery.channel, delivery.action));
        finish(store, &delivery, DeliveryOutcome::Sent).await;
    }
    let webhook = AlertChannel::Webhook;
    assert_eq!(
        sent,
        [
            (webhook, AlertAction::Open),
            (webhook, AlertAction::Resolve)
        ]
    );
}

async fn a_delivery_is_leased_retried_and_sent_once(world: World) {
    let store = &world.store;
    change(store, 1, &[open(IncidentKind::Failure, "parse/one")]).await;
    let none = store
        .claim_alert_delivery(&owner(), LEASE, at(1), &[AlertChannel::PagerDuty])
        .await;
    assert_eq!(none.unwrap(), None, "not of that channel");
    let first = claim_delivery(store, &stranger(), 1).await.unwrap();
    let second = claim_delivery(store, &owner(), 1).await.unwrap();
    assert_ne!(first.delivery_id, second.delivery_id);
    assert_eq!(claim_delivery(store, &owner(), 1).await, None);

    // The stranger never came back.
    let taken = claim_delivery(store, &owner(), 2).await.unwrap();
    assert_eq!((taken.delivery_id, taken.attempts), (first.delivery_id, 2));
    let late = store
        .finish_alert_delivery(
            first.delivery_id,
            &stranger(),
            &DeliveryOutcome::Sent,
            at(3),
        )
        .await;
    assert_eq!(late.unwrap(), Moved::No);

    let again = DeliveryOutcome::Again {
        at: at(7),
        error: "503".to_owned(),
    };
    assert!(finish(store, &taken, again).await.is_yes());
    finish(store, &second, DeliveryOutcome::Sent).await;
    assert_eq!(claim_delivery(store, &owner(), 6).await, None);
    let due = claim_delivery(store, &owner(), 7).await.unwrap();
    assert_eq!(
        (due.attempts, due.error.as_deref()),
        (3, Some("503")),
        "the last error is kept until it is sent"
    );
    finish(store, &due, DeliveryOutcome::Sent).await;
    assert_eq!(finish(store, &due, DeliveryOutcome::Sent).await, Moved::No);
    let sent = store.alert_deliveries().await.unwrap();
    assert!(
        sent.iter()
            .all(|delivery| delivery.sent_at == Some(at(9)) && delivery.error.is_none())
    );
}

async fn what_was_given_up_is_not_resolved_either(world: World) {
    let store = &world.store;
    let kind = IncidentKind::Failure;
    change(
        store,
        1,
        &[open(kind, "parse/one"), open(kind, "parse/two")],
    )
    .await;
    // The second is over before anybody was told of it.
    change(store, 2, &[resolve(kind, "parse/two")]).await;
    while let Some(delivery) = claim_delivery(store, &owner(), 2).await {
        let outcome = match delivery.channel {
            AlertChannel::Webhook => DeliveryOutcome::GivenUp {
                error: "404".to_owned(),
            },
            _ => DeliveryOutcome::Sent,
        };
        finish(store, &delivery, outcome).await;
    }
    change(store, 3, &[resolve(kind, "parse/one")]).await;
    let ends: Vec<_> = store.alert_deliveries().await.unwrap();
    let ends = ends
        .iter()
        .filter(|delivery| delivery.action == AlertAction::Resolve)
        .map(|end| {
            (
                end.incident.subject.as_str(),
                end.channel,
                end.given_up_at.is_some(),
            )
        });
    assert_eq!(
        ends.collect::<Vec<_>>(),
        [
            ("parse/two", AlertChannel::Webhook, true),
            ("parse/two", AlertChannel::Slack, false),
            ("parse/one", AlertChannel::Slack, false),
        ]
    );
}

async fn a_run_that_failed_is_known_until_its_work_is_done(world: World) {
    let store = &world.store;
    watch_from_the_start(&world).await;
    let id = ready(store, "1", 1).await;
    let subject = id.to_string();
    failed_run(store, "parse", &subject).await;
    failed_run(store, "parse", &subject).await;
    failed_run(store, "heartbeat", "bootstrap").await;
    let waiting = received(store, "2", 2).await;
    failed_run(store, "stage", &waiting.to_string()).await;

    let known = facts(store, 3).await;
    let subjects: Vec<_> = known
        .failed_runs
        .iter()
        .map(store::FailedRun::subject)
        .collect();
    let parse = format!("parse/{subject}");
    assert_eq!(
        subjects,
        [
            parse.clone(),
            "heartbeat/bootstrap".to_owned(),
            format!("stage/{waiting}")
        ]
    );
    assert_eq!(known.failed_runs[0].run.attempt, 2, "the last one counts");
    let names = &known.failed_runs[0].names;
    let expected = [
        "acme/medical_claim/1",
        "acme/medical_claim/1/claims.csv",
        "claims.csv",
    ];
    for name in expected {
        assert!(names.iter().any(|known| known == name), "{name}");
    }

    // Once told, the names are not looked up again.
    change(store, 3, &[open(IncidentKind::Failure, &parse)]).await;
    assert_eq!(facts(store, 3).await.failed_runs[0].names, [""; 0]);

    // Done by a process that died before it said so.
    claim(store, Due::Parse).await;
    let counts = crate::fixtures::counts(&[("2024-01", 3)]);
    store.finish_parse(id, &owner(), &counts).await.unwrap();
    let run = store
        .start_run("heartbeat", "bootstrap", &owner())
        .await
        .unwrap()
        .run_id;
    let succeeded = RunOutcome::Succeeded { counts: json!({}) };
    store.finish_run(run, &succeeded).await.unwrap();
    let known = facts(store, 4).await;
    assert_eq!(known.failed_runs.len(), 1, "staging alone");
    assert!(known.successes.is_empty());
    change(
        store,
        4,
        &[open(IncidentKind::Failure, "heartbeat/bootstrap")],
    )
    .await;
    let known = facts(store, 4).await;
    assert_eq!(known.successes.get("heartbeat/bootstrap"), Some(&run));
}

async fn a_failed_submission_is_known_with_its_names(world: World) {
    let store = &world.store;
    watch_from_the_start(&world).await;
    let id = ready(store, "1", 1).await;
    let run = store
        .start_run("parse", &id.to_string(), &owner())
        .await
        .unwrap()
        .run_id;
    claim(store, Due::Parse).await;
    store
        .fail_parse(
            id,
            &owner(),
            "`claims.csv` cannot be read: it is empty",
            None,
        )
        .await
        .unwrap();
    parsed(store, "2", 2, &[("2024-01", 3)]).await;
    ready(store, "3", 3).await;

    let known = facts(store, 4).await;
    assert_eq!(known.submissions.len(), 2, "what is not read is not judged");
    let failed = &known.submissions[0];
    assert_eq!((failed.submission_id, failed.run_id), (id, Some(run)));
    assert_eq!(failed.state, SubmissionState::ParseFailed);
    assert!(failed.names.iter().any(|name| name == "claims.csv"));
    let read = &known.submissions[1];
    assert_eq!((read.rows_in, read.rows_rejected), (Some(5), Some(2)));
    assert!(read.names.is_empty() && read.run_id.is_none());
}

async fn a_feed_is_as_fresh_as_its_newest_new_submission(world: World) {
    let store = &world.store;
    let feed: FeedName = "acme_claims".parse().unwrap();
    let seen = facts(store, 0).await.feeds[&feed];
    assert_eq!((seen.first_seen, seen.last_received), (at(0), None));

    competed(store, "1", 10, &[("2024-01", 3)]).await;
    parsed(store, "2", 20, &[("2024-01", 3)]).await;
    let seen = facts(store, 30).await.feeds[&feed];
    assert_eq!(
        (seen.first_seen, seen.last_received),
        (at(0), Some(at(10))),
        "first seen once; what is not validated brings nothing"
    );
    claim(store, Due::Validate).await;
    validate_again(store).await;
    let seen = facts(store, 60).await.feeds[&feed];
    assert_eq!(
        seen.last_received,
        Some(at(10)),
        "a repetition of old content brings nothing"
    );
}

/// The content of the first submission under another name.
async fn validate_again(store: &Store) {
    let id = received(store, "3", 30).await;
    claim(store, Due::Stage).await;
    let staged = crate::fixtures::staged("acme", "content of 1");
    store
        .finish_staging(id, &owner(), &staged, at(30))
        .await
        .unwrap();
    claim(store, Due::Parse).await;
    let counts = crate::fixtures::counts(&[("2024-01", 3)]);
    store.finish_parse(id, &owner(), &counts).await.unwrap();
    claim(store, Due::Validate).await;
    let valid = verdict(SubmissionState::Validated);
    store.finish_validation(id, &owner(), &valid).await.unwrap();
    let submission = store.submission(id).await.unwrap().unwrap();
    assert!(submission.duplicate_of.is_some() && submission.state.is_validated());
}

async fn a_failed_month_is_known_until_it_is_built(world: World) {
    let store = &world.store;
    watch_from_the_start(&world).await;
    let key = month_key("2024-01");
    let build = |reason: Option<&'static str>| {
        let key = key.clone();
        async move {
            let id = contract::BuildId::new();
            let new = store::NewBuild {
                id,
                key: key.clone(),
                fingerprint: "f".to_owned(),
                canonical_schema_version: 1,
                sources_json: "[]".to_owned(),
            };
            store.start_build(&new).await.unwrap();
            let outcome = match reason {
                Some(reason) => store::BuildOutcome::Failed {
                    reason: reason.to_owned(),
                },
                None => store::BuildOutcome::Skipped,
            };
            let now = chrono::Utc::now();
            store
                .finish_build(id, &outcome, &[], &key, &owner(), now)
                .await
                .unwrap();
            id
        }
    };
    let id = build(Some("no mapping")).await;
    let run = store
        .start_run("canonical_rebuild", &key.to_string(), &owner())
        .await
        .unwrap()
        .run_id;
    let known = facts(store, 1).await.failed_months;
    assert_eq!((known[0].build_id, &known[0].key), (id, &key));
    assert_eq!(
        (known[0].run_id, known[0].reason.as_deref()),
        (Some(run), Some("no mapping"))
    );
    build(None).await;
    assert_eq!(facts(store, 1).await.failed_months, []);
    build(Some("interrupted")).await;
    assert_eq!(facts(store, 1).await.failed_months, []);
}

async fn what_was_before_the_watch_is_not_told(world: World) {
    let store = &world.store;
    parsed(store, "1", 1, &[("2024-01", 3)]).await;
    let id = ready(store, "2", 2).await;
    failed_run(store, "parse", &id.to_string()).await;
    world
        .execute("UPDATE alert_watch SET since = '2999-01-01T00:00:00.000000Z'")
        .await;
    let known = facts(store, 5).await;
    assert!(known.failed_runs.is_empty() && known.submissions.is_empty());
}
