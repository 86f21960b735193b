use clap::{Args, Subcommand};
use contract::{AtomicMonth, FileType, StateCode, SubmissionId, SubmitterId};
use pipeline::{Explanation, Pipeline};
use serde::Serialize;
use store::{Winner, WinnerChange, WinnerFilter, WinnerKey};

use super::output::{Answer, Table, count, count_if_any, instant, short, show};
use super::{Done, Failure, Globals, actor, project};

#[derive(Debug, Subcommand)]
pub(crate) enum Explain {
    /// Why a submission stands for a submitter's month: every candidate and the reason
    Winner(Month),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Call {
    /// Which submission stands for which month
    List(List),
    /// Let one submission stand for a month, whatever comes later
    Pin(Pin),
    /// Let the latest submission stand for a month again
    Unpin(Month),
}

/// One month of one submitter.
#[derive(Debug, Args)]
pub(crate) struct Month {
    #[arg(long)]
    state: StateCode,
    #[arg(long)]
    file_type: FileType,
    #[arg(long)]
    submitter: SubmitterId,
    /// YYYY-MM
    #[arg(long)]
    month: AtomicMonth,
}

#[derive(Debug, Args)]
pub(crate) struct Pin {
    #[command(flatten)]
    month: Month,
    /// A submission's id, or at least 6 characters of its beginning or end
    #[arg(long)]
    submission: String,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[arg(long)]
    state: Option<StateCode>,
    #[arg(long)]
    file_type: Option<FileType>,
    #[arg(long)]
    submitter: Option<SubmitterId>,
    /// YYYY-MM
    #[arg(long)]
    month: Option<AtomicMonth>,
}

impl Month {
    fn key(self) -> WinnerKey {
        WinnerKey {
            state: self.state,
            file_type: self.file_type,
            submitter_id: self.submitter,
            atomic_month: self.month,
        }
    }
}

pub(crate) async fn explain(globals: &Globals, call: Explain) -> Result<Done, Failure> {
    let Explain::Winner(month) = call;
    let pipeline = project::open_to_read(globals).await?;
    let key = month.key();
    let explanation = pipeline.explain_winner(&key).await?;
    if explanation.candidates.is_empty() {
        return Err(no_candidates(&key));
    }
    show(globals.format, &explanation)?;
    Ok(Done::Well)
}

fn no_candidates(key: &WinnerKey) -> Failure {
    Failure::refused(format!(
        "no validated submission of {} covers {} of {} in {}: `lazaret winner list` shows what there is",
        key.submitter_id, key.atomic_month, key.file_type, key.state
    ))
}

impl Answer for Explanation {
    fn text(&self) -> String {
        let mut table = Table::new([
            "",
            "submission",
            "received",
            "layout",
            "#rows",
            "#delta",
            "reason",
        ]);
        for candidate in &self.candidates {
            let delta = match candidate.rows_delta {
                0 => String::new(),
                delta if delta > 0 => format!("+{}", count(delta)),
                delta => count(delta),
            };
            table.row([
                if candidate.wins { "wins" } else { "" }.to_owned(),
                short(candidate.submission_id),
                instant(candidate.received_at),
                candidate.layout.to_string(),
                count(candidate.rows),
                delta,
                candidate.reason.clone(),
            ]);
        }
        let pinned = match self.pinned {
            Some(pinned) => format!(
                "\npinned: {}; `lazaret winner unpin` lets the latest win again",
                short(pinned)
            ),
            None => String::new(),
        };
        format!(
            "{} of {} in {}, submitter {} (delta: rows less the winner's)\n\n{table}\n{pinned}",
            self.atomic_month, self.file_type, self.state, self.submitter_id
        )
    }
}

pub(crate) async fn run(globals: &Globals, call: Call) -> Result<Done, Failure> {
    let pipeline = project::open_to_read(globals).await?;
    match call {
        Call::List(call) => list(globals, &pipeline, call).await,
        Call::Pin(call) => {
            let submission = project::find_submission(&pipeline, &call.submission).await?;
            pin(
                globals,
                &pipeline,
                call.month.key(),
                Some(submission.submission_id),
            )
            .await
        }
        Call::Unpin(month) => pin(globals, &pipeline, month.key(), None).await,
    }
}

#[derive(Debug, Serialize)]
struct Listed {
    winners: Vec<Winner>,
}

async fn list(globals: &Globals, pipeline: &Pipeline, call: List) -> Result<Done, Failure> {
    let filter = WinnerFilter {
        state: call.state,
        file_type: call.file_type,
        submitter_id: call.submitter,
        atomic_month: call.month,
    };
    let winners = pipeline.store.winners(&filter).await?;
    show(globals.format, &Listed { winners })?;
    Ok(Done::Well)
}

impl Answer for Listed {
    fn text(&self) -> String {
        if self.winners.is_empty() {
            return "no winners: `lazaret run --once` decides them".into();
        }
        let mut table = Table::new([
            "state",
            "file type",
            "submitter",
            "month",
            "submission",
            "#gold rows",
            "reason",
        ]);
        for winner in &self.winners {
            table.row([
                winner.key.state.to_string(),
                winner.key.file_type.to_string(),
                winner.key.submitter_id.to_string(),
                winner.key.atomic_month.to_string(),
                short(winner.submission_id),
                count_if_any(winner.gold_rows),
                winner.reason.clone(),
            ]);
        }
        table.to_string()
    }
}

#[derive(Debug, Serialize)]
struct Pinned {
    #[serde(flatten)]
    key: WinnerKey,
    pinned: Option<SubmissionId>,
    /// Null where the same submission stands as before.
    change: Option<Change>,
}

#[derive(Debug, Serialize)]
struct Change {
    from: Option<SubmissionId>,
    to: SubmissionId,
}

async fn pin(
    globals: &Globals,
    pipeline: &Pipeline,
    key: WinnerKey,
    submission: Option<SubmissionId>,
) -> Result<Done, Failure> {
    if pipeline.store.winner(&key).await?.is_none() {
        return Err(no_candidates(&key));
    }
    let change = pipeline.pin_winner(&key, submission, &actor()).await?;
    let change = change.map(|WinnerChange { from, to, .. }| Change { from, to });
    show(
        globals.format,
        &Pinned {
            key,
            pinned: submission,
            change,
        },
    )?;
    Ok(Done::Well)
}

impl Answer for Pinned {
    fn text(&self) -> String {
        let key = &self.key;
        let month = format!(
            "{} of {} in {}, submitter {}",
            key.atomic_month, key.file_type, key.state, key.submitter_id
        );
        let pinned = match self.pinned {
            Some(submission) => format!("{month}: {} is pinned", short(submission)),
            None => format!("{month}: nothing is pinned"),
        };
        match &self.change {
            None => format!("{pinned}; the same submission stands as before"),
            Some(change) => format!(
                "{pinned}; {} stands now{}, and the next `lazaret run --once` rebuilds the month",
                short(change.to),
                change
                    .from
                    .map(|from| format!(" instead of {}", short(from)))
                    .unwrap_or_default()
            ),
        }
    }
}
