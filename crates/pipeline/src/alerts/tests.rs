//! The way of an alert, from a file in the inbox to what a receiver is sent.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use contract::SubmissionId;
use serde_json::Value;
use store::{IncidentFilter, IncidentKind, SubmissionFilter};
use testkit::answer::Answer;
use testkit::receiver::Receiver;

use super::*;
use crate::corridor::{FEED, NAME, VALUE, World};

impl World {
    /// What came since the last time, by path; none of it holds what must not be told.
    fn told(&self) -> BTreeMap<String, Vec<Value>> {
        let mut told: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for request in self.receiver.take() {
            let text = String::from_utf8(request.body).unwrap();
            assert!(!text.contains(NAME), "{text}");
            assert!(!text.contains(VALUE), "{text}");
            let body = serde_json::from_str(&text).unwrap();
            told.entry(request.path).or_default().push(body);
        }
        told
    }

    /// Webhook's messages, as kind and action, and as many on the other channels.
    fn messages(&self) -> Vec<(String, String)> {
        let mut told = self.told();
        let webhook = told.remove("/webhook").unwrap_or_default();
        for channel in ["/slack", "/pagerduty"] {
            let others = told.remove(channel).unwrap_or_default();
            assert_eq!(others.len(), webhook.len(), "{channel}");
        }
        assert!(told.is_empty(), "{told:?}");
        let text = |message: &Value, key: &str| message[key].as_str().unwrap().to_owned();
        let said = webhook.iter();
        said.map(|message| (text(message, "kind"), text(message, "action")))
            .collect()
    }
}

impl Pipeline {
    async fn run(&self) {
        self.run_once().await.unwrap();
    }

    async fn tell_at(&self, now: DateTime<Utc>) -> AlertsSent {
        self.check_alerts(now).await.unwrap();
        self.deliver_alerts(now).await.unwrap()
    }

    async fn only_submission(&self) -> SubmissionId {
        let all = self.store.submissions(&SubmissionFilter::default()).await;
        all.unwrap()[0].submission_id
    }
}

fn said(kind: &str, action: &str) -> Vec<(String, String)> {
    vec![(kind.to_owned(), action.to_owned())]
}

#[tokio::test]
async fn too_many_rejects_are_told_once_and_over_with_the_next_good_file() {
    let world = World::new();
    let pipeline = world.pipeline().await;
    world.drop_rows("1", 1);
    pipeline.run().await;
    let sent = pipeline.tell_at(Utc::now()).await;
    assert_eq!((sent.sent, sent.postponed, sent.given_up), (3, 0, 0));
    let told = world.told();
    let opened = &told["/webhook"][0];
    let submission = pipeline.only_submission().await.to_string();
    assert_eq!(opened["kind"], "reject_ratio");
    assert_eq!(opened["detail"]["submission_id"], submission.as_str());
    assert_eq!(
        (
            &opened["detail"]["rows_in"],
            &opened["detail"]["rows_rejected"]
        ),
        (&10.into(), &1.into())
    );
    assert_eq!(
        opened["summary"],
        "north_visits: 10% of visit rows rejected, the limit is 5%"
    );
    assert_eq!(told["/pagerduty"][0]["event_action"], "trigger");
    assert_eq!(told["/pagerduty"][0]["dedup_key"], opened["dedup_key"]);

    // Looked at again, and as bad again: nobody is told twice.
    world.drop_rows("2", 2);
    pipeline.run().await;
    pipeline.tell_at(Utc::now()).await;
    assert_eq!(world.messages(), []);

    world.drop_rows("3", 0);
    pipeline.run().await;
    pipeline.tell_at(Utc::now()).await;
    let told = world.told();
    let over = &told["/webhook"][0];
    assert_eq!(over["action"], "RESOLVE");
    assert_eq!(over["dedup_key"], opened["dedup_key"]);
    assert_eq!(told["/pagerduty"][0]["event_action"], "resolve");
    assert_eq!(told["/pagerduty"][0]["dedup_key"], opened["dedup_key"]);
    pipeline.tell_at(Utc::now()).await;
    assert_eq!(world.messages(), []);

    // Both came between two looks: the bad one is told all the same.
    world.drop_rows("4", 3);
    pipeline.run().await;
    world.drop_rows("5", 0);
    pipeline.run().await;
    pipeline.tell_at(Utc::now()).await;
    let both = [
        said("reject_ratio", "OPEN"),
        said("reject_ratio", "RESOLVE"),
    ];
    assert_eq!(world.messages(), both.concat());
    pipeline.tell_at(Utc::now()).await;
    assert_eq!(world.messages(), []);
}

