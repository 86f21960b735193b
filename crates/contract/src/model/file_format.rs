//! How a file's bytes become records and fields.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Severity;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileFormat {
    pub shape: Shape,
    pub encoding: Encoding,
    /// Lines before the header or the first record that are passed over.
    pub skip_lines: usize,
    /// Records at the file's end that are passed over.
    pub skip_footer_lines: usize,
    /// Records that start with this are comments.
    pub comment: Option<String>,
    pub control: Option<Control>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    Delimited(Delimited),
    FixedWidth(FixedWidth),
    /// One JSON object per line (NDJSON).
    JsonLines,
    /// One JSON array of objects.
    JsonArray,
}

/// Text with a separator between fields. Separators may be of several characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delimited {
    pub delimiter: String,
    /// `None`: LF or CRLF, mixed as they come.
    pub record_separator: Option<String>,
    /// `None`: quotes are ordinary characters.
    pub quote: Option<u8>,
    /// What stands before a quote (or itself) inside a quoted field. `None`: a quote is doubled.
    pub escape: Option<u8>,
    pub header: Header,
    /// A record may end with one delimiter more, after which nothing follows.
    pub trailing_delimiter: bool,
}

/// Whether the first record names the fields, and whether the names are believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    Absent,
    /// Columns are found by name or alias, in any order.
    ByName,
    /// There is one, and columns are found by their position.
    ByPosition,
}

/// Fields at fixed places in a record; see [`super::Column::place`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FixedWidth {
    /// In characters, of records without line ends. `None`: a record is a line.
    pub record_length: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Encoding {
    /// With or without a byte-order mark.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// ISO 8859-1.
    #[serde(rename = "latin-1")]
    Latin1,
    /// What Windows calls "ANSI" in western countries: ISO 8859-1 with printable characters from
    /// 0x80 to 0x9F.
    #[serde(rename = "windows-1252")]
    Windows1252,
    /// Either byte order, told by a byte-order mark or by where the zero bytes are.
    #[serde(rename = "utf-16")]
    Utf16,
    #[serde(rename = "utf-16le")]
    Utf16Le,
    #[serde(rename = "utf-16be")]
    Utf16Be,
    /// Found from the bytes: UTF-16 by its mark or its zero bytes; otherwise a value is UTF-8
    /// where it is valid as such, and Windows-1252 where not.
    #[serde(rename = "auto")]
    Auto,
}

/// A place in a fixed-width record: `start` counts from 1, both in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Characters {
    pub start: usize,
    pub length: usize,
}

/// Records at a file's start and end that say what the file should hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    pub header: Option<ControlRecord>,
    pub trailer: Option<ControlRecord>,
    /// The date column whose values must lie within the period.
    pub period_column: Option<String>,
    /// What a wrong total or a control record that is not there does: `Warn` or `Fail`.
    pub severity: Severity,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlRecord {
    /// What the record starts with; of a delimited file, its whole first field.
    pub marker: String,
    /// How many rows the file holds.
    pub row_count: Option<FieldPlace>,
    /// First and last month (`YYYYMM`) or day (`YYYYMMDD`) of the data; other characters between
    /// the digits are passed over.
    pub period: Option<(FieldPlace, FieldPlace)>,
    /// By decimal or integer column: the sum over the file's rows.
    pub totals: BTreeMap<String, FieldPlace>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldPlace {
    /// Of a delimited record, counted from 1: the marker is 1.
    Field(usize),
    Characters(Characters),
}

impl Default for Shape {
    fn default() -> Self {
        Self::Delimited(Delimited::default())
    }
}

impl Default for Delimited {
    /// Comma-separated with a header, as RFC 4180 describes it.
    fn default() -> Self {
        Self {
            delimiter: ",".to_owned(),
            record_separator: None,
            quote: Some(b'"'),
            escape: None,
            header: Header::ByName,
            trailing_delimiter: false,
        }
    }
}

impl FileFormat {
    pub fn delimited(format: Delimited) -> Self {
        Self {
            shape: Shape::Delimited(format),
            ..Self::default()
        }
    }

    /// The delimited shape, if it is one.
    pub fn as_delimited(&self) -> Option<&Delimited> {
        match &self.shape {
            Shape::Delimited(delimited) => Some(delimited),
            Shape::FixedWidth(_) | Shape::JsonLines | Shape::JsonArray => None,
        }
    }

    /// How columns are found; members of JSON are found by their names.
    pub fn header(&self) -> Header {
        match &self.shape {
            Shape::Delimited(delimited) => delimited.header,
            Shape::FixedWidth(_) => Header::Absent,
            Shape::JsonLines | Shape::JsonArray => Header::ByName,
        }
    }
}
