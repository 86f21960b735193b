//! PagerDuty's Events API v2: an incident is triggered and resolved under one `dedup_key`.
//! <https://developer.pagerduty.com/docs/send-alert-event>

use serde_json::{Map, Value, json};
use store::AlertAction;

use super::Message;

/// PagerDuty's limit of a summary, in characters.
const SUMMARY_MAX: usize = 1_024;

pub(in crate::alerts) fn payload(message: &Message<'_>, routing_key: &str) -> Value {
    if message.action == AlertAction::Resolve {
        return json!({
            "routing_key": routing_key,
            "event_action": "resolve",
            "dedup_key": message.dedup_key(),
        });
    }
    let incident = message.incident;
    let summary: String = message.summary().chars().take(SUMMARY_MAX).collect();
    let mut details: Map<String, Value> = message
        .fields()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    details.extend(
        message
            .error()
            .map(|error| ("Error".to_owned(), error.into())),
    );
    json!({
        "routing_key": routing_key,
        "event_action": "trigger",
        "dedup_key": message.dedup_key(),
        "client": "lazaret",
        "payload": {
            "summary": summary,
            "source": message.source,
            "severity": message.severity(),
            "timestamp": incident.opened_at,
            "class": incident.kind,
            "custom_details": details,
        },
    })
}
