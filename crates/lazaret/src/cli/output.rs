//! How an answer is shown: plain aligned text for people, stable JSON for programs.

use std::fmt;
use std::io::{self, Write};

use anyhow::Context;
use chrono::{DateTime, SecondsFormat, Utc};
use clap::ValueEnum;
use comfy_table::{CellAlignment, ContentArrangement, presets};
use contract::SubmissionId;
use serde::Serialize;

use super::Failure;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned text
    Table,
    /// One JSON document
    Json,
}

/// What a command answers: its fields are the JSON, `text` says the same for people.
pub(crate) trait Answer: Serialize {
    fn text(&self) -> String;
}

/// Writes the answer to stdout.
pub(crate) fn show(format: Format, answer: &impl Answer) -> Result<(), Failure> {
    let text = text_of(format, answer)?;
    let mut stdout = io::stdout().lock();
    match write!(stdout, "{text}").and_then(|()| stdout.flush()) {
        // The reader has seen enough (`lazaret … | head`).
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => Ok(done.context("stdout cannot be written to")?),
    }
}

/// The answer with a line end at its end.
pub(crate) fn text_of(format: Format, answer: &impl Answer) -> Result<String, Failure> {
    let text = match format {
        Format::Table => answer.text(),
        Format::Json => {
            serde_json::to_string_pretty(answer).context("the answer has no JSON form")?
        }
    };
    Ok(format!("{}\n", text.trim_end()))
}

/// A sentence, where there is nothing to align: `{"message": …}`.
#[derive(Debug, Serialize)]
pub(crate) struct Said {
    pub(crate) message: String,
}

impl Answer for Said {
    fn text(&self) -> String {
        self.message.clone()
    }
}

pub(crate) fn say(format: Format, message: impl Into<String>) -> Result<(), Failure> {
    show(
        format,
        &Said {
            message: message.into(),
        },
    )
}

/// Aligned columns without lines; cells are written whole.
pub(crate) struct Table(comfy_table::Table);

impl Table {
    /// A header that begins with `#` is that of a column of numbers, aligned to the right.
    pub(crate) fn new<const N: usize>(headers: [&str; N]) -> Self {
        let mut table = comfy_table::Table::new();
        table
            .load_preset(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(headers.map(|header| header.trim_start_matches('#').to_uppercase()));
        for (column, header) in table.column_iter_mut().zip(headers) {
            column.set_padding((0, 2));
            if header.starts_with('#') {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        Self(table)
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.0.add_row(cells);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.row_count() == 0
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.trim_fmt())
    }
}

/// Names and values below each other.
pub(crate) fn pairs(pairs: &[(&str, String)]) -> String {
    let width = pairs
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    let lines = pairs.iter().filter(|(_, value)| !value.is_empty());
    lines
        .map(|(name, value)| format!("{name:<width$}  {value}\n"))
        .collect()
}

/// A count with its thousands apart: `12,345`.
pub(crate) fn count(number: impl Into<i128>) -> String {
    let number: i128 = number.into();
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0 { format!("-{text}") } else { text }
}

/// A count that is not known yet is empty.
pub(crate) fn count_if_any(number: Option<i64>) -> String {
    number.map_or_else(String::new, count)
}

/// `1 row`, `2 rows`.
pub(crate) fn plural(number: impl Into<i128>, one: &str) -> String {
    let number: i128 = number.into();
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {one}{ending}", count(number))
}

/// To the second, in UTC.
pub(crate) fn instant(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
        .replace('T', " ")
}

/// The last group of a submission's id: short, and unlike that of any other in practice. Every
/// command takes it instead of the whole.
pub(crate) fn short(id: SubmissionId) -> String {
    let whole = id.to_string();
    whole.rsplit('-').next().unwrap_or(&whole).to_owned()
}

/// Bytes as people say them.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1_000.0 && unit + 1 < UNITS.len() {
        value /= 1_000.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{bytes} B")
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped() {
        for (number, expected) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (-1_234_567, "-1,234,567"),
            (100_000, "100,000"),
        ] {
            assert_eq!(count(number), expected);
        }
        assert_eq!(plural(1, "row"), "1 row");
        assert_eq!(plural(2_000, "row"), "2,000 rows");
    }

    #[test]
    fn sizes_are_short() {
        for (bytes, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_500, "1.5 kB"),
            (2_000_000_000, "2.0 GB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }

    #[test]
    fn tables_align_and_leave_no_trailing_space() {
        let mut table = Table::new(["name", "#rows", "state"]);
        table.row(["a".into(), "1,000".into(), "RECEIVED".into()]);
        table.row(["longer".into(), "7".into(), String::new()]);
        assert_eq!(
            table.to_string(),
            "NAME     ROWS  STATE\na       1,000  RECEIVED\nlonger      7"
        );
    }

    #[test]
    fn pairs_skip_what_is_empty() {
        let text = pairs(&[
            ("state", "PARSED".into()),
            ("reason", String::new()),
            ("rows in", "3".into()),
        ]);
        assert_eq!(text, "state    PARSED\nrows in  3\n");
    }

    #[test]
    fn instants_are_in_utc_to_the_second() {
        let time = DateTime::parse_from_rfc3339("2024-03-01T12:00:00.123456+01:00").unwrap();
        assert_eq!(instant(time.to_utc()), "2024-03-01 11:00:00Z");
    }
}
