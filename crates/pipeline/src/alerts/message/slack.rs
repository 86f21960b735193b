//! Slack, as an incoming webhook takes it: blocks, and a text for notifications.
//! <https://docs.slack.dev/reference/block-kit/blocks>

use serde_json::{Value, json};
use store::AlertAction;

use super::Message;

/// Slack's limits, in characters.
const HEADER_MAX: usize = 150;
const FIELD_MAX: usize = 2_000;
const TEXT_MAX: usize = 3_000;
/// A section holds so many fields.
const FIELDS_MAX: usize = 10;

pub(in crate::alerts) fn payload(message: &Message<'_>) -> Value {
    let mark = match (message.action, message.severity()) {
        (AlertAction::Resolve, _) => "✅",
        (AlertAction::Open, "warning") => "⚠️",
        (AlertAction::Open, _) => "🔴",
    };
    let headline = format!("{mark} {}", message.summary());
    let fields = message.fields();
    let fields: Vec<Value> = (fields.iter().take(FIELDS_MAX))
        .map(|(name, value)| markdown(&format!("*{name}*\n{}", escaped(value)), FIELD_MAX))
        .collect();
    let mut blocks = vec![
        json!({ "type": "header", "text": plain(&headline, HEADER_MAX) }),
        json!({ "type": "section", "fields": fields }),
    ];
    if let Some(error) = message.error() {
        blocks.push(json!({ "type": "section", "text": plain(&error, TEXT_MAX) }));
    }
    let context = format!("{} · {}", message.source, message.dedup_key());
    blocks.push(json!({ "type": "context", "elements": [plain(&context, FIELD_MAX)] }));
    json!({ "text": cut(&escaped(&headline), TEXT_MAX), "blocks": blocks })
}

fn plain(text: &str, max: usize) -> Value {
    json!({ "type": "plain_text", "text": cut(&escaped(text), max), "emoji": false })
}

fn markdown(text: &str, max: usize) -> Value {
    json!({ "type": "mrkdwn", "text": cut(text, max), "verbatim": true })
}

/// Slack reads `<…>` as links and mentions, and `&` as the start of an escape.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn cut(text: &str, max: usize) -> String {
    match text.char_indices().nth(max - 1) {
        Some((end, last)) if end + last.len_utf8() < text.len() => format!("{}…", &text[..end]),
        _ => text.to_owned(),
    }
}
