//! Taking up work that is due, under a lease.

use std::time::Duration;

use chrono::{DateTime, Utc};
use contract::SubmissionId;

use crate::database::Lock;
use crate::lease::until;
use crate::value::{list, values};
use crate::{Except, Job, Owner, Store, StoreError, Submission, SubmissionState};

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
    pub fn job(self) -> Job {
        match self {
            Self::Stage => Job::Stage,
            Self::Parse => Job::Parse,
            Self::Validate => Job::Validate,
            Self::Compete => Job::Compete,
        }
    }

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
    /// and which is none of the exceptions. Two claimers never get the same one.
    pub async fn claim_submission<'a>(
        &self,
        due: Due,
        owner: &Owner,
        lease: Duration,
        now: DateTime<Utc>,
        except: impl Into<Except<'a, SubmissionId>>,
    ) -> Result<Option<Submission>, StoreError> {
        let except = except.into();
        let mut transaction = self.database.begin().await?;
        if except.busy.is_some() {
            transaction.lock(Lock::Busy).await?;
        }
        let dialect = transaction.dialect();
        let sql = format!(
            "UPDATE submission SET lease_owner = $3, lease_until = $4, attempts = attempts + 1
             WHERE submission_id = (
                 SELECT submission_id FROM submission AS due
                 WHERE state IN ($1, $2) AND competed_at IS NULL
                   AND (lease_until IS NULL OR lease_until <= $5)
                   AND submission_id NOT IN {} AND {} AND {}
                 ORDER BY received_at, submission_id LIMIT 1 {})
             RETURNING *",
            dialect.each(6),
            except.may_be_tried(due.job(), "due.submission_id", 5),
            with_room(except.busy),
            dialect.skip_locked()
        );
        let [state, other] = due.states();
        let keys = list(except.keys);
        let values = values![state, other, owner, until(now, lease), now, keys];
        let claimed = transaction.first(sql, values).await?;
        transaction.commit().await?;
        Ok(claimed)
    }

    /// Claims that very submission, if it is due for the step and its lease is free.
    pub async fn claim_that_submission(
        &self,
        id: SubmissionId,
        due: Due,
        owner: &Owner,
        lease: Duration,
        now: DateTime<Utc>,
    ) -> Result<Option<Submission>, StoreError> {
        let mut transaction = self.database.begin().await?;
        let sql =
            "UPDATE submission SET lease_owner = $4, lease_until = $5, attempts = attempts + 1
                   WHERE submission_id = $1 AND state IN ($2, $3) AND competed_at IS NULL
                     AND (lease_until IS NULL OR lease_until <= $6)
                   RETURNING *";
        let [state, other] = due.states();
        let values = values![id, state, other, owner, until(now, lease), now];
        let claimed = transaction.first(sql, values).await?;
        transaction.commit().await?;
        Ok(claimed)
    }

    /// Submissions that are due for the step and that nobody has claimed, oldest first.
    pub async fn due_submissions(
        &self,
        due: Due,
        now: DateTime<Utc>,
    ) -> Result<Vec<Submission>, StoreError> {
        let sql = "SELECT * FROM submission
                   WHERE state IN ($1, $2) AND competed_at IS NULL
                     AND (lease_until IS NULL OR lease_until <= $3)
                   ORDER BY received_at, submission_id";
        let [state, other] = due.states();
        self.database.all(sql, values![state, other, now]).await
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

/// A condition on `due`: its submitter has fewer than so many submissions in work. `$5` is now.
fn with_room(busy: Option<u32>) -> String {
    match busy {
        None => "TRUE".to_owned(),
        Some(limit) => format!(
            "(SELECT count(*) FROM submission AS busy
              WHERE busy.submitter_id = due.submitter_id AND busy.lease_owner IS NOT NULL
                AND busy.lease_until > $5) < {limit}"
        ),
    }
}
