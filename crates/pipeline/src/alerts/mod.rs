//! Alerts: what went wrong is told once, on every channel that is set, and told again when it is
//! over.
//!
//! `facts.rs` says what is known, `incident.rs` decides what begins and what ends, the store keeps
//! both with the messages that follow, and `deliver.rs` sends those. A message names ids, counts
//! and error texts of ours (`crate::withheld`), never a value of a row and no name of a submitter's.

mod deliver;
mod facts;
mod incident;
mod message;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use store::{AlertChannel, AlertScope};

pub use self::deliver::AlertsSent;
pub use self::incident::{Detail, Resolution};
use crate::withheld::Vocabulary;
use crate::{Pipeline, PipelineError};

/// Where PagerDuty takes events (Events API v2).
const PAGERDUTY_URL: &str = "https://events.pagerduty.com/v2/enqueue";
/// How far back submissions are looked at, and failed ones waited for.
const HISTORY_DAYS: i64 = 30;

/// Who is told, and how often the clock is looked at. The addresses hold secrets, so they are not
/// shown in debug output.
#[derive(Clone)]
pub struct AlertSettings {
    /// Takes a JSON object per message.
    pub webhook_url: Option<String>,
    /// A Slack incoming webhook.
    pub slack_url: Option<String>,
    pub pagerduty_routing_key: Option<String>,
    pub pagerduty_url: String,
    /// What this installation is called in messages.
    pub source: String,
    /// How often [`Pipeline::check_alerts`] is to be called though nothing happens.
    pub check_every: Duration,
}

impl Default for AlertSettings {
    fn default() -> Self {
        Self {
            webhook_url: None,
            slack_url: None,
            pagerduty_routing_key: None,
            pagerduty_url: PAGERDUTY_URL.to_owned(),
            source: "lazaret".to_owned(),
            check_every: Duration::from_secs(4 * 60 * 60),
        }
    }
}

impl fmt::Debug for AlertSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AlertSettings")
            .field("channels", &self.channels())
            .field("source", &self.source)
            .field("check_every", &self.check_every)
            .finish()
    }
}

impl AlertSettings {
    /// The channels that are set.
    pub fn channels(&self) -> Vec<AlertChannel> {
        [
            (AlertChannel::Webhook, self.webhook_url.is_some()),
            (AlertChannel::Slack, self.slack_url.is_some()),
            (
                AlertChannel::PagerDuty,
                self.pagerduty_routing_key.is_some(),
            ),
        ]
        .into_iter()
        .filter_map(|(channel, is_set)| is_set.then_some(channel))
        .collect()
    }
}

impl Pipeline {
    /// Looks at what happened and at the clock: opens and resolves incidents, and puts down whom
    /// to tell. Returns how many changed. Where no channel is set, incidents are kept all the
    /// same. Safe to call at any time, from several processes.
    pub async fn check_alerts(&self, now: DateTime<Utc>) -> Result<usize, PipelineError> {
        let watched = self.catalog.feeds.values();
        let scope = AlertScope {
            now,
            feeds: watched
                .filter(|feed| feed.fresh_within.is_some())
                .map(|feed| feed.name.clone())
                .collect(),
            channels: self.alerts.channels(),
            history: chrono::Duration::days(HISTORY_DAYS),
        };
        let vocabulary = Vocabulary::of(&self.catalog);
        let decide = |known: &store::AlertFacts| {
            let facts = facts::gather(&self.catalog.feeds, &vocabulary, known);
            incident::decide(&facts, &known.open, now)
        };
        Ok(self.store.judge_incidents(&scope, &decide).await?)
    }
}
