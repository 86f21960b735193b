//! What parsing a submission found: `parse_report.json`, and what the verdict rests on.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use contract::{AtomicMonth, Encoding, LayoutId, Severity, SubmissionId};
use inspect::{ColumnStatistics, FileEnd, Finding, Problem, Statistics};
use serde::{Deserialize, Serialize};

use super::archive::ArchiveReport;
use super::threshold::ThresholdReport;

/// The report of one submission. Holds counts and the contract's own words, never values.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ParseReport {
    /// None of a file that was inspected by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submission_id: Option<SubmissionId>,
    pub layout_id: LayoutId,
    pub contract_hash: String,
    pub rows_in: u64,
    pub rows_accepted: u64,
    pub rows_rejected: u64,
    pub months: BTreeMap<AtomicMonth, u64>,
    /// Why rows were rejected. A row counts once under each of its reasons.
    pub reject_reasons: Vec<ReasonCount>,
    /// Rules of severity `warn` that accepted rows break.
    pub warnings: Vec<ReasonCount>,
    /// Rules of severity `fail` that rows break: each fails the submission.
    pub failures: Vec<ReasonCount>,
    pub files: Vec<FileReport>,
    /// ZIP archives, whose members are among the files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub archives: Vec<ArchiveReport>,
}

/// Says so where more rows were rejected than may be.
pub(crate) fn over_limit(report: &ParseReport, limit: f64) -> Option<String> {
    let ratio = report.rows_rejected as f64 / report.rows_in.max(1) as f64;
    (ratio > limit).then(|| {
        format!(
            "{} of {} rows were rejected, {:.1}%, and the limit is {:.1}%",
            report.rows_rejected,
            report.rows_in,
            ratio * 100.0,
            limit * 100.0
        )
    })
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FileReport {
    /// Of a member of an archive, the archive's name and its own: `claims.zip/2024/claims.csv`.
    pub file_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<String>,
    /// Of the file as it was submitted; empty where it was not.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sha256: String,
    /// Of a member of an archive, as it is unpacked.
    pub size_bytes: u64,
    pub rows_in: u64,
    pub rows_accepted: u64,
    pub rows_rejected: u64,
    /// As found: UTF-16 with its byte order.
    pub encoding: Encoding,
    pub byte_order_mark: bool,
    /// Records that are no rows, by what they are.
    pub blank_lines: u64,
    pub preamble_lines: u64,
    pub comment_lines: u64,
    pub repeated_headers: u64,
    pub control_records: u64,
    pub footer_lines: u64,
    pub lf_line_ends: u64,
    pub crlf_line_ends: u64,
    pub record_separators: u64,
    /// What is wrong with the file as a whole.
    pub findings: Vec<FindingReport>,
    /// How many columns of the header the contract does not know; their fields are not kept.
    /// Their names are not here: a file without a header has a patient in its first line.
    pub unknown_columns: u64,
    /// Optional columns of the contract that the header lacks; they are null in every row.
    pub missing_columns: Vec<String>,
    pub columns: Vec<ColumnReport>,
    /// What the contract's thresholds came to, those that hold included.
    pub thresholds: Vec<ThresholdReport>,
}

impl FileReport {
    /// The name of the file that was submitted: that of the archive which holds this one.
    pub(crate) fn submitted_name(&self) -> &str {
        self.archive.as_deref().unwrap_or(&self.file_name)
    }

    /// Adds what is known only at the file's end.
    pub(crate) fn end(&mut self, end: FileEnd, statistics: &Statistics) {
        self.encoding = end.encoding;
        self.blank_lines = end.blank_lines;
        self.preamble_lines = end.passed.preamble.records;
        self.comment_lines = end.passed.comments.records;
        self.repeated_headers = end.passed.repeated_headers.records;
        self.control_records = end.passed.control.records;
        self.footer_lines = end.passed.footer.records;
        self.record_separators = end.line_ends.separators;
        self.findings = end.findings.iter().map(FindingReport::from).collect();
        self.lf_line_ends = end.line_ends.lf;
        self.crlf_line_ends = end.line_ends.crlf;
        self.byte_order_mark = end.had_bom;
        self.unknown_columns = end.unknown_columns.len() as u64;
        self.missing_columns = end.absent_columns.iter().map(ToString::to_string).collect();
        self.columns = statistics.columns.iter().map(ColumnReport::from).collect();
    }
}

/// Something that is wrong with a file as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingReport {
    pub severity: Severity,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    pub rule: String,
    pub detail: String,
}

impl From<&Finding> for FindingReport {
    fn from(finding: &Finding) -> Self {
        Self {
            severity: finding.severity,
            column: finding.problem.column.as_deref().map(str::to_owned),
            rule: finding.problem.rule.to_string(),
            detail: finding.problem.detail.to_string(),
        }
    }
}

impl FindingReport {
    /// The rule with its column and what it found: `` `paid`: control (…) ``.
    pub fn named(&self) -> String {
        let Self {
            column,
            rule,
            detail,
            ..
        } = self;
        match column {
            Some(column) => format!("`{column}`: {rule} ({detail})"),
            None => format!("{rule} ({detail})"),
        }
    }
}

/// One column's counts over a file. Extremes are of numbers and dates that identify nobody.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ColumnReport {
    pub column: String,
    pub rows: u64,
    pub nulls: u64,
    /// Cells that broke a check.
    pub broken: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<String>,
}

impl From<&ColumnStatistics> for ColumnReport {
    fn from(column: &ColumnStatistics) -> Self {
        Self {
            column: column.column.to_string(),
            rows: column.rows,
            nulls: column.nulls,
            broken: column.broken,
            min: column.min.map(|value| value.to_string()),
            max: column.max.map(|value| value.to_string()),
        }
    }
}

/// How many rows broke a rule, and the first of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonCount {
    pub column: Option<String>,
    pub rule: String,
    pub expected: String,
    pub rows: u64,
    pub first_file: String,
    pub first_row: u64,
    /// What the contract says of a rule of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived_until: Option<NaiveDate>,
}

impl ReasonCount {
    /// The rule with its column: `` `paid`: range ``.
    pub fn named(&self) -> String {
        match &self.column {
            Some(column) => format!("`{column}`: {}", self.rule),
            None => self.rule.clone(),
        }
    }
}

/// Counts reasons while rows pass.
#[derive(Debug, Default)]
pub(crate) struct ReasonCounter {
    counts: BTreeMap<(Option<String>, String, String), (u64, String, u64)>,
}

impl ReasonCounter {
    pub(crate) fn add(&mut self, file: &str, row: u64, problem: &Problem) {
        let key = (
            problem.column.as_deref().map(str::to_owned),
            problem.rule.to_string(),
            problem.expected().to_owned(),
        );
        let (rows, _, _) = self
            .counts
            .entry(key)
            .or_insert_with(|| (0, file.to_owned(), row));
        *rows += 1;
    }

    /// Most frequent first.
    pub(crate) fn into_counts(self) -> Vec<ReasonCount> {
        let mut counts: Vec<ReasonCount> = self
            .counts
            .into_iter()
            .map(
                |((column, rule, expected), (rows, first_file, first_row))| ReasonCount {
                    column,
                    rule,
                    expected,
                    rows,
                    first_file,
                    first_row,
                    tier: None,
                    category: None,
                    waived_until: None,
                },
            )
            .collect();
        counts.sort_by_key(|reason| std::cmp::Reverse(reason.rows));
        counts
    }
}
