//! A block: whole records of one file, ready to be inspected on any thread.

use std::sync::Arc;

use bytes::Bytes;

use crate::header::Binding;
use crate::inspection;
use crate::outcome::Inspected;
use crate::plan::FilePlan;

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
}

impl Block {
    pub fn rows(&self) -> usize {
        self.records.len()
    }

    /// The number of the first row; 1 is the first of the file.
    pub fn first_row(&self) -> u64 {
        self.first_row
    }

    /// Types and checks every row. Pure: the same block gives the same outcome, on any thread.
    pub fn inspect(&self) -> Inspected {
        inspection::inspect(self)
    }
}
