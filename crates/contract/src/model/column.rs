//! A column of a contract: where its value stands, what it is and what it must be.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Characters, Severity};

#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    /// The column's name in the file's header (compared without case and surrounding space); of
    /// JSON, the path of its member: `patient.id`.
    pub header: String,
    /// Other names that the header may have instead.
    pub aliases: Vec<String>,
    /// Where it stands in a fixed-width record, and only there.
    pub place: Option<Characters>,
    pub column_type: ColumnType,
    pub required: bool,
    /// A SQL condition over the row's columns, under which the column is required.
    pub required_when: Option<String>,
    /// Spellings (after trimming) that mean "no value". Always contains the empty string.
    pub nulls: Vec<String>,
    /// Typed values that mean "no value", in whatever format they come: dates as `YYYY-MM-DD`.
    pub sentinels: Vec<String>,
    pub trim: bool,
    pub transforms: Vec<Transform>,
    /// Zeros are put before a shorter value until it has so many characters.
    pub zero_pad: Option<usize>,
    /// A decimal is sent without its point: with two places, `1234` is 12.34.
    pub implied_decimals: bool,
    /// The time zone (IANA name) of a `timestamp_tz` whose format carries no offset.
    pub zone: Option<String>,
    pub length: Option<Length>,
    pub range: Option<Range>,
    /// A regular expression that the whole value must match.
    pub pattern: Option<String>,
    pub domain: Option<Domain>,
    pub check: Option<ValueCheck>,
    pub completeness: Option<Completeness>,
    /// What a broken check (required, length, range, pattern, domain, check) does to the row. A
    /// value that is not of its type always rejects.
    pub severity: Severity,
    pub pii: Pii,
    pub description: String,
}

impl Column {
    /// A column that takes whatever is of its type, found by its own name.
    pub fn new(name: &str, column_type: ColumnType) -> Self {
        Self {
            name: name.to_owned(),
            header: name.to_owned(),
            aliases: Vec::new(),
            place: None,
            column_type,
            required: false,
            required_when: None,
            nulls: vec![String::new()],
            sentinels: Vec::new(),
            trim: true,
            transforms: Vec::new(),
            zero_pad: None,
            implied_decimals: false,
            zone: None,
            length: None,
            range: None,
            pattern: None,
            domain: None,
            check: None,
            completeness: None,
            severity: Severity::Reject,
            pii: Pii::None,
            description: String::new(),
        }
    }

    /// Every name that the header may have: its own, then the others.
    pub fn headers(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.header)
            .chain(&self.aliases)
            .map(String::as_str)
    }
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

/// A published form of identifier or code. Codes are judged by their shape; whether a code is in
/// force on a day is a matter for a `domain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueCheck {
    /// US national provider identifier: Luhn over `80840` and the ten digits (45 CFR 162.406).
    Npi,
    /// New Zealand national health index number, both formats (HISO 10046:2023).
    NzNhi,
    /// ISO/IEC 7812-1, annex B.
    Luhn,
    /// ISBN of ten or thirteen digits (ISO 2108).
    Isbn,
    Icd10cm,
    Icd10pcs,
    Icd9cm,
    Icd9Procedure,
    Cpt,
    /// HCPCS level I (CPT) or II.
    Hcpcs,
    /// National drug code: eleven digits, or ten with their hyphens.
    Ndc,
}

/// How much of a column must be populated, over the accepted rows of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Completeness {
    /// Rows with a value over rows counted, 0 to 1.
    pub min: f64,
    /// A SQL condition: which rows count. `None`: all.
    pub of_rows: Option<String>,
    /// `Warn` or `Fail`.
    pub severity: Severity,
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
