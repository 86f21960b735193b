use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use contract::{LayoutId, SubmissionId};
use lake::Objects;
use serde::Serialize;
use store::{
    Due, GroupingMethod, MonthKey, Owner, RunOutcome, Store, Submission, SubmissionState, WinnerKey,
};
use tokio::task::JoinHandle;

use crate::gold::canonical::BuiltMonth;
use crate::inbox::discovery::Discovery;
use crate::{Catalog, PipelineError, Settings};

/// Everything that the steps work with.
pub struct Pipeline {
    pub store: Store,
    pub objects: Objects,
    pub catalog: Catalog,
    pub settings: Settings,
    pub(crate) owner: Owner,
    observer: Observer,
}

/// Is told what happens, as it happens.
pub type Observer = Arc<dyn Fn(&Event<'_>) + Send + Sync>;

/// Something that a person at the prompt wants to see. Never holds a value of a row.
#[derive(Debug, Clone)]
pub enum Event<'a> {
    Discovered(Discovery),
    GroupWaits { grouping_key: String, until: DateTime<Utc> },
    Registered { submission: SubmissionId, grouping_key: String, method: GroupingMethod, files: usize },
    Staged { submission: SubmissionId, classified: Result<LayoutId, String>, duplicate_of: Option<SubmissionId> },
    Parsing { submission: SubmissionId, file_name: &'a str, bytes: u64, of: u64 },
    Parsed { submission: SubmissionId, rows_in: u64, rows_accepted: u64, rows_rejected: u64 },
    ParseFailed { submission: SubmissionId, reason: String },
    Validated { submission: SubmissionId, state: SubmissionState, reason: Option<String> },
    Competed { submission: SubmissionId, months_won: usize },
    SubmitterGoldBuilt { key: WinnerKey, rows: u64 },
    CanonicalBuilt { key: MonthKey, built: BuiltMonth },
    Failed(StepFailure),
}

/// A step that could not be done; its work stays due.
#[derive(Debug, Clone, Serialize)]
pub struct StepFailure {
    pub step: &'static str,
    pub subject: String,
    pub error: String,
    /// True where the next run may succeed without anybody's doing.
    pub transient: bool,
}

/// What a run did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RunSummary {
    pub discovery: Discovery,
    /// How many pieces of work each step did.
    pub steps: BTreeMap<&'static str, u64>,
    pub failures: Vec<StepFailure>,
}

impl Pipeline {
    pub fn new(store: Store, objects: Objects, catalog: Catalog, settings: Settings, observer: Observer) -> Self {
        Self { store, objects, catalog, settings, owner: Owner::this_process(), observer }
    }

    pub(crate) fn tell(&self, event: Event<'_>) {
        (self.observer)(&event);
    }

    /// Does everything that is due and returns: work that a killed process left is taken up
    /// first. A step that fails is reported and left due; the rest goes on.
    pub async fn run_once(&self) -> Result<RunSummary, PipelineError> {
        self.store.release_dead_leases(&self.owner).await?;
        self.sync_registry().await?;
        let mut summary = RunSummary { discovery: self.discover().await?, ..RunSummary::default() };
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

    async fn work_submissions(&self, step: &'static str, due: Due, summary: &mut RunSummary) -> Result<(), PipelineError> {
        let mut tried = Vec::new();
        while let Some(submission) =
            self.store.claim_submission(due, &self.owner, self.settings.lease, Utc::now(), &tried).await?
        {
            tried.push(submission.submission_id);
            let lease = self.keep_submission(submission.submission_id);
            let done = self.recorded(step, &submission.submission_id.to_string(), summary, self.submission_step(due, &submission)).await?;
            lease.abort();
            if !done {
                self.store.release_submission(submission.submission_id, &self.owner).await?;
            }
        }
        Ok(())
    }

    async fn submission_step(&self, due: Due, submission: &Submission) -> Result<serde_json::Value, PipelineError> {
        match due {
            Due::Stage => self.stage(submission).await,
            Due::Parse => self.parse(submission).await,
            Due::Validate => self.validate(submission).await,
            Due::Compete => self.compete(submission).await,
        }
    }

    async fn work_submitter_gold(&self, summary: &mut RunSummary) -> Result<(), PipelineError> {
        let mut tried = Vec::new();
        while let Some(winner) =
            self.store.claim_gold(&self.owner, self.settings.lease, Utc::now(), &tried).await?
        {
            tried.push(winner.key.clone());
            let subject = winner.key.to_string();
            if !self.recorded("submitter_gold", &subject, summary, self.build_submitter_gold(&winner)).await? {
                self.store.release_gold(&winner.key, &self.owner).await?;
            }
        }
        Ok(())
    }

    async fn work_canonical(&self, summary: &mut RunSummary) -> Result<(), PipelineError> {
        let mut tried = Vec::new();
        while let Some(claimed) =
            self.store.claim_rebuild(&self.owner, self.settings.lease, Utc::now(), &tried).await?
        {
            tried.push(claimed.key.clone());
            let subject = claimed.key.to_string();
            let step = async {
                let built = self.build_canonical(&claimed, false).await?;
                Ok(serde_json::to_value(built).expect("an outcome is plain JSON"))
            };
            if !self.recorded("canonical_rebuild", &subject, summary, step).await? {
                self.store.renew_rebuild_lease(&claimed.queue_ids, &self.owner, Utc::now()).await?;
            }
        }
        Ok(())
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
                self.store.finish_run(run, &RunOutcome::Succeeded { counts }).await?;
                *summary.steps.entry(step).or_default() += 1;
                Ok(true)
            }
            Err(error) => {
                self.store.finish_run(run, &RunOutcome::Failed { error: error.to_string() }).await?;
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

    /// Renews a submission's lease until it is aborted.
    fn keep_submission(&self, id: SubmissionId) -> JoinHandle<()> {
        let (store, owner, lease) = (self.store.clone(), self.owner.clone(), self.settings.lease);
        tokio::spawn(async move {
            let mut renewals = tokio::time::interval((lease / 3).max(Duration::from_millis(100)));
            renewals.tick().await;
            loop {
                renewals.tick().await;
                if let Err(error) = store.renew_lease(id, &owner, Utc::now() + lease).await {
                    tracing::warn!(submission = %id, %error, "the lease could not be renewed");
                }
            }
        })
    }
}
