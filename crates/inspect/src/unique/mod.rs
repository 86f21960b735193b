//! One row for each natural key of a file.
//!
//! Blocks hash their rows' keys in parallel; the [`KeyLedger`] then sees the blocks in file order
//! and tells which rows repeat a key. It is exact for a file of any size in bounded memory: what
//! its table cannot hold goes to files that the caller gives it. Two different keys are taken
//! for one only where 128 bits of XXH3 agree: for a thousand million rows, a chance below 1 in
//! 10^20.

mod filter;
mod key;
mod ledger;
mod run;
mod table;

use std::sync::Arc;

use arrow::array::RecordBatch;
use contract::{Contract, Severity};

pub(crate) use self::key::KeyHash;
use self::key::key_hashes;
pub use self::ledger::{KEY_MEMORY_BYTES, KeyLedger};
pub use self::run::{Spill, SpillFile};
use crate::error::PlanError;
use crate::outcome::Problem;

/// The name of the rule in reasons.
pub(crate) const RULE: &str = "unique";

/// Between what a repeat's reason says of the rule and what it says of the row.
const OF_THE_ROW: &str = "; row ";

/// A contract's demand that its natural key be unique within a file.
#[derive(Debug, Clone)]
pub(crate) struct UniqueKey {
    /// The key's columns, by their places in the contract.
    columns: Vec<usize>,
    pub(crate) severity: Severity,
    rule: Arc<str>,
    expected: String,
}

impl UniqueKey {
    pub(crate) fn compile(contract: &Contract) -> Result<Option<Self>, PlanError> {
        let Some(severity) = contract.unique.filter(|_| !contract.natural_key.is_empty()) else {
            return Ok(None);
        };
        let place = |name: &String| {
            let mut columns = contract.columns.iter();
            let found = columns.position(|column| column.name == *name);
            found.ok_or_else(|| PlanError::KeyColumn {
                column: name.clone(),
            })
        };
        let columns = contract.natural_key.iter().map(place);
        let names = contract.natural_key.join(", ");
        Ok(Some(Self {
            columns: columns.collect::<Result<_, _>>()?,
            severity,
            rule: RULE.into(),
            expected: format!("a key ({names}) that no row before it has"),
        }))
    }

    /// One for each row of the batch, which has the contract's columns first.
    pub(crate) fn hashes(&self, accepted: &RecordBatch) -> Vec<KeyHash> {
        key_hashes(accepted, &self.columns)
    }

    /// What is wrong with a row whose key stood in `first_row` already.
    pub(crate) fn problem(&self, first_row: u64) -> Problem {
        Problem {
            column: None,
            rule: Arc::clone(&self.rule),
            detail: format!("{}{OF_THE_ROW}{first_row} has it", self.expected).into(),
        }
    }
}

/// A repeat's reason without the row that it repeats.
pub(crate) fn without_row(detail: &str) -> &str {
    detail
        .split_once(OF_THE_ROW)
        .map_or(detail, |(expected, _)| expected)
}
