//! Doing what is due: a piece is claimed, done under its lease, and recorded as a run. The command
//! line, the daemon and an orchestrator from outside all come through here.

mod piece;
mod preview;
mod retry;
mod sensor;

use std::collections::BTreeSet;
use std::future::Future;

use chrono::{DateTime, Utc};
use contract::{RunId, TraceParent};
use serde::Serialize;
use serde_json::json;
use store::{Due, GroupingMethod, Job, OpenGroup, RunOutcome};
use tracing::Instrument;

pub use self::piece::Patience;
use self::piece::Piece;
pub use self::preview::{DueWork, Preview, StoppedWork, WaitingWork};
pub use self::retry::RetryPolicy;
pub use self::sensor::Sensor;
use crate::{Event, GroupDecision, Pipeline, PipelineError, StepFailure};

/// A run that has ended.
#[derive(Debug, Clone, Serialize)]
pub struct Worked {
    pub job: Job,
    pub subject: String,
    pub run_id: RunId,
    #[serde(flatten)]
    pub ended: Ended,
}

#[derive(Debug, Clone, Serialize)]
#[serde(tag = "outcome", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Ended {
    Succeeded { counts: serde_json::Value },
    Failed(StepFailure),
}

/// What a look at the inbox's groups did.
#[derive(Debug, Default)]
pub struct Registered {
    pub worked: Vec<Worked>,
    /// When the next group closes, unless something in it changes.
    pub next_closes: Option<DateTime<Utc>>,
}

impl Worked {
    pub fn failure(&self) -> Option<&StepFailure> {
        match &self.ended {
            Ended::Succeeded { .. } => None,
            Ended::Failed(failure) => Some(failure),
        }
    }
}

impl Pipeline {
    /// Claims the next piece that is due for the job, does it and records it. `None`: nothing is
    /// due. A failure of the work is recorded and told; an `Err` is one of the database.
    pub async fn work_next(
        &self,
        job: Job,
        patience: &mut Patience,
    ) -> Result<Option<Worked>, PipelineError> {
        let Some(piece) = self.claim(job, patience).await? else {
            return Ok(None);
        };
        let worked = self.work(&piece, patience.waits()).await?;
        if worked.failure().is_some() {
            patience.pass_over(&piece);
        }
        Ok(Some(worked))
    }

    /// Does that very piece. `None`: it is not due, or somebody else is at it. Whoever comes again by
    /// itself `gives_up` on what has ended too many processes; a person's call tries it.
    pub async fn work_that(
        &self,
        job: Job,
        subject: &str,
        gives_up: bool,
    ) -> Result<Option<Worked>, PipelineError> {
        if job == Job::Register {
            return self.register_that(subject, None).await;
        }
        match self.claim_that(job, subject).await? {
            Some(piece) => self.work(&piece, gives_up).await.map(Some),
            None => Ok(None),
        }
    }

    /// Makes a submission of every group that is whole.
    pub async fn register_closed_groups(
        &self,
        patience: &Patience,
    ) -> Result<Registered, PipelineError> {
        let now = Utc::now();
        let put_off = self.groups_put_off(patience, now).await?;
        let mut registered = Registered::default();
        for group in self.store.open_groups().await? {
            if put_off.contains(&group.grouping_key) {
                continue;
            }
            match self.decide(&group, now) {
                GroupDecision::Close(_) => {
                    registered.worked.extend(self.register_group(group).await?);
                }
                GroupDecision::WaitUntil(at) => {
                    let next = registered.next_closes.get_or_insert(at);
                    *next = at.min(*next);
                    self.tell(Event::GroupWaits {
                        grouping_key: group.grouping_key,
                        until: at,
                    });
                }
                GroupDecision::WaitForFiles => {}
            }
        }
        Ok(registered)
    }

    /// Registers the group of that key, if it is whole, and in that way where one is named.
    pub async fn register_that(
        &self,
        grouping_key: &str,
        method: Option<GroupingMethod>,
    ) -> Result<Option<Worked>, PipelineError> {
        let Some(group) = self.store.open_group(grouping_key).await? else {
            return Ok(None);
        };
        match self.decide(&group, Utc::now()) {
            GroupDecision::Close(closed) if method.is_none_or(|method| method == closed) => {
                self.register_group(group).await
            }
            _ => Ok(None),
        }
    }

