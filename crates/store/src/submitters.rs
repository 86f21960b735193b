//! `submitter`: who sends, as their feeds say.

use chrono::{DateTime, Utc};
use contract::{StateCode, SubmitterId};
use serde::Serialize;
use serde_json::json;

use crate::audit::record;
use crate::row::{FromRow, Row};
use crate::time::now;
use crate::value::values;
use crate::{Owner, Store, StoreError};

#[derive(Debug, Clone, Serialize)]
pub struct Submitter {
    pub submitter_id: SubmitterId,
    pub state: StateCode,
    pub title: String,
    pub updated_at: DateTime<Utc>,
}

impl FromRow for Submitter {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            submitter_id: row.parsed("submitter_id")?,
            state: row.parsed("state")?,
            title: row.text("title")?,
            updated_at: row.time("updated_at")?,
        })
    }
}

impl Store {
    /// Adds the submitter or brings it up to date; what is as it was is not written again.
    pub async fn upsert_submitter(
        &self,
        id: &SubmitterId,
        state: &StateCode,
        title: &str,
    ) -> Result<(), StoreError> {
        let now = now();
        let mut transaction = self.database.begin().await?;
        let sql = "INSERT INTO submitter (submitter_id, state, title, updated_at)
                   VALUES ($1, $2, $3, $4)
                   ON CONFLICT (submitter_id) DO UPDATE
                   SET state = excluded.state, title = excluded.title, updated_at = excluded.updated_at
                   WHERE submitter.state <> excluded.state OR submitter.title <> excluded.title";
        if transaction
            .execute(sql, values![id, state, title, now])
            .await?
            == 0
        {
            return Ok(());
        }
        let detail = json!({ "state": state, "title": title });
        let actor = Owner::this_process();
        record(
            &mut transaction,
            now,
            actor.as_str(),
            "submitter.updated",
            ("submitter", id.as_str()),
            detail,
        )
        .await?;
        transaction.commit().await
    }

    pub async fn submitters(&self) -> Result<Vec<Submitter>, StoreError> {
        self.database
            .all("SELECT * FROM submitter ORDER BY submitter_id", vec![])
            .await
    }
}
