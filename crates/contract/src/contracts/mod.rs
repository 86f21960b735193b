//! Reading a contract: from its text, and the domain files that it names, to a checked value.

mod column;
mod control;
mod domain;
mod file;
mod formats;
mod range;
mod raw;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use serde_saphyr::Spanned;

use self::domain::{Domains, ReadFile};
pub(crate) use self::raw::RawThresholds;
use self::raw::{RawColumn, RawContract, RawFileName, RawMonth, RawUnique};
use crate::document::{Document, Review, content_hash};
use crate::error::DocumentError;
use crate::versions::{check_layout, check_path};
use crate::wording::choose;
use crate::{
    Column, ColumnType, Contract, FileNameGrammar, Header, MonthSource, Severity, Thresholds,
};

const REJECT_RATIO: f64 = 0.05;
const ROWS_MIN: u64 = 1;

impl Contract {
    /// Reads a contract. `path_shown` is for errors and, where it has the form
    /// `contracts/{file_type}/v{n}.yaml`, must agree with the document; `read_file` gets the path
    /// of a domain's file relative to the contract's folder.
    pub fn parse(
        path_shown: &str,
        text: &str,
        read_file: ReadFile<'_>,
    ) -> Result<Self, DocumentError> {
        let document = Document::new(path_shown, text);
        let raw: RawContract = document.read_yaml()?;
        let mut review = Review::new(&document);
        let mut domains = Domains::new(read_file);

        let layout = check_layout(&raw.contract, &raw.version, &mut review);
        check_path(
            "contracts",
            &raw.contract,
            &raw.version,
            "yaml",
            &mut review,
        );
        let format = file::check(&raw.file, &raw.columns.value, &mut review);
        let file_name = raw
            .file_name
            .as_ref()
            .and_then(|name| check_file_name(name, &mut review));
        check_columns(&raw.columns, format.header() == Header::ByName, &mut review);
        let columns: Vec<Column> = (raw.columns.value.iter())
            .filter_map(|column| column::check(column, &raw.file, &mut domains, &mut review))
            .collect();
        check_natural_key(&raw, &mut review);
        let atomic_month = (raw.atomic_month.as_ref())
            .and_then(|month| check_month(month, &raw, &columns, file_name.as_ref(), &mut review));
        let unique = check_unique(&raw, &mut review);
        let rules = rules::check(&raw.rules, &mut review);
        let reject_ratio = check_reject_ratio(&raw.thresholds, &mut review);

        let files = domains.files().flat_map(|(path, text)| [path, text]);
        let content_hash = content_hash(std::iter::once(document.text()).chain(files));
        let contract = layout.map(|layout| Self {
            layout,
            title: raw.title.trim().to_owned(),
            description: raw.description.unwrap_or_default().trim().to_owned(),
            source: raw.source,
            format,
            file_name,
            columns,
            natural_key: raw.natural_key.into_iter().map(|name| name.value).collect(),
            unique,
            atomic_month,
            rules,
            thresholds: Thresholds {
                reject_ratio: reject_ratio.unwrap_or(REJECT_RATIO),
                min_rows: raw.thresholds.min_rows.unwrap_or(ROWS_MIN),
            },
            content_hash,
        });
        review.conclude(contract)
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

fn check_file_name(raw: &RawFileName, review: &mut Review<'_>) -> Option<FileNameGrammar> {
    let parts: BTreeMap<_, _> = raw
        .parts
        .iter()
        .map(|(name, part)| (name.clone(), part.value.clone()))
        .collect();
    match FileNameGrammar::parse(&raw.pattern.value, &parts) {
        Ok(grammar) => Some(grammar),
        Err(error) => {
            let at = error
                .part()
                .and_then(|name| raw.parts.get(name))
                .unwrap_or(&raw.pattern);
            review.refuse(
                at,
                error.to_string(),
                "expected a file-name pattern",
                error.remedy(),
            );
            None
        }
    }
}

/// What concerns the columns among each other: at least one, each name and header once.
fn check_columns(raw: &Spanned<Vec<RawColumn>>, by_header: bool, review: &mut Review<'_>) {
    if raw.value.is_empty() {
        let help = "write `- { name: claim_id, type: string }`, one line per column of the file";
        review.refuse(
            raw,
            "the contract has no columns",
            "expected at least one",
            help,
        );
    }
    let (mut names, mut headers) = (BTreeSet::new(), BTreeSet::new());
    for column in &raw.value {
        if !names.insert(column.name.value.as_str()) {
            let message = format!("the column `{}` stands twice", column.name.value);
            let help = "give each column a name of its own";
            review.refuse(&column.name, message, "expected once", help);
        } else {
            let header = column.header.as_ref().unwrap_or(&column.name);
            for header in std::iter::once(header).chain(&column.aliases) {
                if !headers.insert(header.value.trim().to_lowercase()) && by_header {
                    let message = format!("the header `{}` stands twice", header.value.trim());
                    let help = "headers are compared without case: correct one, or, where the file \
                            has the name twice, write `header: false` in `file`";
                    review.refuse(header, message, "expected once", help);
                }
            }
        }
    }
}

/// A repeated key rejects the later row unless the contract says otherwise.
fn check_unique(raw: &RawContract, review: &mut Review<'_>) -> Option<Severity> {
    let Some(given) = &raw.unique else {
        return (!raw.natural_key.is_empty()).then_some(Severity::Reject);
    };
    if raw.natural_key.is_empty() {
        let help = "name the columns of the key in `natural_key`, or remove `unique`";
        review.refuse(given, "there is no natural key", "expected a key", help);
    }
    match given.value {
        RawUnique::Off => None,
        RawUnique::Warn => Some(Severity::Warn),
        RawUnique::Reject => Some(Severity::Reject),
        RawUnique::Fail => Some(Severity::Fail),
    }
}

fn check_natural_key(raw: &RawContract, review: &mut Review<'_>) {
    let mut seen = BTreeSet::new();
    for name in &raw.natural_key {
        if !seen.insert(name.value.as_str()) {
            let message = format!("the column `{}` stands twice in the key", name.value);
            review.refuse(name, message, "expected once", "remove one of the two");
        } else {
            check_is_column(name, &name.value, &raw.columns.value, review);
        }
    }
}

/// `at`: where the name stands, or what is said of it.
fn check_is_column<T>(
    at: &Spanned<T>,
    name: &str,
    columns: &[RawColumn],
    review: &mut Review<'_>,
) -> bool {
    let names = columns.iter().map(|column| column.name.value.as_str());
    let names: Vec<_> = names.collect();
    let known = names.contains(&name);
    if !known {
        let message = format!("there is no column `{name}`");
        review.refuse(
            at,
            message,
            "expected a column's name",
            choose(name, &names),
        );
    }
    known
}

fn check_month(
    month: &Spanned<RawMonth>,
    raw: &RawContract,
    columns: &[Column],
    file_name: Option<&FileNameGrammar>,
    review: &mut Review<'_>,
) -> Option<MonthSource> {
    match (&month.value.column, &month.value.file_name_part) {
        (Some(name), None) => {
            if !check_is_column(name, &name.value, &raw.columns.value, review) {
                return None;
            }
            // Absent from `columns` only where its type was refused already.
            let column = columns.iter().find(|column| column.name == name.value)?;
            let is_date = |t: &ColumnType| {
                matches!(t, ColumnType::Date { .. } | ColumnType::Timestamp { .. })
            };
            if !is_date(&column.column_type) {
                let message = format!("a column of type {} names no month", column.column_type);
                let help = "choose a date or timestamp column, or make this one `type: date`";
                review.refuse(name, message, "expected a date or timestamp column", help);
            }
            Some(MonthSource::Column(name.value.clone()))
        }
        (None, Some(part)) => {
            let grammar_is_wrong = raw.file_name.is_some() && file_name.is_none();
            let known = file_name.is_some_and(|grammar| grammar.has_part(&part.value));
            if !known && !grammar_is_wrong {
                let message = format!("`file_name` has no part `{}`", part.value);
                let parts: Vec<_> = file_name.iter().flat_map(|g| g.parts()).collect();
                let help = if parts.is_empty() {
                    format!("write `{{{}}}` in the pattern of `file_name`", part.value)
                } else {
                    choose(&part.value, &parts)
                };
                review.refuse(part, message, "expected a part of the pattern", help);
            }
            Some(MonthSource::FileNamePart(part.value.clone()))
        }
        (column, _) => {
            let found = if column.is_some() {
                "two sources"
            } else {
                "no source"
            };
            let help = "write `{ column: … }` or `{ file_name_part: … }`; leave `atomic_month` \
                        out where rows have no month";
            review.refuse(month, format!("{found} of the month"), "expected one", help);
            None
        }
    }
}

/// The ratio, if one is given; told as a mistake where it is none.
pub(crate) fn check_reject_ratio(raw: &RawThresholds, review: &mut Review<'_>) -> Option<f64> {
    let ratio = raw.reject_ratio.as_ref()?;
    let help = "write the share of rows that may be rejected: `0.05` is one in twenty";
    check_ratio(ratio, help, review);
    Some(ratio.value)
}

/// Told as a mistake where it is not from 0 to 1.
pub(crate) fn check_ratio(ratio: &Spanned<f64>, help: &str, review: &mut Review<'_>) {
    if !(0.0..=1.0).contains(&ratio.value) {
        let message = format!("{} is not a ratio", ratio.value);
        review.refuse(ratio, message, "expected 0 to 1", help);
    }
}
