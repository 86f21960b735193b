//! The checked forms of the documents: what the rest of the program works with. A file's format,
//! a column and a rule have modules of their own.

mod column;
mod file_format;
mod rule;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::column::*;
pub use self::file_format::*;
pub use self::rule::*;
use crate::{FeedName, FileNameGrammar, FileType, LayoutId, StateCode, SubmitterId};

/// What a kind of file must look like: one version of one contract.
#[derive(Debug, Clone)]
pub struct Contract {
    pub layout: LayoutId,
    pub title: String,
    pub description: String,
    /// Where the layout is published: a codebook, a standard, a regulation.
    pub source: Option<String>,
    pub format: FileFormat,
    pub file_name: Option<FileNameGrammar>,
    /// In file order where the file has no header.
    pub columns: Vec<Column>,
    /// Names of the columns that identify a row in the submitter's own system.
    pub natural_key: Vec<String>,
    /// What a second row with the same natural key, in the same file, does. `None`: nothing.
    pub unique: Option<Severity>,
    pub atomic_month: Option<MonthSource>,
    pub rules: Vec<Rule>,
    pub thresholds: Thresholds,
    /// SHA-256 (hex) of everything that decides an outcome: the document and its domain files.
    pub content_hash: String,
}

impl Contract {
    /// A contract of nothing but a format and columns: no key, no month, no rules, any number of
    /// rejects. For tools and tests; a contract that people rely on is a document.
    pub fn new(layout: LayoutId, format: FileFormat, columns: Vec<Column>) -> Self {
        Self {
            layout,
            title: String::new(),
            description: String::new(),
            source: None,
            format,
            file_name: None,
            columns,
            natural_key: Vec::new(),
            unique: None,
            atomic_month: None,
            rules: Vec::new(),
            thresholds: Thresholds {
                reject_ratio: 1.0,
                min_rows: 0,
            },
            content_hash: String::new(),
        }
    }
}

/// Where a row's month comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MonthSource {
    /// A date or timestamp column (a timestamp's month is its UTC month).
    Column(String),
    /// A part of the file's name, `YYYYMM`, `YYYY-MM` or `YYYY` (its January).
    FileNamePart(String),
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
    /// Rejected rows over rows in, above which people are told. 0 to 1.
    pub alert_reject_ratio: f64,
    /// How old the newest validated submission may become before people are told.
    pub fresh_within: Option<Duration>,
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
