//! What is said of an incident, in the form that each channel takes. Pure: the same incident
//! makes the same message.

pub(super) mod pagerduty;
pub(super) mod slack;
#[cfg(test)]
mod tests;
pub(super) mod webhook;

use chrono::{DateTime, SecondsFormat, Utc};
use store::{AlertAction, Incident, IncidentKind};

use super::incident::{Detail, Resolution};
use crate::percent;

/// One message to be put into a channel's form.
#[derive(Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) incident: &'a Incident,
    pub(super) action: AlertAction,
    /// What this installation is called.
    pub(super) source: &'a str,
}

impl Message<'_> {
    /// Tells one incident from every other, of this and other installations; its beginning and
    /// its end have the same.
    fn dedup_key(&self) -> String {
        format!("lazaret-{}", self.incident.incident_id)
    }

    fn severity(&self) -> &'static str {
        match self.incident.kind {
            IncidentKind::RejectRatio | IncidentKind::StaleFeed => "warning",
            IncidentKind::Failure | IncidentKind::FailedSubmission | IncidentKind::FailedMonth => {
                "error"
            }
        }
    }

    /// One line.
    fn summary(&self) -> String {
        let what = match Detail::of(self.incident) {
            Some(detail) => headline(&detail),
            // Written by another version: its kind is all that is understood.
            None => self.incident.kind.to_string(),
        };
        match self.action {
            AlertAction::Open => what,
            AlertAction::Resolve => format!("Over: {what}"),
        }
    }

    /// Names and values, in the order they are read.
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = Detail::of(self.incident).map_or_else(Vec::new, |detail| fields(&detail));
        if self.action == AlertAction::Resolve {
            if let Some(resolution) = Resolution::of(self.incident) {
                fields.push(("Over because", because(&resolution)));
            }
            if let Some(at) = self.incident.resolved_at {
                fields.push(("Over since", shown(at)));
            }
        }
        fields.push(("Found", shown(self.incident.opened_at)));
        fields
    }

    fn error(&self) -> Option<String> {
        let error = match Detail::of(self.incident)? {
            Detail::Failure { error, .. }
            | Detail::FailedSubmission { error, .. }
            | Detail::FailedMonth { error, .. } => error,
            Detail::RejectRatio { .. } | Detail::StaleFeed { .. } => return None,
        };
        (!error.is_empty()).then_some(error)
    }
}

fn headline(detail: &Detail) -> String {
    match detail {
        Detail::RejectRatio {
            feed,
            file_type,
            rows_in,
            rows_rejected,
            threshold,
            ..
        } => format!(
            "{feed}: {} of {file_type} rows rejected, the limit is {}",
            ratio(*rows_rejected, *rows_in),
            percent(*threshold)
        ),
        Detail::StaleFeed {
            feed, within_hours, ..
        } => format!("{feed}: no new data within {within_hours} hours"),
        Detail::Failure { job, subject, .. } => match subject {
            Some(subject) => format!("{job} failed on {subject}"),
            None => format!("{job} failed"),
        },
        Detail::FailedSubmission {
            feed,
            submission_id,
            state,
            ..
        } => match feed {
            Some(feed) => format!("{feed}: submission {submission_id} is {state}"),
            None => format!("submission {submission_id} is {state}"),
        },
        Detail::FailedMonth { month, .. } => {
            format!("canonical month {month} could not be built")
        }
    }
}

fn fields(detail: &Detail) -> Vec<(&'static str, String)> {
    let mut fields = Vec::new();
    let mut field = |name: &'static str, value: Option<String>| {
        fields.extend(value.map(|value| (name, value)));
    };
    match detail {
        Detail::RejectRatio {
            feed,
            file_type,
            submission_id,
            received_at,
            rows_in,
            rows_rejected,
            threshold,
        } => {
            field("Feed", Some(feed.to_string()));
            field("File type", Some(file_type.to_string()));
            field("Submission", Some(submission_id.to_string()));
            field("Received", Some(shown(*received_at)));
            let rows = format!(
                "{rows_rejected} of {rows_in} ({})",
                ratio(*rows_rejected, *rows_in)
            );
            field("Rejected rows", Some(rows));
            field("Limit", Some(percent(*threshold)));
        }
        Detail::StaleFeed {
            feed,
            within_hours,
            last_received,
            watched_since,
        } => {
            field("Feed", Some(feed.to_string()));
            field("Window", Some(format!("{within_hours} hours")));
            let last = last_received.map_or_else(|| "never".to_owned(), shown);
            field("Last data", Some(last));
            field("Watched since", Some(shown(*watched_since)));
        }
        Detail::Failure {
            job,
            subject,
            run_id,
            attempt,
            error: _,
        } => {
            field("Job", Some(job.clone()));
            field("Subject", subject.clone());
            field("Run", Some(run_id.to_string()));
            field("Attempt", Some(attempt.to_string()));
        }
        Detail::FailedSubmission {
            feed,
            file_type,
            submission_id,
            received_at,
            state,
            run_id,
            error: _,
        } => {
            field("Feed", feed.as_ref().map(ToString::to_string));
            field("File type", file_type.as_ref().map(ToString::to_string));
            field("Submission", Some(submission_id.to_string()));
            field("Received", Some(shown(*received_at)));
            field("State", Some(state.clone()));
            field("Run", run_id.map(|run| run.to_string()));
        }
        Detail::FailedMonth {
            month,
            build_id,
            run_id,
            error: _,
        } => {
            field("Month", Some(month.clone()));
            field("Build", Some(build_id.to_string()));
            field("Run", run_id.map(|run| run.to_string()));
        }
    }
    fields
}

fn because(resolution: &Resolution) -> String {
    match resolution {
        Resolution::Submission {
            submission_id,
            rows_in: Some(rows_in),
            rows_rejected: Some(rejected),
            ..
        } => format!(
            "submission {submission_id} came with {rejected} of {rows_in} rows rejected ({})",
            ratio(*rejected, *rows_in)
        ),
        Resolution::Submission { submission_id, .. } => {
            format!("submission {submission_id} came")
        }
        Resolution::NewData {
            last_received: Some(at),
        } => format!("data came at {}", shown(*at)),
        Resolution::NewData {
            last_received: None,
        } => "the window is longer now".to_owned(),
        Resolution::Run { run_id } => format!("run {run_id} succeeded"),
        Resolution::NothingDue => "nothing is left to be done".to_owned(),
        Resolution::Retried => "an operator had it tried again".to_owned(),
        Resolution::Built => "the month was built".to_owned(),
        Resolution::NotWatched => "it is no longer watched".to_owned(),
    }
}

fn ratio(part: i64, of: i64) -> String {
    percent(part as f64 / of.max(1) as f64)
}

fn shown(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
