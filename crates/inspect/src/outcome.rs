//! What comes out: accepted rows, rejects with every reason, warnings, and the file's totals.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, Int64Array, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Int64Type;
use contract::{Encoding, Severity};

use crate::block::RawRows;
use crate::control::Announced;
use crate::plan::LINEAGE_COLUMNS;
use crate::statistics::ColumnStatistics;
use crate::unique::{self, KeyHash};

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
    /// The natural key of every accepted row, where the contract wants it to be unique.
    pub(crate) keys: Vec<KeyHash>,
    pub(crate) raw: RawRows,
}

/// Where the accepted rows of a block stand in their file.
#[derive(Debug, Clone)]
pub struct RowPlaces {
    row: Int64Array,
    offset: Int64Array,
    length: Int64Array,
}

impl RowPlaces {
    /// The number of a row, given its index in the batch.
    pub fn row(&self, index: usize) -> u64 {
        self.row.value(index) as u64
    }
}

impl Inspected {
    /// Where the accepted rows stand in the file, as they are now.
    pub fn rows(&self) -> RowPlaces {
        let column = |name: &str| {
            let found = self.accepted.column_by_name(name);
            let found = found.expect("every row has its lineage");
            found.as_primitive::<Int64Type>().clone()
        };
        let [_, row, offset, length] = LINEAGE_COLUMNS;
        RowPlaces {
            row: column(row),
            offset: column(offset),
            length: column(length),
        }
    }

    /// Rejects accepted rows after all, given by their index in `accepted`, each with what it
    /// broke. Their warnings go, for a warning is of an accepted row.
    pub fn refuse(&mut self, refused: BTreeMap<usize, Vec<Problem>>) {
        if refused.is_empty() {
            return;
        }
        let rows = self.rows();
        let numbers: HashSet<u64> = refused.keys().map(|&index| rows.row(index)).collect();
        let warnings = &mut self.warnings;
        warnings.retain(|warning| !numbers.contains(&warning.row));
        let kept: Vec<bool> = (0..self.accepted.num_rows())
            .map(|index| !refused.contains_key(&index))
            .collect();
        for (index, problems) in refused {
            let (offset, length) = (rows.offset.value(index), rows.length.value(index));
            self.rejects.push(Reject {
                row: rows.row(index),
                offset: offset as u64,
                length: length as u64,
                raw: self.raw_row(offset, length),
                problems,
            });
        }
        self.rejects.sort_by_key(|reject| reject.row);
        let mut keep = kept.iter();
        self.keys.retain(|_| keep.next() == Some(&true));
        self.accepted = filter_record_batch(&self.accepted, &BooleanArray::from(kept))
            .expect("there is one answer for each row");
        for (statistics, values) in self.statistics.iter_mut().zip(self.accepted.columns()) {
            statistics.recount(values);
        }
    }

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
    /// `required`, `type`, `length`, `range`, `pattern`, `domain`, `check`, `encoding`,
    /// `nul_byte`, `field_count`, `quote`, `record_length`, `json`, `control`, `unique`,
    /// `required_when`, or the id of a rule in SQL.
    pub rule: Arc<str>,
    /// What was expected, from the contract or the header only.
    pub detail: Arc<str>,
}

impl Problem {
    /// What was expected, without what differs from row to row: for counting.
    pub fn expected(&self) -> &str {
        if *self.rule == *unique::RULE {
            unique::without_row(&self.detail)
        } else {
            &self.detail
        }
    }
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
