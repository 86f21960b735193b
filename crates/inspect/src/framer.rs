//! Where records end, for each kind of file. Sequential: a framer sees the whole file in order.
//!
//! Every decision depends on the bytes up to a place that the bytes determine, never on how many
//! of them happen to have arrived. All positions are relative to the start of a growing buffer.

use crate::plan::Compiled;
use crate::scan::{Scanner, Step};

/// Finds the ends of records.
#[derive(Debug)]
pub(crate) enum Framer {
    /// Records are lines; quotes of one byte may hold line ends.
    Lines(Scanner),
}

impl Framer {
    pub(crate) fn of(plan: &Compiled, record_bytes_max: usize) -> Self {
        let dialect = plan.dialect;
        Self::Lines(Scanner::new(
            dialect.delimiter,
            dialect.quote,
            record_bytes_max,
        ))
    }

    /// The next record of `bytes`, of which nothing but the end may have changed since the last
    /// call. `NeedMore` where `at_end` says that there is nothing more.
    pub(crate) fn next_record(&mut self, bytes: &[u8], at_end: bool) -> Step {
        match self {
            Self::Lines(scanner) => scanner.next_record(bytes, at_end),
        }
    }

    /// The buffer lost its first `count` bytes, which are no part of the current record.
    pub(crate) fn forget(&mut self, count: usize) {
        match self {
            Self::Lines(scanner) => scanner.forget(count),
        }
    }

    /// The buffer was emptied up to the start of a new record.
    pub(crate) fn restart(&mut self) {
        match self {
            Self::Lines(scanner) => scanner.restart(),
        }
    }
}
