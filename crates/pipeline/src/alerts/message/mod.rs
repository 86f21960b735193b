//! What is said of an incident, in the form that each channel takes. Pure: the same incident
//! makes the same message.

pub(super) mod pagerduty;
pub(super) mod slack;
#[cfg(test)]
mod tests;
pub(super) mod webhook;

use chrono::{DateTime, SecondsFormat, Utc};
use contract::{FeedName, FileType, SubmissionId};
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
        let known = Detail::of(self.incident).map_or_else(Vec::new, |detail| fields(&detail));
        let known = known.into_iter();
        let mut fields: Vec<_> = known
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
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

type Field = (&'static str, Option<String>);

fn fields(detail: &Detail) -> Vec<Field> {
    match detail {
        Detail::RejectRatio {
            feed,
            file_type,
            submission_id,
            received_at,
            rows_in,
            rows_rejected: rejected,
            threshold,
        } => {
            let share = ratio(*rejected, *rows_in);
            let rows = format!("{rejected} of {rows_in} ({share})");
            let mut fields =
                submission_fields(Some(feed), Some(file_type), *submission_id, *received_at);
            fields.push(("Rejected rows", Some(rows)));
            fields.push(("Limit", Some(percent(*threshold))));
            fields
        }
        Detail::StaleFeed {
            feed,
            within_hours,
            last_received,
            watched_since,
        } => vec![
            ("Feed", text(feed)),
            ("Window", Some(format!("{within_hours} hours"))),
            ("Last data", last_received.map(shown).or(text(&"never"))),
            ("Watched since", Some(shown(*watched_since))),
        ],
        Detail::Failure {
            job,
            subject,
            run_id,
            attempt,
            ..
        } => vec![
            ("Job", text(job)),
            ("Subject", subject.clone()),
            ("Run", text(run_id)),
            ("Attempt", text(attempt)),
        ],
        Detail::FailedSubmission {
            feed,
            file_type,
            submission_id,
            received_at,
            state,
            run_id,
            ..
        } => {
            let (feed, file_type) = (feed.as_ref(), file_type.as_ref());
            let mut fields = submission_fields(feed, file_type, *submission_id, *received_at);
            fields.push(("State", text(state)));
            fields.push(("Run", run_id.as_ref().and_then(text)));
            fields
        }
        Detail::FailedMonth {
            month,
            build_id,
            run_id,
            ..
        } => vec![
            ("Month", text(month)),
            ("Build", text(build_id)),
            ("Run", run_id.as_ref().and_then(text)),
        ],
    }
}

fn submission_fields(
    feed: Option<&FeedName>,
    file_type: Option<&FileType>,
    submission_id: SubmissionId,
    received_at: DateTime<Utc>,
) -> Vec<Field> {
    vec![
        ("Feed", feed.and_then(text)),
        ("File type", file_type.and_then(text)),
        ("Submission", text(&submission_id)),
        ("Received", Some(shown(received_at))),
    ]
}

fn text(value: &impl ToString) -> Option<String> {
    Some(value.to_string())
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
