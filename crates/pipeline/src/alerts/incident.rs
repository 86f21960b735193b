//! What begins and what ends: a pure decision from what is known and what is open.
//!
//! It is stateless but for the incidents themselves, so looking twice, late or from two machines
//! comes to the same. A submission is judged once: up to the one that settled the last incident,
//! reject ratios are history.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use contract::{BuildId, FeedName, FileType, RunId, SubmissionId};
use serde::{Deserialize, Serialize};
use store::{Incident, IncidentChange, IncidentKind, SubmissionState};

use super::facts::{Facts, FeedFact, Position, SubmissionFact};

/// What an incident is about. All of it may be shown to anybody who is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Detail {
    RejectRatio {
        feed: FeedName,
        file_type: FileType,
        submission_id: SubmissionId,
        received_at: DateTime<Utc>,
        rows_in: i64,
        rows_rejected: i64,
        /// Of rows in, 0 to 1.
        threshold: f64,
    },
    StaleFeed {
        feed: FeedName,
        within_hours: u64,
        /// Of the newest validated submission; none where there never was one.
        last_received: Option<DateTime<Utc>>,
        watched_since: DateTime<Utc>,
    },
    Failure {
        job: String,
        /// What it worked on; a group's name is withheld.
        subject: Option<String>,
        run_id: RunId,
        attempt: i64,
        error: String,
    },
    FailedSubmission {
        feed: Option<FeedName>,
        file_type: Option<FileType>,
        submission_id: SubmissionId,
        received_at: DateTime<Utc>,
        state: String,
        run_id: Option<RunId>,
        error: String,
    },
    FailedMonth {
        /// `state/file_type/YYYY-MM`.
        month: String,
        build_id: BuildId,
        run_id: Option<RunId>,
        error: String,
    },
}

/// How an incident ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Resolution {
    /// The feed's next submission was within its ratio, or validated.
    Submission {
        submission_id: SubmissionId,
        received_at: DateTime<Utc>,
        rows_in: Option<i64>,
        rows_rejected: Option<i64>,
    },
    /// The feed is within its window again.
    NewData {
        last_received: Option<DateTime<Utc>>,
    },
    /// A later run of the same work succeeded.
    Run { run_id: RunId },
    /// Nothing is left to be done: the work was done otherwise, or is no longer there.
    NothingDue,
    /// An operator had it tried again.
    Retried,
    /// The month was built.
    Built,
    /// The feed, its window, or the submission is no longer watched.
    NotWatched,
}

impl Detail {
    pub fn of(incident: &Incident) -> Option<Self> {
        serde_json::from_value(incident.detail.clone()).ok()
    }
}

impl Resolution {
    pub fn of(incident: &Incident) -> Option<Self> {
        serde_json::from_value(incident.resolution.clone()?).ok()
    }

    fn submission(fact: &SubmissionFact) -> Self {
        Self::Submission {
            submission_id: fact.submission_id,
            received_at: fact.received_at,
            rows_in: fact.rows.map(|(rows_in, _)| rows_in),
            rows_rejected: fact.rows.map(|(_, rejected)| rejected),
        }
    }
}

/// What changes, in order.
pub(super) fn decide(facts: &Facts, open: &[Incident], now: DateTime<Utc>) -> Vec<IncidentChange> {
    let mut decision = Decision {
        facts,
        open,
        changes: Vec::new(),
    };
    decision.reject_ratios();
    decision.feeds(now);
    decision.failures();
    decision.failed_submissions();
    decision.failed_months();
    decision.changes
}

struct Decision<'a> {
    facts: &'a Facts,
    open: &'a [Incident],
    changes: Vec<IncidentChange>,
}

impl<'a> Decision<'a> {
    fn open_of(&self, kind: IncidentKind) -> impl Iterator<Item = &'a Incident> + use<'a> {
        let open = self.open;
        open.iter().filter(move |incident| incident.kind == kind)
    }

    fn is_open(&self, kind: IncidentKind, subject: &str) -> bool {
        self.open_of(kind)
            .any(|incident| incident.subject == subject)
    }

    fn begin(&mut self, kind: IncidentKind, subject: String, detail: &Detail) {
        self.changes.push(IncidentChange::Open {
            kind,
            subject,
            detail: serde_json::json!(detail),
        });
    }

