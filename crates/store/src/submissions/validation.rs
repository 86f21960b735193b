//! The verdict over a parsed submission.

use contract::SubmissionId;
use serde_json::json;

use crate::audit::record;
use crate::time::now;
use crate::value::values;
use crate::{Moved, Owner, Store, StoreError, SubmissionState};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// One of the states that `PARSED` may become.
    pub state: SubmissionState,
    /// Why it failed.
    pub reason: Option<String>,
    /// The submission's warnings in all: the parse's and those of the rules.
    pub warnings: i64,
}

impl Store {
    /// `PARSED` → the verdict's state; the lease ends.
    pub async fn finish_validation(
        &self,
        id: SubmissionId,
        owner: &Owner,
        verdict: &Verdict,
    ) -> Result<Moved, StoreError> {
        if !SubmissionState::Parsed.may_become(verdict.state) {
            return Ok(Moved::No);
        }
        let now = now();
        let mut transaction = self.database.begin().await?;
        let sql = "UPDATE submission SET state = $3, state_reason = $4, warnings = $5,
                       updated_at = $6, lease_owner = NULL, lease_until = NULL
                   WHERE submission_id = $1 AND lease_owner = $2 AND state = $7";
        let values = values![
            id,
            owner,
            verdict.state,
            &verdict.reason,
            verdict.warnings,
            now,
            SubmissionState::Parsed,
        ];
        if transaction.execute(sql, values).await? == 0 {
            return Ok(Moved::No);
        }
        let detail = json!({
            "state": verdict.state,
            "reason": verdict.reason,
            "warnings": verdict.warnings,
        });
        let subject = ("submission", &*id.to_string());
        record(
            &mut transaction,
            now,
            owner.as_str(),
            "submission.validated",
            subject,
            detail,
        )
        .await?;
        transaction.commit().await?;
        Ok(Moved::Yes(()))
    }
}
