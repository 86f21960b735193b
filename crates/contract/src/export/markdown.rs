use std::fmt::Write as _;

use crate::{Contract, Encoding, FileFormat, Header, RuleScope, Severity, Shape};

pub(super) fn write(contract: &Contract) -> String {
    let mut text = format!("# {} ({})\n\n", contract.title, contract.layout);
    let mut paragraph = |line: &str| {
        if !line.is_empty() {
            writeln!(text, "{line}\n").expect("writing to a string cannot fail");
        }
    };
    paragraph(&contract.description);
    if let Some(source) = &contract.source {
        paragraph(&format!("Source: {source}"));
    }
    paragraph("## The file");
    paragraph(&file(&contract.format));
    if let Some(grammar) = &contract.file_name {
        paragraph(&format!("Its name has the form `{}`.", grammar.pattern()));
    }
    if !contract.natural_key.is_empty() {
        let key = contract.natural_key.join("`, `");
        paragraph(&match contract.unique {
            None => format!("A row is known by `{key}`."),
            Some(severity) => format!(
                "A row is known by `{key}`, once in a file; a second one {}.",
                consequence(severity)
            ),
        });
    }
    let thresholds = contract.thresholds;
    paragraph(&format!(
        "The file is refused where more than {}% of its rows are, or where fewer than {} are accepted.",
        thresholds.reject_ratio * 100.0,
        thresholds.min_rows
    ));
    paragraph("## Columns");
    paragraph(columns(contract).trim_end());
    if !contract.rules.is_empty() {
        paragraph("## Rules");
        for rule in &contract.rules {
            let about = match rule.scope {
                RuleScope::Row => "a row",
                RuleScope::File => "a file",
            };
            let consequence = consequence(rule.severity);
            paragraph(&format!(
                "**{}**: {} It must hold that `{}`; {about} that breaks it {consequence}.",
                rule.id, rule.explanation, rule.sql
            ));
        }
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

fn consequence(severity: Severity) -> &'static str {
    match severity {
        Severity::Warn => "is reported and accepted",
        Severity::Reject => "is rejected",
        Severity::Fail => "fails the file",
    }
}

fn file(format: &FileFormat) -> String {
    let shape = match &format.shape {
        Shape::Delimited(delimited) => {
            let quote = delimited.quote.map_or_else(
                || "quotes are ordinary characters".to_owned(),
                |quote| format!("text with a delimiter stands in `{}`", char::from(quote)),
            );
            let header = match delimited.header {
                Header::ByName => "the first line names the columns, in any order",
                Header::ByPosition => "the first line is a header; the order below counts",
                Header::Absent => "there is no header; the order below counts",
            };
            let delimiter = delimited.delimiter.escape_debug();
            format!("Delimited text, fields separated by `{delimiter}`; {quote}; {header}.")
        }
        Shape::FixedWidth(_) => "Fixed-width text; positions count from 1.".to_owned(),
        Shape::JsonLines => "One JSON object per line.".to_owned(),
        Shape::JsonArray => "A JSON array of objects.".to_owned(),
    };
    let encoding = match format.encoding {
        Encoding::Auto => "UTF-8, UTF-16 or Windows-1252",
        other => other.as_str(),
    };
    format!("{shape} Encoding: {encoding}.")
}

fn columns(contract: &Contract) -> String {
    let outline = contract.outline();
    let mut text = String::from(
        "| # | column | type | required | must be | what it is |\n|--:|---|---|---|---|---|\n",
    );
    for (at, (column, row)) in contract.columns.iter().zip(&outline.columns).enumerate() {
        let place = column.place.map_or_else(
            || (at + 1).to_string(),
            |place| format!("{}–{}", place.start, place.start + place.length - 1),
        );
        let cells = [
            place,
            format!("`{}`", row.header),
            row.column_type.clone(),
            if row.required { "yes" } else { "" }.to_owned(),
            row.checks.join("; "),
            row.description.clone(),
        ];
        let cells = cells.map(|cell| cell.replace('|', "\\|").replace('\n', " "));
        writeln!(text, "| {} |", cells.join(" | ")).expect("writing to a string cannot fail");
    }
    text
}