    fn end(&mut self, kind: IncidentKind, subject: &str, resolution: &Resolution) {
        self.changes.push(IncidentChange::Resolve {
            kind,
            subject: subject.to_owned(),
            resolution: serde_json::json!(resolution),
        });
    }

    /// Per feed and file type: a clean file of one type says nothing of another.
    fn reject_ratios(&mut self) {
        const KIND: IncidentKind = IncidentKind::RejectRatio;
        let mut by_subject: BTreeMap<String, Vec<&SubmissionFact>> = BTreeMap::new();
        for fact in &self.facts.submissions {
            if let (Some(feed), Some(file_type)) = (&fact.feed, &fact.file_type) {
                let subject = format!("{feed}/{file_type}");
                by_subject.entry(subject).or_default().push(fact);
            }
        }
        for (subject, facts) in by_subject {
            let opened = self
                .open_of(KIND)
                .find(|incident| incident.subject == subject);
            self.reject_ratio(&subject, opened, &facts);
        }
        for incident in self.open_of(KIND) {
            if let Some(Detail::RejectRatio { feed, .. }) = Detail::of(incident)
                && !self.facts.known_feeds.contains(&feed)
            {
                self.end(KIND, &incident.subject, &Resolution::NotWatched);
            }
        }
    }

    fn reject_ratio(
        &mut self,
        subject: &str,
        opened: Option<&Incident>,
        facts: &[&SubmissionFact],
    ) {
        const KIND: IncidentKind = IncidentKind::RejectRatio;
        let opener: Option<Position> = opened.and_then(|incident| match Detail::of(incident)? {
            Detail::RejectRatio {
                submission_id,
                received_at,
                ..
            } => Some((received_at, submission_id)),
            _ => None,
        });
        let settled = self.facts.settled.get(subject).copied();
        let mut is_open = opened.is_some();
        for fact in facts {
            let position = fact.position();
            // The opener itself is looked at again: it may have been read anew.
            let is_history = Some(position) <= settled || Some(position) < opener;
            let Some(is_over) = fact.is_over().filter(|_| !is_history) else {
                continue;
            };
            match (is_over, is_open) {
                (true, false) => {
                    if let Some(detail) = reject_ratio_detail(fact) {
                        self.begin(KIND, subject.to_owned(), &detail);
                        is_open = true;
                    }
                }
                (false, true) => {
                    self.end(KIND, subject, &Resolution::submission(fact));
                    is_open = false;
                }
                (true, true) | (false, false) => {}
            }
        }
    }

    fn feeds(&mut self, now: DateTime<Utc>) {
        const KIND: IncidentKind = IncidentKind::StaleFeed;
        for feed in &self.facts.feeds {
            let subject = feed.feed.to_string();
            match (is_stale(feed, now), self.is_open(KIND, &subject)) {
                (true, false) => {
                    let detail = Detail::StaleFeed {
                        feed: feed.feed.clone(),
                        within_hours: feed.within.as_secs() / 3600,
                        last_received: feed.last_received,
                        watched_since: feed.watched_since,
                    };
                    self.begin(KIND, subject, &detail);
                }
                (false, true) => {
                    let last_received = feed.last_received;
                    self.end(KIND, &subject, &Resolution::NewData { last_received });
                }
                (true, true) | (false, false) => {}
            }
        }
        let watched: BTreeSet<&str> = (self.facts.feeds.iter())
            .map(|feed| feed.feed.as_str())
            .collect();
        for incident in self.open_of(KIND) {
            if !watched.contains(incident.subject.as_str()) {
                self.end(KIND, &incident.subject, &Resolution::NotWatched);
            }
        }
    }

    fn failures(&mut self) {
        const KIND: IncidentKind = IncidentKind::Failure;
        let facts = self.facts;
        for failure in &facts.failures {
            if !self.is_open(KIND, &failure.subject) {
                let detail = Detail::Failure {
                    job: failure.job.clone(),
                    subject: failure.shown.clone(),
                    run_id: failure.run_id,
                    attempt: failure.attempt,
                    error: failure.error.clone(),
                };
                self.begin(KIND, failure.subject.clone(), &detail);
            }
        }
        let failing: BTreeSet<&str> = (facts.failures.iter())
            .map(|failure| failure.subject.as_str())
            .collect();
        for incident in self.open_of(KIND) {
            if failing.contains(incident.subject.as_str()) {
                continue;
            }
            let failed = match Detail::of(incident) {
                Some(Detail::Failure { run_id, .. }) => Some(run_id),
                _ => None,
            };
            let success = facts.successes.get(&incident.subject).copied();
            let resolution = match success.filter(|run| Some(*run) > failed) {
                Some(run_id) => Resolution::Run { run_id },
                None => Resolution::NothingDue,
            };
            self.end(KIND, &incident.subject, &resolution);
        }
    }

