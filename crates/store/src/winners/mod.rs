//! `submitter_gold_winner`: whose rows stand for a submitter's month, and what submitter gold
//! holds of it. Which candidate wins is decided by a pure function that the caller passes in;
//! here it gets its facts, and its decision is kept, in one transaction.

mod compete;
mod gold;
mod pin;

use std::fmt;

use chrono::{DateTime, Utc};
use contract::{AtomicMonth, FileType, LayoutId, StateCode, SubmissionId, SubmitterId};
use serde::Serialize;

use crate::database::{Dialect, Transaction};
use crate::row::{FromRow, Row};
use crate::value::{Value, values};
use crate::{MonthKey, Store, StoreError, SubmissionState};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct WinnerKey {
    pub state: StateCode,
    pub file_type: FileType,
    pub submitter_id: SubmitterId,
    pub atomic_month: AtomicMonth,
}

/// [`WinnerKey`]'s text in SQL, for lists of keys. No part can hold a `/`.
pub(crate) const WINNER_KEY_SQL: &str =
    "state || '/' || file_type || '/' || submitter_id || '/' || atomic_month";
const WHERE_KEY: &str = "state = $1 AND file_type = $2 AND submitter_id = $3 AND atomic_month = $4";

/// A validated submission that covers the month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Candidate {
    pub submission_id: SubmissionId,
    pub layout: LayoutId,
    pub state: SubmissionState,
    pub content_hash: String,
    pub received_at: DateTime<Utc>,
    /// Its accepted rows in that month.
    pub rows: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Winner {
    #[serde(flatten)]
    pub key: WinnerKey,
    pub submission_id: SubmissionId,
    pub chosen_at: DateTime<Utc>,
    pub reason: String,
    pub pinned_submission_id: Option<SubmissionId>,
    /// What submitter gold holds now.
    pub gold_submission_id: Option<SubmissionId>,
    pub gold_rows: Option<i64>,
    pub lease_owner: Option<String>,
    pub lease_until: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Default)]
pub struct WinnerFilter {
    pub state: Option<StateCode>,
    pub file_type: Option<FileType>,
    pub submitter_id: Option<SubmitterId>,
    pub atomic_month: Option<AtomicMonth>,
}

/// The candidate that wins, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub submission_id: SubmissionId,
    pub reason: String,
}

/// Chooses among the candidates (oldest first), given the pin and the present winner. `None`
/// leaves things as they are.
pub type Decide<'a> = dyn Fn(&[Candidate], Option<SubmissionId>, Option<SubmissionId>) -> Option<Choice>
    + Send
    + Sync
    + 'a;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WinnerChange {
    pub key: WinnerKey,
    pub from: Option<SubmissionId>,
    pub to: SubmissionId,
}

impl WinnerKey {
    /// The canonical month that it is part of.
    pub fn month(&self) -> MonthKey {
        MonthKey {
            state: self.state.clone(),
            file_type: self.file_type.clone(),
            atomic_month: self.atomic_month,
        }
    }

    /// `$1` to `$4` of [`WHERE_KEY`].
    fn values(&self) -> Vec<Value> {
        values![
            &self.state,
            &self.file_type,
            &self.submitter_id,
            self.atomic_month
        ]
    }
}

impl fmt::Display for WinnerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            state,
            file_type,
            submitter_id,
            atomic_month,
        } = self;
        write!(f, "{state}/{file_type}/{submitter_id}/{atomic_month}")
    }
}

impl FromRow for Candidate {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            submission_id: row.parsed("submission_id")?,
            layout: LayoutId {
                file_type: row.parsed("file_type")?,
                version: row.version("layout_version")?,
            },
            state: row.parsed("state")?,
            content_hash: row.text("content_hash")?,
            received_at: row.time("received_at")?,
            rows: row.integer("rows")?,
        })
    }
}

impl FromRow for Winner {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            key: WinnerKey {
                state: row.parsed("state")?,
                file_type: row.parsed("file_type")?,
                submitter_id: row.parsed("submitter_id")?,
                atomic_month: row.parsed("atomic_month")?,
            },
            submission_id: row.parsed("submission_id")?,
            chosen_at: row.time("chosen_at")?,
            reason: row.text("reason")?,
            pinned_submission_id: row.parsed_if_any("pinned_submission_id")?,
            gold_submission_id: row.parsed_if_any("gold_submission_id")?,
            gold_rows: row.integer_if_any("gold_rows")?,
            lease_owner: row.text_if_any("lease_owner")?,
            lease_until: row.time_if_any("lease_until")?,
        })
    }
}

const CANDIDATES: &str = "
    SELECT s.submission_id, s.file_type, s.layout_version, s.state, s.content_hash, s.received_at, m.rows
    FROM submission s JOIN submission_month m ON m.submission_id = s.submission_id
    WHERE s.jurisdiction = $1 AND s.file_type = $2 AND s.submitter_id = $3 AND m.atomic_month = $4
      AND s.state IN ($5, $6)
    ORDER BY s.received_at, s.submission_id";

fn candidate_values(key: &WinnerKey) -> Vec<Value> {
    let mut values = key.values();
    values.extend(values![
        SubmissionState::Validated,
        SubmissionState::ValidatedWithWarnings
    ]);
    values
}

fn winner_sql(dialect: Option<Dialect>) -> String {
    let lock = dialect.map_or("", Dialect::lock_rows);
    format!("SELECT * FROM submitter_gold_winner WHERE {WHERE_KEY} {lock}")
}

impl Store {
    /// All validated submissions of the submitter and file type that cover the month, oldest
    /// first.
    pub async fn candidates(&self, key: &WinnerKey) -> Result<Vec<Candidate>, StoreError> {
        self.database.all(CANDIDATES, candidate_values(key)).await
    }

    pub async fn winner(&self, key: &WinnerKey) -> Result<Option<Winner>, StoreError> {
        self.database.first(winner_sql(None), key.values()).await
    }

    /// By state, file type, month and submitter.
    pub async fn winners(&self, filter: &WinnerFilter) -> Result<Vec<Winner>, StoreError> {
        let sql = "SELECT * FROM submitter_gold_winner
                   WHERE ($1 IS NULL OR state = $1) AND ($2 IS NULL OR file_type = $2)
                     AND ($3 IS NULL OR submitter_id = $3) AND ($4 IS NULL OR atomic_month = $4)
                   ORDER BY state, file_type, atomic_month, submitter_id";
        let values = values![
            filter.state.as_ref(),
            filter.file_type.as_ref(),
            filter.submitter_id.as_ref(),
            filter.atomic_month,
        ];
        self.database.all(sql, values).await
    }
}

/// The facts of one month, as they are until the transaction ends.
struct Facts {
    candidates: Vec<Candidate>,
    winner: Option<Winner>,
}

async fn facts(transaction: &mut Transaction, key: &WinnerKey) -> Result<Facts, StoreError> {
    let winner = transaction
        .first(winner_sql(Some(transaction.dialect())), key.values())
        .await?;
    let candidates = transaction.all(CANDIDATES, candidate_values(key)).await?;
    Ok(Facts { candidates, winner })
}
