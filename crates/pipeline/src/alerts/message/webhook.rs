//! The generic webhook: everything that is known, as one JSON object.

use serde_json::{Value, json};

use super::Message;

/// Raised where a receiver that reads an older form would misread a newer one.
const FORM: u32 = 1;

pub(in crate::alerts) fn payload(message: &Message<'_>) -> Value {
    let incident = message.incident;
    json!({
        "form": FORM,
        "action": message.action,
        "dedup_key": message.dedup_key(),
        "kind": incident.kind,
        "severity": message.severity(),
        "source": message.source,
        "summary": message.summary(),
        "opened_at": incident.opened_at,
        "resolved_at": incident.resolved_at,
        "detail": incident.detail,
        "resolution": incident.resolution,
    })
}
