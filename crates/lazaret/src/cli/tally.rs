//! What a run did, gathered from what the pipeline tells as it goes.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use contract::{LayoutId, SubmissionId};
use pipeline::{BuiltMonth, Discovery, Event};
use serde::Serialize;
use store::{GroupingMethod, MonthKey, Store, StoreError, SubmissionState};

use super::output::{Table, count, count_if_any, instant, plural, short};

#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Tally {
    pub(crate) discovery: Discovery,
    pub(crate) waiting: Vec<WaitingGroup>,
    pub(crate) submissions: Vec<SubmissionNews>,
    pub(crate) submitter_gold: GoldCount,
    pub(crate) canonical: Vec<CanonicalNews>,
    /// Bytes that went through the inspector.
    pub(crate) bytes_read: u64,
    /// In the order in which the run came to them.
    #[serde(skip)]
    touched: Vec<(SubmissionId, Option<usize>)>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct WaitingGroup {
    pub(crate) grouping_key: String,
    pub(crate) closes_at: DateTime<Utc>,
}

/// What became of one submission that this run touched.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SubmissionNews {
    pub(crate) submission_id: SubmissionId,
    pub(crate) grouping_key: String,
    pub(crate) grouping_method: GroupingMethod,
    pub(crate) layout_id: Option<LayoutId>,
    pub(crate) duplicate_of: Option<SubmissionId>,
    pub(crate) state: SubmissionState,
    pub(crate) reason: Option<String>,
    pub(crate) rows_in: Option<i64>,
    pub(crate) rows_accepted: Option<i64>,
    pub(crate) rows_rejected: Option<i64>,
    /// Null where it did not compete in this run.
    pub(crate) months_won: Option<usize>,
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
            Event::Parsing {
                submission, bytes, ..
            } => {
                self.touch(*submission);
                self.bytes_read += bytes;
            }
            Event::Registered { submission, .. }
            | Event::Staged { submission, .. }
            | Event::Parsed { submission, .. }
            | Event::ParseFailed { submission, .. }
            | Event::Validated { submission, .. } => {
                self.touch(*submission);
            }
            Event::Competed {
                submission,
                months_won,
            } => *self.touch(*submission) = Some(*months_won),
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

    fn touch(&mut self, id: SubmissionId) -> &mut Option<usize> {
        let known = self.touched.iter().position(|(touched, _)| *touched == id);
        let index = known.unwrap_or_else(|| {
            self.touched.push((id, None));
            self.touched.len() - 1
        });
        &mut self.touched[index].1
    }

    /// Reads how the submissions that were touched stand now.
    pub(crate) async fn complete(&mut self, store: &Store) -> Result<(), StoreError> {
        for (id, months_won) in &self.touched {
            let Some(submission) = store.submission(*id).await? else {
                continue;
            };
            self.submissions.push(SubmissionNews {
                submission_id: *id,
                layout_id: submission.layout(),
                grouping_key: submission.grouping_key,
                grouping_method: submission.grouping_method,
                duplicate_of: submission.duplicate_of,
                state: submission.state,
                reason: submission.state_reason,
                rows_in: submission.rows_in,
                rows_accepted: submission.rows_accepted,
                rows_rejected: submission.rows_rejected,
                months_won: *months_won,
            });
        }
        Ok(())
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
        for news in &self.submissions {
            table.row([
                short(news.submission_id),
                news.grouping_key.clone(),
                news.layout_id
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
                count_if_any(news.rows_in),
                count_if_any(news.rows_accepted),
                count_if_any(news.rows_rejected),
                news.state.as_str().to_owned(),
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
