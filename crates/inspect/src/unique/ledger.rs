//! The keys of a file that went by, and which rows repeat one.
//!
//! A key is looked for in the table in memory, then, where the filter says that it may be there,
//! in the runs that were spilled; a key that is new goes to the table. A full table becomes the
//! next run. Every key that went by is in the table or in a run and the filter never says "no"
//! wrongly, so no repeat is missed; memory is that of table and filter.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use contract::Severity;

use super::filter::Filter;
use super::run::{Run, RunWriter, Spill};
use super::table::{Inserted, Table};
use super::{KeyHash, UniqueKey};
use crate::outcome::{Inspected, Problem, Warning};
use crate::plan::Plan;

/// What a ledger takes at most, unless its maker says otherwise: some six million keys before it
/// spills.
pub const KEY_MEMORY_BYTES: usize = 192 << 20;

/// Of one file. Give it the file's blocks in order.
pub struct KeyLedger {
    unique: UniqueKey,
    keys: Keys,
}

struct Keys {
    table: Table,
    /// The table holds rows as their distance from this one.
    first_row: u64,
    runs: Vec<Run>,
    filter: Option<Filter>,
    filter_bytes: usize,
    spill: Spill,
}

impl KeyLedger {
    /// Nothing where the contract does not ask for unique keys. `memory_bytes`: of table and
    /// filter together; from about 20 KiB on it is kept.
    pub fn new(plan: &Plan, memory_bytes: usize, spill: Spill) -> Option<Self> {
        let unique = plan.unique_key()?.clone();
        Some(Self {
            unique,
            keys: Keys::new(memory_bytes, spill),
        })
    }

    /// Looks at the next block's accepted rows: those that repeat a key are rejected, or warned
    /// of, as the contract says.
    ///
    /// # Errors
    /// A spill file could not be made, written or read.
    ///
    /// # Panics
    /// Where rows were taken out of the block by other ways than [`Inspected::refuse`].
    pub fn take(&mut self, inspected: &mut Inspected) -> io::Result<()> {
        assert_eq!(
            inspected.keys.len(),
            inspected.accepted.num_rows(),
            "there is a key for every accepted row"
        );
        let mut repeats: BTreeMap<usize, Vec<Problem>> = BTreeMap::new();
        let rows = inspected.rows();
        for (index, &key) in inspected.keys.iter().enumerate() {
            if let Some(first) = self.keys.first_row(key, rows.row(index))? {
                repeats.insert(index, vec![self.unique.problem(first)]);
            }
        }
        if repeats.is_empty() {
            return Ok(());
        }
        let warnings = || {
            let warning = |(index, problems): (&usize, &Vec<Problem>)| Warning {
                row: rows.row(*index),
                problem: problems[0].clone(),
            };
            repeats.iter().map(warning).collect::<Vec<_>>()
        };
        match self.unique.severity {
            Severity::Warn => inspected.warnings.extend(warnings()),
            Severity::Reject => inspected.refuse(repeats),
            Severity::Fail => {
                inspected.failures.extend(warnings());
                inspected.refuse(repeats);
            }
        }
        Ok(())
    }

    /// What it takes of memory.
    pub fn memory_bytes(&self) -> usize {
        let filter = self
            .keys
            .filter
            .as_ref()
            .map_or(0, |_| self.keys.filter_bytes);
        self.keys.table.bytes() + filter
    }

    /// How many times the table was full.
    pub fn spilled_runs(&self) -> usize {
        self.keys.runs.len()
    }
}

impl fmt::Debug for KeyLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyLedger")
            .field("memory_bytes", &self.memory_bytes())
            .field("spilled_runs", &self.spilled_runs())
            .finish_non_exhaustive()
    }
}

impl Keys {
    fn new(memory_bytes: usize, spill: Spill) -> Self {
        let filter_bytes = memory_bytes / 4;
        Self {
            table: Table::new(memory_bytes - filter_bytes),
            first_row: 0,
            runs: Vec::new(),
            filter: None,
            filter_bytes,
            spill,
        }
    }

