//! What comes out: accepted rows, rejects with every reason, warnings, and the file's totals.

use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::Bytes;

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
    pub(crate) raw: Bytes,
    pub(crate) raw_offset: u64,
}

impl Inspected {
    /// The bytes of a row of this block, given its `source_offset` and `source_length`: for a
    /// row that is accepted here and refused later. Empty where the block has no such bytes.
    pub fn raw_row(&self, source_offset: i64, source_length: i64) -> Vec<u8> {
        let range = || {
            let start = u64::try_from(source_offset)
                .ok()?
                .checked_sub(self.raw_offset)?;
            let start = usize::try_from(start).ok()?;
            let end = start.checked_add(usize::try_from(source_length).ok()?)?;
            self.raw.get(start..end)
        };
        range().unwrap_or_default().to_vec()
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
    /// The row as it was sent; of a row that is too long (`record_length`), its beginning.
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
    /// `field_count`, `quote`, `record_length`, or the id of a rule in SQL.
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

/// The totals of a file that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileEnd {
    pub rows: u64,
    pub bytes: u64,
    /// Lines without a byte, which are no rows.
    pub blank_lines: u64,
    pub line_ends: LineEnds,
    pub had_bom: bool,
    /// Columns of the header that the contract does not know, as they are spelt there. They are
    /// not read.
    pub unknown_columns: Vec<String>,
    /// Optional columns of the contract that the header does not have: null in every row.
    pub absent_columns: Vec<Arc<str>>,
}

/// How many lines end which way; a file may mix them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineEnds {
    pub lf: u64,
    pub crlf: u64,
}
