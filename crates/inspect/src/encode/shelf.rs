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

/// Rows that wait, by month.
#[derive(Debug)]
pub struct Shelf {
    limits: ShelfLimits,
    months: BTreeMap<AtomicMonth, Waiting>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
    /// Of the whole file.
    rows_total: u64,
}

impl Shelf {
    pub fn new(limits: ShelfLimits) -> Self {
        Self {
            limits,
            months: BTreeMap::new(),
            bytes: 0,
        }
    }

    /// Puts rows there; gives those that have to go.
    pub fn put(
        &mut self,
        month: AtomicMonth,
        batch: RecordBatch,
    ) -> Vec<(AtomicMonth, Vec<RecordBatch>)> {
        if batch.num_rows() == 0 {
            return Vec::new();
        }
        let bytes = batch.get_array_memory_size();
        let waiting = self.months.entry(month).or_default();
        waiting.rows += batch.num_rows();
        waiting.rows_total += batch.num_rows() as u64;
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

    fn take(&mut self, month: AtomicMonth) -> Option<(AtomicMonth, Vec<RecordBatch>)> {
        let waiting = self.months.get_mut(&month)?;
        self.bytes -= std::mem::take(&mut waiting.bytes);
        waiting.rows = 0;
        let batches = std::mem::take(&mut waiting.batches);
        (!batches.is_empty()).then_some((month, batches))
    }

    /// All that still waits, by month.
    pub fn rest(&mut self) -> Vec<(AtomicMonth, Vec<RecordBatch>)> {
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
