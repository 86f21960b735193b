//! `inspect`: one file by one contract. No project and no database; the inspector, the rules and
//! the verdict are those of a submission.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use chrono::Utc;
use clap::Args;
use contract::{LayoutId, SubmitterId};
use lake::RowsForm;
use pipeline::{
    FileReport, Inspection, InspectionOutcome, Layout, Output, Outputs, ParseReport, ReasonCount,
    Source, inspect_file,
};
use serde::Serialize;

use super::contract::load_documented;
use super::findings::{months_text, reasons_table, thresholds_table};
use super::output::{Answer, Format, Table, count, pairs, plural, show, size, text_of};
use super::progress::bytes_bar;
use super::project::shown_path;
use super::{Done, Failure, Globals};

const STDIN: &str = "-";

#[derive(Debug, Args)]
pub(crate) struct Call {
    /// The file, as it is or packed (gzip, zstd, ZIP); `-` reads standard input
    file: PathBuf,
    /// A layout of the project or the library such as medical_claim@v1, or a contract's file
    #[arg(long, short)]
    contract: String,
    /// Write accepted rows to a file: .parquet, .csv or .jsonl
    #[arg(long, value_name = "OUT")]
    accepted: Option<PathBuf>,
    /// Write rejected rows with their text and reasons to a file: .parquet, .csv or .jsonl
    #[arg(long, value_name = "OUT")]
    rejected: Option<PathBuf>,
    /// Write what was found to a file: .json, or .txt as it is shown
    #[arg(long, value_name = "OUT")]
    report: Option<PathBuf>,
    /// The name that the file is submitted under, where the contract reads the month from it
    #[arg(long)]
    name: Option<String>,
    /// Whose file it is: their waivers count
    #[arg(long)]
    submitter: Option<SubmitterId>,
    /// Replace output files that exist
    #[arg(long)]
    overwrite: bool,
}

/// What was found, and where the rows went.
#[derive(Debug, Serialize)]
struct Inspected {
    file: String,
    layout_id: LayoutId,
    title: String,
    #[serde(flatten)]
    inspection: Inspection,
    accepted_file: Option<String>,
    rejected_file: Option<String>,
    elapsed_seconds: f64,
    bytes_per_second: f64,
}

pub(crate) async fn run(globals: &Globals, call: &Call) -> Result<Done, Failure> {
    let (contract, text) = load_documented(globals, &call.contract)?;
    let (layout_id, title) = (contract.layout.clone(), contract.title.clone());
    let layout = Arc::new(Layout::compile(contract, text).await?);
    let report_format = call.report.as_deref().map(report_format).transpose()?;
    let outputs = Outputs {
        accepted: output("--accepted", call.accepted.as_deref())?,
        rejected: output("--rejected", call.rejected.as_deref())?,
    };
    call.refuse_outputs_in_the_way()?;
    let (source, shown, name) = call.source()?;

    let bar = bytes_bar(format!("inspecting {shown}"), source.size_bytes());
    let started = Instant::now();
    let today = Utc::now().date_naive();
    let submitter = call.submitter.clone();
    let watch = |bytes| bar.inc(bytes);
    let inspection = inspect_file(layout, submitter, today, (&name, &source), outputs, &watch);
    let inspection = inspection.await;
    let (elapsed_seconds, bytes) = (started.elapsed().as_secs_f64(), bar.position());
    bar.finish_and_clear();
    let inspection = inspection?;

    let done = match inspection.outcome {
        InspectionOutcome::Accepted => Done::Well,
        InspectionOutcome::SomeRejected => Done::SomeRejected,
        InspectionOutcome::Failed => Done::WithFaults,
    };
    let is_written = inspection.report.is_some();
    let written = |file: &Option<PathBuf>| {
        let file = file.as_deref().filter(|_| is_written);
        file.map(shown_path)
    };
    let inspected = Inspected {
        file: shown,
        layout_id,
        title,
        accepted_file: written(&call.accepted),
        rejected_file: written(&call.rejected),
        inspection,
        elapsed_seconds,
        bytes_per_second: bytes as f64 / elapsed_seconds.max(f64::EPSILON),
    };
    if let (Some(path), Some(format)) = (&call.report, report_format) {
        let text = text_of(format, &inspected)?;
        std::fs::write(path, text)
            .with_context(|| format!("{} could not be written", shown_path(path)))?;
    }
    show(globals.format, &inspected)?;
    Ok(done)
}