#[tokio::test]
async fn a_feed_that_brings_nothing_is_told_by_the_clock_alone() {
    let world = World::new();
    let pipeline = world.pipeline().await;
    let start = Utc::now();
    pipeline.tell_at(start).await;
    pipeline
        .tell_at(start + Duration::minutes(24 * 60 - 1))
        .await;
    assert_eq!(world.messages(), []);
    pipeline.tell_at(start + Duration::hours(25)).await;
    assert_eq!(world.messages(), said("stale_feed", "OPEN"));
    pipeline.tell_at(start + Duration::hours(29)).await;
    assert_eq!(world.messages(), []);

    world.drop_rows("1", 0);
    pipeline.run().await;
    pipeline.tell_at(start + Duration::hours(1)).await;
    assert_eq!(world.messages(), said("stale_feed", "RESOLVE"));
    pipeline.tell_at(start + Duration::hours(26)).await;
    assert_eq!(world.messages(), said("stale_feed", "OPEN"));

    // The operator asks for less.
    std::fs::write(
        world.root().join("feeds/north_visits.yaml"),
        FEED.replace("freshness: { within: 24h }", ""),
    )
    .unwrap();
    let pipeline = world.pipeline().await;
    pipeline.tell_at(start + Duration::hours(27)).await;
    assert_eq!(world.messages(), said("stale_feed", "RESOLVE"));
}