    /// The row that had this key before; where none had, this one is kept. Rows ascend.
    #[inline]
    fn first_row(&mut self, key: KeyHash, row: u64) -> io::Result<Option<u64>> {
        if key == KeyHash::NONE {
            return Ok(None);
        }
        let hash = key.0;
        if let Some(filter) = &self.filter {
            if let Some(row) = self.table.get(hash) {
                return Ok(Some(self.first_row + u64::from(row)));
            }
            if filter.may_hold(hash) {
                for run in &mut self.runs {
                    if let Some(row) = run.find(hash)? {
                        return Ok(Some(row));
                    }
                }
            }
        }
        loop {
            let Ok(distance) = u32::try_from(row - self.first_row) else {
                self.flush(row)?;
                continue;
            };
            match self.table.insert(hash, distance) {
                Inserted::Yes => return Ok(None),
                Inserted::Known(row) => return Ok(Some(self.first_row + u64::from(row))),
                Inserted::Full => self.flush(row)?,
            }
        }
    }

    /// Makes the table a run; the next one begins with `next_row`.
    #[cold]
    fn flush(&mut self, next_row: u64) -> io::Result<()> {
        let filter = self
            .filter
            .get_or_insert_with(|| Filter::new(self.filter_bytes));
        let mut run = RunWriter::new((self.spill)()?);
        let first_row = self.first_row;
        self.table.drain(|hash, row| {
            filter.insert(hash);
            run.push(hash, first_row + u64::from(row))
        })?;
        self.runs.push(run.finish()?);
        self.first_row = next_row;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn in_memory() -> Spill {
        Box::new(|| Ok(Box::new(Cursor::new(Vec::new()))))
    }

    /// What a plain map says of each key in turn.
    fn naive(keys: &[u128]) -> Vec<Option<u64>> {
        let mut first = HashMap::new();
        let mut row = 0;
        keys.iter()
            .map(|&key| {
                row += 3;
                if key == 0 {
                    return None;
                }
                let known = first.get(&key).copied();
                first.entry(key).or_insert(row);
                known
            })
            .collect()
    }

    fn ours(keys: &[u128], memory_bytes: usize) -> (Vec<Option<u64>>, usize) {
        let mut ledger = Keys::new(memory_bytes, in_memory());
        let mut row = 0;
        let told = keys.iter().map(|&key| {
            row += 3;
            ledger.first_row(KeyHash(key), row).unwrap()
        });
        (told.collect(), ledger.runs.len())
    }

    /// Some few keys that come again and again, among hashes of any kind.
    fn keys() -> impl Strategy<Value = Vec<u128>> {
        let key = prop_oneof![
            2 => any::<u128>(),
            4 => (0..400u128).prop_map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)),
            1 => 0..5u128,
            1 => (0..2000u128).prop_map(|n| u128::MAX - n),
        ];
        prop::collection::vec(key, 0..3000)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn repeats_are_those_of_a_plain_map(keys in keys(), memory_bytes in 0..100_000usize) {
            prop_assert_eq!(ours(&keys, memory_bytes).0, naive(&keys));
        }
    }

    #[test]
    fn runs_hold_what_memory_cannot() {
        let spread = |n: u64| {
            let hash = twox_hash::XxHash3_128::oneshot(&n.to_le_bytes());
            hash.max(1)
        };
        // Every seventh key came long before.
        let keys: Vec<u128> = (0..40_000u64)
            .map(|n| spread(if n % 7 == 6 { n / 3 } else { n }))
            .collect();
        let (told, runs) = ours(&keys, 60_000);
        assert_eq!(told, naive(&keys));
        assert!(runs > 10, "{runs} runs");
        let (told, runs) = ours(&keys, KEY_MEMORY_BYTES);
        assert_eq!((told, runs), (naive(&keys), 0));
    }

    #[test]
    fn rows_further_apart_than_the_table_counts_are_told_right() {
        let mut ledger = Keys::new(1 << 20, in_memory());
        let far = 10 * u64::from(u32::MAX);
        for (key, row, expected) in [
            (7, 1, None),
            (8, far, None),
            (7, far + 1, Some(1)),
            (8, far + 2, Some(far)),
        ] {
            let told = ledger.first_row(KeyHash(key), row).unwrap();
            assert_eq!(told, expected, "{key}");
        }
    }

    #[test]
    fn a_spill_that_fails_is_an_error() {
        let broken: Spill = Box::new(|| Err(io::Error::other("no room")));
        let mut ledger = Keys::new(0, broken);
        let outcome = (1..10_000u128)
            .try_for_each(|n| ledger.first_row(KeyHash(n << 100), n as u64).map(|_| ()));
        assert!(outcome.is_err());
    }
}
