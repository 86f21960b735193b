//! Claiming: one piece of work of a job, under a lease.

use chrono::Utc;
use contract::SubmissionId;
use store::{
    ClaimedRebuild, Due, Except, Job, MonthKey, StoreError, Submission, Winner, WinnerKey,
};

use crate::lease::Leased;
use crate::{Pipeline, PipelineError};

/// How many months of a table are written under one commit. DataFusion prunes by lists of up to
/// 20 values; above that, Delta takes two processes' months for the same and refuses one of them.
const BATCH_MONTHS: usize = 20;

/// Work that is claimed.
pub(super) enum Piece {
    Submission(Due, Box<Submission>),
    /// Months of one submitter's table.
    Gold(Vec<Winner>),
    /// Months of one canonical table.
    Months(Vec<ClaimedRebuild>),
}

/// What a claimer leaves alone.
#[derive(Debug, Default)]
pub struct Patience {
    /// What waits after a failure, or was stopped.
    waits: bool,
    busy: Option<u32>,
    submissions: Vec<SubmissionId>,
    gold: Vec<WinnerKey>,
    months: Vec<MonthKey>,
}

impl Patience {
    /// For a person's call: everything that is due is tried, each piece once.
    pub fn none() -> Self {
        Self::default()
    }

    /// For those who come again: what failed waits for its time, and no submitter has more than so
    /// many submissions in work.
    pub fn of_a_worker(busy: Option<u32>) -> Self {
        Self {
            waits: true,
            busy,
            ..Self::default()
        }
    }

    pub(super) fn waits(&self) -> bool {
        self.waits
    }

    fn except<'a, K>(&self, keys: &'a [K]) -> Except<'a, K> {
        Except {
            keys,
            waiting: self.waits,
            busy: self.busy,
        }
    }

    /// Leaves the piece alone from now on.
    pub(super) fn pass_over(&mut self, piece: &Piece) {
        match piece {
            Piece::Submission(_, submission) => self.submissions.push(submission.submission_id),
            Piece::Gold(batch) => {
                let keys = batch.iter().map(|winner| winner.key.clone());
                self.gold.extend(keys);
            }
            Piece::Months(batch) => {
                let keys = batch.iter().map(|month| month.key.clone());
                self.months.extend(keys);
            }
        }
    }
}

impl Piece {
    pub(super) fn job(&self) -> Job {
        match self {
            Self::Submission(due, _) => due.job(),
            Self::Gold(_) => Job::SubmitterGold,
            Self::Months(_) => Job::CanonicalRebuild,
        }
    }

    /// Its name in `job_runs`: a batch goes by its first month.
    pub(super) fn subject(&self) -> String {
        match self {
            Self::Submission(_, submission) => submission.submission_id.to_string(),
            Self::Gold(batch) => first(batch, |winner| &winner.key),
            Self::Months(batch) => first(batch, |month| &month.key),
        }
    }

    pub(super) fn leased(&self) -> Leased {
        match self {
            Self::Submission(_, submission) => Leased::Submission(submission.submission_id),
            Self::Gold(batch) => Leased::Gold(batch.iter().map(|w| w.key.clone()).collect()),
            Self::Months(batch) => Leased::Rebuilds(
                batch
                    .iter()
                    .flat_map(|month| month.queue_ids.clone())
                    .collect(),
            ),
        }
    }
}

fn first<T, K: ToString>(batch: &[T], key: impl Fn(&T) -> &K) -> String {
    batch
        .first()
        .map(|one| key(one).to_string())
        .unwrap_or_default()
}

impl Pipeline {
    /// The next piece that is due for the job. Groups of the inbox are not claimed: whoever
    /// registers one first has it.
    pub(super) async fn claim(
        &self,
        job: Job,
        patience: &Patience,
    ) -> Result<Option<Piece>, PipelineError> {
        let due = match job {
            Job::Register => return Ok(None),
            Job::SubmitterGold => return self.claim_gold_batch(patience).await,
            Job::CanonicalRebuild => return self.claim_rebuild_batch(patience).await,
            Job::Stage => Due::Stage,
            Job::Parse => Due::Parse,
            Job::Validate => Due::Validate,
            Job::Compete => Due::Compete,
        };
        let except = patience.except(&patience.submissions);
        let lease = self.settings.lease;
        let claimed = self
            .store
            .claim_submission(due, &self.owner, lease, Utc::now(), except)
            .await?;
        Ok(claimed.map(|submission| Piece::Submission(due, Box::new(submission))))
    }

    /// Months of one submitter's table, as many as are due up to a batch.
    async fn claim_gold_batch(&self, patience: &Patience) -> Result<Option<Piece>, PipelineError> {
        let lease = self.settings.lease;
        let except = patience.except(&patience.gold);
        let mut batch: Vec<Winner> = Vec::new();
        while batch.len() < BATCH_MONTHS {
            let claimed = self
                .store
                .claim_gold(&self.owner, lease, Utc::now(), except);
            let Some(winner) = claimed.await? else { break };
            let failed = self.has_failed(Job::SubmitterGold, &winner.key).await?;
            if let Some(first) = batch.first()
                && (failed || !is_of_one_table(&first.key, &winner.key))
            {
                self.store.release_gold(&winner.key, &self.owner).await?;
                break;
            }
            batch.push(winner);
            if failed {
                break;
            }
        }
        Ok((!batch.is_empty()).then_some(Piece::Gold(batch)))
    }