impl Call {
    /// Where the bytes come from, what that is called, and the file's name in the report.
    fn source(&self) -> Result<(Source, String, String), Failure> {
        if self.file == Path::new(STDIN) {
            let name = self.name.clone().unwrap_or_else(|| "stdin".to_owned());
            return Ok((Source::Stdin, "standard input".to_owned(), name));
        }
        let shown = shown_path(&self.file);
        let source = Source::file(self.file.clone()).map_err(|error| {
            let error = anyhow::Error::from(error);
            Failure::Unusable(super::failure::with_causes(&error))
        })?;
        let base = self.file.file_name().unwrap_or_default();
        let name = self.name.clone();
        let name = name.unwrap_or_else(|| base.to_string_lossy().into_owned());
        Ok((source, shown, name))
    }

    /// No output may replace a file without leave, the input never, and no two be one file.
    fn refuse_outputs_in_the_way(&self) -> Result<(), Failure> {
        let outputs = [&self.accepted, &self.rejected, &self.report];
        let mut named = Vec::new();
        for path in outputs.into_iter().flatten() {
            let shown = shown_path(path);
            if path.is_dir() {
                return Err(Failure::refused(format!(
                    "{shown} is a folder: name a file"
                )));
            }
            let parent = path
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty());
            if let Some(parent) = parent.filter(|parent| !parent.is_dir()) {
                return Err(Failure::refused(format!(
                    "{} does not exist: make the folder first",
                    shown_path(parent)
                )));
            }
            if path.exists() {
                let is_input = path.canonicalize().ok() == self.file.canonicalize().ok();
                if is_input {
                    return Err(Failure::refused(format!(
                        "{shown} is the file to be inspected: choose another name"
                    )));
                }
                if !self.overwrite {
                    return Err(Failure::refused(format!(
                        "{shown} exists already: choose another name, or --overwrite"
                    )));
                }
            }
            let absolute = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            if named.contains(&absolute) {
                return Err(Failure::refused(format!("{shown} is named twice")));
            }
            named.push(absolute);
        }
        Ok(())
    }
}

fn output<'a>(option: &str, path: Option<&'a Path>) -> Result<Option<Output<'a>>, Failure> {
    let Some(path) = path else {
        return Ok(None);
    };
    let form = RowsForm::of(path).ok_or_else(|| {
        Failure::Unusable(format!(
            "{option}: name a file that ends in .parquet, .csv or .jsonl"
        ))
    })?;
    Ok(Some((path, form)))
}

fn report_format(path: &Path) -> Result<Format, Failure> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("json") => Ok(Format::Json),
        Some("txt") => Ok(Format::Table),
        _ => Err(Failure::Unusable(
            "--report: name a file that ends in .json or .txt".into(),
        )),
    }
}

impl Answer for Inspected {
    fn text(&self) -> String {
        let mut text = format!("{}, as {} ({})\n", self.file, self.layout_id, self.title);
        if let Some(report) = &self.inspection.report {
            for file in &report.files {
                text += &file_text(file, report.files.len() > 1);
            }
            for archive in &report.archives {
                for member in &archive.passed_over {
                    text += &format!("not read: {} ({})\n", member.member, member.why);
                }
            }
            text += &reasons_text(report);
        }
        text += "\n";
        text += &self.verdict();
        text
    }
}

