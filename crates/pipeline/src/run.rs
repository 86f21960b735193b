use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use contract::{LayoutId, SubmissionId};
use lake::Objects;
use serde::Serialize;
use store::{
    ClaimedRebuild, Due, GroupingMethod, MonthKey, Owner, RunOutcome, Store, StoreError,
    Submission, SubmissionState, Winner, WinnerKey,
};
use tokio::task::JoinHandle;

use crate::gold::canonical::BuiltMonth;
use crate::inbox::discovery::Discovery;
use crate::{Catalog, PipelineError, Settings};

/// How many months of a table are written under one commit. DataFusion prunes by lists of up to
/// 20 values; above that, Delta takes two processes' months for the same and refuses one of them.
const BATCH_MONTHS: usize = 20;

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
    GroupWaits {
        grouping_key: String,
        until: DateTime<Utc>,
    },
    Registered {
        submission: SubmissionId,
        grouping_key: String,
        method: GroupingMethod,
        files: usize,
    },
    Staged {
        submission: SubmissionId,
        classified: Result<LayoutId, String>,
        duplicate_of: Option<SubmissionId>,
    },
    Parsing {
        submission: SubmissionId,
        file_name: &'a str,
        bytes: u64,
        of: u64,
    },
    Parsed {
        submission: SubmissionId,
        rows_in: u64,
        rows_accepted: u64,
        rows_rejected: u64,
    },
    ParseFailed {
        submission: SubmissionId,
        reason: String,
    },
    Validated {
        submission: SubmissionId,
        state: SubmissionState,
        reason: Option<String>,
    },
    Competed {
        submission: SubmissionId,
        months_won: usize,
    },
    SubmitterGoldBuilt {
        key: WinnerKey,
        rows: u64,
    },
    CanonicalBuilt {
        key: MonthKey,
        built: BuiltMonth,
    },
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
        let mut tried = Vec::new();
        while let Some(submission) = self
            .store
            .claim_submission(due, &self.owner, self.settings.lease, Utc::now(), &tried)
            .await?
        {
            tried.push(submission.submission_id);
            let lease = self.keep(Leased::Submission(submission.submission_id));
            let done = self
                .recorded(
                    step,
                    &submission.submission_id.to_string(),
                    summary,
                    self.submission_step(due, &submission),
                )
                .await?;
            drop(lease);
            if !done {
                self.store
                    .release_submission(submission.submission_id, &self.owner)
                    .await?;
            }
        }
        Ok(())
    }

    async fn submission_step(
        &self,
        due: Due,
        submission: &Submission,
    ) -> Result<serde_json::Value, PipelineError> {
        match due {
            Due::Stage => self.stage(submission).await,
            Due::Parse => self.parse(submission).await,
            Due::Validate => self.validate(submission).await,
            Due::Compete => self.compete(submission).await,
        }
    }

    /// Months of one table are written together, as many as are due up to the batch's size.
    async fn work_submitter_gold(&self, summary: &mut RunSummary) -> Result<(), PipelineError> {
        let mut tried = Vec::new();
        let mut next = self.claim_gold(&mut tried).await?;
        while let Some(first) = next.take() {
            let table = |key: &WinnerKey| {
                (
                    key.state.clone(),
                    key.file_type.clone(),
                    key.submitter_id.clone(),
                )
            };
            let mut batch = vec![first];
            while batch.len() < BATCH_MONTHS {
                match self.claim_gold(&mut tried).await? {
                    Some(other) if table(&other.key) == table(&batch[0].key) => batch.push(other),
                    other => {
                        next = other;
                        break;
                    }
                }
            }
            let keys: Vec<WinnerKey> = batch
                .iter()
                .chain(&next)
                .map(|winner| winner.key.clone())
                .collect();
            let lease = self.keep(Leased::Gold(keys));
            let subject = batch[0].key.to_string();
            if !self
                .recorded(
                    "submitter_gold",
                    &subject,
                    summary,
                    self.build_submitter_gold(&batch),
                )
                .await?
            {
                for winner in &batch {
                    self.store.release_gold(&winner.key, &self.owner).await?;
                }
            }
            drop(lease);
            if next.is_none() {
                next = self.claim_gold(&mut tried).await?;
            }
        }
        Ok(())
    }

    async fn claim_gold(
        &self,
        tried: &mut Vec<WinnerKey>,
    ) -> Result<Option<Winner>, PipelineError> {
        let claimed = self
            .store
            .claim_gold(&self.owner, self.settings.lease, Utc::now(), tried)
            .await?;
        tried.extend(claimed.as_ref().map(|winner| winner.key.clone()));
        Ok(claimed)
    }

    async fn work_canonical(&self, summary: &mut RunSummary) -> Result<(), PipelineError> {
        let mut tried = Vec::new();
        let mut next = self.claim_rebuild(&mut tried).await?;
        while let Some(first) = next.take() {
            let table = |key: &MonthKey| (key.state.clone(), key.file_type.clone());
            let mut batch = vec![first];
            while batch.len() < BATCH_MONTHS {
                match self.claim_rebuild(&mut tried).await? {
                    Some(other) if table(&other.key) == table(&batch[0].key) => batch.push(other),
                    other => {
                        next = other;
                        break;
                    }
                }
            }
            let queue_ids = batch
                .iter()
                .chain(&next)
                .flat_map(|claimed| claimed.queue_ids.clone())
                .collect();
            let lease = self.keep(Leased::Rebuilds(queue_ids));
            let subject = batch[0].key.to_string();
            let step = async {
                let built = self.build_canonical(&batch, false).await?;
                Ok(serde_json::to_value(built).expect("an outcome is plain JSON"))
            };
            if !self
                .recorded("canonical_rebuild", &subject, summary, step)
                .await?
            {
                for claimed in &batch {
                    self.store
                        .release_rebuild(&claimed.queue_ids, &self.owner)
                        .await?;
                }
            }
            drop(lease);
            if next.is_none() {
                next = self.claim_rebuild(&mut tried).await?;
            }
        }
        Ok(())
    }

    async fn claim_rebuild(
        &self,
        tried: &mut Vec<MonthKey>,
    ) -> Result<Option<ClaimedRebuild>, PipelineError> {
        let claimed = self
            .store
            .claim_rebuild(&self.owner, self.settings.lease, Utc::now(), tried)
            .await?;
        tried.extend(claimed.as_ref().map(|claimed| claimed.key.clone()));
        Ok(claimed)
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

    /// Renews the leases until the guard is dropped.
    pub(crate) fn keep(&self, leased: Leased) -> KeptLease {
        let (store, owner, lease) = (self.store.clone(), self.owner.clone(), self.settings.lease);
        KeptLease(tokio::spawn(async move {
            let mut renewals = tokio::time::interval((lease / 3).max(Duration::from_millis(100)));
            renewals.tick().await;
            loop {
                renewals.tick().await;
                if let Err(error) = leased.renew(&store, &owner, Utc::now() + lease).await {
                    tracing::warn!(%error, "a lease could not be renewed");
                }
            }
        }))
    }
}

/// Work that is held while it is done.
pub(crate) enum Leased {
    Submission(SubmissionId),
    Gold(Vec<WinnerKey>),
    Rebuilds(Vec<i64>),
}

impl Leased {
    async fn renew(
        &self,
        store: &Store,
        owner: &Owner,
        until: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        match self {
            Self::Submission(id) => store.renew_lease(*id, owner, until).await.map(drop),
            Self::Gold(keys) => {
                for key in keys {
                    store.renew_gold_lease(key, owner, until).await?;
                }
                Ok(())
            }
            Self::Rebuilds(ids) => store.renew_rebuild_lease(ids, owner, until).await.map(drop),
        }
    }
}

pub(crate) struct KeptLease(JoinHandle<()>);

impl Drop for KeptLease {
    fn drop(&mut self) {
        self.0.abort();
    }
}