    /// A submission that failed is over when it is tried again, or when a later one of its feed
    /// and file type is validated. One whose rejects are told of as such is not told of twice.
    fn failed_submissions(&mut self) {
        const KIND: IncidentKind = IncidentKind::FailedSubmission;
        let facts = self.facts;
        for fact in &facts.submissions {
            let subject = fact.submission_id.to_string();
            if !has_failed(fact) || self.is_open(KIND, &subject) || fact.is_over() == Some(true) {
                continue;
            }
            if self.superseding(fact).is_none() {
                let detail = Detail::FailedSubmission {
                    feed: fact.feed.clone(),
                    file_type: fact.file_type.clone(),
                    submission_id: fact.submission_id,
                    received_at: fact.received_at,
                    state: fact.state.to_string(),
                    run_id: fact.run_id,
                    error: fact.error.clone(),
                };
                self.begin(KIND, subject, &detail);
            }
        }
        for incident in self.open_of(KIND) {
            let of_incident =
                |fact: &&SubmissionFact| fact.submission_id.to_string() == incident.subject;
            let resolution = match facts.submissions.iter().find(of_incident) {
                Some(fact) if has_failed(fact) => match self.superseding(fact) {
                    Some(later) => Resolution::submission(later),
                    None => continue,
                },
                Some(_) => Resolution::Retried,
                None => self.out_of_sight(incident),
            };
            self.end(KIND, &incident.subject, &resolution);
        }
    }

    /// What is not among the submissions was released to be read again, or is long past.
    fn out_of_sight(&self, incident: &Incident) -> Resolution {
        let received = match Detail::of(incident) {
            Some(Detail::FailedSubmission { received_at, .. }) => received_at,
            _ => incident.opened_at,
        };
        let oldest = self.facts.submissions.first();
        if oldest.is_some_and(|oldest| oldest.received_at <= received) {
            Resolution::Retried
        } else {
            Resolution::NotWatched
        }
    }

    fn superseding(&self, failed: &SubmissionFact) -> Option<&'a SubmissionFact> {
        let facts = self.facts;
        failed.feed.as_ref()?;
        facts.submissions.iter().find(|later| {
            later.position() > failed.position()
                && (&later.feed, &later.file_type) == (&failed.feed, &failed.file_type)
                && later.state.is_validated()
        })
    }

    fn failed_months(&mut self) {
        const KIND: IncidentKind = IncidentKind::FailedMonth;
        let facts = self.facts;
        for failed in &facts.failed_months {
            if !self.is_open(KIND, &failed.month) {
                let detail = Detail::FailedMonth {
                    month: failed.month.clone(),
                    build_id: failed.build_id,
                    run_id: failed.run_id,
                    error: failed.error.clone(),
                };
                self.begin(KIND, failed.month.clone(), &detail);
            }
        }
        for incident in self.open_of(KIND) {
            let is_failed = |failed: &super::facts::MonthFact| failed.month == incident.subject;
            if !facts.failed_months.iter().any(is_failed) {
                self.end(KIND, &incident.subject, &Resolution::Built);
            }
        }
    }
}

fn has_failed(fact: &SubmissionFact) -> bool {
    matches!(
        fact.state,
        SubmissionState::ParseFailed | SubmissionState::ValidationFailed
    )
}

fn reject_ratio_detail(fact: &SubmissionFact) -> Option<Detail> {
    let (rows_in, rows_rejected) = fact.rows?;
    Some(Detail::RejectRatio {
        feed: fact.feed.clone()?,
        file_type: fact.file_type.clone()?,
        submission_id: fact.submission_id,
        received_at: fact.received_at,
        rows_in,
        rows_rejected,
        threshold: fact.reject_ratio_max?,
    })
}

/// The clock runs from the newest data, or from when the feed was first seen.
fn is_stale(feed: &FeedFact, now: DateTime<Utc>) -> bool {
    let fresh_at = feed.last_received.max(Some(feed.watched_since));
    let age = fresh_at.and_then(|at| (now - at).to_std().ok());
    age.is_some_and(|age| age > feed.within)
}

#[cfg(test)]
mod tests;
