//! A contract as a document again: what `contract infer` and `contract import` print.
//!
//! Only what differs from the defaults is written. Reading the text gives the same contract, but
//! for its hash; a domain that came from a file is written out.

use std::collections::BTreeMap;

use crate::{
    Column, ColumnType, Contract, Control, ControlRecord, Delimited, Domain, FieldPlace,
    FileFormat, Header, Length, MonthSource, Pii, Rule, RuleScope, Severity, Shape,
};

/// What stands as comments beside a written contract.
#[derive(Debug, Clone, Default)]
pub struct Notes {
    /// Lines above the document.
    pub head: Vec<String>,
    /// Lines above a column, by its name.
    pub columns: BTreeMap<String, Vec<String>>,
}

impl Contract {
    /// The contract as YAML, with comments.
    pub fn to_yaml(&self, notes: &Notes) -> String {
        let mut text = Text::default();
        text.comments("", &notes.head);
        text.entry("contract", &scalar(&self.layout.file_type.to_string()));
        text.entry("version", &self.layout.version.to_string());
        text.entry("title", &scalar(&self.title));
        if !self.description.is_empty() {
            text.entry("description", &scalar(&self.description));
        }
        if let Some(source) = &self.source {
            text.entry("source", &scalar(source));
        }
        text.file(&self.format);
        if let Some(grammar) = &self.file_name {
            text.line("file_name:");
            text.line(&format!("  pattern: {}", scalar(grammar.pattern())));
            let parts = grammar.described_parts().iter();
            let parts = Flow::of(parts.map(|(name, regex)| (name.as_str(), scalar(regex))));
            if !parts.is_empty() {
                text.line(&format!("  parts: {parts}"));
            }
        }
        text.entry("natural_key", &list(&self.natural_key));
        match self.unique {
            Some(Severity::Reject) => {}
            None if self.natural_key.is_empty() => {}
            None => text.entry("unique", "\"off\""),
            Some(severity) => text.entry("unique", severity.as_str()),
        }
        match &self.atomic_month {
            Some(MonthSource::Column(name)) => {
                text.entry("atomic_month", &format!("{{ column: {} }}", scalar(name)));
            }
            Some(MonthSource::FileNamePart(part)) => {
                let part = scalar(part);
                text.entry("atomic_month", &format!("{{ file_name_part: {part} }}"));
            }
            None => {}
        }
        let thresholds = self.thresholds;
        text.entry(
            "thresholds",
            &format!(
                "{{ reject_ratio: {:?}, min_rows: {} }}",
                thresholds.reject_ratio, thresholds.min_rows
            ),
        );
        text.line("columns:");
        for column in &self.columns {
            if let Some(notes) = notes.columns.get(&column.name) {
                text.comments("  ", notes);
            }
            text.line(&format!("  - {}", written_column(column)));
        }
        if !self.rules.is_empty() {
            text.line("rules:");
            for rule in &self.rules {
                text.line(&format!("  - {}", written_rule(rule)));
            }
        }
        text.0
    }
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn entry(&mut self, key: &str, value: &str) {
        self.line(&format!("{key}: {value}"));
    }

    fn comments(&mut self, indent: &str, lines: &[String]) {
        for line in lines {
            self.line(format!("{indent}# {line}").trim_end());
        }
    }

    fn file(&mut self, format: &FileFormat) {
        self.line("file:");
        let defaults = Delimited::default();
        let mut entry = |key: &str, value: String| self.line(&format!("  {key}: {value}"));
        match &format.shape {
            Shape::Delimited(delimited) => {
                entry("format", "delimited".to_owned());
                entry("delimiter", quoted(&delimited.delimiter));
                if let Some(separator) = &delimited.record_separator {
                    entry("record_separator", quoted(separator));
                }
                if delimited.quote != defaults.quote {
                    let quote = delimited.quote.map(byte_text);
                    entry("quote", quote.unwrap_or_else(|| "none".to_owned()));
                }
                if let Some(escape) = delimited.escape {
                    entry("escape", byte_text(escape));
                }
                match delimited.header {
                    Header::ByName => {}
                    Header::Absent => entry("header", "false".to_owned()),
                    Header::ByPosition => entry("match", "position".to_owned()),
                }
                if delimited.trailing_delimiter {
                    entry("trailing_delimiter", "true".to_owned());
                }
            }
            Shape::FixedWidth(fixed) => {
                entry("format", "fixed_width".to_owned());
                if let Some(length) = fixed.record_length {
                    entry("record_length", length.to_string());
                }
            }
            Shape::JsonLines => entry("format", "json_lines".to_owned()),
            Shape::JsonArray => entry("format", "json_array".to_owned()),
        }
        entry("encoding", format.encoding.as_str().to_owned());
        if format.skip_lines > 0 {
            entry("skip_lines", format.skip_lines.to_string());
        }
        if format.skip_footer_lines > 0 {
            entry("skip_footer_lines", format.skip_footer_lines.to_string());
        }
        if let Some(comment) = &format.comment {
            entry("comment", quoted(comment));
        }
        if let Some(control) = &format.control {
            entry("control", written_control(control));
        }
    }
}