    /// Months of one canonical table, as many as are due up to a batch.
    async fn claim_rebuild_batch(
        &self,
        patience: &Patience,
    ) -> Result<Option<Piece>, PipelineError> {
        let lease = self.settings.lease;
        let except = patience.except(&patience.months);
        let mut batch: Vec<ClaimedRebuild> = Vec::new();
        while batch.len() < BATCH_MONTHS {
            let claimed = self
                .store
                .claim_rebuild(&self.owner, lease, Utc::now(), except);
            let Some(month) = claimed.await? else { break };
            let failed = self.has_failed(Job::CanonicalRebuild, &month.key).await?;
            let table = |key: &MonthKey| (key.state.clone(), key.file_type.clone());
            if let Some(first) = batch.first()
                && (failed || table(&first.key) != table(&month.key))
            {
                self.store
                    .release_rebuild(&month.queue_ids, &self.owner)
                    .await?;
                break;
            }
            batch.push(month);
            if failed {
                break;
            }
        }
        Ok((!batch.is_empty()).then_some(Piece::Months(batch)))
    }

    /// A month that has failed is built alone: it must not take others with it again.
    async fn has_failed(&self, job: Job, key: &impl ToString) -> Result<bool, StoreError> {
        self.store.has_failed(job.as_str(), &key.to_string()).await
    }

    /// That very piece, if it is due and nobody has it.
    pub(super) async fn claim_that(
        &self,
        job: Job,
        subject: &str,
    ) -> Result<Option<Piece>, PipelineError> {
        let (lease, now) = (self.settings.lease, Utc::now());
        let named = |form: &str| {
            PipelineError::Refused(format!(
                "`{subject}` is no subject of `{job}`: write {form}"
            ))
        };
        let due = match job {
            Job::Register => return Ok(None),
            Job::SubmitterGold => {
                let key = winner_key(subject)
                    .ok_or_else(|| named("state/file_type/submitter/YYYY-MM"))?;
                let claimed = self.store.claim_that_gold(&key, &self.owner, lease, now);
                return Ok(claimed.await?.map(|winner| Piece::Gold(vec![winner])));
            }
            Job::CanonicalRebuild => {
                let key = month_key(subject).ok_or_else(|| named("state/file_type/YYYY-MM"))?;
                let claimed = self.store.claim_month(&key, &self.owner, lease, now);
                return Ok(claimed.await?.map(|month| Piece::Months(vec![month])));
            }
            Job::Stage => Due::Stage,
            Job::Parse => Due::Parse,
            Job::Validate => Due::Validate,
            Job::Compete => Due::Compete,
        };
        let id = subject
            .parse()
            .map_err(|_| named("a submission's whole id"))?;
        let claimed = self
            .store
            .claim_that_submission(id, due, &self.owner, lease, now)
            .await?;
        Ok(claimed.map(|submission| Piece::Submission(due, Box::new(submission))))
    }

    /// Gives the piece back, still due.
    pub(super) async fn release(&self, piece: &Piece) -> Result<(), StoreError> {
        match piece {
            Piece::Submission(_, submission) => {
                let id = submission.submission_id;
                self.store.release_submission(id, &self.owner).await?;
            }
            Piece::Gold(batch) => {
                for winner in batch {
                    self.store.release_gold(&winner.key, &self.owner).await?;
                }
            }
            Piece::Months(batch) => {
                for month in batch {
                    self.store
                        .release_rebuild(&month.queue_ids, &self.owner)
                        .await?;
                }
            }
        }
        Ok(())
    }
}

fn is_of_one_table(a: &WinnerKey, b: &WinnerKey) -> bool {
    (&a.state, &a.file_type, &a.submitter_id) == (&b.state, &b.file_type, &b.submitter_id)
}

fn winner_key(subject: &str) -> Option<WinnerKey> {
    let parts: Vec<&str> = subject.split('/').collect();
    let [state, file_type, submitter, month] = parts[..] else {
        return None;
    };
    Some(WinnerKey {
        state: state.parse().ok()?,
        file_type: file_type.parse().ok()?,
        submitter_id: submitter.parse().ok()?,
        atomic_month: month.parse().ok()?,
    })
}

fn month_key(subject: &str) -> Option<MonthKey> {
    let parts: Vec<&str> = subject.split('/').collect();
    let [state, file_type, month] = parts[..] else {
        return None;
    };
    Some(MonthKey {
        state: state.parse().ok()?,
        file_type: file_type.parse().ok()?,
        atomic_month: month.parse().ok()?,
    })
}
