//! What the pipeline tells, as log lines. Ids, counts and the contract's own words, never a value.

use std::sync::Arc;

use pipeline::{Event, Observer};

pub(crate) fn observer() -> Observer {
    Arc::new(log)
}

fn log(event: &Event<'_>) {
    match event {
        Event::Registered {
            submission,
            grouping_key,
            method,
            files,
        } => tracing::info!(%submission, grouping_key, %method, files, "registered"),
        Event::Staged {
            submission,
            classified,
            duplicate_of,
        } => match classified {
            Ok(layout) => tracing::info!(
                %submission, %layout, duplicate_of = duplicate_of.map(tracing::field::display), "staged"
            ),
            Err(reason) => tracing::warn!(%submission, reason, "staged: needs review"),
        },
        Event::Parsed {
            submission,
            rows_in,
            rows_accepted,
            rows_rejected,
        } => tracing::info!(%submission, rows_in, rows_accepted, rows_rejected, "parsed"),
        Event::ParseFailed { submission, reason } => {
            tracing::warn!(%submission, reason, "parse failed");
        }
        Event::Validated {
            submission,
            state,
            reason,
        } => tracing::info!(%submission, %state, reason, "validated"),
        Event::Competed {
            submission,
            months_won,
        } => tracing::info!(%submission, months_won, "competed"),
        Event::SubmitterGoldBuilt { key, rows } => {
            tracing::info!(month = %key, rows, "submitter gold built");
        }
        Event::CanonicalBuilt { key, built } => {
            tracing::info!(month = %key, outcome = ?built, "canonical month built");
        }
        Event::Failed(failure) => tracing::error!(
            job = failure.step,
            subject = failure.subject,
            transient = failure.transient,
            error = failure.error,
            "failed"
        ),
        Event::Discovered(_) | Event::GroupWaits { .. } | Event::Parsing { .. } => {}
    }
}
