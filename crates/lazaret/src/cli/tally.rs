//! What a run did, gathered from what the pipeline tells as it goes.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use contract::{LayoutId, SubmissionId};
use pipeline::{BuiltMonth, Discovery, Event};
use serde::Serialize;
use store::{GroupingMethod, MonthKey, Store, StoreError, SubmissionState};

use super::output::{Table, count, instant, plural, short};

#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Tally {
    pub(crate) discovery: Discovery,
    pub(crate) waiting: Vec<WaitingGroup>,
    pub(crate) submissions: Vec<SubmissionNews>,
    pub(crate) submitter_gold: GoldCount,
    pub(crate) canonical: Vec<CanonicalNews>,
    /// Bytes that went through the inspector.
    pub(crate) bytes_read: u64,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct WaitingGroup {
    pub(crate) grouping_key: String,
    pub(crate) closes_at: DateTime<Utc>,
}

/// What became of one submission; what this run did not touch is null.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SubmissionNews {
    pub(crate) submission_id: SubmissionId,
    pub(crate) grouping_key: Option<String>,
    pub(crate) grouping_method: Option<&'static str>,
    pub(crate) layout_id: Option<LayoutId>,
    pub(crate) duplicate_of: Option<SubmissionId>,
    pub(crate) state: Option<SubmissionState>,
    pub(crate) reason: Option<String>,
    pub(crate) rows_in: Option<u64>,
    pub(crate) rows_accepted: Option<u64>,
    pub(crate) rows_rejected: Option<u64>,
    pub(crate) months_won: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct GoldCount {
    pub(crate) months: u64,
    pub(crate) rows: u64,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct CanonicalNews {
    #[serde(flatten)]
    pub(crate) key: MonthKey,
    #[serde(flatten)]
    pub(crate) built: BuiltMonth,
}

impl Tally {
    pub(crate) fn note(&mut self, event: &Event<'_>) {
        match event {
            Event::Discovered(discovery) => self.discovery = *discovery,
            Event::GroupWaits {
                grouping_key,
                until,
            } => self.waiting.push(WaitingGroup {
                grouping_key: grouping_key.clone(),
                closes_at: *until,
            }),
            Event::Registered {
                submission,
                grouping_key,
                method,
                ..
            } => {
                let news = self.news(*submission);
                news.grouping_key = Some(grouping_key.clone());
                news.grouping_method = Some(GroupingMethod::as_str(*method));
                news.state = Some(SubmissionState::Received);
            }
            Event::Staged {
                submission,
                classified,
                duplicate_of,
            } => {
                let news = self.news(*submission);
                news.duplicate_of = *duplicate_of;
                match classified {
                    Ok(layout) => {
                        news.layout_id = Some(layout.clone());
                        news.state = Some(SubmissionState::ReadyForParse);
                    }
                    Err(reason) => {
                        news.reason = Some(reason.clone());
                        news.state = Some(SubmissionState::NeedsReview);
                    }
                }
            }
            Event::Parsing { bytes, .. } => self.bytes_read += bytes,
            Event::Parsed {
                submission,
                rows_in,
                rows_accepted,
                rows_rejected,
            } => {
                let news = self.news(*submission);
                news.state = Some(SubmissionState::Parsed);
                news.rows_in = Some(*rows_in);
                news.rows_accepted = Some(*rows_accepted);
                news.rows_rejected = Some(*rows_rejected);
            }
            Event::ParseFailed { submission, reason } => {
                let news = self.news(*submission);
                news.state = Some(SubmissionState::ParseFailed);
                news.reason = Some(reason.clone());
            }
            Event::Validated {
                submission,
                state,
                reason,
            } => {
                let news = self.news(*submission);
                news.state = Some(*state);
                news.reason.clone_from(reason);
            }
            Event::Competed {
                submission,
                months_won,
            } => {
                self.news(*submission).months_won = Some(*months_won as u64);
            }
            Event::SubmitterGoldBuilt { rows, .. } => {
                self.submitter_gold.months += 1;
                self.submitter_gold.rows += rows;
            }
            Event::CanonicalBuilt { key, built } => {
                self.canonical.push(CanonicalNews {
                    key: key.clone(),
                    built: built.clone(),
                });
            }
            // The run's summary holds it.
            Event::Failed(_) => {}
        }
    }

    /// Fills in what an earlier run told: whose group and layout a submission is.
    pub(crate) async fn complete(&mut self, store: &Store) -> Result<(), StoreError> {
        for news in &mut self.submissions {
            if news.grouping_key.is_some() && news.layout_id.is_some() {
                continue;
            }
            if let Some(submission) = store.submission(news.submission_id).await? {
                news.layout_id = submission.layout();
                news.grouping_method = Some(submission.grouping_method.as_str());
                news.grouping_key = Some(submission.grouping_key);
            }
        }
        Ok(())
    }

    fn news(&mut self, submission_id: SubmissionId) -> &mut SubmissionNews {
        let known = self
            .submissions
            .iter()
            .position(|news| news.submission_id == submission_id);
        let index = known.unwrap_or_else(|| {
            self.submissions.push(SubmissionNews {
                submission_id,
                grouping_key: None,
                grouping_method: None,
                layout_id: None,
                duplicate_of: None,
                state: None,
                reason: None,
                rows_in: None,
                rows_accepted: None,
                rows_rejected: None,
                months_won: None,
            });
            self.submissions.len() - 1
        });
        &mut self.submissions[index]
    }

    pub(crate) fn has_failed_builds(&self) -> bool {
        self.canonical
            .iter()
            .any(|news| matches!(news.built, BuiltMonth::Failed { .. }))
    }

    /// The submissions that this run touched, one line each, and what is to be said about them.
    pub(crate) fn submissions_text(&self) -> String {
        let mut table = Table::new([
            "submission",
            "group",
            "layout",
            "#rows in",
            "#accepted",
            "#rejected",
            "state",
        ]);
        let rows = |rows: Option<u64>| rows.map_or_else(String::new, count);
        for news in &self.submissions {
            table.row([
                short(news.submission_id),
                news.grouping_key.clone().unwrap_or_default(),
                news.layout_id
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
                rows(news.rows_in),
                rows(news.rows_accepted),
                rows(news.rows_rejected),
                news.state
                    .map(|state| state.as_str().to_owned())
                    .unwrap_or_default(),
            ]);
        }
        if table.is_empty() {
            return String::new();
        }
        let mut text = format!("{table}\n");
        for news in &self.submissions {
            if let Some(first) = news.duplicate_of {
                let id = short(news.submission_id);
                text += &format!("\n{id}: the same content as submission {}", short(first));
            }
            if let Some(reason) = &news.reason {
                text += &format!("\n{}: {reason}", short(news.submission_id));
            }
        }
        text.trim_end().to_owned() + "\n"
    }

    pub(crate) fn waiting_text(&self) -> String {
        let line = |group: &WaitingGroup| {
            let at = instant(group.closes_at);
            format!(
                "waiting: {} closes at {at} unless something in it changes\n",
                group.grouping_key
            )
        };
        self.waiting.iter().map(line).collect()
    }

    /// How many canonical months ended how.
    pub(crate) fn canonical_text(&self) -> String {
        let (mut built, mut rows, mut skipped, mut failed) = (0_u64, 0_u64, 0_u64, 0_u64);
        // One month may fail for the same reason as a hundred others.
        let mut reasons: BTreeMap<&str, Vec<&MonthKey>> = BTreeMap::new();
        for news in &self.canonical {
            match &news.built {
                BuiltMonth::Succeeded { rows: of_month, .. } => {
                    built += 1;
                    rows += of_month;
                }
                BuiltMonth::Skipped { .. } => skipped += 1,
                BuiltMonth::Failed { reason } => {
                    failed += 1;
                    reasons.entry(reason).or_default().push(&news.key);
                }
            }
        }
        let mut text = format!("{} built, {}", plural(built, "month"), plural(rows, "row"));
        if skipped > 0 {
            text += &format!("; {} unchanged", count(skipped));
        }
        if failed > 0 {
            text += &format!("; {} FAILED", count(failed));
        }
        for (reason, months) in reasons {
            let more = match months.len() {
                1 => String::new(),
                many => format!(" and {} more", many - 1),
            };
            text += &format!("\n  {}{more}: {reason}", months[0]);
        }
        text
    }
}
