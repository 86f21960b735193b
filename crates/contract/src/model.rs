//! The checked forms of the documents: what the rest of the program works with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{FeedName, FileNameGrammar, FileType, LayoutId, StateCode, SubmitterId};

/// What a kind of file must look like: one version of one contract.
#[derive(Debug, Clone)]
pub struct Contract {
    pub layout: LayoutId,
    pub title: String,
    pub description: String,
    /// Where the layout is published: a codebook, a standard, a regulation.
    pub source: Option<String>,
    pub format: Delimited,
    pub file_name: Option<FileNameGrammar>,
    /// In file order where the file has no header.
    pub columns: Vec<Column>,
    /// Names of the columns that identify a row in the submitter's own system.
    pub natural_key: Vec<String>,
    pub atomic_month: Option<MonthSource>,
    pub rules: Vec<Rule>,
    pub thresholds: Thresholds,
    /// SHA-256 (hex) of everything that decides an outcome: the document and its domain files.
    pub content_hash: String,
}

/// A delimited text file, one byte per structural character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delimited {
    pub delimiter: u8,
    /// `None`: quotes are ordinary characters. A quote inside a quoted field is doubled.
    pub quote: Option<u8>,
    pub encoding: Encoding,
    /// With a header, columns are found by name in any order; without, by position.
    pub header: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// With or without a byte-order mark.
    #[serde(rename = "utf-8")]
    Utf8,
    /// ISO 8859-1.
    #[serde(rename = "latin-1")]
    Latin1,
}

#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    /// The column's name in the file's header (compared without case and surrounding space).
    pub header: String,
    pub column_type: ColumnType,
    pub required: bool,
    /// Spellings (after trimming) that mean "no value". Always contains the empty string.
    pub nulls: Vec<String>,
    pub trim: bool,
    pub transforms: Vec<Transform>,
    pub length: Option<Length>,
    pub range: Option<Range>,
    /// A regular expression that the whole value must match.
    pub pattern: Option<String>,
    pub domain: Option<Domain>,
    /// What a broken check (required, length, range, pattern, domain) does to the row. A value
    /// that is not of its type always rejects.
    pub severity: Severity,
    pub pii: Pii,
    pub description: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnType {
    String,
    /// 64-bit signed.
    Integer,
    Decimal {
        precision: u8,
        scale: u8,
    },
    /// Accepted input formats, tried in order, in `strftime` notation.
    Date {
        formats: Vec<String>,
    },
    /// Microseconds. `zoned`: the text carries an offset and the value is an instant in UTC.
    Timestamp {
        formats: Vec<String>,
        zoned: bool,
    },
    /// Accepted spellings, compared without case.
    Boolean {
        truthy: Vec<String>,
        falsy: Vec<String>,
    },
}

/// A change of the text before it is typed and checked, applied in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transform {
    Uppercase,
    Lowercase,
    /// `000123` → `123`; a value of only zeros keeps one.
    StripLeadingZeros,
    /// Keeps `0`–`9` only.
    DigitsOnly,
    /// Runs of white space become one space.
    CollapseSpaces,
    /// Removes every `.`: ICD codes with and without their point become one.
    RemoveDots,
}

/// In characters, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    pub min: usize,
    pub max: usize,
}

/// Bounds, both included, written in the column's own type (dates as `YYYY-MM-DD`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    pub min: Option<String>,
    pub max: Option<String>,
}

/// The values that a column may hold, each with the canonical code that stands for it (the
/// value itself unless the contract maps it).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    pub values: BTreeMap<String, String>,
}

/// What a broken rule does. Ordered: the later, the graver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The row is accepted and counted as a warning.
    Warn,
    /// The row goes to quarantine.
    Reject,
    /// The submission fails.
    Fail,
}

/// How far a column identifies a person (45 CFR 164.514(b)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pii {
    None,
    /// Identifies alone: name, member id, address line.
    Direct,
    /// Identifies in combination: birth date, ZIP code, service date.
    Quasi,
    /// Does not identify but must not leak: diagnosis, amount.
    Sensitive,
}

/// Where a row's month comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MonthSource {
    /// A date or timestamp column (a timestamp's month is its UTC month).
    Column(String),
    /// A part of the file's name, `YYYYMM`, `YYYY-MM` or `YYYY` (its January).
    FileNamePart(String),
}

/// A rule in SQL over the typed rows; it holds where its expression is true or null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Unique within the contract; appears in reasons and reports.
    pub id: String,
    pub scope: RuleScope,
    /// A boolean SQL expression: over one row's columns, or (`file`) with aggregates over all.
    pub sql: String,
    pub severity: Severity,
    /// What it means and what the submitter should do. Never contains a value.
    pub explanation: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleScope {
    Row,
    File,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// Rejected rows over rows in; above it the submission is `PARSE_FAILED`. 0 to 1.
    pub reject_ratio: f64,
    /// Fewer accepted rows than this is `VALIDATION_FAILED`.
    pub min_rows: u64,
}

/// A submitter's standing arrangement.
#[derive(Debug, Clone)]
pub struct Feed {
    pub name: FeedName,
    pub title: String,
    pub submitter_id: SubmitterId,
    pub state: StateCode,
    pub door: Door,
    /// What the submitter sends: first match by file name wins.
    pub contracts: Vec<LayoutId>,
    pub rooms: Vec<Room>,
    /// Overrides of the contract's thresholds.
    pub reject_ratio: Option<f64>,
    pub min_rows: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Door {
    Inbox,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Room {
    Gold,
}

/// The statewide shape of a file type: one version.
#[derive(Debug, Clone, PartialEq)]
pub struct CanonicalSchema {
    pub file_type: FileType,
    pub version: u32,
    pub title: String,
    pub columns: Vec<CanonicalColumn>,
    pub content_hash: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CanonicalColumn {
    pub name: String,
    /// Input formats are empty: a canonical value is already typed.
    pub column_type: ColumnType,
    pub required: bool,
    pub description: String,
}

/// How one layout's columns become canonical columns: one version.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    pub layout: LayoutId,
    pub version: u32,
    pub canonical_schema_version: u32,
    /// By canonical column name. A canonical column that is absent here is null.
    pub columns: BTreeMap<String, MappingSource>,
    pub content_hash: String,
}

#[derive(Debug, Clone, PartialEq)]
pub enum MappingSource {
    /// A SQL expression over the layout's columns.
    Sql(String),
    /// The same text on every row, cast to the canonical type.
    Constant(String),
    /// A layout column through a code table; what is not in the table becomes `otherwise`.
    DomainMap {
        column: String,
        values: BTreeMap<String, String>,
        otherwise: Option<String>,
    },
}
