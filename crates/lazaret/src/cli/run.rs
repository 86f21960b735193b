use std::time::Instant;

use chrono::Utc;
use clap::Args;
use pipeline::{Pipeline, StepFailure};
use serde::Serialize;

use super::output::{Answer, count, plural, show, size};
use super::progress::Progress;
use super::tally::Tally;
use super::{Done, Failure, Globals, project};

#[derive(Debug, Args)]
pub(crate) struct Call {
    /// Do everything that is due now, then exit
    #[arg(long, required = true)]
    once: bool,
}

/// What a run did, for people and programs.
#[derive(Debug, Serialize)]
struct Ran {
    #[serde(flatten)]
    tally: Tally,
    failures: Vec<StepFailure>,
    elapsed_seconds: f64,
}

pub(crate) async fn run(globals: &Globals, _: &Call) -> Result<Done, Failure> {
    let progress = Progress::start();
    let configuration = project::configuration(globals)?;
    let pipeline = project::open_watched(&configuration, progress.observer()).await?;
    project::require_mappings(&pipeline)?;
    let started = Instant::now();
    let summary = pipeline.run_once().await;
    tell(&pipeline).await?;
    let mut tally = progress.take();
    tally.complete(&pipeline.store).await?;
    let ran = Ran {
        tally,
        failures: summary?.failures,
        elapsed_seconds: started.elapsed().as_secs_f64(),
    };
    pipeline.store.close().await;
    show(globals.format, &ran)?;
    let failed = !ran.failures.is_empty() || ran.tally.has_failed_builds();
    Ok(if failed { Done::WithFaults } else { Done::Well })
}

/// Tells people what went wrong, if anybody is to be told. What cannot be sent now is sent by the
/// next run.
async fn tell(pipeline: &Pipeline) -> Result<(), Failure> {
    pipeline.check_alerts(Utc::now()).await?;
    let told = pipeline.deliver_alerts(Utc::now()).await?;
    if told.postponed + told.given_up > 0 {
        tracing::warn!(?told, "not all alerts could be sent");
    }
    Ok(())
}

impl Answer for Ran {
    fn text(&self) -> String {
        let tally = &self.tally;
        let found = tally.discovery;
        let mut text = format!(
            "inbox: {}, {} new, {} changed\n",
            plural(found.objects, "object"),
            count(found.new),
            count(found.changed)
        );
        text += &tally.waiting_text();
        if !tally.submissions.is_empty() {
            text += &format!("\n{}\n", tally.submissions_text());
        }
        let gold = tally.submitter_gold;
        if gold.months > 0 {
            let rows = plural(gold.rows, "row");
            text += &format!(
                "submitter gold: {} replaced, {rows}\n",
                plural(gold.months, "month")
            );
        }
        if !tally.canonical.is_empty() {
            text += &format!("canonical: {}\n", tally.canonical_text());
        }
        if !self.failures.is_empty() {
            text += "\nfailed (the work stays due):\n";
            for failure in &self.failures {
                text += &format!(
                    "  {} {}: {}\n",
                    failure.step, failure.subject, failure.error
                );
            }
        }
        let nothing =
            tally.submissions.is_empty() && gold.months == 0 && tally.canonical.is_empty();
        if nothing && self.failures.is_empty() {
            text += "nothing was due\n";
        }
        let read = match tally.bytes_read {
            0 => String::new(),
            bytes => format!(", {} read", size(bytes)),
        };
        text + &format!("took {:.1} s{read}\n", self.elapsed_seconds)
    }
}
