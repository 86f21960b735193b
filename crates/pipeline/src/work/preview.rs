//! What a sensor would do, without doing it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use store::{Due, Job, Retry};

use super::Sensor;
use crate::{GroupDecision, Pipeline, PipelineError};

#[derive(Debug, Clone, Serialize)]
pub struct Preview {
    pub sensor: Sensor,
    /// What it would do now, in order.
    pub due: Vec<DueWork>,
    pub waiting: Vec<WaitingWork>,
    /// What failed too often and waits for a person.
    pub stopped: Vec<StoppedWork>,
}

#[derive(Debug, Clone, Serialize)]
pub struct DueWork {
    pub job: Job,
    pub subject: String,
    /// What the subject's name does not say.
    pub detail: serde_json::Value,
}

#[derive(Debug, Clone, Serialize)]
pub struct WaitingWork {
    pub job: Job,
    pub subject: String,
    pub until: DateTime<Utc>,
    /// The failure after which it waits; `None` for a group that is not whole yet.
    pub error: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct StoppedWork {
    pub job: Job,
    pub subject: String,
    pub since: DateTime<Utc>,
    pub attempts: i64,
    pub error: Option<String>,
}

impl Pipeline {
    /// What the sensor would do now. Groups of the inbox are those that were seen: look into it
    /// first with [`Pipeline::discover`].
    pub async fn preview(&self, sensor: Sensor) -> Result<Preview, PipelineError> {
        let now = Utc::now();
        let retries = self.store.retries().await?;
        let mut sorting = Sorting {
            retries: retries
                .iter()
                .map(|retry| ((retry.job.as_str(), retry.subject.as_str()), retry))
                .collect(),
            now,
            preview: Preview {
                sensor,
                due: Vec::new(),
                waiting: Vec::new(),
                stopped: Vec::new(),
            },
        };
        for &job in sensor.jobs() {
            match job {
                Job::Register => self.preview_groups(&mut sorting).await?,
                Job::Stage => self.preview_submissions(Due::Stage, &mut sorting).await?,
                Job::Parse => self.preview_submissions(Due::Parse, &mut sorting).await?,
                Job::Validate => {
                    let due = Due::Validate;
                    self.preview_submissions(due, &mut sorting).await?;
                }
                Job::Compete => self.preview_submissions(Due::Compete, &mut sorting).await?,
                Job::SubmitterGold => {
                    for winner in self.store.due_gold(now).await? {
                        let detail = json!({ "submission_id": winner.submission_id });
                        sorting.add(job, winner.key.to_string(), detail);
                    }
                }
                Job::CanonicalRebuild => self.preview_months(&mut sorting).await?,
            }
        }
        Ok(sorting.preview)
    }

    async fn preview_groups(&self, sorting: &mut Sorting<'_>) -> Result<(), PipelineError> {
        for group in self.store.open_groups().await? {
            match self.decide(&group, sorting.now) {
                GroupDecision::Close(method) => {
                    let detail = json!({
                        "grouping_key": group.grouping_key,
                        "grouping_method": method,
                        "objects": group.objects.len(),
                    });
                    sorting.add(Job::Register, group.grouping_key, detail);
                }
                GroupDecision::WaitUntil(until) => sorting.preview.waiting.push(WaitingWork {
                    job: Job::Register,
                    subject: group.grouping_key,
                    until,
                    error: None,
                }),
                GroupDecision::WaitForFiles => {}
            }
        }
        Ok(())
    }

    async fn preview_submissions(
        &self,
        due: Due,
        sorting: &mut Sorting<'_>,
    ) -> Result<(), PipelineError> {
        for submission in self.store.due_submissions(due, sorting.now).await? {
            let detail = json!({
                "grouping_key": submission.grouping_key,
                "submitter_id": submission.submitter_id,
                "file_type": submission.file_type,
                "attempts": submission.attempts,
            });
            sorting.add(due.job(), submission.submission_id.to_string(), detail);
        }
        Ok(())
    }

    async fn preview_months(&self, sorting: &mut Sorting<'_>) -> Result<(), PipelineError> {
        let mut seen = std::collections::BTreeSet::new();
        for queued in self.store.pending_rebuilds().await? {
            let held = queued.lease_until.is_some_and(|until| until > sorting.now);
            if !held && seen.insert(queued.key.clone()) {
                let detail = json!({ "reason": queued.reason, "queue_id": queued.queue_id });
                sorting.add(Job::CanonicalRebuild, queued.key.to_string(), detail);
            }
        }
        Ok(())
    }
}

/// Sorts due work by whether it may be tried.
struct Sorting<'a> {
    retries: HashMap<(&'a str, &'a str), &'a Retry>,
    now: DateTime<Utc>,
    preview: Preview,
}

impl Sorting<'_> {
    fn add(&mut self, job: Job, subject: String, detail: serde_json::Value) {
        let retry = self.retries.get(&(job.as_str(), subject.as_str())).copied();
        let Some(retry) = retry else {
            self.preview.due.push(DueWork {
                job,
                subject,
                detail,
            });
            return;
        };
        let error = retry.error.clone();
        match (retry.stopped_at, retry.not_before) {
            (Some(since), _) => self.preview.stopped.push(StoppedWork {
                job,
                subject,
                since,
                attempts: retry.attempts,
                error,
            }),
            (None, Some(until)) if until > self.now => self.preview.waiting.push(WaitingWork {
                job,
                subject,
                until,
                error,
            }),
            (None, _) => self.preview.due.push(DueWork {
                job,
                subject,
                detail,
            }),
        }
    }
}
