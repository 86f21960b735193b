//! Where messages go that are given up: to a topic for whoever listens, and into the database for
//! whoever decides.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Value, json};
use store::{NewDeadLetter, Stage};

use super::work::Failed;
use crate::bus::{Header, Message, Producer};
use crate::ingest::request_hash;

/// Which dead-letter topic takes what came on which topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadLetterTopics {
    pub by_topic: BTreeMap<String, String>,
    /// For what came on any other topic.
    pub fallback: Option<String>,
}

impl DeadLetterTopics {
    fn of(&self, topic: &str) -> Option<&str> {
        self.by_topic
            .get(topic)
            .or(self.fallback.as_ref())
            .map(String::as_str)
    }
}

/// The ways out for what is given up.
#[derive(Debug)]
pub enum DeadLetters {
    /// Published, and noted in the database as well as can be.
    Topics {
        producer: Producer,
        topics: DeadLetterTopics,
    },
    /// Noted in the database alone.
    Database,
}

impl DeadLetters {
    /// What is to be published of a failure; `None` where no topic takes it, so that the
    /// database must.
    pub(super) fn message(&self, failed: &Failed) -> Option<Message> {
        let Self::Topics { topics, .. } = self else {
            return None;
        };
        let received = &failed.received.message;
        let topic = topics.of(&received.topic)?;
        let mut headers = vec![
            ("dead_letter_reason", failed.reason.code().to_owned()),
            ("dead_letter_detail", failed.reason.to_string()),
            ("dead_letter_topic", received.topic.clone()),
        ];
        headers.extend(attributes(failed));
        let headers = headers.into_iter();
        let payload = event(failed).unwrap_or_else(|| {
            json!({
                "message_size": received.payload.len(),
                "message_sha256": request_hash(&received.payload),
            })
        });
        Some(Message {
            topic: topic.to_owned(),
            key: Bytes::from(record_id(failed).unwrap_or_default()),
            payload: Bytes::from(payload.to_string()),
            headers: headers
                .map(|(name, value)| Header::new(name, value))
                .collect(),
        })
    }
}

/// The same for the database.
pub(super) fn row(failed: &Failed) -> NewDeadLetter {
    NewDeadLetter {
        record_id: failed.event.as_ref().map(|event| event.record_id),
        event_id: failed.event_id(),
        stage: Stage::Normalize,
        topic: failed.received.message.topic.clone(),
        event_key: record_id(failed),
        message: event(failed),
        headers: attributes(failed).into_iter().collect(),
        reason_code: failed.reason.code().to_owned(),
        reason: failed.reason.to_string(),
    }
}

/// The event that was read, so that it can be sent on again: members that are not known, which
/// may say anything, are left behind. `None` where it could not be read.
fn event(failed: &Failed) -> Option<Value> {
    let event = failed.event.as_ref()?;
    let object = &event.object;
    let mut payload = json!({
        "bucket": object.bucket,
        "key": object.key,
        "sha256": object.sha256,
        "size": object.size_bytes,
        "correlation_id": event.correlation_id,
    });
    if let Some(description) = &event.description {
        payload["event_version"] = json!(event.version().label());
        payload["record_id"] = json!(event.record_id);
        payload["record_kind"] = json!(description.record_kind);
        payload["schema_hint"] = json!(description.schema_hint);
    }
    Some(payload)
}

/// The headers by which it can be told apart.
fn attributes(failed: &Failed) -> Vec<(&'static str, String)> {
    let mut attributes = vec![
        ("ce_specversion", "1.0".to_owned()),
        ("ce_id", failed.event_id().to_string()),
        ("content-type", "application/json".to_owned()),
    ];
    if let Some(event) = &failed.event {
        let kind = event.version().cloud_event_type();
        attributes.push(("ce_type", kind.to_owned()));
        attributes.push(("ce_subject", event.record_id.to_string()));
    }
    attributes
}

fn record_id(failed: &Failed) -> Option<String> {
    let event = failed.event.as_ref()?;
    Some(event.record_id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_has_its_own_dead_letters_or_the_common_ones() {
        let own = BTreeMap::from([("a".to_owned(), "a.dead".to_owned())]);
        for (by_topic, fallback, topic, expected) in [
            (own.clone(), Some("dead"), "a", Some("a.dead")),
            (own.clone(), Some("dead"), "b", Some("dead")),
            (own, None, "b", None),
        ] {
            let fallback = fallback.map(str::to_owned);
            let topics = DeadLetterTopics { by_topic, fallback };
            assert_eq!(topics.of(topic), expected);
        }
    }
}
