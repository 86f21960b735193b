//! What comes out: accepted rows, rejects with every reason, warnings, and the file's totals.

use std::sync::Arc;

use arrow::array::RecordBatch;
use contract::{Encoding, Severity};

use crate::block::RawRows;
use crate::control::Announced;
use crate::statistics::ColumnStatistics;

/// The outcome of a block: `rows_in == accepted.num_rows() + rejects.len()`.
#[derive(Debug)]
pub struct Inspected {
    pub rows_in: u64,
    /// In the plan's schema and the file's order.
    pub accepted: RecordBatch,
    /// In the file's order.
    pub rejects: Vec<Reject>,
    /// Broken checks of severity `warn`, of accepted rows.
    pub warnings: Vec<Warning>,
    /// Broken checks of severity `fail`; their rows are rejected too.
    pub failures: Vec<Warning>,
    /// One per column of the contract, in its order.
    pub statistics: Vec<ColumnStatistics>,
    /// Paths of JSON members that the contract does not read, at most a thousand of an object.
    pub unknown_members: Vec<String>,
    pub(crate) raw: RawRows,
}

impl Inspected {
    /// The text of a row of this block, given its `source_offset` and `source_length`: for a
    /// row that is accepted here and refused later. Empty where the block has no such row.
    pub fn raw_row(&self, source_offset: i64, source_length: i64) -> Vec<u8> {
        let found = self.raw.row(source_offset, source_length);
        found.unwrap_or_default().to_vec()
    }
}

/// A row that broke its contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// 1 is the first row after the header.
    pub row: u64,
    /// In bytes from the file's start.
    pub offset: u64,
    /// In bytes, without the line end.
    pub length: u64,
    /// The row as it was sent, or as UTF-8 where that was UTF-16; of a row that is too long (`record_length`), its beginning.
    pub raw: Vec<u8>,
    /// Every broken column and rule, those of severity `warn` included, in column order.
    pub problems: Vec<Problem>,
}

/// What is wrong, in words that hold no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Absent where the row's fields cannot be told apart.
    pub column: Option<Arc<str>>,
    /// `required`, `type`, `length`, `range`, `pattern`, `domain`, `encoding`, `nul_byte`,
    /// `field_count`, `quote`, `record_length`, `json`, `control`, or the id of a rule in SQL.
    pub rule: Arc<str>,
    /// What was expected, from the contract or the header only.
    pub detail: Arc<str>,
}

/// A broken check that is reported beside the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    pub row: u64,
    pub problem: Problem,
}

/// The totals of a file that was read to its end. Every byte belongs to a row, to one of the
/// kinds in `passed`, to what separates records, or to the byte-order mark.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileEnd {
    pub rows: u64,
    /// Without what separates them from the next.
    pub row_bytes: u64,
    pub bytes: u64,
    /// As found: UTF-16 with its byte order.
    pub encoding: Encoding,
    pub had_bom: bool,
    pub passed: Passed,
    /// Lines without a byte, which are no rows.
    pub blank_lines: u64,
    pub line_ends: LineEnds,
    /// Bytes of line ends and other record separators.
    pub separator_bytes: u64,
    /// Columns of the header that the contract does not know, as they are spelt there. They are
    /// not read.
    pub unknown_columns: Vec<String>,
    /// Optional columns of the contract that the header does not have: null in every row.
    pub absent_columns: Vec<Arc<str>>,
    /// What is wrong with the file as a whole.
    pub findings: Vec<Finding>,
    pub(crate) announced: Announced,
}

/// Records that are no rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Passed {
    pub preamble: Passage,
    pub header: Passage,
    /// The header once more, in the middle of the file.
    pub repeated_headers: Passage,
    pub comments: Passage,
    pub control: Passage,
    pub footer: Passage,
}

/// How many records were passed over, and their bytes without what separates them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Passage {
    pub records: u64,
    pub bytes: u64,
}

impl Passage {
    pub(crate) fn add(&mut self, bytes: u64) {
        self.records += 1;
        self.bytes += bytes;
    }
}

/// How many lines end which way; a file may mix them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineEnds {
    pub lf: u64,
    pub crlf: u64,
    /// Of the contract's own record separator.
    pub separators: u64,
}

/// Something that is wrong with a file as a whole, and what that does to it: `Warn` or `Fail`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    pub problem: Problem,
}
