//! A validated submission competes for each of its months.

use chrono::{DateTime, Utc};
use contract::{AtomicMonth, SubmissionId};
use serde_json::json;

use super::{Choice, Decide, Facts, WHERE_KEY, WinnerChange, WinnerKey, facts};
use crate::audit::record;
use crate::database::{Lock, Transaction};
use crate::rebuilds::enqueue;
use crate::value::values;
use crate::{Owner, Store, StoreError, Submission};

/// What decides a winner, in the transaction that keeps it.
pub(super) struct Decision<'a> {
    pub(super) decide: &'a Decide<'a>,
    pub(super) actor: &'a str,
    pub(super) now: DateTime<Utc>,
}

impl Store {
    /// Decides every known month of the submission, in one transaction: keeps the winners that
    /// change, asks for their months' rebuild, and ends the submission's lease. Returns the
    /// changes; none where the submission is not validated, has competed, or is not `owner`'s.
    pub async fn compete(
        &self,
        id: SubmissionId,
        owner: &Owner,
        decide: &Decide<'_>,
        now: DateTime<Utc>,
    ) -> Result<Vec<WinnerChange>, StoreError> {
        let mut transaction = self.database.begin().await?;
        let sql = "SELECT * FROM submission
                   WHERE submission_id = $1 AND lease_owner = $2 AND competed_at IS NULL";
        let submission: Option<Submission> = transaction.first(sql, values![id, owner]).await?;
        let Some(submission) = submission.filter(|submission| submission.state.is_validated())
        else {
            return Ok(Vec::new());
        };
        let keys = months(&mut transaction, &submission).await?;
        if let Some(submitter_id) = &submission.submitter_id {
            transaction.lock(Lock::Winners(submitter_id)).await?;
        }
        let sql = "UPDATE submission SET competed_at = $3, lease_owner = NULL, lease_until = NULL
                   WHERE submission_id = $1 AND lease_owner = $2 AND competed_at IS NULL";
        if transaction.execute(sql, values![id, owner, now]).await? == 0 {
            return Ok(Vec::new());
        }
        let decision = Decision {
            decide,
            actor: owner.as_str(),
            now,
        };
        let mut changes = Vec::new();
        for key in keys {
            let facts = facts(&mut transaction, &key).await?;
            let pin = facts
                .winner
                .as_ref()
                .and_then(|winner| winner.pinned_submission_id);
            changes.extend(decision.make(&mut transaction, key, &facts, pin).await?);
        }
        let detail = json!({ "months_won": changes.len() });
        let subject = ("submission", &*id.to_string());
        record(
            &mut transaction,
            now,
            owner.as_str(),
            "submission.competed",
            subject,
            detail,
        )
        .await?;
        transaction.commit().await?;
        Ok(changes)
    }
}

/// The known months of a classified submission.
async fn months(
    transaction: &mut Transaction,
    submission: &Submission,
) -> Result<Vec<WinnerKey>, StoreError> {
    let (Some(state), Some(file_type), Some(submitter_id)) = (
        &submission.jurisdiction,
        &submission.file_type,
        &submission.submitter_id,
    ) else {
        return Ok(Vec::new());
    };
    let sql = "SELECT atomic_month FROM submission_month
               WHERE submission_id = $1 AND atomic_month <> $2 ORDER BY atomic_month";
    let values = values![submission.submission_id, AtomicMonth::UNKNOWN];
    let rows = transaction.rows(sql, values).await?;
    rows.iter()
        .map(|row| {
            Ok(WinnerKey {
                state: state.clone(),
                file_type: file_type.clone(),
                submitter_id: submitter_id.clone(),
                atomic_month: row.parsed("atomic_month")?,
            })
        })
        .collect()
}

impl Decision<'_> {
    /// Decides one month and keeps the outcome. The reason and the pin are kept even where the
    /// winner stays; only another winner asks for a rebuild.
    pub(super) async fn make(
        &self,
        transaction: &mut Transaction,
        key: WinnerKey,
        facts: &Facts,
        pin: Option<SubmissionId>,
    ) -> Result<Option<WinnerChange>, StoreError> {
        let current = facts.winner.as_ref().map(|winner| winner.submission_id);
        let pin_stays = facts
            .winner
            .as_ref()
            .map(|winner| winner.pinned_submission_id)
            == Some(pin);
        let Some(choice) = (self.decide)(&facts.candidates, pin, current) else {
            if !pin_stays {
                self.keep_pin(transaction, &key, pin).await?;
            }
            return Ok(None);
        };
        let is_candidate = |c: &super::Candidate| c.submission_id == choice.submission_id;
        if !facts.candidates.iter().any(is_candidate) {
            return Err(StoreError::NotACandidate {
                submission_id: choice.submission_id,
                key: Box::new(key),
            });
        }
        let reason_stays = facts
            .winner
            .as_ref()
            .is_some_and(|winner| winner.reason == choice.reason);
        if current == Some(choice.submission_id) && pin_stays && reason_stays {
            return Ok(None);
        }
        self.keep(transaction, &key, &choice, pin).await?;
        if current == Some(choice.submission_id) {
            return Ok(None);
        }
        let change = WinnerChange {
            key,
            from: current,
            to: choice.submission_id,
        };
        self.follow_up(transaction, &change, &choice.reason).await?;
        Ok(Some(change))
    }

    async fn keep(
        &self,
        transaction: &mut Transaction,
        key: &WinnerKey,
        choice: &Choice,
        pin: Option<SubmissionId>,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO submitter_gold_winner
                       (state, file_type, submitter_id, atomic_month,
                        submission_id, chosen_at, reason, pinned_submission_id)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                   ON CONFLICT (state, file_type, submitter_id, atomic_month) DO UPDATE
                   SET chosen_at = CASE
                           WHEN submitter_gold_winner.submission_id = excluded.submission_id
                           THEN submitter_gold_winner.chosen_at ELSE excluded.chosen_at END,
                       submission_id = excluded.submission_id, reason = excluded.reason,
                       pinned_submission_id = excluded.pinned_submission_id";
        let mut values = key.values();
        values.extend(values![choice.submission_id, self.now, &choice.reason, pin]);
        transaction.execute(sql, values).await.map(drop)
    }

    async fn keep_pin(
        &self,
        transaction: &mut Transaction,
        key: &WinnerKey,
        pin: Option<SubmissionId>,
    ) -> Result<(), StoreError> {
        let sql =
            format!("UPDATE submitter_gold_winner SET pinned_submission_id = $5 WHERE {WHERE_KEY}");
        let mut values = key.values();
        values.extend(values![pin]);
        transaction.execute(sql, values).await.map(drop)
    }

    async fn follow_up(
        &self,
        transaction: &mut Transaction,
        change: &WinnerChange,
        reason: &str,
    ) -> Result<(), StoreError> {
        let detail = json!({ "from": change.from, "to": change.to, "reason": reason });
        let subject = ("winner", &*change.key.to_string());
        record(
            transaction,
            self.now,
            self.actor,
            "winner.changed",
            subject,
            detail,
        )
        .await?;
        let month = change.key.month();
        let why = format!("winner of {} changed", change.key.submitter_id);
        enqueue(
            transaction,
            &month,
            &why,
            Some(change.to),
            self.actor,
            self.now,
        )
        .await?;
        Ok(())
    }
}
