mod export;

use std::path::PathBuf;

use clap::Subcommand;
use contract::SubmissionId;
use lake::{QuarantinedRow, SubmissionPlace, read_quarantine};
use pipeline::{Pipeline, ReasonCount, mask};
use serde::Serialize;
use serde_json::json;
use store::{Audit, Submission, SubmissionFilter};

use crate::cli::findings::reasons_table;
use crate::cli::output::{Answer, Table, count, count_if_any, plural, short, show};
use crate::cli::submission::parse_report;
use crate::cli::{Done, Failure, Globals, actor, project};

#[derive(Debug, Subcommand)]
pub(crate) enum Call {
    /// Submissions with rejected rows; with a submission, its rejects by reason
    List {
        /// A submission's id, or at least 6 characters of its beginning or end
        submission: Option<String>,
    },
    /// Rejected rows with every reason; their text is masked
    Show {
        /// A submission's id, or at least 6 characters of its beginning or end
        submission: String,
        /// At most so many rows
        #[arg(long, default_value_t = 20)]
        limit: usize,
        /// Show the rows' text as it came, and write into the audit log that you did
        #[arg(long)]
        reveal: bool,
    },
    /// All rejected rows with their text into a file; written into the audit log
    Export {
        /// A submission's id, or at least 6 characters of its beginning or end
        submission: String,
        /// FILE.csv or FILE.jsonl; it must not exist yet
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
}

pub(crate) async fn run(globals: &Globals, call: Call) -> Result<Done, Failure> {
    let pipeline = project::open_to_read(globals).await?;
    match call {
        Call::List { submission: None } => list_all(globals, &pipeline).await,
        Call::List {
            submission: Some(named),
        } => list_one(globals, &pipeline, &named).await,
        Call::Show {
            submission,
            limit,
            reveal,
        } => show_rows(globals, &pipeline, &submission, limit, reveal).await,
        Call::Export { submission, to } => export::run(globals, &pipeline, &submission, &to).await,
    }
}

#[derive(Debug, Serialize)]
struct Listed {
    submissions: Vec<RejectsOfSubmission>,
}

#[derive(Debug, Serialize)]
struct RejectsOfSubmission {
    submission_id: SubmissionId,
    grouping_key: String,
    layout_id: Option<String>,
    state: &'static str,
    rows_in: Option<i64>,
    rows_rejected: Option<i64>,
    reject_reasons: Vec<ReasonCount>,
}

async fn list_all(globals: &Globals, pipeline: &Pipeline) -> Result<Done, Failure> {
    let all = pipeline
        .store
        .submissions(&SubmissionFilter::default())
        .await?;
    let mut submissions = Vec::new();
    for submission in all
        .iter()
        .filter(|submission| submission.rows_rejected.unwrap_or(0) > 0)
    {
        submissions.push(rejects_of(pipeline, submission).await?);
    }
    show(globals.format, &Listed { submissions })?;
    Ok(Done::Well)
}

async fn rejects_of(
    pipeline: &Pipeline,
    submission: &Submission,
) -> Result<RejectsOfSubmission, Failure> {
    let report = parse_report(pipeline, submission).await?;
    Ok(RejectsOfSubmission {
        submission_id: submission.submission_id,
        grouping_key: submission.grouping_key.clone(),
        layout_id: submission.layout().map(|layout| layout.to_string()),
        state: submission.state.as_str(),
        rows_in: submission.rows_in,
        rows_rejected: submission.rows_rejected,
        reject_reasons: report
            .map(|report| report.reject_reasons)
            .unwrap_or_default(),
    })
}

impl Answer for Listed {
    fn text(&self) -> String {
        if self.submissions.is_empty() {
            return "no rejected rows".into();
        }
        let mut table = Table::new([
            "submission",
            "group",
            "layout",
            "state",
            "#rows in",
            "#rejected",
            "most often",
        ]);
        for rejects in &self.submissions {
            let most = rejects.reject_reasons.first().map(|reason| {
                let rule = name(reason.column.as_deref(), &reason.rule);
                format!("{rule} ({})", count(reason.rows))
            });
            table.row([
                short(rejects.submission_id),
                rejects.grouping_key.clone(),
                rejects.layout_id.clone().unwrap_or_default(),
                rejects.state.to_owned(),
                count_if_any(rejects.rows_in),
                count_if_any(rejects.rows_rejected),
                most.unwrap_or_default(),
            ]);
        }
        table.to_string()
    }
}

/// `column: rule`, or the rule alone where it is about the whole row.
fn name(column: Option<&str>, rule: &str) -> String {
    column.map_or_else(|| rule.to_owned(), |column| format!("{column}: {rule}"))
}

async fn list_one(globals: &Globals, pipeline: &Pipeline, named: &str) -> Result<Done, Failure> {
    let submission = project::find_submission(pipeline, named).await?;
    show(globals.format, &rejects_of(pipeline, &submission).await?)?;
    Ok(Done::Well)
}

impl Answer for RejectsOfSubmission {
    fn text(&self) -> String {
        let id = short(self.submission_id);
        match (self.rows_in, self.rows_rejected) {
            (Some(rows_in), Some(rejected)) if rejected > 0 => format!(
                "submission {id}, {}: {} of {} rejected (a row counts under each of its reasons)\n\n{}",
                self.grouping_key,
                plural(rejected, "row"),
                count(rows_in),
                reasons_table(&self.reject_reasons)
            ),
            (Some(_), _) => format!("submission {id} has no rejected rows"),
            (None, _) => format!("submission {id} is {}: its rows were not read", self.state),
        }
    }
}

#[derive(Debug, Serialize)]
struct Rows {
    submission_id: SubmissionId,
    rows_rejected: Option<i64>,
    masked: bool,
    rows: Vec<QuarantinedRow>,
}

async fn show_rows(
    globals: &Globals,
    pipeline: &Pipeline,
    named: &str,
    limit: usize,
    reveal: bool,
) -> Result<Done, Failure> {
    let submission = project::find_submission(pipeline, named).await?;
    let mut rows = read(pipeline, &submission, limit).await?;
    if reveal {
        // Before anything is shown: what cannot be recorded is not revealed.
        audit(
            pipeline,
            &submission,
            "quarantine.revealed",
            json!({ "rows": rows.len() }),
        )
        .await?;
    } else {
        for row in &mut rows {
            row.raw_text = mask(&row.raw_text);
        }
    }
    let shown = Rows {
        submission_id: submission.submission_id,
        rows_rejected: submission.rows_rejected,
        masked: !reveal,
        rows,
    };
    show(globals.format, &shown)?;
    Ok(Done::Well)
}

async fn read(
    pipeline: &Pipeline,
    submission: &Submission,
    limit: usize,
) -> Result<Vec<QuarantinedRow>, Failure> {
    let (Some(submitter), Some(layout)) = (&submission.submitter_id, submission.layout()) else {
        return Err(Failure::refused(format!(
            "submission {} is {}: it has no quarantine",
            short(submission.submission_id),
            submission.state.as_str()
        )));
    };
    let place = SubmissionPlace::new(submitter, &layout.file_type, submission.submission_id);
    Ok(read_quarantine(&pipeline.objects, &place, limit).await?)
}

async fn audit(
    pipeline: &Pipeline,
    submission: &Submission,
    action: &str,
    detail: serde_json::Value,
) -> Result<(), Failure> {
    let entry = Audit {
        actor: actor(),
        action: action.to_owned(),
        subject_kind: "submission".to_owned(),
        subject_id: submission.submission_id.to_string(),
        detail,
    };
    Ok(pipeline.store.audit(entry).await?)
}

impl Answer for Rows {
    fn text(&self) -> String {
        if self.rows.is_empty() {
            return format!(
                "submission {} has no rejected rows",
                short(self.submission_id)
            );
        }
        let mut text = String::new();
        for row in &self.rows {
            text += &format!(
                "{} row {} (bytes {} to {})\n",
                row.source_file,
                row.source_row,
                row.source_offset,
                row.source_offset + row.source_length
            );
            for reason in &row.reasons {
                text += &format!(
                    "  {}: {}\n",
                    name(reason.column.as_deref(), &reason.rule),
                    reason.expected
                );
            }
            for line in row.raw_text.lines() {
                text += &format!("  | {line}\n");
            }
        }
        let all = self.rows_rejected.unwrap_or(0);
        if all > self.rows.len() as i64 {
            text += &format!(
                "{} of {} rows: --limit shows more\n",
                self.rows.len(),
                count(all)
            );
        }
        if self.masked {
            text += "the text is masked; --reveal shows it and writes into the audit log that you did\n";
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use lake::QuarantinedReason;

    use super::*;

    pub(super) fn row() -> QuarantinedRow {
        let reason = |column: Option<&str>, rule: &str| QuarantinedReason {
            column: column.map(str::to_owned),
            rule: rule.into(),
            expected: "a date in %Y%m%d".into(),
        };
        QuarantinedRow {
            source_file: "a.csv".into(),
            source_row: 2,
            source_offset: 10,
            source_length: 9,
            reasons: vec![
                reason(Some("thru_date"), "type"),
                reason(None, "field_count"),
            ],
            raw_text: "1,\"x\ny\",2".into(),
        }
    }

    #[test]
    fn rows_say_every_reason() {
        let shown = Rows {
            submission_id: "01890000-0000-7000-8000-00000000abcd".parse().unwrap(),
            rows_rejected: Some(7),
            masked: true,
            rows: vec![QuarantinedRow {
                raw_text: mask("1,\"x\ny\",2"),
                ..row()
            }],
        };
        insta::assert_snapshot!(shown.text(), @r#"
        a.csv row 2 (bytes 10 to 19)
          thru_date: type: a date in %Y%m%d
          field_count: a date in %Y%m%d
          | 9,"x
          | x",9
        1 of 7 rows: --limit shows more
        the text is masked; --reveal shows it and writes into the audit log that you did
        "#);
    }
}
