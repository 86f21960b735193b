//! A contract at a glance: what `contract show` prints, as a table or as JSON.

use std::fmt::{self, Display, Write as _};

use serde::Serialize;

use crate::format_outline;
use crate::{Column, Completeness, Contract, MonthSource, Pii, RuleScope, Severity, Waiver};

/// A contract in words. `Display` is the table; `Serialize` says the same for programs.
#[derive(Debug, Clone, Serialize)]
pub struct Outline {
    pub layout: String,
    pub title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    pub format: String,
    pub natural_key: Vec<String>,
    /// What a row does whose natural key stood in the file before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unique: Option<Severity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub atomic_month: Option<String>,
    pub reject_ratio: f64,
    pub min_rows: u64,
    pub content_hash: String,
    pub columns: Vec<ColumnOutline>,
    pub rules: Vec<RuleOutline>,
}

/// One row of the table.
#[derive(Debug, Clone, Serialize)]
pub struct ColumnOutline {
    pub name: String,
    pub header: String,
    /// Other names that the header may have instead.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    #[serde(rename = "type")]
    pub column_type: String,
    pub required: bool,
    /// Each check in words, such as `length 16` or `domain of 3`.
    pub checks: Vec<String>,
    pub severity: Severity,
    pub pii: Pii,
    pub description: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct RuleOutline {
    pub id: String,
    pub scope: RuleScope,
    pub severity: Severity,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    pub sql: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denominator: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    pub explanation: String,
    /// `evergreen until 2027-06-30: a new system`
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<String>,
}

impl Contract {
    pub fn outline(&self) -> Outline {
        let rule = |rule: &crate::Rule| RuleOutline {
            id: rule.id.clone(),
            scope: rule.scope,
            severity: rule.severity,
            tier: rule.tier,
            category: rule.category.clone(),
            sql: rule.sql.clone(),
            denominator: rule.denominator.clone(),
            threshold: rule.threshold,
            explanation: rule.explanation.clone(),
            waivers: rule.waivers.iter().map(waiver).collect(),
        };
        Outline {
            layout: self.layout.to_string(),
            title: self.title.clone(),
            source: self.source.clone(),
            file_name: self
                .file_name
                .as_ref()
                .map(|grammar| grammar.pattern().to_owned()),
            format: format_outline::format(&self.format),
            natural_key: self.natural_key.clone(),
            unique: self.unique,
            atomic_month: self.atomic_month.as_ref().map(|source| match source {
                MonthSource::Column(name) => format!("column {name}"),
                MonthSource::FileNamePart(part) => format!("file name part {part}"),
            }),
            reject_ratio: self.thresholds.reject_ratio,
            min_rows: self.thresholds.min_rows,
            content_hash: self.content_hash.clone(),
            columns: self.columns.iter().map(column).collect(),
            rules: self.rules.iter().map(rule).collect(),
        }
    }
}

fn column(column: &Column) -> ColumnOutline {
    ColumnOutline {
        name: column.name.clone(),
        header: column.header.clone(),
        aliases: column.aliases.clone(),
        column_type: column.column_type.to_string(),
        required: column.required,
        checks: checks(column),
        severity: column.severity,
        pii: column.pii,
        description: column.description.clone(),
    }
}

fn waiver(waiver: &Waiver) -> String {
    let Waiver {
        submitter_id,
        until,
        reason,
    } = waiver;
    format!("{submitter_id} until {until}: {reason}")
}

/// Where the value stands and how it is read, where the contract says so.
fn reading(column: &Column) -> Vec<String> {
    let mut reading = Vec::new();
    if let Some(place) = column.place {
        let last = place.start + place.length - 1;
        reading.push(format!("characters {} to {last}", place.start));
    }
    reading.extend(column.zero_pad.map(|width| format!("zeros up to {width}")));
    if column.implied_decimals {
        reading.push("no decimal point".to_owned());
    }
    reading.extend(column.zone.as_ref().map(|zone| format!("in {zone}")));
    if !column.sentinels.is_empty() {
        reading.push(format!("none if {}", column.sentinels.join(" or ")));
    }
    reading
}

fn checks(column: &Column) -> Vec<String> {
    let mut checks = reading(column);
    let when = column.required_when.as_ref();
    checks.extend(when.map(|condition| format!("required when {condition}")));
    if let Some(length) = column.length {
        checks.push(match (length.min, length.max) {
            (min, max) if min == max => format!("length {min}"),
            (0, max) => format!("length up to {max}"),
            (min, usize::MAX) => format!("length {min} or more"),
            (min, max) => format!("length {min} to {max}"),
        });
    }
    if let Some(range) = &column.range {
        checks.push(match (&range.min, &range.max) {
            (Some(min), Some(max)) => format!("{min} to {max}"),
            (Some(min), None) => format!("from {min}"),
            (None, Some(max)) => format!("up to {max}"),
            (None, None) => "any value".to_owned(),
        });
    }
    checks.extend(
        column
            .pattern
            .as_ref()
            .map(|pattern| format!("pattern {pattern}")),
    );
    checks.extend(
        column
            .domain
            .as_ref()
            .map(|domain| format!("domain of {}", domain.values.len())),
    );
    checks.extend(column.check.map(|check| check.as_str().to_owned()));
    checks.extend(column.completeness.as_ref().map(|completeness| {
        let Completeness {
            min,
            of_rows,
            severity,
        } = completeness;
        let of = of_rows.as_deref().unwrap_or("all rows");
        format!("populated in {min} of {of}, or {}", severity.as_str())
    }));
    checks
}

impl Display for Outline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}  {}", self.layout, self.title)?;
        let threshold = format!(
            "{} of rows, at least {} accepted",
            self.reject_ratio, self.min_rows
        );
        for (name, value) in [
            ("source", self.source.as_deref()),
            ("file name", self.file_name.as_deref()),
            ("format", Some(&self.format)),
            ("natural key", Some(self.natural_key.join(", ").as_str())),
            ("repeated key", self.unique.map(Severity::as_str)),
            ("atomic month", self.atomic_month.as_deref()),
            ("rejects up to", Some(&threshold)),
            ("content hash", Some(&self.content_hash)),
        ] {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                writeln!(f, "{name:<13}  {value}")?;
            }
        }
        let mut rows =
            vec![["name", "header", "type", "required", "checks", "pii"].map(str::to_owned)];
        rows.extend(self.columns.iter().map(ColumnOutline::cells));
        write!(f, "\n{}", Table(&rows))?;
        for rule in &self.rules {
            let scope = match rule.scope {
                RuleScope::Row => "row",
                RuleScope::File => "file",
            };
            write!(f, "\n{} ({scope}, {}", rule.id, rule.severity.as_str())?;
            if let Some(tier) = rule.tier {
                write!(f, ", tier {tier}")?;
            }
            if let Some(category) = &rule.category {
                write!(f, ", {category}")?;
            }
            writeln!(f, ")\n  {}", rule.sql)?;
            if let Some(denominator) = &rule.denominator {
                writeln!(f, "  of rows where {denominator}")?;
            }
            if let Some(threshold) = rule.threshold {
                writeln!(f, "  broken by {threshold} of them at most")?;
            }
            writeln!(f, "  {}", rule.explanation)?;
            for waiver in &rule.waivers {
                writeln!(f, "  waived for {waiver}")?;
            }
        }
        Ok(())
    }
}

impl ColumnOutline {
    fn cells(&self) -> [String; 6] {
        let mut checks = self.checks.join(", ");
        if self.severity != Severity::Reject && (self.required || !checks.is_empty()) {
            write!(checks, " ({})", self.severity.as_str())
                .expect("writing to a string cannot fail");
        }
        let required = if self.required { "yes" } else { "" };
        let pii = if self.pii == Pii::None {
            ""
        } else {
            self.pii.as_str()
        };
        let headers = std::iter::once(&self.header).chain(&self.aliases);
        let headers = headers.map(String::as_str).collect::<Vec<_>>().join(" or ");
        [
            &self.name,
            headers.as_str(),
            &self.column_type,
            required,
            checks.trim(),
            pii,
        ]
        .map(ToString::to_string)
    }
}

/// Rows of equal columns, as wide as their widest cell, without trailing space.
struct Table<'a, const N: usize>(&'a [[String; N]]);

impl<const N: usize> Display for Table<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |i: usize| {
            self.0
                .iter()
                .map(|row| row[i].chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: [usize; N] = std::array::from_fn(width);
        for row in self.0 {
            let cells = row
                .iter()
                .zip(widths)
                .map(|(cell, width)| format!("{cell:<width$}"));
            writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}
