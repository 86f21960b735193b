//! Messages that are due: claimed under a lease, sent, and recorded as sent, due again, or given
//! up. An incident's end is not sent on a channel before its beginning.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{AlertAction, AlertChannel, Incident};
use crate::lease::until;
use crate::row::{FromRow, Row};
use crate::value::{list, values};
use crate::{Moved, Owner, Store, StoreError};

/// One message on one channel, with the incident that it tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertDelivery {
    pub delivery_id: i64,
    pub incident: Incident,
    pub channel: AlertChannel,
    pub action: AlertAction,
    /// This one included.
    pub attempts: i64,
    pub due_at: DateTime<Utc>,
    pub sent_at: Option<DateTime<Utc>>,
    /// When it was refused for good, or tried often enough.
    pub given_up_at: Option<DateTime<Utc>>,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryOutcome {
    Sent,
    Again { at: DateTime<Utc>, error: String },
    GivenUp { error: String },
}

const COLUMNS: &str = "d.delivery_id, d.channel, d.action, d.attempts, d.due_at, d.sent_at,
    d.given_up_at, d.error, i.*";

impl FromRow for AlertDelivery {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            delivery_id: row.integer("delivery_id")?,
            incident: Incident::from_row(row)?,
            channel: row.parsed("channel")?,
            action: row.parsed("action")?,
            attempts: row.integer("attempts")?,
            due_at: row.time("due_at")?,
            sent_at: row.time_if_any("sent_at")?,
            given_up_at: row.time_if_any("given_up_at")?,
            error: row.text_if_any("error")?,
        })
    }
}

impl Store {
    /// Claims the message that has waited longest on one of the channels.
    pub async fn claim_alert_delivery(
        &self,
        owner: &Owner,
        lease: Duration,
        now: DateTime<Utc>,
        channels: &[AlertChannel],
    ) -> Result<Option<AlertDelivery>, StoreError> {
        let mut transaction = self.database.begin().await?;
        let dialect = transaction.dialect();
        let sql = format!(
            "UPDATE alert_delivery SET lease_owner = $1, lease_until = $2, attempts = attempts + 1
             WHERE delivery_id = (
                 SELECT delivery_id FROM alert_delivery AS d
                 WHERE sent_at IS NULL AND given_up_at IS NULL AND due_at <= $3
                   AND (lease_until IS NULL OR lease_until <= $3)
                   AND channel IN {}
                   AND NOT EXISTS (
                       SELECT 1 FROM alert_delivery AS earlier
                       WHERE earlier.incident_id = d.incident_id AND earlier.channel = d.channel
                         AND earlier.delivery_id < d.delivery_id
                         AND earlier.sent_at IS NULL AND earlier.given_up_at IS NULL)
                 ORDER BY due_at, delivery_id LIMIT 1 {})
             RETURNING delivery_id",
            dialect.each(4),
            dialect.skip_locked()
        );
        let values = values![owner, until(now, lease), now];
        let mut bound = values;
        bound.push(list(channels));
        let rows = transaction.rows(sql, bound).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM alert_delivery d
             JOIN alert_incident i ON i.incident_id = d.incident_id WHERE d.delivery_id = $1"
        );
        let id = row.integer("delivery_id")?;
        let claimed = transaction.first(sql, values![id]).await?;
        transaction.commit().await?;
        Ok(claimed)
    }

    /// Ends the claim. `No`: the lease had lapsed and somebody else has it.
    pub async fn finish_alert_delivery(
        &self,
        delivery_id: i64,
        owner: &Owner,
        outcome: &DeliveryOutcome,
        now: DateTime<Utc>,
    ) -> Result<Moved, StoreError> {
        let (sent, due, given_up, error) = match outcome {
            DeliveryOutcome::Sent => (Some(now), None, None, None),
            DeliveryOutcome::Again { at, error } => (None, Some(*at), None, Some(error.as_str())),
            DeliveryOutcome::GivenUp { error } => (None, None, Some(now), Some(error.as_str())),
        };
        let mut transaction = self.database.begin().await?;
        let sql = "UPDATE alert_delivery SET sent_at = $3, due_at = coalesce($4, due_at),
                       given_up_at = $5, error = $6, lease_owner = NULL, lease_until = NULL
                   WHERE delivery_id = $1 AND lease_owner = $2
                     AND sent_at IS NULL AND given_up_at IS NULL";
        let values = values![delivery_id, owner, sent, due, given_up, error];
        if transaction.execute(sql, values).await? == 0 {
            return Ok(Moved::No);
        }
        if given_up.is_some() {
            // The end of what nobody was told of.
            let sql = "UPDATE alert_delivery SET given_up_at = $2, error = $3
                       WHERE sent_at IS NULL AND given_up_at IS NULL AND delivery_id <> $1
                         AND (incident_id, channel) = (
                             SELECT incident_id, channel FROM alert_delivery WHERE delivery_id = $1)";
            let why = "its opening could not be sent";
            transaction
                .execute(sql, values![delivery_id, now, why])
                .await?;
        }
        transaction.commit().await?;
        Ok(Moved::Yes(()))
    }

    /// All messages, in the order they were put down.
    pub async fn alert_deliveries(&self) -> Result<Vec<AlertDelivery>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM alert_delivery d
             JOIN alert_incident i ON i.incident_id = d.incident_id ORDER BY d.delivery_id"
        );
        self.database.all(sql, vec![]).await
    }
}
