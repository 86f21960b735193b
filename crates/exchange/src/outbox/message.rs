use bytes::Bytes;
use serde_json::Value;
use store::OutboxEvent;

use crate::bus::{Header, Message};

/// What of an outbox row goes over the bus. Its headers are a JSON object of texts.
pub(crate) fn message(event: &OutboxEvent) -> Message {
    Message {
        topic: event.topic.clone(),
        key: Bytes::from(event.event_key.clone()),
        payload: Bytes::from(event.payload.to_string()),
        headers: headers(&event.headers),
    }
}

fn headers(stored: &Value) -> Vec<Header> {
    let Some(stored) = stored.as_object() else {
        return Vec::new();
    };
    let texts = stored.iter().filter_map(|(name, value)| {
        let value = value.as_str()?.to_owned();
        Some(Header::new(name, value))
    });
    texts.collect()
}
