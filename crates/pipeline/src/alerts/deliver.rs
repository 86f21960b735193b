//! Sends the messages that are due, each under a lease, and says how it went. What is not taken
//! now is tried again, later each time; what is refused is noted and let be.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::Serialize;
use store::{AlertChannel, AlertDelivery, DeliveryOutcome};

use super::AlertSettings;
use super::message::{Message, pagerduty, slack, webhook};
use crate::post::{Posted, TIMEOUT, client, post_json};
use crate::{Pipeline, PipelineError};

/// A call ends after so long, so that no lease that it took lapses while it sends.
const CALL_MAX: Duration = Duration::from_secs(3 * TIMEOUT.as_secs());
const LEASE: Duration = Duration::from_secs(6 * TIMEOUT.as_secs());
const DELAY_FIRST: Duration = Duration::from_secs(30);
const DELAY_MAX: Duration = Duration::from_secs(60 * 60);
/// Over a day, and nobody wants to be told any more.
const ATTEMPTS_MAX: i64 = 32;

/// What became of the messages that were due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct AlertsSent {
    pub sent: u64,
    /// Tried, and due again later.
    pub postponed: u64,
    /// Refused, or tried often enough.
    pub given_up: u64,
}

impl Pipeline {
    /// Sends what is due. A channel that does not answer holds up no other, and is left alone
    /// until the next call.
    pub async fn deliver_alerts(&self, now: DateTime<Utc>) -> Result<AlertsSent, PipelineError> {
        let mut channels = self.alerts.channels();
        let mut told = AlertsSent::default();
        let mut http = None;
        let started = Instant::now();
        while started.elapsed() < CALL_MAX {
            let claimed = self
                .store
                .claim_alert_delivery(&self.owner, LEASE, now, &channels);
            let Some(delivery) = claimed.await? else {
                break;
            };
            let http = match &http {
                Some(http) => http,
                None => http.insert(client().map_err(|problem| {
                    PipelineError::Refused(format!("alerts cannot be sent: {problem}"))
                })?),
            };
            let posted = self.alerts.post(http, &delivery).await;
            let outcome = outcome(posted, delivery.attempts, now);
            match &outcome {
                DeliveryOutcome::Sent => told.sent += 1,
                DeliveryOutcome::Again { error, .. } => {
                    told.postponed += 1;
                    channels.retain(|channel| *channel != delivery.channel);
                    tracing::warn!(channel = %delivery.channel, %error, "an alert was not taken");
                }
                DeliveryOutcome::GivenUp { error } => {
                    told.given_up += 1;
                    let incident = delivery.incident.incident_id;
                    tracing::error!(
                        channel = %delivery.channel, %incident, %error, "an alert was given up"
                    );
                }
            }
            self.store
                .finish_alert_delivery(delivery.delivery_id, &self.owner, &outcome, now)
                .await?;
        }
        Ok(told)
    }
}

impl AlertSettings {
    async fn post(&self, http: &reqwest::Client, delivery: &AlertDelivery) -> Posted {
        let message = Message {
            incident: &delivery.incident,
            action: delivery.action,
            source: &self.source,
        };
        let (url, body) = match delivery.channel {
            AlertChannel::Webhook => (self.webhook_url.as_deref(), webhook::payload(&message)),
            AlertChannel::Slack => (self.slack_url.as_deref(), slack::payload(&message)),
            AlertChannel::PagerDuty => match &self.pagerduty_routing_key {
                Some(key) => (
                    Some(self.pagerduty_url.as_str()),
                    pagerduty::payload(&message, key),
                ),
                None => (None, serde_json::Value::Null),
            },
        };
        match url {
            Some(url) => post_json(http, url, None, None, &body).await,
            None => Posted::Refused {
                why: "the channel is not set".to_owned(),
            },
        }
    }
}

fn outcome(posted: Posted, attempts: i64, now: DateTime<Utc>) -> DeliveryOutcome {
    match posted {
        Posted::Accepted => DeliveryOutcome::Sent,
        Posted::Refused { why } => DeliveryOutcome::GivenUp { error: why },
        Posted::Later { why, .. } if attempts >= ATTEMPTS_MAX => DeliveryOutcome::GivenUp {
            error: format!("{why}, {attempts} times"),
        },
        Posted::Later { after, why } => DeliveryOutcome::Again {
            at: now + delay(attempts).max(after.unwrap_or_default().min(DELAY_MAX)),
            error: why,
        },
    }
}

/// Twice as long after each attempt.
fn delay(attempts: i64) -> Duration {
    let doubled = u32::try_from(attempts - 1).ok();
    let factor = doubled.and_then(|times| 2_u32.checked_pow(times));
    let delay = factor.and_then(|factor| DELAY_FIRST.checked_mul(factor));
    delay.map_or(DELAY_MAX, |delay| delay.min(DELAY_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_repeated_later_each_time() {
        let seconds: Vec<u64> = [1, 2, 3, 7, 8, 9, 40, 100]
            .map(|attempts| delay(attempts).as_secs())
            .into();
        assert_eq!(seconds, [30, 60, 120, 1_920, 3_600, 3_600, 3_600, 3_600]);
        let all: u64 = (1..ATTEMPTS_MAX).map(|n| delay(n).as_secs()).sum();
        assert!(all > 24 * 60 * 60, "{all}");
    }

    #[test]
    fn a_receiver_that_names_a_time_is_given_it() {
        let now = Utc::now();
        let at = |seconds| match outcome(
            Posted::Later {
                after: Some(Duration::from_secs(seconds)),
                why: "answered 429".to_owned(),
            },
            1,
            now,
        ) {
            DeliveryOutcome::Again { at, .. } => (at - now).num_seconds(),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            (at(5), at(90), at(1_000_000)),
            (30, 90, 3_600),
            "no sooner than the delay, no later than an hour"
        );
    }

    #[test]
    fn what_is_refused_or_tried_too_often_is_given_up() {
        let now = Utc::now();
        let later = || Posted::Later {
            after: None,
            why: "answered 503".to_owned(),
        };
        let given_up = |error: &str| DeliveryOutcome::GivenUp {
            error: error.to_owned(),
        };
        let refused = Posted::Refused {
            why: "answered 404".to_owned(),
        };
        assert_eq!(outcome(refused, 1, now), given_up("answered 404"));
        assert_eq!(
            outcome(later(), ATTEMPTS_MAX, now),
            given_up("answered 503, 32 times")
        );
    }
}
