//! Taking up work that is due, under a lease.

use std::time::Duration;

use chrono::{DateTime, Utc};
use contract::SubmissionId;

use crate::lease::until;
use crate::value::{list, values};
use crate::{Owner, Store, StoreError, Submission, SubmissionState};

/// The step that a submission waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Due {
    /// `RECEIVED`: to be copied, hashed and classified.
    Stage,
    /// `READY_FOR_PARSE`.
    Parse,
    /// `PARSED`.
    Validate,
    /// Validated, its months not yet decided.
    Compete,
}

impl Due {
    /// The states that the step starts from; the second equals the first where there is one.
    fn states(self) -> [SubmissionState; 2] {
        use SubmissionState::{Parsed, ReadyForParse, Received, Validated, ValidatedWithWarnings};
        match self {
            Self::Stage => [Received, Received],
            Self::Parse => [ReadyForParse, ReadyForParse],
            Self::Validate => [Parsed, Parsed],
            Self::Compete => [Validated, ValidatedWithWarnings],
        }
    }
}

impl Store {
    /// Claims the oldest submission that is due for the step, whose lease is free or has lapsed
    /// and which is not in `skip`. Two claimers never get the same one.
    pub async fn claim_submission(
        &self,
        due: Due,
        owner: &Owner,
        lease: Duration,
        now: DateTime<Utc>,
        skip: &[SubmissionId],
    ) -> Result<Option<Submission>, StoreError> {
        let mut transaction = self.database.begin().await?;
        let dialect = transaction.dialect();
        let sql = format!(
            "UPDATE submission SET lease_owner = $3, lease_until = $4, attempts = attempts + 1
             WHERE submission_id = (
                 SELECT submission_id FROM submission
                 WHERE state IN ($1, $2) AND competed_at IS NULL
                   AND (lease_until IS NULL OR lease_until <= $5)
                   AND submission_id NOT IN {}
                 ORDER BY received_at, submission_id LIMIT 1 {})
             RETURNING *",
            dialect.each(6),
            dialect.skip_locked()
        );
        let [state, other] = due.states();
        let values = values![state, other, owner, until(now, lease), now, list(skip)];
        let claimed = transaction.first(sql, values).await?;
        transaction.commit().await?;
        Ok(claimed)
    }

    /// Prolongs a lease that is still held. `false`: somebody else has the submission now.
    pub async fn renew_lease(
        &self,
        id: SubmissionId,
        owner: &Owner,
        until: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let sql =
            "UPDATE submission SET lease_until = $3 WHERE submission_id = $1 AND lease_owner = $2";
        self.database
            .execute(sql, values![id, owner, until])
            .await
            .map(|rows| rows > 0)
    }

    /// Gives the submission back, still due: the work failed for reasons of our own.
    pub async fn release_submission(
        &self,
        id: SubmissionId,
        owner: &Owner,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE submission SET lease_owner = NULL, lease_until = NULL
                   WHERE submission_id = $1 AND lease_owner = $2";
        self.database
            .execute(sql, values![id, owner])
            .await
            .map(drop)
    }
}