fn file_text(file: &FileReport, is_one_of_several: bool) -> String {
    let mut text = String::new();
    if is_one_of_several {
        text += &format!("\n{}\n", file.file_name);
    }
    let passed = [
        (file.preamble_lines, "preamble line"),
        (file.comment_lines, "comment line"),
        (file.repeated_headers, "repeated header"),
        (file.control_records, "control record"),
        (file.footer_lines, "footer line"),
        (file.blank_lines, "blank line"),
    ];
    let passed = passed.iter().filter(|(lines, _)| *lines > 0);
    let passed: Vec<_> = passed.map(|(lines, what)| plural(*lines, what)).collect();
    text += &pairs(&[
        ("size", size(file.size_bytes)),
        ("encoding", encoding(file)),
        ("besides rows", passed.join(", ")),
        ("not in the contract", unknown(file.unknown_columns)),
        ("not in the file", file.missing_columns.join(", ")),
    ]);
    text += &format!("\n{}\n", columns_table(file));
    if !file.thresholds.is_empty() {
        text += &format!("\nthresholds\n{}\n", thresholds_table(&file.thresholds));
    }
    for finding in &file.findings {
        text += &format!("\n{}: {}\n", finding.severity.as_str(), finding.named());
    }
    text
}

fn encoding(file: &FileReport) -> String {
    let mark = if file.byte_order_mark {
        " with a byte-order mark"
    } else {
        ""
    };
    format!("{}{mark}", file.encoding.as_str())
}

fn unknown(columns: u64) -> String {
    match columns {
        0 => String::new(),
        columns => format!("{}, not read", plural(columns, "column")),
    }
}

fn columns_table(file: &FileReport) -> Table {
    let mut table = Table::new(["column", "#values", "#empty", "#broken", "min", "max"]);
    for column in &file.columns {
        table.row([
            column.column.clone(),
            count(column.rows - column.nulls),
            count(column.nulls),
            count(column.broken),
            column.min.clone().unwrap_or_default(),
            column.max.clone().unwrap_or_default(),
        ]);
    }
    table
}

fn reasons_text(report: &ParseReport) -> String {
    let mut text = String::new();
    let months = report.months.iter();
    let months: Vec<_> = months.map(|(month, rows)| (*month, *rows as i64)).collect();
    if months.iter().any(|(month, _)| month.is_known()) {
        text += &format!("\n{}\n", months_text(&months));
    }
    let reasons: [(&str, &[ReasonCount]); 3] = [
        ("warnings by reason", &report.warnings),
        ("rows that fail the file", &report.failures),
        (
            "rejected rows by reason (a row counts under each of its reasons)",
            &report.reject_reasons,
        ),
    ];
    for (title, reasons) in reasons {
        if !reasons.is_empty() {
            text += &format!("\n{title}\n{}\n", reasons_table(reasons));
        }
    }
    text
}

impl Inspected {
    /// How it ended, where the rows are, and what to do next.
    fn verdict(&self) -> String {
        let Inspection {
            outcome,
            reason,
            report,
        } = &self.inspection;
        let mut text = match outcome {
            InspectionOutcome::Accepted => "ACCEPTED".to_owned(),
            InspectionOutcome::SomeRejected => "SOME ROWS REJECTED".to_owned(),
            InspectionOutcome::Failed => "FAILED".to_owned(),
        };
        if let Some(report) = report {
            text += &format!(
                ": {} in, {} accepted, {} rejected",
                plural(report.rows_in, "row"),
                count(report.rows_accepted),
                count(report.rows_rejected)
            );
        }
        if let Some(reason) = reason {
            text += &format!("\n{reason}");
        }
        if report.is_some() {
            let rate = size(self.bytes_per_second as u64);
            text += &format!("\ntook {:.1} s, {rate}/s", self.elapsed_seconds);
        }
        for (file, what) in [
            (&self.accepted_file, "accepted rows"),
            (&self.rejected_file, "rejected rows and why"),
        ] {
            if let Some(file) = file {
                text += &format!("\n{what}: {file} (patients' data)");
            }
        }
        let rejected = report.as_ref().map_or(0, |report| report.rows_rejected);
        if rejected > 0 && self.rejected_file.is_none() {
            text +=
                "\nnext: --rejected OUT.csv writes the rejected rows with their text and reasons";
        }
        text
    }
}
