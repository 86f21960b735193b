//! `bootstrap_heartbeat`: proof that the database takes and gives back a row.

use crate::time::now;
use crate::value::values;
use crate::{Store, StoreError};

impl Store {
    /// Writes the message as a new row and reads that row again.
    pub async fn beat(&self, message: &str) -> Result<String, StoreError> {
        let mut transaction = self.database.begin().await?;
        let sql = "INSERT INTO bootstrap_heartbeat (message, at) VALUES ($1, $2) RETURNING beat_id";
        let written = transaction.rows(sql, values![message, now()]).await?;
        let id = written
            .first()
            .expect("an insert returns its row")
            .integer("beat_id")?;
        transaction.commit().await?;
        let sql = "SELECT message FROM bootstrap_heartbeat WHERE beat_id = $1";
        let read = self.database.rows(sql, values![id]).await?;
        read.first()
            .ok_or(StoreError::Unreadable {
                column: "bootstrap_heartbeat.message",
                reason: "the row that was just written is not there".to_owned(),
            })?
            .text("message")
    }
}
