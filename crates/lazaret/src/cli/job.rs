use clap::{Args, Subcommand};
use contract::RunId;
use pipeline::{Ended, Worked};
use serde::Serialize;
use serde_json::json;
use store::{GroupingMethod, Job, Moved, Run, RunFilter, RunStatus};

use super::output::{Answer, Table, instant, say, show};
use super::piped::{Told, telling};
use super::{Done, Failure, Globals, actor, project};
use crate::pipes::{self, Report, stands};

#[derive(Debug, Subcommand)]
pub(crate) enum Call {
    /// Runs, newest first
    List(List),
    /// One run
    Show { run_id: RunId },
    /// Do one piece of work now, if it is due and nobody is at it
    Launch(Launch),
    /// Let work that failed be tried again at once
    Retry(Retry),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// register, stage, parse, validate, compete, submitter_gold or canonical_rebuild
    #[arg(long)]
    job: Option<String>,
    #[arg(long)]
    subject: Option<String>,
    /// RUNNING, SUCCEEDED, FAILED or INTERRUPTED
    #[arg(long)]
    status: Option<RunStatus>,
    #[arg(long, default_value_t = 20)]
    limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Launch {
    job: Job,
    /// A grouping key, a submission's id, state/file_type/submitter/month or state/file_type/month
    subject: String,
    /// With `register`: refuse where the group closed in another way
    #[arg(long)]
    grouping_method: Option<GroupingMethod>,
}

#[derive(Debug, Args)]
pub(crate) struct Retry {
    #[arg(required_unless_present = "all")]
    job: Option<Job>,
    #[arg(required_unless_present = "all")]
    subject: Option<String>,
    /// Everything that waits or was stopped
    #[arg(long, conflicts_with_all = ["job", "subject"])]
    all: bool,
}

#[derive(Debug, Serialize)]
struct Listed {
    runs: Vec<Run>,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Shown(Run);

#[derive(Debug, Serialize)]
struct Launched {
    job: Job,
    subject: String,
    outcome: &'static str,
    run_id: Option<RunId>,
    counts: Option<serde_json::Value>,
    error: Option<String>,
}

pub(crate) async fn run(globals: &Globals, call: Call) -> Result<Done, Failure> {
    match call {
        Call::List(list) => {
            let pipeline = project::open_to_read(globals).await?;
            let filter = RunFilter {
                job: list.job,
                subject: list.subject,
                status: list.status,
                limit: Some(list.limit),
            };
            let runs = pipeline.store.runs(&filter).await?;
            show(globals.format, &Listed { runs })?;
            Ok(Done::Well)
        }
        Call::Show { run_id } => {
            let pipeline = project::open_to_read(globals).await?;
            let run = pipeline.store.run(run_id).await?;
            let run = run.ok_or_else(|| {
                Failure::refused(format!(
                    "there is no run {run_id}: `lazaret job list` shows them"
                ))
            })?;
            show(globals.format, &Shown(run))?;
            Ok(Done::Well)
        }
        Call::Launch(call) => telling(launch(globals, call)).await,
        Call::Retry(retry) => self::retry(globals, retry).await,
    }
}

async fn launch(globals: &Globals, call: Launch) -> Result<Told, Failure> {
    let pipeline = project::open(globals).await?;
    pipeline.store.release_dead_leases(pipeline.owner()).await?;
    pipeline.sync_registry().await?;
    if call.job == Job::Register {
        let prefix = &pipeline.settings.inbox_prefix;
        pipeline
            .look_at(&[format!("{prefix}{}/_", call.subject)])
            .await?;
    }
    let worked = match (call.job, call.grouping_method) {
        (Job::Register, method) => pipeline.register_that(&call.subject, method).await?,
        (_, Some(_)) => {
            let text = "`--grouping-method` is for `register` alone";
            return Err(Failure::Unusable(text.to_owned()));
        }
        (job, None) => {
            let gives_up = pipes::is_called();
            pipeline.work_that(job, &call.subject, gives_up).await?
        }
    };
    let launched = Launched::new(call.job, call.subject, worked);
    show(globals.format, &launched)?;
    let (store, objects) = (&pipeline.store, &pipeline.objects);
    let (now, places) = stands(store, objects, launched.job, &launched.subject).await?;
    Ok(Told {
        done: match launched.error {
            Some(_) => Done::WithFaults,
            None => Done::Well,
        },
        report: Report::of_job(json!(launched), &now, &places),
        failure: launched.error,
    })
}

async fn retry(globals: &Globals, call: Retry) -> Result<Done, Failure> {
    let store = project::open_to_read(globals).await?.store;
    let (Some(job), Some(subject)) = (call.job, call.subject) else {
        let works = store.try_all_again(&actor()).await?;
        say(
            globals.format,
            format!("{works} pieces of work are due again"),
        )?;
        return Ok(Done::Well);
    };
    match store.try_again(job.as_str(), &subject, &actor()).await? {
        Moved::Yes(()) => {
            say(globals.format, format!("{job} {subject} is due again"))?;
            Ok(Done::Well)
        }
        Moved::No => Err(Failure::refused(format!(
            "{job} {subject} has not failed: `lazaret sensor preview {}` shows what waits",
            pipeline::Sensor::of(job)
        ))),
    }
}

impl Launched {
    fn new(job: Job, subject: String, worked: Option<Worked>) -> Self {
        let mut launched = Self {
            job,
            subject,
            outcome: "NOT_DUE",
            run_id: None,
            counts: None,
            error: None,
        };
        if let Some(worked) = worked {
            launched.run_id = Some(worked.run_id);
            match worked.ended {
                Ended::Succeeded { counts } => {
                    launched.outcome = "SUCCEEDED";
                    launched.counts = Some(counts);
                }
                Ended::Failed(failure) => {
                    launched.outcome = "FAILED";
                    launched.error = Some(failure.error);
                }
            }
        }
        launched
    }
}

impl Answer for Launched {
    fn text(&self) -> String {
        let Self { job, subject, .. } = self;
        match (&self.error, &self.counts) {
            (Some(error), _) => format!("{job} {subject} failed: {error}"),
            (None, Some(counts)) => format!("{job} {subject} is done: {counts}"),
            (None, None) => format!("{job} {subject} is not due, or somebody else is at it"),
        }
    }
}

impl Answer for Listed {
    fn text(&self) -> String {
        if self.runs.is_empty() {
            return "no runs".to_owned();
        }
        let mut table = Table::new(["run", "job", "subject", "status", "#attempt", "started"]);
        for run in &self.runs {
            table.row([
                run.run_id.to_string(),
                run.job.clone(),
                run.subject.clone(),
                run.status.to_string(),
                run.attempt.to_string(),
                instant(run.started_at),
            ]);
        }
        table.to_string()
    }
}

impl Answer for Shown {
    fn text(&self) -> String {
        let run = &self.0;
        let mut text = format!(
            "{} {}\n{}, attempt {}, by {}\nstarted {}",
            run.job,
            run.subject,
            run.status,
            run.attempt,
            run.owner,
            instant(run.started_at)
        );
        if let Some(at) = run.finished_at {
            text += &format!("\nended   {}", instant(at));
        }
        if let Some(counts) = &run.counts {
            text += &format!("\n{counts}");
        }
        if let Some(error) = &run.error {
            text += &format!("\n{error}");
        }
        text
    }
}