fn written_control(control: &Control) -> String {
    let mut flow = Flow::default();
    if let Some(record) = &control.header {
        flow.add("header", control_record(record));
    }
    if let Some(record) = &control.trailer {
        flow.add("trailer", control_record(record));
    }
    if let Some(column) = &control.period_column {
        flow.add("period_column", scalar(column));
    }
    if control.severity != Severity::Fail {
        flow.add("severity", control.severity.as_str());
    }
    flow.to_string()
}

fn control_record(record: &ControlRecord) -> String {
    let mut flow = Flow::default();
    flow.add("marker", quoted(&record.marker));
    if let Some(place) = &record.row_count {
        flow.add("row_count", written_place(place));
    }
    if let Some((from, to)) = &record.period {
        flow.add("period_from", written_place(from));
        flow.add("period_to", written_place(to));
    }
    let totals = record.totals.iter();
    let totals = Flow::of(totals.map(|(column, place)| (column.as_str(), written_place(place))));
    if !totals.is_empty() {
        flow.add("totals", totals.to_string());
    }
    flow.to_string()
}

fn written_place(place: &FieldPlace) -> String {
    match place {
        FieldPlace::Field(field) => field.to_string(),
        FieldPlace::Characters(place) => {
            format!("{{ start: {}, length: {} }}", place.start, place.length)
        }
    }
}

fn written_column(column: &Column) -> String {
    let defaults = Column::new(&column.name, column.column_type.clone());
    let mut flow = Flow::default();
    flow.add("name", scalar(&column.name));
    if column.header != column.name {
        flow.add("header", scalar(&column.header));
    }
    if !column.aliases.is_empty() {
        flow.add("aliases", list(&column.aliases));
    }
    if let Some(place) = column.place {
        flow.add("place", written_place(&FieldPlace::Characters(place)));
    }
    flow.add("type", scalar(&column.column_type.to_string()));
    match &column.column_type {
        ColumnType::Date { formats } | ColumnType::Timestamp { formats, .. } => {
            flow.add("formats", list(formats));
        }
        ColumnType::Boolean { truthy, falsy } => {
            flow.add("true_values", list(truthy));
            flow.add("false_values", list(falsy));
        }
        ColumnType::String | ColumnType::Integer | ColumnType::Decimal { .. } => {}
    }
    if let Some(zone) = &column.zone {
        flow.add("zone", scalar(zone));
    }
    flow.flag("implied_decimals", column.implied_decimals);
    flow.flag("required", column.required);
    if let Some(condition) = &column.required_when {
        flow.add("required_when", quoted(condition));
    }
    let nulls: Vec<String> = column
        .nulls
        .iter()
        .filter(|null| !null.is_empty())
        .cloned()
        .collect();
    if !nulls.is_empty() {
        flow.add("nulls", list(&nulls));
    }
    if !column.sentinels.is_empty() {
        flow.add("sentinels", list(&column.sentinels));
    }
    if column.trim != defaults.trim {
        flow.add("trim", column.trim.to_string());
    }
    if !column.transforms.is_empty() {
        let words: Vec<&str> = column
            .transforms
            .iter()
            .map(|transform| transform.as_str())
            .collect();
        flow.add("transform", format!("[{}]", words.join(", ")));
    }
    if let Some(width) = column.zero_pad {
        flow.add("zero_pad", width.to_string());
    }
    add_checks(&mut flow, column);
    if column.severity != defaults.severity {
        flow.add("severity", column.severity.as_str());
    }
    if column.pii != Pii::None {
        flow.add("pii", column.pii.as_str());
    }
    if !column.description.is_empty() {
        flow.add("description", quoted(&column.description));
    }
    flow.to_string()
}

