//! `alert_incident` and `alert_delivery`: what went wrong, and whom it was told.
//!
//! Incidents are judged under a lock, from facts read under it, and every message that follows
//! is a row of the same transaction: however many processes look, an incident is opened once and
//! each channel is told of it by one delivery. `facts.rs` reads, `delivery.rs` sends off.

mod delivery;
mod facts;

use chrono::{DateTime, Utc};
use contract::IncidentId;
use serde::Serialize;
use serde_json::json;

pub use self::delivery::{AlertDelivery, DeliveryOutcome};
pub use self::facts::{AlertFacts, FailedMonth, FailedRun, FeedSeen, WatchedSubmission};
use crate::audit::record;
use crate::database::{Lock, Transaction};
use crate::row::{FromRow, Row};
use crate::text_enum::text_enum;
use crate::value::values;
use crate::{Owner, Store, StoreError};

text_enum! {
    IncidentKind, "kind of incident" {
        /// A submission's rejected rows were over the feed's ratio.
        RejectRatio = "reject_ratio",
        /// A feed brought nothing within its window.
        StaleFeed = "stale_feed",
        /// A step could not be done.
        Failure = "failure",
        /// A submission is `PARSE_FAILED` or `VALIDATION_FAILED`.
        FailedSubmission = "failed_submission",
        /// A canonical month could not be built.
        FailedMonth = "failed_month",
    }
}

text_enum! {
    AlertChannel, "channel of alerts" {
        Webhook = "webhook",
        Slack = "slack",
        PagerDuty = "pagerduty",
    }
}

text_enum! {
    AlertAction, "action of an alert" {
        Open = "OPEN",
        Resolve = "RESOLVE",
    }
}

/// Something that went wrong, from when it was found until it was over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Incident {
    pub incident_id: IncidentId,
    pub kind: IncidentKind,
    /// What it is about; at most one incident of a kind and subject is open.
    pub subject: String,
    pub opened_at: DateTime<Utc>,
    pub resolved_at: Option<DateTime<Utc>>,
    /// What is known of it, as whoever decided it wrote it.
    pub detail: serde_json::Value,
    /// How it ended.
    pub resolution: Option<serde_json::Value>,
}

/// What is to become of an incident.
#[derive(Debug, Clone, PartialEq)]
pub enum IncidentChange {
    Open {
        kind: IncidentKind,
        subject: String,
        detail: serde_json::Value,
    },
    Resolve {
        kind: IncidentKind,
        subject: String,
        resolution: serde_json::Value,
    },
}

/// What is looked at, and who is told.
#[derive(Debug, Clone)]
pub struct AlertScope {
    pub now: DateTime<Utc>,
    /// Feeds that have a window.
    pub feeds: Vec<contract::FeedName>,
    pub channels: Vec<AlertChannel>,
    /// How far back submissions are looked at.
    pub history: chrono::Duration,
}

/// Decides from the facts what changes; called in the transaction that keeps it.
pub type DecideIncidents<'a> = dyn Fn(&AlertFacts) -> Vec<IncidentChange> + Send + Sync + 'a;

#[derive(Debug, Clone, Default)]
pub struct IncidentFilter {
    pub only_open: bool,
    /// `None`: all.
    pub limit: Option<u32>,
}

impl FromRow for Incident {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            incident_id: row.parsed("incident_id")?,
            kind: row.parsed("kind")?,
            subject: row.text("subject")?,
            opened_at: row.time("opened_at")?,
            resolved_at: row.time_if_any("resolved_at")?,
            detail: row.json_if_any("detail")?.unwrap_or_default(),
            resolution: row.json_if_any("resolution")?,
        })
    }
}

impl Store {
    /// Judges what happened, one process at a time: opens and resolves incidents and puts down
    /// who is to be told. Returns how many changed.
    pub async fn judge_incidents(
        &self,
        scope: &AlertScope,
        decide: &DecideIncidents<'_>,
    ) -> Result<usize, StoreError> {
        let mut transaction = self.database.begin().await?;
        transaction.lock(Lock::Incidents).await?;
        let facts = facts::read(&mut transaction, scope).await?;
        let mut changed = 0;
        for change in decide(&facts) {
            changed += usize::from(apply(&mut transaction, scope, &change).await?);
        }
        // Feeds that were seen for the first time are kept too.
        transaction.commit().await?;
        Ok(changed)
    }

    /// Newest first.
    pub async fn incidents(&self, filter: &IncidentFilter) -> Result<Vec<Incident>, StoreError> {
        let open = if filter.only_open {
            "WHERE resolved_at IS NULL"
        } else {
            ""
        };
        let sql = format!(
            "SELECT * FROM alert_incident {open} ORDER BY opened_at DESC, incident_id DESC LIMIT $1"
        );
        let values = values![crate::audit::limit(filter.limit)];
        self.database.all(sql, values).await
    }
}

/// `false`: it was so already.
async fn apply(
    transaction: &mut Transaction,
    scope: &AlertScope,
    change: &IncidentChange,
) -> Result<bool, StoreError> {
    let now = scope.now;
    let (id, kind, subject, action) = match change {
        IncidentChange::Open {
            kind,
            subject,
            detail,
        } => {
            let id = IncidentId::new();
            let sql = "INSERT INTO alert_incident (incident_id, kind, subject, opened_at, detail)
                       VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
            let values = values![id, *kind, subject, now, detail.clone()];
            if transaction.execute(sql, values).await? == 0 {
                return Ok(false);
            }
            for channel in &scope.channels {
                let sql = "INSERT INTO alert_delivery (incident_id, channel, action, due_at)
                           VALUES ($1, $2, $3, $4)";
                let values = values![id, *channel, AlertAction::Open, now];
                transaction.execute(sql, values).await?;
            }
            (id, kind, subject, "alert.opened")
        }
        IncidentChange::Resolve {
            kind,
            subject,
            resolution,
        } => {
            let sql = "UPDATE alert_incident SET resolved_at = $3, resolution = $4
                       WHERE kind = $1 AND subject = $2 AND resolved_at IS NULL
                       RETURNING incident_id";
            let values = values![*kind, subject, now, resolution.clone()];
            let rows = transaction.rows(sql, values).await?;
            let Some(row) = rows.first() else {
                return Ok(false);
            };
            let id: IncidentId = row.parsed("incident_id")?;
            // Who was not, and will not be, told of its beginning is not told of its end.
            let sql = "INSERT INTO alert_delivery (incident_id, channel, action, due_at)
                       SELECT incident_id, channel, $2, $3 FROM alert_delivery
                       WHERE incident_id = $1 AND action = $4 AND given_up_at IS NULL
                       ORDER BY delivery_id";
            let values = values![id, AlertAction::Resolve, now, AlertAction::Open];
            transaction.execute(sql, values).await?;
            (id, kind, subject, "alert.resolved")
        }
    };
    let detail = json!({ "kind": kind, "subject": subject });
    let actor = Owner::this_process();
    let incident = ("incident", &*id.to_string());
    record(transaction, now, actor.as_str(), action, incident, detail).await?;
    Ok(true)
}
