//! `dead_letters`: messages that were given up. Each waits until a person sends it on again or
//! discards it.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use contract::{DeadLetterId, EventId, RecordId};
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::batch::rows;
use super::conditions::Conditions;
use super::ledger::{Stage, StageStatus, mark_stage};
use super::outbox::{NewEvent, insert_events};
use crate::audit::{limit, record};
use crate::database::Transaction;
use crate::row::{FromRow, Row};
use crate::text_enum::text_enum;
use crate::time::now;
use crate::value::values;
use crate::{Moved, Store, StoreError};

text_enum! {
    DeadLetterState, "state of a dead letter" {
        Open = "OPEN",
        /// Sent on again. If that fails too, it is another letter.
        Redriven = "REDRIVEN",
        Discarded = "DISCARDED",
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NewDeadLetter {
    /// `None` where the message does not say.
    pub record_id: Option<RecordId>,
    /// Of a message that has none, an id derived from its place, so that a repeat has it too.
    pub event_id: EventId,
    pub stage: Stage,
    pub topic: String,
    pub event_key: Option<String>,
    /// As published: references, never a patient's values. `None` where it could not be read.
    pub message: Option<Json>,
    pub headers: Json,
    pub reason_code: String,
    /// Without any value of the record.
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeadLetter {
    pub dead_letter_id: DeadLetterId,
    #[serde(flatten)]
    pub letter: NewDeadLetter,
    pub state: DeadLetterState,
    pub created_at: DateTime<Utc>,
    pub decided_at: Option<DateTime<Utc>>,
    pub decided_by: Option<String>,
    pub note: Option<String>,
}

/// All of what is given must hold.
#[derive(Debug, Clone, Default)]
pub struct DeadLetterFilter {
    pub state: Option<DeadLetterState>,
    pub record_id: Option<RecordId>,
    pub topic: Option<String>,
    /// The newest so many; `None`: all.
    pub limit: Option<u32>,
}

impl FromRow for DeadLetter {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let letter = NewDeadLetter {
            record_id: row.parsed_if_any("record_id")?,
            event_id: row.parsed("event_id")?,
            stage: row.parsed("stage")?,
            topic: row.text("topic")?,
            event_key: row.text_if_any("event_key")?,
            message: row.json_if_any("message")?,
            headers: row.json_if_any("headers")?.unwrap_or_default(),
            reason_code: row.text("reason_code")?,
            reason: row.text("reason")?,
        };
        Ok(Self {
            dead_letter_id: row.parsed("dead_letter_id")?,
            letter,
            state: row.parsed("state")?,
            created_at: row.time("created_at")?,
            decided_at: row.time_if_any("decided_at")?,
            decided_by: row.text_if_any("decided_by")?,
            note: row.text_if_any("note")?,
        })
    }
}

impl Store {
    /// Opens a letter for each, unless one of the same event is open, and marks the stages of
    /// their records `DEAD`. Returns how many are new.
    pub async fn open_dead_letters(&self, letters: &[NewDeadLetter]) -> Result<u64, StoreError> {
        const COLUMNS: &str = "dead_letter_id, record_id, event_id, stage, topic, event_key,
                     message, headers, reason_code, reason";
        #[derive(Serialize)]
        struct Opened<'a> {
            dead_letter_id: DeadLetterId,
            #[serde(flatten)]
            letter: &'a NewDeadLetter,
        }
        if letters.is_empty() {
            return Ok(0);
        }
        let opened: Vec<_> = letters
            .iter()
            .map(|letter| Opened {
                dead_letter_id: DeadLetterId::new(),
                letter,
            })
            .collect();
        let mut transaction = self.database.begin().await?;
        let sql = format!(
            "INSERT INTO dead_letters ({COLUMNS}, state, created_at)
             SELECT {COLUMNS}, $2, $3 FROM {} WHERE TRUE ON CONFLICT DO NOTHING",
            transaction.dialect().batch(
                1,
                "dead_letter_id text, record_id text, event_id text, stage text, topic text, \
                 event_key text, message jsonb, headers jsonb, reason_code text, reason text"
            )
        );
        let mut values = vec![rows(&opened)];
        values.extend(values![DeadLetterState::Open, now()]);
        let added = transaction.execute(sql, values).await?;
        let dead = letters
            .iter()
            .filter_map(|letter| Some((letter.record_id?, letter.stage)))
            .collect();
        mark_stage(&mut transaction, &dead, StageStatus::Dead).await?;
        transaction.commit().await?;
        Ok(added)
    }

    /// Newest first.
    pub async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let mut conditions = Conditions::default();
        conditions.add("state = ?", filter.state);
        conditions.add("record_id = ?", filter.record_id);
        conditions.add("topic = ?", filter.topic.as_ref());
        let limit = conditions.bind(limit(filter.limit));
        let sql = format!(
            "SELECT * FROM dead_letters WHERE {} ORDER BY dead_letter_id DESC LIMIT {limit}",
            conditions.sql()
        );
        self.database.all(sql, conditions.values()).await
    }

    pub async fn dead_letter(&self, id: DeadLetterId) -> Result<Option<DeadLetter>, StoreError> {
        let sql = "SELECT * FROM dead_letters WHERE dead_letter_id = $1";
        self.database.first(sql, values![id]).await
    }

    /// Sends a letter on again: the event, with an id of its own, goes into the outbox. `No`: it
    /// is not open any more.
    pub async fn redrive_dead_letter(
        &self,
        id: DeadLetterId,
        event: &NewEvent,
        by: &str,
        note: Option<&str>,
    ) -> Result<Moved, StoreError> {
        let mut transaction = self.database.begin().await?;
        let decision = (DeadLetterState::Redriven, "dead_letter.redriven");
        let Some(letter) = close(&mut transaction, id, decision, by, note).await? else {
            return Ok(Moved::No);
        };
        insert_events(&mut transaction, &[event], now()).await?;
        if let Some(record_id) = letter.letter.record_id {
            let waiting = HashSet::from([(record_id, letter.letter.stage)]);
            mark_stage(&mut transaction, &waiting, StageStatus::Retrying).await?;
        }
        transaction.commit().await?;
        Ok(Moved::Yes(()))
    }

    /// Puts a letter away. `No`: it is not open any more.
    pub async fn discard_dead_letter(
        &self,
        id: DeadLetterId,
        by: &str,
        note: Option<&str>,
    ) -> Result<Moved, StoreError> {
        let mut transaction = self.database.begin().await?;
        let decision = (DeadLetterState::Discarded, "dead_letter.discarded");
        let closed = close(&mut transaction, id, decision, by, note).await?;
        transaction.commit().await?;
        Ok(closed.map_or(Moved::No, |_| Moved::Yes(())))
    }
}

/// Moves an open letter and puts that on record.
async fn close(
    transaction: &mut Transaction,
    id: DeadLetterId,
    (state, action): (DeadLetterState, &str),
    by: &str,
    note: Option<&str>,
) -> Result<Option<DeadLetter>, StoreError> {
    let now = now();
    let sql = "UPDATE dead_letters SET state = $2, decided_at = $3, decided_by = $4, note = $5
               WHERE dead_letter_id = $1 AND state = $6 RETURNING *";
    let values = values![id, state, now, by, note, DeadLetterState::Open];
    let closed: Option<DeadLetter> = transaction.first(sql, values).await?;
    if let Some(letter) = &closed {
        let letter = &letter.letter;
        let detail = json!({
            "event_id": letter.event_id,
            "record_id": letter.record_id,
            "reason_code": letter.reason_code,
            "note": note,
        });
        let subject = ("dead_letter", &*id.to_string());
        record(transaction, now, by, action, subject, detail).await?;
    }
    Ok(closed)
}
