//! What each channel is sent, for every kind of incident.

use chrono::TimeZone;
use serde_json::{Value, json};

use super::*;

const INCIDENT: &str = "01a1fd17-fd3b-7094-a9e8-66589f29d011";
const SUBMISSION: &str = "01a1fd17-0000-7000-8000-000000000001";
const RUN: &str = "01a1fd17-0000-7000-8000-000000000002";

fn incident(kind: IncidentKind, detail: Value, resolution: Option<Value>) -> Incident {
    let at = |hour| Utc.with_ymd_and_hms(2024, 3, 1, hour, 0, 0).unwrap();
    Incident {
        incident_id: INCIDENT.parse().unwrap(),
        kind,
        subject: "of the database alone".to_owned(),
        opened_at: at(12),
        resolved_at: resolution.is_some().then(|| at(16)),
        detail,
        resolution,
    }
}

fn incidents() -> Vec<(&'static str, Incident)> {
    vec![
        (
            "reject_ratio",
            incident(
                IncidentKind::RejectRatio,
                json!({
                    "kind": "reject_ratio", "feed": "evergreen_claims", "file_type": "medical_claim",
                    "submission_id": SUBMISSION, "received_at": "2024-03-01T11:00:00Z",
                    "rows_in": 1000, "rows_rejected": 123, "threshold": 0.05,
                }),
                Some(json!({
                    "by": "submission", "submission_id": SUBMISSION,
                    "received_at": "2024-03-01T15:00:00Z", "rows_in": 900, "rows_rejected": 0,
                })),
            ),
        ),
        (
            "stale_feed",
            incident(
                IncidentKind::StaleFeed,
                json!({
                    "kind": "stale_feed", "feed": "evergreen_claims", "within_hours": 24,
                    "last_received": null, "watched_since": "2024-02-28T12:00:00Z",
                }),
                Some(json!({ "by": "new_data", "last_received": "2024-03-01T15:30:00Z" })),
            ),
        ),
        (
            "failure",
            incident(
                IncidentKind::Failure,
                json!({
                    "kind": "failure", "job": "parse", "subject": SUBMISSION, "run_id": RUN,
                    "attempt": 3, "error": "the <object> store & its disk: no answer",
                }),
                Some(json!({ "by": "run", "run_id": RUN })),
            ),
        ),
        (
            "failed_submission",
            incident(
                IncidentKind::FailedSubmission,
                json!({
                    "kind": "failed_submission", "feed": "evergreen_claims",
                    "file_type": "medical_claim", "submission_id": SUBMISSION,
                    "received_at": "2024-03-01T11:00:00Z", "state": "PARSE_FAILED",
                    "run_id": RUN, "error": "(name withheld) cannot be read: it is empty",
                }),
                Some(json!({ "by": "retried" })),
            ),
        ),
        (
            "failed_month",
            incident(
                IncidentKind::FailedMonth,
                json!({
                    "kind": "failed_month", "month": "wa/medical_claim/2024-01",
                    "build_id": RUN, "run_id": null, "error": "no mapping",
                }),
                Some(json!({ "by": "built" })),
            ),
        ),
    ]
}

fn snapshot(name: &str, payload: impl Fn(&Message<'_>) -> Value) {
    let mut text = String::new();
    for (kind, incident) in incidents() {
        assert!(Detail::of(&incident).is_some(), "{kind}");
        assert!(Resolution::of(&incident).is_some(), "{kind}");
        for action in [AlertAction::Open, AlertAction::Resolve] {
            let mut incident = incident.clone();
            if action == AlertAction::Open {
                (incident.resolved_at, incident.resolution) = (None, None);
            }
            let message = Message {
                incident: &incident,
                action,
                source: "lazaret",
            };
            let payload = serde_json::to_string_pretty(&payload(&message)).unwrap();
            assert!(!payload.contains(&incident.subject), "{kind}");
            text.push_str(&format!("# {kind} {action}\n{payload}\n"));
        }
    }
    insta::assert_snapshot!(name, text);
}

#[test]
fn webhook() {
    snapshot("webhook", webhook::payload);
}

#[test]
fn slack() {
    snapshot("slack", slack::payload);
}

#[test]
fn pagerduty() {
    snapshot("pagerduty", |message| {
        pagerduty::payload(message, "the routing key")
    });
}

#[test]
fn slack_is_sent_no_more_than_it_takes() {
    let mut incident = incidents().remove(2).1;
    incident.detail["error"] = "<&>".repeat(5_000).into();
    incident.detail["job"] = "j".repeat(5_000).into();
    let message = Message {
        incident: &incident,
        action: AlertAction::Open,
        source: "lazaret",
    };
    let payload = slack::payload(&message);
    let length = |pointer: &str| {
        payload
            .pointer(pointer)
            .unwrap()
            .as_str()
            .unwrap()
            .chars()
            .count()
    };
    assert_eq!(length("/blocks/0/text/text"), 150);
    assert_eq!(length("/blocks/1/fields/0/text"), 2_000);
    assert_eq!(length("/blocks/2/text/text"), 3_000);
}

#[test]
fn an_incident_of_another_version_is_told_by_its_kind() {
    let mut incident = incidents().remove(0).1;
    incident.detail = json!({ "kind": "of_another_version" });
    let message = Message {
        incident: &incident,
        action: AlertAction::Open,
        source: "lazaret",
    };
    assert_eq!(message.summary(), "reject_ratio");
    assert_eq!(
        message.fields(),
        [("Found", "2024-03-01T12:00:00Z".to_owned())]
    );
}
