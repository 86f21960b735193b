//! An operator says which submission stands for a month, or that it is to be decided again.

use contract::SubmissionId;
use serde_json::json;

use super::compete::Decision;
use super::{Decide, WinnerChange, WinnerKey, facts};
use crate::audit::record;
use crate::database::Lock;
use crate::time::now;
use crate::{Store, StoreError};

impl Store {
    /// Pins a candidate to the month, or with `None` takes the pin away, and decides the month
    /// anew in the same transaction. `Some` where that changed the winner.
    pub async fn pin_winner(
        &self,
        key: &WinnerKey,
        submission_id: Option<SubmissionId>,
        actor: &str,
        decide: &Decide<'_>,
    ) -> Result<Option<WinnerChange>, StoreError> {
        let now = now();
        let mut transaction = self.database.begin().await?;
        transaction.lock(Lock::Winners(&key.submitter_id)).await?;
        let facts = facts(&mut transaction, key).await?;
        if let Some(id) = submission_id
            && !facts
                .candidates
                .iter()
                .any(|candidate| candidate.submission_id == id)
        {
            return Err(StoreError::NotACandidate {
                submission_id: id,
                key: Box::new(key.clone()),
            });
        }
        let pinned = facts
            .winner
            .as_ref()
            .and_then(|winner| winner.pinned_submission_id);
        if pinned == submission_id {
            return Ok(None);
        }
        let (action, detail) = match submission_id {
            Some(id) => (
                "winner.pinned",
                json!({ "submission_id": id, "instead_of": pinned }),
            ),
            None => ("winner.unpinned", json!({ "submission_id": pinned })),
        };
        let subject = ("winner", &*key.to_string());
        record(&mut transaction, now, actor, action, subject, detail).await?;
        let decision = Decision { decide, actor, now };
        let change = decision
            .make(&mut transaction, key.clone(), &facts, submission_id)
            .await?;
        transaction.commit().await?;
        Ok(change)
    }
}
