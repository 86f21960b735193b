//! A block: whole records of one file, ready to be inspected on any thread.

use std::sync::Arc;

use bytes::Bytes;

use crate::header::Binding;
use crate::inspection;
use crate::outcome::Inspected;
use crate::plan::FilePlan;
use crate::utf16::file_bytes;

/// Where a record is in its block, without its line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// Whole records of one file, in its order. Owns its bytes.
#[derive(Debug)]
pub struct Block {
    pub(crate) plan: FilePlan,
    pub(crate) binding: Arc<Binding>,
    /// Where `raw` begins in the file.
    pub(crate) offset: u64,
    pub(crate) first_row: u64,
    pub(crate) raw: Bytes,
    pub(crate) records: Vec<Span>,
    /// The block is one record that is too long, of that length; `raw` is its beginning.
    pub(crate) too_long_bytes: Option<u64>,
    /// The file is UTF-16, and `raw` its text in UTF-8.
    pub(crate) wide: bool,
}

/// Where the records of a block lie in the file.
#[derive(Debug)]
pub(crate) enum FilePlaces {
    /// Where they lie in `raw`, from there on.
    From(u64),
    /// By record: offset and length in the file.
    Counted(Vec<(u64, u64)>),
}

impl FilePlaces {
    pub(crate) fn of(&self, record: usize, span: Span) -> (u64, u64) {
        match self {
            Self::From(offset) => (
                offset + u64::from(span.start),
                u64::from(span.end - span.start),
            ),
            Self::Counted(places) => places[record],
        }
    }
}

/// A block's bytes, from which a row's can be had again.
#[derive(Debug)]
pub(crate) struct RawRows {
    raw: Bytes,
    records: Vec<Span>,
    places: FilePlaces,
}

impl RawRows {
    pub(crate) fn row(&self, offset: i64, length: i64) -> Option<&[u8]> {
        let (offset, length) = (u64::try_from(offset).ok()?, u64::try_from(length).ok()?);
        let (start, end) = match &self.places {
            FilePlaces::From(from) => {
                let start = usize::try_from(offset.checked_sub(*from)?).ok()?;
                (start, start.checked_add(usize::try_from(length).ok()?)?)
            }
            FilePlaces::Counted(places) => {
                let record = places.binary_search(&(offset, length)).ok()?;
                let span = self.records[record];
                (span.start as usize, span.end as usize)
            }
        };
        self.raw.get(start..end)
    }
}

impl Block {
    pub fn rows(&self) -> usize {
        self.records.len()
    }

    /// The number of the first row; 1 is the first of the file.
    pub fn first_row(&self) -> u64 {
        self.first_row
    }

    /// Where each record lies in the file.
    pub(crate) fn places(&self) -> FilePlaces {
        if !self.wide {
            return FilePlaces::From(self.offset);
        }
        let mut at = 0;
        let mut offset = self.offset;
        let places = self.records.iter().map(|span| {
            let (start, end) = (span.start as usize, span.end as usize);
            let start_offset = offset + file_bytes(&self.raw[at..start]);
            let length = self.file_length(*span);
            at = end;
            offset = start_offset + length;
            (start_offset, length)
        });
        FilePlaces::Counted(places.collect())
    }

    /// How many bytes of the file a record is.
    pub(crate) fn file_length(&self, span: Span) -> u64 {
        match self.too_long_bytes {
            Some(length) => length,
            None if self.wide => file_bytes(&self.raw[span.start as usize..span.end as usize]),
            None => u64::from(span.end - span.start),
        }
    }

    pub(crate) fn raw_rows(&self, places: FilePlaces) -> RawRows {
        RawRows {
            raw: self.raw.clone(),
            records: match &places {
                FilePlaces::From(_) => Vec::new(),
                FilePlaces::Counted(_) => self.records.clone(),
            },
            places,
        }
    }

    /// Types and checks every row. Pure: the same block gives the same outcome, on any thread.
    pub fn inspect(&self) -> Inspected {
        inspection::inspect(self)
    }
}