fn add_checks(flow: &mut Flow, column: &Column) {
    if let Some(Length { min, max }) = column.length {
        let mut bounds = Flow::default();
        if min > 0 {
            bounds.add("min", min.to_string());
        }
        if max < usize::MAX {
            bounds.add("max", max.to_string());
        }
        flow.add("length", bounds.to_string());
    }
    if let Some(range) = &column.range {
        let ends = [("min", &range.min), ("max", &range.max)].into_iter();
        let ends = ends.filter_map(|(key, end)| Some((key, quoted(end.as_ref()?))));
        flow.add("range", Flow::of(ends).to_string());
    }
    if let Some(pattern) = &column.pattern {
        flow.add("pattern", quoted(pattern));
    }
    if let Some(domain) = &column.domain {
        flow.add("domain", written_domain(domain));
    }
    if let Some(check) = column.check {
        flow.add("check", check.as_str());
    }
    if let Some(completeness) = &column.completeness {
        let mut inner = Flow::default();
        inner.add("min", format!("{:?}", completeness.min));
        if let Some(of_rows) = &completeness.of_rows {
            inner.add("of_rows", quoted(of_rows));
        }
        if completeness.severity != Severity::Warn {
            inner.add("severity", completeness.severity.as_str());
        }
        flow.add("completeness", inner.to_string());
    }
}

fn written_domain(domain: &Domain) -> String {
    if domain.values.iter().all(|(value, code)| value == code) {
        let values: Vec<String> = domain.values.keys().map(|value| quoted(value)).collect();
        return format!("[{}]", values.join(", "));
    }
    let pairs = domain.values.iter();
    let pairs: Vec<String> = pairs
        .map(|(value, code)| format!("{}: {}", quoted(value), quoted(code)))
        .collect();
    format!("{{ {} }}", pairs.join(", "))
}

fn written_rule(rule: &Rule) -> String {
    let mut flow = Flow::default();
    flow.add("id", scalar(&rule.id));
    if rule.scope == RuleScope::File {
        flow.add("scope", "file");
    }
    flow.add("sql", quoted(&rule.sql));
    flow.add("severity", rule.severity.as_str());
    if let Some(tier) = rule.tier {
        flow.add("tier", tier.to_string());
    }
    if let Some(category) = &rule.category {
        flow.add("category", scalar(category));
    }
    if let Some(denominator) = &rule.denominator {
        flow.add("denominator", quoted(denominator));
    }
    if let Some(threshold) = rule.threshold {
        flow.add("threshold", format!("{threshold:?}"));
    }
    flow.add("explanation", quoted(&rule.explanation));
    let waivers: Vec<String> = (rule.waivers.iter())
        .map(|waiver| {
            format!(
                "{{ submitter: {}, until: \"{}\", reason: {} }}",
                quoted(waiver.submitter_id.as_str()),
                waiver.until,
                quoted(&waiver.reason)
            )
        })
        .collect();
    if !waivers.is_empty() {
        flow.add("waivers", format!("[{}]", waivers.join(", ")));
    }
    flow.to_string()
}

/// A mapping in one line: `{ name: id, type: string }`.
#[derive(Default)]
struct Flow(Vec<String>);

impl Flow {
    fn of<'a>(pairs: impl Iterator<Item = (&'a str, String)>) -> Self {
        Self(
            pairs
                .map(|(key, value)| format!("{key}: {value}"))
                .collect(),
        )
    }

    fn add(&mut self, key: &str, value: impl AsRef<str>) {
        self.0.push(format!("{key}: {}", value.as_ref()));
    }

    fn flag(&mut self, key: &str, set: bool) {
        if set {
            self.add(key, "true");
        }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Display for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{{ {} }}", self.0.join(", "))
    }
}

fn list(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| scalar(item)).collect();
    format!("[{}]", items.join(", "))
}

/// Plain where that cannot be taken for anything else, or else in quotes.
fn scalar(text: &str) -> String {
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let ends_well = !text.ends_with(' ');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_ .-/;()".contains(c);
    let is_word = |word: &str| text.eq_ignore_ascii_case(word);
    let has_meaning = [
        "true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf",
    ];
    if starts_well
        && ends_well
        && text.chars().all(is_plain)
        && !has_meaning.into_iter().any(is_word)
    {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// YAML reads a JSON string as itself.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn byte_text(byte: u8) -> String {
    quoted(&char::from(byte).to_string())
}
