//! All rejected rows of a submission with their text, into a file: whole or not at all, and
//! written into the audit log before the file is.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use lake::{QuarantinedReason, QuarantinedRow};
use pipeline::Pipeline;
use serde_json::json;

use super::{audit, name, read};
use crate::cli::output::{plural, say};
use crate::cli::{Done, Failure, Globals, project};

#[derive(Clone, Copy)]
enum ExportFormat {
    Csv,
    JsonLines,
}

pub(super) async fn run(
    globals: &Globals,
    pipeline: &Pipeline,
    named: &str,
    to: &Path,
) -> Result<Done, Failure> {
    let format = match to.extension().and_then(|ending| ending.to_str()) {
        Some("csv") => ExportFormat::Csv,
        Some("jsonl") => ExportFormat::JsonLines,
        _ => {
            return Err(Failure::Unusable(
                "--to: name a file that ends in .csv or .jsonl".into(),
            ));
        }
    };
    if to.exists() {
        return Err(Failure::refused(format!(
            "{} exists already: choose another name",
            to.display()
        )));
    }
    let submission = project::find_submission(pipeline, named).await?;
    let rows = read(pipeline, &submission, usize::MAX).await?;
    audit(
        pipeline,
        &submission,
        "quarantine.exported",
        json!({ "rows": rows.len() }),
    )
    .await?;
    write_whole(to, |file| match format {
        ExportFormat::Csv => write_csv(file, &rows),
        ExportFormat::JsonLines => write_json_lines(file, &rows),
    })
    .with_context(|| format!("{} could not be written", to.display()))?;
    let rows = plural(rows.len() as u64, "row");
    say(
        globals.format,
        format!(
            "wrote {rows} to {}: it holds patients' data as it came",
            to.display()
        ),
    )?;
    Ok(Done::Well)
}

/// Writes beside the file and renames: what stands under the name is whole. Nobody but the
/// owner may read it.
fn write_whole(
    to: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut partial = to.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = BufWriter::new(options.open(&partial)?);
    write(&mut file)?;
    file.into_inner()?.sync_all()?;
    Ok(std::fs::rename(&partial, to)?)
}

fn write_csv(file: &mut impl Write, rows: &[QuarantinedRow]) -> anyhow::Result<()> {
    let mut csv = csv::Writer::from_writer(file);
    csv.write_record([
        "source_file",
        "source_row",
        "source_offset",
        "source_length",
        "reasons",
        "raw_text",
    ])?;
    for row in rows {
        let one = |reason: &QuarantinedReason| name(reason.column.as_deref(), &reason.rule);
        let reasons: Vec<String> = row.reasons.iter().map(one).collect();
        csv.write_record([
            &row.source_file,
            &row.source_row.to_string(),
            &row.source_offset.to_string(),
            &row.source_length.to_string(),
            &reasons.join("; "),
            &row.raw_text,
        ])?;
    }
    Ok(csv.flush()?)
}

fn write_json_lines(file: &mut impl Write, rows: &[QuarantinedRow]) -> anyhow::Result<()> {
    for row in rows {
        serde_json::to_writer(&mut *file, row)?;
        file.write_all(b"\n")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::row;
    use super::*;

    #[test]
    fn a_csv_export_keeps_the_text_as_it_came() {
        let mut file = Vec::new();
        write_csv(&mut file, &[row()]).unwrap();
        let text = String::from_utf8(file).unwrap();
        let mut read = csv::Reader::from_reader(text.as_bytes());
        let record = read.records().next().unwrap().unwrap();
        assert_eq!(&record[4], "thru_date: type; field_count");
        assert_eq!(&record[5], "1,\"x\ny\",2");
    }

    #[test]
    fn a_failed_export_leaves_nothing_under_the_name() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("out.csv");
        write_whole(&to, |_| anyhow::bail!("the disk is full")).unwrap_err();
        assert!(!to.exists());
        write_whole(&to, |file| write_json_lines(file, &[row()])).unwrap();
        let text = std::fs::read_to_string(&to).unwrap();
        assert_eq!(text.lines().count(), 1);
        assert!(text.contains("\"rule\":\"field_count\""));
    }
}
