//! From an event to a row of the outbox.

use chrono::{DateTime, SecondsFormat, Utc};
use contract::EventId;
use serde_json::{Value, json};

use super::{RecordEvent, Topics};

/// One message of the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventMessage {
    pub event_id: EventId,
    pub topic: String,
    /// The record's id, so that all events about one record stay in order.
    pub key: String,
    pub payload: Value,
    pub headers: Vec<(&'static str, String)>,
}

impl RecordEvent {
    pub fn message(&self, topics: &Topics) -> EventMessage {
        EventMessage {
            event_id: self.event_id,
            topic: topics.of(self.version()).to_owned(),
            key: self.record_id.to_string(),
            payload: self.payload(),
            headers: self.headers(),
        }
    }

    fn payload(&self) -> Value {
        let object = &self.object;
        let mut payload = json!({
            "bucket": object.bucket,
            "key": object.key,
            "sha256": object.sha256,
            "size": object.size_bytes,
            "correlation_id": self.correlation_id,
        });
        if let Some(description) = &self.description {
            payload["event_version"] = json!(self.version().label());
            payload["record_id"] = json!(self.record_id);
            payload["source"] = json!(self.source);
            payload["record_kind"] = json!(description.record_kind);
            payload["schema_hint"] = json!(description.schema_hint);
            if let Some(occurred_at) = description.occurred_at {
                payload["occurred_at"] = json!(timestamp(occurred_at));
            }
        }
        payload
    }

    /// <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md#32-binary-content-mode>
    fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("ce_specversion", "1.0".to_owned()),
            ("ce_id", self.event_id.to_string()),
            ("ce_source", format!("/records/{}", self.source)),
            ("ce_type", self.version().cloud_event_type().to_owned()),
            ("ce_time", timestamp(self.time)),
            ("ce_subject", self.record_id.to_string()),
            ("content-type", "application/json".to_owned()),
        ];
        if let Some(trace_parent) = self.trace_parent {
            headers.push(("traceparent", trace_parent.to_string()));
        }
        headers
    }
}

fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}
