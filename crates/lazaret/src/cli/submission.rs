use clap::{Args, Subcommand};
use contract::{AtomicMonth, FileType, LayoutId, SubmissionId, SubmitterId};
use pipeline::{FileReport, ParseReport, Pipeline, PipelineError, ReasonCount, ThresholdReport};
use serde::Serialize;
use store::{Classification, Moved, Submission, SubmissionFile, SubmissionFilter, SubmissionState};

use super::findings::{months_text, reasons_table, thresholds_table};
use super::output::{Answer, Table, count, count_if_any, instant, pairs, say, short, show};
use super::{Done, Failure, Globals, actor, project};

#[derive(Debug, Subcommand)]
pub(crate) enum Call {
    /// Submissions, newest first
    List(List),
    /// One submission: files, months, counts, why rows were rejected
    Show {
        /// Its id, or at least 6 characters of its beginning or end
        id: String,
    },
    /// Release a submission that needs review: say whose it is and in which layout
    Assign(Assign),
    /// Let a failed submission be parsed again, after a contract or a limit was mended
    Retry {
        /// Its id, or at least 6 characters of its beginning or end
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those in that state, such as NEEDS_REVIEW
    #[arg(long)]
    state: Option<SubmissionState>,
    #[arg(long)]
    submitter: Option<SubmitterId>,
    #[arg(long)]
    file_type: Option<FileType>,
    /// At most so many
    #[arg(long, default_value_t = 50)]
    limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Assign {
    /// Its id, or at least 6 characters of its beginning or end
    id: String,
    #[arg(long)]
    submitter: SubmitterId,
    /// Such as medical_claim@v1
    #[arg(long)]
    layout: LayoutId,
}

pub(crate) async fn run(globals: &Globals, call: Call) -> Result<Done, Failure> {
    match call {
        Call::List(call) => list(globals, call).await,
        Call::Show { id } => show_one(globals, &id).await,
        Call::Assign(call) => assign(globals, &call).await,
        Call::Retry { id } => retry(globals, &id).await,
    }
}

#[derive(Debug, Serialize)]
struct Listed {
    submissions: Vec<Submission>,
}

async fn list(globals: &Globals, call: List) -> Result<Done, Failure> {
    let pipeline = project::open_to_read(globals).await?;
    let filter = SubmissionFilter {
        state: call.state,
        submitter_id: call.submitter,
        file_type: call.file_type,
        limit: Some(call.limit),
    };
    let submissions = pipeline.store.submissions(&filter).await?;
    show(globals.format, &Listed { submissions })?;
    Ok(Done::Well)
}

impl Answer for Listed {
    fn text(&self) -> String {
        if self.submissions.is_empty() {
            return "no submissions".into();
        }
        let mut table = Table::new([
            "submission",
            "received",
            "group",
            "layout",
            "#rows in",
            "#accepted",
            "#rejected",
            "#warnings",
            "state",
        ]);
        for submission in &self.submissions {
            table.row([
                short(submission.submission_id),
                instant(submission.received_at),
                submission.grouping_key.clone(),
                submission
                    .layout()
                    .map(|layout| layout.to_string())
                    .unwrap_or_default(),
                count_if_any(submission.rows_in),
                count_if_any(submission.rows_accepted),
                count_if_any(submission.rows_rejected),
                count_if_any(submission.warnings),
                submission.state.as_str().to_owned(),
            ]);
        }
        table.to_string()
    }
}

#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    submission: Submission,
    files: Vec<SubmissionFile>,
    months: Vec<MonthRows>,
    /// Null until it was parsed, or where its files could not be read.
    reject_reasons: Option<Vec<ReasonCount>>,
    warning_reasons: Option<Vec<ReasonCount>>,
    fail_reasons: Option<Vec<ReasonCount>>,
    /// By file, those that hold included.
    thresholds: Option<Vec<FileThresholds>>,
}

#[derive(Debug, Serialize)]
struct MonthRows {
    atomic_month: AtomicMonth,
    rows: i64,
}

#[derive(Debug, Serialize)]
struct FileThresholds {
    file_name: String,
    thresholds: Vec<ThresholdReport>,
}

async fn show_one(globals: &Globals, id: &str) -> Result<Done, Failure> {
    let pipeline = project::open_to_read(globals).await?;
    let submission = project::find_submission(&pipeline, id).await?;
    let id = submission.submission_id;
    let files = pipeline.store.submission_files(id).await?;
    let months = pipeline.store.submission_months(id).await?;
    let report = parse_report(&pipeline, &submission).await?;
    let (rejects, warnings, failures, thresholds) = match report {
        Some(report) => (
            Some(report.reject_reasons),
            Some(report.warnings),
            Some(report.failures),
            Some(thresholds(report.files)),
        ),
        None => (None, None, None, None),
    };
    let shown = Shown {
        submission,
        files,
        months: months
            .into_iter()
            .map(|(atomic_month, rows)| MonthRows { atomic_month, rows })
            .collect(),
        reject_reasons: rejects,
        warning_reasons: warnings,
        fail_reasons: failures,
        thresholds,
    };
    show(globals.format, &shown)?;
    Ok(Done::Well)
}

fn thresholds(files: Vec<FileReport>) -> Vec<FileThresholds> {
    let judged = files.into_iter().filter(|file| !file.thresholds.is_empty());
    judged
        .map(|file| FileThresholds {
            file_name: file.file_name,
            thresholds: file.thresholds,
        })
        .collect()
}

/// The report of the last parse; `None` where there is none to speak for the present state.
pub(super) async fn parse_report(
    pipeline: &Pipeline,
    submission: &Submission,
) -> Result<Option<ParseReport>, Failure> {
    match submission.state {
        SubmissionState::Received
        | SubmissionState::NeedsReview
        | SubmissionState::ReadyForParse => {
            return Ok(None);
        }
        SubmissionState::Parsed
        | SubmissionState::ParseFailed
        | SubmissionState::Validated
        | SubmissionState::ValidatedWithWarnings
        | SubmissionState::ValidationFailed => {}
    }
    match pipeline.parse_report(submission).await {
        Ok(report) => Ok(Some(report)),
        Err(PipelineError::Lake(error)) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl Answer for Shown {
    fn text(&self) -> String {
        let submission = &self.submission;
        let text =
            |value: Option<&dyn ToString>| value.map(ToString::to_string).unwrap_or_default();
        let mut said = pairs(&[
            ("submission", submission.submission_id.to_string()),
            ("state", submission.state.as_str().to_owned()),
            (
                "reason",
                submission.state_reason.clone().unwrap_or_default(),
            ),
            (
                "group",
                format!(
                    "{} ({})",
                    submission.grouping_key,
                    submission.grouping_method.as_str()
                ),
            ),
            (
                "submitter",
                text(submission.submitter_id.as_ref().map(|id| id as _)),
            ),
            (
                "reports to",
                text(submission.jurisdiction.as_ref().map(|state| state as _)),
            ),
            ("feed", text(submission.feed.as_ref().map(|feed| feed as _))),
            (
                "layout",
                text(submission.layout().as_ref().map(|layout| layout as _)),
            ),
            ("received", instant(submission.received_at)),
            (
                "same content as",
                text(submission.duplicate_of.as_ref().map(|id| id as _)),
            ),
            ("rows in", count_if_any(submission.rows_in)),
            ("accepted", count_if_any(submission.rows_accepted)),
            ("rejected", count_if_any(submission.rows_rejected)),
            ("warnings", count_if_any(submission.warnings)),
        ]);
        said += &format!("\n{}\n", files_table(&self.files));
        if !self.months.is_empty() {
            let months = self.months.iter();
            let months: Vec<_> = months.map(|of| (of.atomic_month, of.rows)).collect();
            said += &format!("\n{}\n", months_text(&months));
        }
        for (title, reasons) in [
            (
                "rejected rows by reason (a row counts under each of its reasons)",
                &self.reject_reasons,
            ),
            ("warnings by reason", &self.warning_reasons),
            ("rows that fail the submission", &self.fail_reasons),
        ] {
            if let Some(reasons) = reasons.as_ref().filter(|reasons| !reasons.is_empty()) {
                said += &format!("\n{title}\n{}\n", reasons_table(reasons));
            }
        }
        for file in self.thresholds.iter().flatten() {
            let table = thresholds_table(&file.thresholds);
            said += &format!("\nthresholds of {}\n{table}\n", file.file_name);
        }
        said
    }
}

fn files_table(files: &[SubmissionFile]) -> Table {
    let mut table = Table::new([
        "file",
        "#bytes",
        "#rows in",
        "#accepted",
        "#rejected",
        "sha-256",
    ]);
    for file in files {
        table.row([
            file.file_name.clone(),
            count(file.size_bytes),
            count_if_any(file.rows_in),
            count_if_any(file.rows_accepted),
            count_if_any(file.rows_rejected),
            file.sha256.clone().unwrap_or_default(),
        ]);
    }
    table
}

async fn assign(globals: &Globals, call: &Assign) -> Result<Done, Failure> {
    let pipeline = project::open(globals).await?;
    let submission = project::find_submission(&pipeline, &call.id).await?;
    let files = pipeline
        .store
        .submission_files(submission.submission_id)
        .await?;
    if let Some(lost) = files.iter().find(|file| file.sha256.is_none()) {
        return Err(Failure::Refused(format!(
            "`{}` was gone from the inbox before it was copied, so this submission can never be \
             read: drop its files again, under a new folder",
            lost.file_name
        )));
    }
    let feed = pipeline
        .catalog
        .feeds_of(&call.submitter)
        .find(|feed| feed.contracts.contains(&call.layout));
    let Some(feed) = feed else {
        return Err(Failure::refused(no_feed(
            &pipeline,
            &call.submitter,
            &call.layout,
        )));
    };
    let classification = Classification {
        submitter_id: call.submitter.clone(),
        jurisdiction: feed.state.clone(),
        layout: call.layout.clone(),
        feed: Some(feed.name.clone()),
    };
    // The layout may be new to the store.
    pipeline.sync_registry().await?;
    let id = submission.submission_id;
    match pipeline.store.assign(id, &classification, &actor()).await? {
        Moved::Yes(()) => {
            let message = format!(
                "submission {} is {}'s {} now; the next `lazaret run --once` parses it",
                short(id),
                call.submitter,
                call.layout
            );
            say(globals.format, message)?;
            Ok(Done::Well)
        }
        Moved::No => {
            let state = pipeline.known_submission(id).await?.state;
            Err(wrong_state(id, state, "NEEDS_REVIEW can be assigned"))
        }
    }
}

fn no_feed(pipeline: &Pipeline, submitter: &SubmitterId, layout: &LayoutId) -> String {
    let mut offered: Vec<String> = Vec::new();
    for feed in pipeline.catalog.feeds_of(submitter) {
        offered.extend(feed.contracts.iter().map(ToString::to_string));
    }
    if offered.is_empty() {
        return format!("no feed names submitter `{submitter}`: write feeds/*.yaml for it");
    }
    let offered = offered.join(", ");
    format!(
        "no feed of {submitter} lists {layout} (they list {offered}): choose one of these, or add \
         the contract to a feed"
    )
}

async fn retry(globals: &Globals, id: &str) -> Result<Done, Failure> {
    let pipeline = project::open_to_read(globals).await?;
    let submission = project::find_submission(&pipeline, id).await?;
    let id = submission.submission_id;
    match pipeline.store.retry(id, &actor()).await? {
        Moved::Yes(()) => {
            let id = short(id);
            say(
                globals.format,
                format!("submission {id} is due again; the next `lazaret run --once` parses it"),
            )?;
            Ok(Done::Well)
        }
        Moved::No => {
            let state = pipeline.known_submission(id).await?.state;
            Err(wrong_state(
                id,
                state,
                "PARSE_FAILED or VALIDATION_FAILED can be retried",
            ))
        }
    }
}

fn wrong_state(id: SubmissionId, state: SubmissionState, allowed: &str) -> Failure {
    Failure::refused(format!(
        "submission {} is {}, and only one that is {allowed}",
        short(id),
        state.as_str()
    ))
}
