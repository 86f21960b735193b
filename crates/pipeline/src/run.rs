use std::future::Future;

use chrono::Utc;
use contract::SubmissionId;
use lake::Objects;
use serde_json::json;
use store::{
    ClaimedRebuild, Due, MonthKey, Owner, RunOutcome, Store, Submission, Winner, WinnerKey,
};

use crate::lease::Leased;
use crate::{
    AlertSettings, Catalog, Event, Lineage, Observer, PipelineError, RunSummary, Settings,
    StepFailure,
};

/// How many months of a table are written under one commit. DataFusion prunes by lists of up to
/// 20 values; above that, Delta takes two processes' months for the same and refuses one of them.
const BATCH_MONTHS: usize = 20;

/// Everything that the steps work with.
pub struct Pipeline {
    pub store: Store,
    pub objects: Objects,
    pub catalog: Catalog,
    pub settings: Settings,
    /// Whom to tell of what goes wrong; nobody, until it is set.
    pub alerts: AlertSettings,
    /// Whom to tell where rows come from and go; nobody, until it is set.
    pub lineage: Lineage,
    pub(crate) owner: Owner,
    observer: Observer,
}

impl Pipeline {
    pub fn new(
        store: Store,
        objects: Objects,
        catalog: Catalog,
        settings: Settings,
        observer: Observer,
    ) -> Self {
        Self {
            store,
            objects,
            catalog,
            settings,
            alerts: AlertSettings::default(),
            lineage: Lineage::default(),
            owner: Owner::this_process(),
            observer,
        }
    }

    pub(crate) fn tell(&self, event: Event<'_>) {
        (self.observer)(&event);
    }

    /// Does everything that is due and returns: work that a killed process left is taken up
    /// first. A step that fails is reported and left due; the rest goes on.
    pub async fn run_once(&self) -> Result<RunSummary, PipelineError> {
        self.store.release_dead_leases(&self.owner).await?;
        self.sync_registry().await?;
        let mut summary = RunSummary {
            discovery: self.discover().await?,
            ..RunSummary::default()
        };
        self.tell(Event::Discovered(summary.discovery));
        let registered = self.register_closed_groups().await?;
        summary.steps.insert("register", registered as u64);
        for (step, due) in [
            ("stage", Due::Stage),
            ("parse", Due::Parse),
            ("validate", Due::Validate),
            ("compete", Due::Compete),
        ] {
            self.work_submissions(step, due, &mut summary).await?;
        }
        self.work_submitter_gold(&mut summary).await?;
        self.work_canonical(&mut summary).await?;
        Ok(summary)
    }

    async fn work_submissions(
        &self,
        step: &'static str,
        due: Due,
        summary: &mut RunSummary,
    ) -> Result<(), PipelineError> {
        let mut failed = Vec::new();
        while let Some(submission) = self.claim_submission(due, &failed).await? {
            let id = submission.submission_id;
            let work = async {
                match due {
                    Due::Stage => self.stage(&submission).await,
                    Due::Parse => self.parse(&submission).await,
                    Due::Validate => self.validate(&submission).await,
                    Due::Compete => self.compete(&submission).await,
                }
            };
            let held = self.held(Leased::Submission(id), work);
            if !self.recorded(step, &id.to_string(), summary, held).await? {
                self.store.release_submission(id, &self.owner).await?;
                failed.push(id);
            }
        }
        Ok(())
    }

    async fn claim_submission(
        &self,
        due: Due,
        skip: &[SubmissionId],
    ) -> Result<Option<Submission>, PipelineError> {
        let lease = self.settings.lease;
        let claimed = self
            .store
            .claim_submission(due, &self.owner, lease, Utc::now(), skip);
        Ok(claimed.await?)
    }

    async fn work_submitter_gold(&self, summary: &mut RunSummary) -> Result<(), PipelineError> {
        let mut failed = Vec::new();
        loop {
            let batch = self.claim_gold_batch(&failed).await?;
            let Some(first) = batch.first() else {
                return Ok(());
            };
            let keys: Vec<WinnerKey> = batch.iter().map(|winner| winner.key.clone()).collect();
            let subject = first.key.to_string();
            let held = self.held(
                Leased::Gold(keys.clone()),
                self.build_submitter_gold(&batch),
            );
            if !self
                .recorded("submitter_gold", &subject, summary, held)
                .await?
            {
                for key in &keys {
                    self.store.release_gold(key, &self.owner).await?;
                }
                failed.extend(keys);
            }
        }
    }

