//! The start of a file: is it text at all, and which of its fields is which column.
//!
//! Columns are found by name, in any order, without case and without surrounding space and
//! quotes. Only names of the contract are ever put into an error: a file that lacks its header
//! has a patient in its first line.

use std::collections::HashMap;
use std::sync::Arc;

use contract::{Encoding, FileFormat};

use crate::cell::unquoted;
use crate::error::Unreadable;
use crate::fields::FieldReader;
use crate::plan::{Compiled, Dialect};
use crate::scan::{Record, Scanner, Step};
use crate::splitter::RECORD_BYTES_MAX;
use crate::tile::split_record;

pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// How much of a file is looked at to tell whether it is text.
pub(crate) const SNIFF_BYTES: usize = 1024;

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
    pub(crate) fn by_position(plan: &Compiled, encoding: Encoding) -> Self {
        let identity: Vec<_> = (0..plan.columns.len()).map(Some).collect();
        Self {
            fields: identity.clone(),
            columns: identity,
            encoding,
            reader: FieldReader::Plain(plan.dialect),
            unknown: Vec::new(),
            absent: Vec::new(),
        }
    }

    pub(crate) fn of_header(
        plan: &Compiled,
        encoding: Encoding,
        record: &[u8],
    ) -> Result<Self, Unreadable> {
        let names = names_of(plan.dialect, encoding, record)?;
        let by_key: HashMap<&str, usize> = plan
            .columns
            .iter()
            .enumerate()
            .map(|(at, c)| (c.header_key.as_str(), at))
            .collect();
        let mut fields = vec![None; plan.columns.len()];
        let mut columns = vec![None; names.len()];
        let mut unknown = Vec::new();
        for (field, name) in names.iter().enumerate() {
            let Some(&column) = by_key.get(header_key(name).as_str()) else {
                unknown.push(name.clone());
                continue;
            };
            if fields[column].is_some() {
                let column = plan.columns[column].header.clone();
                return Err(Unreadable::DuplicateColumn { column });
            }
            fields[column] = Some(field);
            columns[field] = Some(column);
        }
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
            reader: FieldReader::Plain(plan.dialect),
            unknown,
            absent,
        })
    }

    /// How many fields a record has.
    pub(crate) fn width(&self) -> usize {
        self.columns.len()
    }
}

/// The names in the header line, in the file's order, without surrounding space and quotes.
/// `start` is the beginning of a file and holds the whole of that line.
///
/// # Errors
/// The file is not delimited text, or holds no line.
pub fn header_names(format: &FileFormat, start: &[u8]) -> Result<Vec<String>, Unreadable> {
    refuse_other_formats(&start[..start.len().min(SNIFF_BYTES)])?;
    let dialect = Dialect::of(format).ok_or(Unreadable::Empty)?;
    let (encoding, text) = match start.strip_prefix(BYTE_ORDER_MARK) {
        Some(text) => (Encoding::Utf8, text),
        None => (format.encoding, start),
    };
    let mut scanner = Scanner::new(dialect.delimiter, dialect.quote, RECORD_BYTES_MAX);
    loop {
        match scanner.next_record(text, true) {
            Step::Record(Record { start, end, .. }) if start == end => {}
            Step::Record(record) => {
                return names_of(dialect, encoding, &text[record.start..record.end]);
            }
            Step::NeedMore => return Err(Unreadable::Empty),
            Step::TooLong { .. } => {
                let reason = "it is longer than any record may be";
                return Err(Unreadable::BrokenHeader { reason });
            }
        }
    }
}

fn names_of(
    dialect: Dialect,
    encoding: Encoding,
    record: &[u8],
) -> Result<Vec<String>, Unreadable> {
    let lone_return =
        |(at, &byte): (usize, &u8)| byte == b'\r' && record.get(at + 1) != Some(&b'\n');
    if record.iter().enumerate().any(lone_return) {
        return Err(Unreadable::NotText {
            what: "text whose lines end with a carriage return alone",
            remedy: "save it with line ends of LF or CRLF",
        });
    }
    let mut ends = Vec::new();
    if split_record(
        record,
        0,
        record.len(),
        dialect.delimiter,
        dialect.quote,
        &mut ends,
    )
    .is_err()
    {
        let reason = "a quote in it is not closed, or text follows a closing quote";
        return Err(Unreadable::BrokenHeader { reason });
    }
    let mut start = 0;
    let mut names = Vec::with_capacity(ends.len());
    for end in ends {
        let end = end as usize;
        let field = unquoted(&record[start..end], dialect.quote);
        let name = match encoding {
            Encoding::Utf8 => String::from_utf8_lossy(&field).into_owned(),
            _ => field.iter().copied().map(char::from).collect(),
        };
        names.push(trim_name(&name).to_owned());
        start = end + 1;
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

/// Files of other formats, by their first bytes; and what is no text at all.
pub(crate) fn refuse_other_formats(start: &[u8]) -> Result<(), Unreadable> {
    let utf16 = ("text in UTF-16", "save it as UTF-8");
    let formats: [(&[u8], (&str, &str)); 9] = [
        (
            b"PK\x03\x04",
            (
                "a ZIP archive or an Excel workbook",
                "unpack it, or save the sheet as text",
            ),
        ),
        (
            b"\xD0\xCF\x11\xE0",
            ("an old Excel workbook", "save the sheet as delimited text"),
        ),
        (
            b"%PDF",
            ("a PDF document", "send the data that it was made from"),
        ),
        (
            b"\x1F\x8B",
            ("compressed with gzip", "unpack it and send the file inside"),
        ),
        (
            b"\x28\xB5\x2F\xFD",
            ("compressed with zstd", "unpack it and send the file inside"),
        ),
        (
            b"7z\xBC\xAF",
            ("a 7-Zip archive", "unpack it and send the files inside"),
        ),
        (b"PAR1", ("a Parquet file", "send it as delimited text")),
        (b"\xFF\xFE", utf16),
        (b"\xFE\xFF", utf16),
    ];
    let nul_count = start.iter().filter(|&&byte| byte == 0).count();
    let found = formats
        .iter()
        .find(|(magic, _)| start.starts_with(magic))
        .map(|(_, said)| *said);
    let binary = ("binary data or text in UTF-16", "save it as text in UTF-8");
    match found.or((nul_count * 4 > start.len()).then_some(binary)) {
        Some((what, remedy)) => Err(Unreadable::NotText { what, remedy }),
        None => Ok(()),
    }
}
