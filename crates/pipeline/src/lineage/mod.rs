//! OpenLineage events: where rows come from and where they go, told to a lineage backend or
//! appended to a file. Parsing, submitter gold and canonical months are told of, each run by a
//! START and one COMPLETE or FAIL of the same id.
//!
//! Lineage is told about work and is no part of it: what cannot be told is counted, and the work
//! goes on. An event names datasets, columns and counts, never a value and no name of a file.

mod emit;
mod event;
#[cfg(test)]
mod tests;
mod work;

use std::fmt;
use std::path::PathBuf;

use chrono::Utc;
use contract::{RunId, TraceParent};
use store::RunOutcome;

pub use self::emit::Lineage;
use self::event::{EventType, RunEvent, Work};
use crate::{Pipeline, PipelineError};

/// Where events go: nowhere, until one of the two is set.
#[derive(Clone)]
pub struct LineageSettings {
    /// The backend's address; events go to `/api/v1/lineage` below it.
    pub url: Option<String>,
    pub api_key: Option<String>,
    /// Gets a line of JSON per event.
    pub file: Option<PathBuf>,
    /// Of the jobs. Datasets are named by the place where they lie.
    pub namespace: String,
}

impl Default for LineageSettings {
    fn default() -> Self {
        Self {
            url: None,
            api_key: None,
            file: None,
            namespace: "lazaret".to_owned(),
        }
    }
}

impl fmt::Debug for LineageSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineageSettings")
            .field("url", &self.url.is_some())
            .field("api_key", &self.api_key.is_some())
            .field("file", &self.file)
            .field("namespace", &self.namespace)
            .finish()
    }
}

/// Jobs that move rows.
const JOBS: [&str; 3] = ["parse", "submitter_gold", "canonical_rebuild"];

impl Pipeline {
    /// To be called when a run has started.
    pub async fn lineage_started(&self, run: RunId, job: &str, subject: &str) {
        self.tell_lineage(run, job, subject, None).await;
    }

    /// To be called when the run's work has ended, as it ended.
    pub async fn lineage_ended(&self, run: RunId, job: &str, subject: &str, outcome: &RunOutcome) {
        self.tell_lineage(run, job, subject, Some(outcome)).await;
    }

    async fn tell_lineage(
        &self,
        run: RunId,
        job: &str,
        subject: &str,
        outcome: Option<&RunOutcome>,
    ) {
        if !self.lineage.is_set() || !JOBS.contains(&job) {
            return;
        }
        let at = Utc::now();
        let work = self.lineage_work(job, subject, outcome).await;
        let work = work.unwrap_or_else(|error| {
            tracing::warn!(%error, job, "a run's datasets could not be told");
            Work {
                job: job.to_owned(),
                ..Work::default()
            }
        });
        let event_type = match outcome {
            None => EventType::Start,
            Some(_) if work.failure.is_some() => EventType::Fail,
            Some(RunOutcome::Failed { .. }) => EventType::Fail,
            Some(RunOutcome::Succeeded { .. }) => EventType::Complete,
        };
        let namespace = &self.lineage.settings().namespace;
        let event = RunEvent::new(event_type, at, run, namespace, work);
        self.lineage.emit(&event, TraceParent::of_run(run)).await;
    }

    async fn lineage_work(
        &self,
        job: &str,
        subject: &str,
        outcome: Option<&RunOutcome>,
    ) -> Result<Work, PipelineError> {
        let mut work = match job {
            "parse" => self.parse_work(subject, outcome.is_some()).await?,
            "submitter_gold" => self.submitter_gold_work(subject, outcome).await?,
            _ => self.canonical_work(subject, outcome).await?,
        };
        if work.job.is_empty() {
            job.clone_into(&mut work.job);
        }
        if let Some(RunOutcome::Failed { error, .. }) = outcome {
            work.failure = Some(self.shown_error(error, subject).await?);
        }
        Ok(work)
    }
}