#[tokio::test]
async fn what_fails_is_told_with_its_run_and_over_when_it_succeeds() {
    let world = World::new();
    let pipeline = world.pipeline().await;
    world.drop_rows("1", 9);
    pipeline.run().await;
    // Rejects are told as rejects, not as a failure besides.
    pipeline.tell_at(Utc::now()).await;
    assert_eq!(world.messages(), said("reject_ratio", "OPEN"));

    let id = pipeline.only_submission().await;
    let raw = world
        .root()
        .join(format!("data/raw/north/visit/{id}/data/{NAME}.csv"));
    let text = std::fs::read_to_string(&raw).unwrap();
    std::fs::remove_file(&raw).unwrap();
    pipeline.store.retry(id, "sue").await.unwrap();
    pipeline.run().await;
    pipeline.run().await;
    pipeline.tell_at(Utc::now()).await;
    let told = world.told();
    let opened = &told["/webhook"][0];
    let runs = pipeline
        .store
        .runs(&store::RunFilter::default())
        .await
        .unwrap();
    assert_eq!(opened["kind"], "failure");
    assert_eq!(opened["detail"]["job"], "parse");
    assert_eq!(opened["detail"]["run_id"], runs[0].run_id.to_string());
    assert_eq!(opened["detail"]["attempt"], 2);
    let error = opened["detail"]["error"].as_str().unwrap();
    assert!(error.contains("(name withheld)"), "{error}");
    assert!(runs[0].error.as_deref().unwrap().contains(NAME));

    pipeline.tell_at(Utc::now()).await;
    assert_eq!(world.messages(), []);
    std::fs::write(&raw, text.replace(VALUE, "2024-03-01")).unwrap();
    pipeline.run().await;
    pipeline.tell_at(Utc::now()).await;
    let over = [said("reject_ratio", "RESOLVE"), said("failure", "RESOLVE")];
    assert_eq!(world.messages(), over.concat());
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_told_and_over_with_the_next() {
    let world = World::new();
    let pipeline = world.pipeline().await;
    world.drop_text("1", "");
    pipeline.run().await;
    pipeline.tell_at(Utc::now()).await;
    let told = world.told();
    let opened = &told["/webhook"][0];
    assert_eq!(opened["kind"], "failed_submission");
    assert_eq!(opened["detail"]["state"], "PARSE_FAILED");
    assert!(opened["detail"]["run_id"].is_string());
    let error = opened["detail"]["error"].as_str().unwrap();
    assert!(
        error.starts_with("(name withheld) cannot be read: "),
        "{error}"
    );

    world.drop_rows("2", 0);
    pipeline.run().await;
    pipeline.tell_at(Utc::now()).await;
    assert_eq!(world.messages(), said("failed_submission", "RESOLVE"));
    pipeline.tell_at(Utc::now()).await;
    assert_eq!(world.messages(), []);
}

#[tokio::test]
async fn a_receiver_that_is_down_is_tried_again_until_it_takes_it() {
    let world = World::new();
    let mut pipeline = world.pipeline().await;
    pipeline.alerts.slack_url = None;
    pipeline.alerts.pagerduty_routing_key = None;
    let start = Utc::now();
    pipeline.tell_at(start).await;
    let now = start + Duration::hours(25);
    let asks_for_time = Answer::status(429).with_header("Retry-After", "300");
    world
        .receiver
        .answer([Answer::status(503), asks_for_time, Answer::status(200)]);
    assert_eq!(pipeline.tell_at(now).await.postponed, 1);
    let at = async |seconds| pipeline.tell_at(now + Duration::seconds(seconds)).await;
    assert_eq!(at(29).await, AlertsSent::default(), "not due yet");
    assert_eq!(at(31).await.postponed, 1);
    assert_eq!(at(300).await, AlertsSent::default(), "it asked for time");
    assert_eq!(at(332).await.sent, 1);
    assert_eq!(at(9_999).await, AlertsSent::default());
    let told = &world.told()["/webhook"];
    assert_eq!(told.len(), 3);
    assert!(told.iter().all(|message| message == &told[0]), "the same");
    let delivery = &pipeline.store.alert_deliveries().await.unwrap()[0];
    assert_eq!((delivery.attempts, &delivery.error), (3, &None));
}

#[tokio::test]
async fn nobody_there_is_tried_again_and_a_refusal_is_noted() {
    let world = World::new();
    let mut pipeline = world.pipeline().await;
    let gone = Receiver::start().url();
    let secret = "T00/B00/the-secret";
    pipeline.alerts.slack_url = Some(format!("{gone}/services/{secret}"));
    pipeline.alerts.pagerduty_routing_key = None;
    let start = Utc::now();
    pipeline.tell_at(start).await;
    world.receiver.answer([Answer::status(404)]);
    let sent = pipeline.tell_at(start + Duration::hours(25)).await;
    assert_eq!((sent.sent, sent.postponed, sent.given_up), (0, 1, 1));
    assert_eq!(world.told()["/webhook"].len(), 1);
    let deliveries = pipeline.store.alert_deliveries().await.unwrap();
    let errors: Vec<&str> = deliveries
        .iter()
        .filter_map(|delivery| delivery.error.as_deref())
        .collect();
    assert_eq!(errors[0], "answered 404");
    assert!(errors[1].contains("onnect"), "{errors:?}");
    assert!(!errors[1].contains(secret), "{errors:?}");
    assert!(!format!("{:?}", pipeline.alerts).contains(secret));
}

#[tokio::test]
async fn two_processes_tell_once() {
    let world = World::new();
    let (one, two) = (world.pipeline().await, world.pipeline().await);
    let start = Utc::now();
    tokio::join!(one.tell_at(start), two.tell_at(start));
    let now = start + Duration::hours(25);
    tokio::join!(one.tell_at(now), two.tell_at(now));
    assert_eq!(world.messages(), said("stale_feed", "OPEN"));
}

#[tokio::test]
async fn where_nobody_is_to_be_told_incidents_are_kept_all_the_same() {
    let world = World::new();
    let mut pipeline = world.pipeline().await;
    pipeline.alerts = AlertSettings::default();
    let start = Utc::now();
    pipeline.tell_at(start).await;
    let sent = pipeline.tell_at(start + Duration::hours(25)).await;
    assert_eq!(sent, AlertsSent::default());
    let open = pipeline.store.incidents(&IncidentFilter {
        only_open: true,
        limit: None,
    });
    let open = open.await.unwrap();
    assert_eq!(open[0].kind, IncidentKind::StaleFeed);

    // A channel that is set later is not told how it ends.
    let pipeline = world.pipeline().await;
    world.drop_rows("1", 0);
    pipeline.run().await;
    pipeline.tell_at(Utc::now()).await;
    assert_eq!(world.messages(), []);
}
