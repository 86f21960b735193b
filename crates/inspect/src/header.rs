//! The header of a file: which of its fields is which column.
//!
//! Columns are found by name or alias, in any order, without case and without surrounding space
//! and quotes; or by their position. Only names of the contract are ever put into an error: a file that lacks its header
//! has a patient in its first line.

use std::collections::HashMap;
use std::sync::Arc;

use contract::{Encoding, FileFormat, Header};

use crate::error::Unreadable;
use crate::fields::FieldReader;
use crate::opening::Opened;
use crate::plan::Compiled;
use crate::records::Kind;
use crate::scan::Step;
use crate::splitter::RECORD_BYTES_MAX;

/// Where the contract's columns are in this file's records.
#[derive(Debug)]
pub(crate) struct Binding {
    /// By column of the contract: its field, absent where the file does not have the column.
    pub(crate) fields: Vec<Option<usize>>,
    /// By field of the file: its column, absent where the contract does not know it.
    pub(crate) columns: Vec<Option<usize>>,
    pub(crate) encoding: Encoding,
    pub(crate) reader: FieldReader,
    pub(crate) unknown: Vec<String>,
    pub(crate) absent: Vec<Arc<str>>,
}

impl Binding {
    pub(crate) fn by_position(plan: &Compiled, encoding: Encoding, reader: FieldReader) -> Self {
        let identity: Vec<_> = (0..plan.columns.len()).map(Some).collect();
        Self {
            fields: identity.clone(),
            columns: identity,
            encoding,
            reader,
            unknown: Vec::new(),
            absent: Vec::new(),
        }
    }

    pub(crate) fn of_header(
        plan: &Compiled,
        encoding: Encoding,
        reader: FieldReader,
        record: &[u8],
    ) -> Result<Self, Unreadable> {
        let names = names_of(&plan.format, &reader, encoding, record)?;
        if plan.format.header() == Header::ByPosition {
            let (fields, columns) = (names.len(), plan.columns.len());
            if fields != columns {
                return Err(Unreadable::HeaderWidth { fields, columns });
            }
            return Ok(Self::by_position(plan, encoding, reader));
        }
        let (fields, columns) = match_names(plan, &names)?;
        let unknown = (names.iter().zip(&columns))
            .filter(|(_, column)| column.is_none())
            .map(|(name, _)| name.clone())
            .collect();
        let without = |field: &Option<usize>| field.is_none();
        let nothing_known = fields.iter().all(without);
        let missing: Vec<String> = plan
            .columns
            .iter()
            .zip(&fields)
            .filter(|(column, field)| without(field) && (column.required || nothing_known))
            .map(|(column, _)| column.header.clone())
            .collect();
        if !missing.is_empty() {
            return Err(Unreadable::MissingColumns {
                missing,
                fields: names.len(),
            });
        }
        let absent = plan
            .columns
            .iter()
            .zip(&fields)
            .filter(|(_, field)| without(field));
        let absent = absent.map(|(column, _)| Arc::clone(&column.name)).collect();
        Ok(Self {
            fields,
            columns,
            encoding,
            reader,
            unknown,
            absent,
        })
    }

    /// How many fields a record has.
    pub(crate) fn width(&self) -> usize {
        self.columns.len()
    }
}

/// By column its field, and by field its column.
type Matches = (Vec<Option<usize>>, Vec<Option<usize>>);

fn match_names(plan: &Compiled, names: &[String]) -> Result<Matches, Unreadable> {
    let mut by_key = HashMap::new();
    for (at, column) in plan.columns.iter().enumerate() {
        by_key.insert(column.header_key.as_str(), at);
        by_key.extend(column.alias_keys.iter().map(|key| (key.as_str(), at)));
    }
    let mut fields = vec![None; plan.columns.len()];
    let mut columns = vec![None; names.len()];
    for (field, name) in names.iter().enumerate() {
        let Some(&column) = by_key.get(header_key(name).as_str()) else {
            continue;
        };
        if fields[column].is_some() {
            let column = plan.columns[column].header.clone();
            return Err(Unreadable::DuplicateColumn { column });
        }
        fields[column] = Some(field);
        columns[field] = Some(column);
    }
    Ok((fields, columns))
}

/// The column names in the header of a delimited file that starts so, for telling whose layout
/// it has. A name that the start cuts off comes out short.
///
/// # Errors
/// The file is not text in the contract's encoding, has no header, or one that cannot be split.
pub fn header_names(format: &FileFormat, start: &[u8]) -> Result<Vec<String>, Unreadable> {
    if format.as_delimited().is_none() {
        return Err(Unreadable::Empty);
    }
    let mut opened = Opened::of(format, start, RECORD_BYTES_MAX)?;
    let mut text = Vec::with_capacity(start.len());
    opened.read(&start[opened.found.mark_bytes..], &mut text);
    let (encoding, records) = (opened.encoding, &mut opened.records);
    let reader = FieldReader::of(format, std::iter::empty(), encoding);
    loop {
        match records.next(&text, true) {
            Step::Record(record) => {
                let record = &text[record.start..record.end];
                if let Kind::Header | Kind::Row = records.kind_of(record) {
                    return names_of(format, &reader, encoding, record);
                }
            }
            Step::NeedMore => return Err(Unreadable::Empty),
            Step::TooLong { .. } | Step::NotAnArray { .. } => return Err(too_long_header()),
        }
    }
}

/// A header in which no line ends for longer than any record may be.
pub(crate) fn too_long_header() -> Unreadable {
    let reason = "it is longer than any record may be";
    Unreadable::BrokenHeader { reason }
}

fn names_of(
    format: &FileFormat,
    reader: &FieldReader,
    encoding: Encoding,
    record: &[u8],
) -> Result<Vec<String>, Unreadable> {
    let delimited = format.as_delimited();
    let lines = delimited.is_some_and(|format| format.record_separator.is_none());
    let lone_return =
        |(at, &byte): (usize, &u8)| byte == b'\r' && record.get(at + 1) != Some(&b'\n');
    if lines && record.iter().enumerate().any(lone_return) {
        return Err(Unreadable::NotText {
            what: "text whose lines end with a carriage return alone",
            remedy: "save it with line ends of LF or CRLF, or write `record_separator: \"\\r\"` in \
                     the contract's `file`",
        });
    }
    let reason = "a quote in it is not closed, or text follows a closing quote";
    let texts = reader.texts(record, encoding);
    let texts = texts.ok_or(Unreadable::BrokenHeader { reason })?;
    let mut names: Vec<String> = texts
        .iter()
        .map(|name| trim_name(name).to_owned())
        .collect();
    let trailing = delimited.is_some_and(|format| format.trailing_delimiter);
    if trailing && names.len() > 1 && names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    Ok(names)
}

fn trim_name(name: &str) -> &str {
    name.trim_matches(|c: char| c.is_whitespace() || c == '"')
}

/// A header name as it is compared.
pub(crate) fn header_key(name: &str) -> String {
    trim_name(name).to_lowercase()
}