    /// Registers a group that is whole. `None`: what is left of it makes no submission, which is
    /// no run.
    async fn register_group(&self, group: OpenGroup) -> Result<Option<Worked>, PipelineError> {
        let subject = group.grouping_key.clone();
        let new = match self.remaining(group, Utc::now()).await {
            Ok(None) => return Ok(None),
            Ok(Some(new)) => Ok(new),
            Err(error) => Err(error),
        };
        // Whoever lists the inbox at the same time has the same groups before it.
        if self.store.open_group(&subject).await?.is_none() {
            return Ok(None);
        }
        let work = async { self.register(new?).await };
        let recorded = self.recorded(Job::Register, &subject, false, work);
        recorded.await.map(Some)
    }

    /// Groups whose registration has failed and that wait for their time.
    async fn groups_put_off(
        &self,
        patience: &Patience,
        now: DateTime<Utc>,
    ) -> Result<BTreeSet<String>, PipelineError> {
        if !patience.waits() {
            return Ok(BTreeSet::new());
        }
        let retries = self.store.retries().await?.into_iter();
        let put_off = retries.filter(|retry| {
            retry.job == Job::Register.as_str()
                && (retry.stopped_at.is_some() || retry.not_before.is_some_and(|at| at > now))
        });
        Ok(put_off.map(|retry| retry.subject).collect())
    }

    async fn work(&self, piece: &Piece, gives_up: bool) -> Result<Worked, PipelineError> {
        // The steps' futures are large: on the heap they leave a thread's stack to those who poll.
        let done = Box::pin(async {
            match piece {
                Piece::Submission(Due::Stage, submission) => self.stage(submission).await,
                Piece::Submission(Due::Parse, submission) => self.parse(submission).await,
                Piece::Submission(Due::Validate, submission) => self.validate(submission).await,
                Piece::Submission(Due::Compete, submission) => self.compete(submission).await,
                Piece::Gold(batch) => self.build_submitter_gold(batch).await,
                Piece::Months(batch) => {
                    let built = self.build_canonical(batch, false).await?;
                    Ok(json!({ "months": built }))
                }
            }
        });
        let held = self.held(piece.leased(), done);
        let worked = self
            .recorded(piece.job(), &piece.subject(), gives_up, held)
            .await?;
        if worked.failure().is_some() {
            self.release(piece).await?;
        }
        Ok(worked)
    }

    /// Runs the work as a row of `job_runs`. Whoever gives up does not begin what has ended too
    /// many processes.
    async fn recorded(
        &self,
        job: Job,
        subject: &str,
        gives_up: bool,
        work: impl Future<Output = Result<serde_json::Value, PipelineError>>,
    ) -> Result<Worked, PipelineError> {
        let run = self
            .store
            .start_run(job.as_str(), subject, &self.owner)
            .await?;
        self.lineage_started(run.run_id, job.as_str(), subject)
            .await;
        let retry = self.settings.retry;
        let done = if gives_up && retry.is_spent(run) {
            Err(PipelineError::GivenUp {
                attempts: retry.attempts,
            })
        } else {
            let run_id = run.run_id;
            let trace = TraceParent::of_run(run_id);
            let span = tracing::info_span!(
                "run", %job, subject, %run_id, trace_id = trace.trace_id(), span_id = trace.span_id()
            );
            work.instrument(span).await
        };
        let (outcome, ended) = match done {
            Ok(counts) => {
                let outcome = RunOutcome::Succeeded {
                    counts: counts.clone(),
                };
                (outcome, Ended::Succeeded { counts })
            }
            Err(error) => {
                let failure = StepFailure {
                    step: job.as_str(),
                    subject: subject.to_owned(),
                    error: error.to_string(),
                    transient: error.is_transient(),
                };
                let next = retry.next(run, failure.transient, Utc::now(), fastrand::f64());
                let outcome = RunOutcome::Failed {
                    error: failure.error.clone(),
                    next,
                };
                self.tell(Event::Failed(failure.clone()));
                (outcome, Ended::Failed(failure))
            }
        };
        self.lineage_ended(run.run_id, job.as_str(), subject, &outcome)
            .await;
        self.store.finish_run(run.run_id, &outcome).await?;
        Ok(Worked {
            job,
            subject: subject.to_owned(),
            run_id: run.run_id,
            ended,
        })
    }
}
