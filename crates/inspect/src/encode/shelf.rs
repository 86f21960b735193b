//! Where accepted rows wait until enough of one month have come together for a row group.
//!
//! A file may spread over hundreds of months, so rows wait within one bound for all of them:
//! when it is reached, the month that holds most goes. Decisions follow from the rows and their
//! order alone.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use contract::AtomicMonth;

/// Rows of a row group: enough for good encoding, little enough to hold several in memory.
pub const ROW_GROUP_ROWS: usize = 128 * 1024;
/// The bound of row groups whose rows are wide, as Arrow.
pub const ROW_GROUP_BYTES: usize = 48 << 20;

/// When rows wait no longer.
#[derive(Debug, Clone, Copy)]
pub struct ShelfLimits {
    /// What all months together may hold.
    pub bytes: usize,
    /// What one month may hold.
    pub month_rows: usize,
    pub month_bytes: usize,
}

/// Rows that can wait.
pub trait Shelved {
    fn rows(&self) -> usize;

    /// What they weigh. Must follow from the rows alone, for it decides where row groups end.
    fn bytes(&self) -> usize;
}

impl Shelved for RecordBatch {
    fn rows(&self) -> usize {
        self.num_rows()
    }

    fn bytes(&self) -> usize {
        self.get_array_memory_size()
    }
}

/// Rows that wait, by month.
#[derive(Debug)]
pub struct Shelf<R = RecordBatch> {
    limits: ShelfLimits,
    months: BTreeMap<AtomicMonth, Waiting<R>>,
    bytes: usize,
}

#[derive(Debug)]
struct Waiting<R> {
    batches: Vec<R>,
    rows: usize,
    bytes: usize,
    /// Of the whole file.
    rows_total: u64,
}

impl<R> Default for Waiting<R> {
    fn default() -> Self {
        Self {
            batches: Vec::new(),
            rows: 0,
            bytes: 0,
            rows_total: 0,
        }
    }
}

impl<R: Shelved> Shelf<R> {
    pub fn new(limits: ShelfLimits) -> Self {
        Self {
            limits,
            months: BTreeMap::new(),
            bytes: 0,
        }
    }

    /// Puts rows there; gives those that have to go.
    pub fn put(&mut self, month: AtomicMonth, batch: R) -> Vec<(AtomicMonth, Vec<R>)> {
        if batch.rows() == 0 {
            return Vec::new();
        }
        let bytes = batch.bytes();
        let waiting = self.months.entry(month).or_default();
        waiting.rows += batch.rows();
        waiting.rows_total += batch.rows() as u64;
        waiting.bytes += bytes;
        waiting.batches.push(batch);
        self.bytes += bytes;

        let mut gone = Vec::new();
        if waiting.rows >= self.limits.month_rows || waiting.bytes >= self.limits.month_bytes {
            gone.extend(self.take(month));
        }
        while self.bytes > self.limits.bytes {
            let largest = self.months.iter().max_by_key(|(_, waiting)| waiting.bytes);
            let month = *largest.expect("bytes wait, so some month holds them").0;
            gone.extend(self.take(month));
        }
        gone
    }

    fn take(&mut self, month: AtomicMonth) -> Option<(AtomicMonth, Vec<R>)> {
        let waiting = self.months.get_mut(&month)?;
        self.bytes -= std::mem::take(&mut waiting.bytes);
        waiting.rows = 0;
        let batches = std::mem::take(&mut waiting.batches);
        (!batches.is_empty()).then_some((month, batches))
    }

    /// All that still waits, by month.
    pub fn rest(&mut self) -> Vec<(AtomicMonth, Vec<R>)> {
        let months: Vec<AtomicMonth> = self.months.keys().copied().collect();
        let rest = months.into_iter().filter_map(|month| self.take(month));
        rest.collect()
    }

    /// How many rows of each month came by.
    pub fn rows(&self) -> BTreeMap<AtomicMonth, u64> {
        let months = self.months.iter();
        months
            .map(|(month, waiting)| (*month, waiting.rows_total))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array};

    use super::*;

    fn batch(rows: usize) -> RecordBatch {
        let column: ArrayRef = Arc::new(Int64Array::from(vec![7; rows]));
        RecordBatch::try_from_iter([("number", column)]).unwrap()
    }

    fn rows(batches: &[RecordBatch]) -> usize {
        batches.iter().map(RecordBatch::num_rows).sum()
    }

    fn month(month: u32) -> AtomicMonth {
        AtomicMonth::new(2024, month)
    }

    #[test]
    fn the_largest_month_goes_when_all_hold_too_much() {
        let mut shelf = Shelf::new(ShelfLimits {
            bytes: 20_000,
            month_rows: usize::MAX,
            month_bytes: usize::MAX,
        });
        assert!(shelf.put(month(1), batch(700)).is_empty());
        assert!(shelf.put(month(2), batch(900)).is_empty());
        assert!(shelf.put(month(1), batch(600)).is_empty());
        let gone = shelf.put(month(3), batch(800));
        assert_eq!(gone.len(), 1);
        assert_eq!((gone[0].0, rows(&gone[0].1)), (month(1), 1_300));
        let rest: Vec<_> = shelf
            .rest()
            .iter()
            .map(|(of, left)| (*of, rows(left)))
            .collect();
        assert_eq!(rest, [(month(2), 900), (month(3), 800)]);
        assert!(shelf.rest().is_empty());
        assert_eq!(
            shelf.rows().into_values().collect::<Vec<_>>(),
            [1_300, 900, 800]
        );
    }

    #[test]
    fn a_month_goes_when_it_is_a_row_group() {
        let mut shelf = Shelf::new(ShelfLimits {
            bytes: usize::MAX,
            month_rows: 1_000,
            month_bytes: 100_000,
        });
        assert!(shelf.put(month(1), batch(999)).is_empty());
        assert!(shelf.put(month(1), batch(0)).is_empty());
        assert_eq!(rows(&shelf.put(month(1), batch(1))[0].1), 1_000);
        assert_eq!(rows(&shelf.put(month(2), batch(20_000))[0].1), 20_000);
        assert!(shelf.rest().is_empty());
    }
}
