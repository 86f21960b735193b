//! The demo's outcome as a person reads it.

use std::collections::BTreeMap;

use super::outcome::{CanonicalMonth, LayoutReason, Outcome};
use crate::cli::output::{Answer, Table, count, count_if_any, plural, short, size};
use crate::cli::project::shown_path;

/// More than these are told by their number; `--format json` has all.
const MONTHS_SHOWN_MAX: usize = 12;
const REASONS_SHOWN_MAX: usize = 12;
const CHANGES_SHOWN_MAX: usize = 6;

impl Answer for Outcome {
    fn text(&self) -> String {
        let mut text = format!(
            "a project in {}\n\n{}\n",
            shown_path(&self.project),
            self.submissions_text()
        );
        text += &reasons_text(
            "rejected, by reason (the rows wait in quarantine)",
            &self.reject_reasons,
        );
        text += &reasons_text("accepted with a warning, by reason", &self.warnings);
        text += &self.winners_text();
        text += &self.canonical_text();
        for failure in &self.failures {
            text += &format!(
                "FAILED {} {}: {}\n",
                failure.step, failure.subject, failure.error
            );
        }
        for build in &self.failed_builds {
            text += &format!(
                "FAILED canonical {}: {}\n",
                build.key,
                build.reason.as_deref().unwrap_or_default()
            );
        }
        text += &format!("{}\n\ntry next\n", self.time_text());
        if !self.overlaid_by.is_empty() {
            text += &format!("  unset {}\n", self.overlaid_by.join(" "));
        }
        for command in &self.next {
            text += &format!("  {command}\n");
        }
        text
    }
}

impl Outcome {
    fn submissions_text(&self) -> String {
        let mut table = Table::new([
            "submission",
            "group",
            "closed by",
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
                submission.grouping_key.clone(),
                submission.grouping_method.to_owned(),
                submission
                    .layout_id
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
                count_if_any(submission.rows_in),
                count_if_any(submission.rows_accepted),
                count_if_any(submission.rows_rejected),
                count_if_any(submission.warnings),
                submission.state.as_str().to_owned(),
            ]);
        }
        let total = ["total", "", "", ""].map(str::to_owned);
        let [a, b, c, d] = total;
        table.row([
            a,
            b,
            c,
            d,
            count(self.rows_in),
            count(self.rows_accepted),
            count(self.rows_rejected),
            String::new(),
            String::new(),
        ]);
        let mut text = format!("{table}\n");
        for submission in &self.submissions {
            if let Some(reason) = &submission.reason {
                text += &format!("\n{}: {reason}", short(submission.submission_id));
            }
        }
        text + "\n"
    }

    fn winners_text(&self) -> String {
        let changed = self.winners_changed.len();
        let mut text = format!(
            "winners: {} decided; the second wave changed {}\n",
            plural(self.winners as u64, "month"),
            count(changed as u64)
        );
        for change in self.winners_changed.iter().take(CHANGES_SHOWN_MAX) {
            let rows = |rows: Option<i64>| plural(rows.unwrap_or(0), "row");
            text += &format!(
                "  {} {} of {}: {} ({}) instead of {} ({})\n",
                change.key.atomic_month,
                change.key.file_type,
                change.key.submitter_id,
                short(change.to),
                rows(change.rows_now),
                short(change.from),
                rows(change.rows_before)
            );
        }
        if changed > CHANGES_SHOWN_MAX {
            text += &format!("  and {} more\n", changed - CHANGES_SHOWN_MAX);
        }
        text + "\n"
    }

    fn time_text(&self) -> String {
        let of = |steps: &[&str]| {
            steps
                .iter()
                .filter_map(|step| self.step_seconds.get(*step))
                .sum::<f64>()
        };
        let parse = of(&["parse"]);
        let gold = of(&["submitter_gold", "canonical_rebuild"]);
        format!(
            "{:.1} s from the inbox to the statewide tables: {} inspected in {parse:.2} s ({:.1} MB/s), gold in \
             {gold:.1} s, the rest in {:.1} s",
            self.elapsed_seconds,
            size(self.bytes_read),
            self.megabytes_per_second,
            (self.elapsed_seconds - parse - gold).max(0.0)
        )
    }

    /// The months in which most layouts meet, and a total for each statewide table.
    fn canonical_text(&self) -> String {
        let mut tables: BTreeMap<String, Vec<&CanonicalMonth>> = BTreeMap::new();
        for month in &self.canonical {
            tables
                .entry(format!("{}/{}", month.state, month.file_type))
                .or_default()
                .push(month);
        }
        let mut text = String::new();
        for (name, months) in tables {
            let mut shown = months.clone();
            shown.sort_by_key(|month| {
                (
                    std::cmp::Reverse(month.layouts.len()),
                    std::cmp::Reverse(month.rows),
                )
            });
            shown.truncate(MONTHS_SHOWN_MAX);
            shown.sort_by_key(|month| month.atomic_month);
            let mut table = Table::new(["month", "#rows", "submitters", "layouts"]);
            for month in &shown {
                table.row([
                    month.atomic_month.to_string(),
                    count(month.rows),
                    join(&month.submitters),
                    join(&month.layouts),
                ]);
            }
            let rest = months.len() - shown.len();
            if rest > 0 {
                let others: i64 = months.iter().map(|month| month.rows).sum::<i64>()
                    - shown.iter().map(|month| month.rows).sum::<i64>();
                table.row([
                    format!("{rest} others"),
                    count(others),
                    String::new(),
                    String::new(),
                ]);
            }
            let all = months.iter().map(|month| month.rows).sum::<i64>();
            table.row(["total".to_owned(), count(all), String::new(), String::new()]);
            text += &format!("statewide canonical rows, {name}\n\n{table}\n\n");
        }
        text
    }
}

fn join(names: &std::collections::BTreeSet<String>) -> String {
    names
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

fn reasons_text(title: &str, reasons: &[LayoutReason]) -> String {
    if reasons.is_empty() {
        return String::new();
    }
    let mut table = Table::new(["#rows", "layout", "column", "rule", "expected"]);
    for reason in reasons.iter().take(REASONS_SHOWN_MAX) {
        table.row([
            count(reason.rows),
            reason.layout_id.to_string(),
            reason.column.clone().unwrap_or_else(|| "(row)".to_owned()),
            reason.rule.clone(),
            reason.expected.clone(),
        ]);
    }
    let more = match reasons.len().saturating_sub(REASONS_SHOWN_MAX) {
        0 => String::new(),
        more => format!("and {more} more\n"),
    };
    format!("{title}\n\n{table}\n{more}\n")
}