    /// Months of one submitter's table, as many as are due up to a batch; empty where none is.
    async fn claim_gold_batch(&self, skip: &[WinnerKey]) -> Result<Vec<Winner>, PipelineError> {
        let lease = self.settings.lease;
        let mut batch: Vec<Winner> = Vec::new();
        while batch.len() < BATCH_MONTHS {
            let claimed = self.store.claim_gold(&self.owner, lease, Utc::now(), skip);
            let Some(winner) = claimed.await? else { break };
            let table = |key: &WinnerKey| {
                (
                    key.state.clone(),
                    key.file_type.clone(),
                    key.submitter_id.clone(),
                )
            };
            if batch
                .first()
                .is_some_and(|first| table(&first.key) != table(&winner.key))
            {
                self.store.release_gold(&winner.key, &self.owner).await?;
                break;
            }
            batch.push(winner);
        }
        Ok(batch)
    }

    async fn work_canonical(&self, summary: &mut RunSummary) -> Result<(), PipelineError> {
        let mut failed = Vec::new();
        loop {
            let batch = self.claim_rebuild_batch(&failed).await?;
            let Some(first) = batch.first() else {
                return Ok(());
            };
            let queue_ids: Vec<i64> = batch
                .iter()
                .flat_map(|claimed| claimed.queue_ids.clone())
                .collect();
            let subject = first.key.to_string();
            let work = async {
                let built = self.build_canonical(&batch, false).await?;
                Ok(json!({ "months": built }))
            };
            let held = self.held(Leased::Rebuilds(queue_ids.clone()), work);
            if !self
                .recorded("canonical_rebuild", &subject, summary, held)
                .await?
            {
                self.store.release_rebuild(&queue_ids, &self.owner).await?;
                failed.extend(batch.into_iter().map(|claimed| claimed.key));
            }
        }
    }

    /// Months of one canonical table, as many as are due up to a batch; empty where none is.
    async fn claim_rebuild_batch(
        &self,
        skip: &[MonthKey],
    ) -> Result<Vec<ClaimedRebuild>, PipelineError> {
        let lease = self.settings.lease;
        let mut batch: Vec<ClaimedRebuild> = Vec::new();
        while batch.len() < BATCH_MONTHS {
            let claimed = self
                .store
                .claim_rebuild(&self.owner, lease, Utc::now(), skip);
            let Some(month) = claimed.await? else { break };
            let table = |key: &MonthKey| (key.state.clone(), key.file_type.clone());
            if batch
                .first()
                .is_some_and(|first| table(&first.key) != table(&month.key))
            {
                self.store
                    .release_rebuild(&month.queue_ids, &self.owner)
                    .await?;
                break;
            }
            batch.push(month);
        }
        Ok(batch)
    }

    /// Runs a step as a row of `job_runs`. Returns whether it was done; its failure is told,
    /// recorded and kept in the summary.
    async fn recorded(
        &self,
        step: &'static str,
        subject: &str,
        summary: &mut RunSummary,
        work: impl Future<Output = Result<serde_json::Value, PipelineError>>,
    ) -> Result<bool, PipelineError> {
        let run = self.store.start_run(step, subject, &self.owner).await?;
        match work.await {
            Ok(counts) => {
                self.store
                    .finish_run(run, &RunOutcome::Succeeded { counts })
                    .await?;
                *summary.steps.entry(step).or_default() += 1;
                Ok(true)
            }
            Err(error) => {
                self.store
                    .finish_run(
                        run,
                        &RunOutcome::Failed {
                            error: error.to_string(),
                        },
                    )
                    .await?;
                let failure = StepFailure {
                    step,
                    subject: subject.to_owned(),
                    error: error.to_string(),
                    transient: error.is_transient(),
                };
                self.tell(Event::Failed(failure.clone()));
                summary.failures.push(failure);
                Ok(false)
            }
        }
    }
}
