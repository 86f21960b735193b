//! Rows of one block and one month, column by column.

use arrow::array::RecordBatch;
use contract::AtomicMonth;

use super::Months;
use super::codebook::Codebooks;
use super::piece::Piece;
use super::shelf::Shelved;

#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) columns: Vec<Piece>,
    rows: usize,
    /// As Arrow: what they are as codes depends on what was read before.
    bytes: usize,
}

impl Shelved for Parcel {
    fn rows(&self) -> usize {
        self.rows
    }

    fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Parcel {
    /// A block's rows by month, in row order, months ascending.
    pub(super) fn split(
        batch: &RecordBatch,
        months: Months,
        books: &Codebooks,
    ) -> Vec<(AtomicMonth, Self)> {
        let bytes = batch.get_array_memory_size();
        let columns = books.code(batch);
        let of_month = |(month, rows)| {
            let parcel = match rows {
                None => Self {
                    columns: columns.clone(),
                    rows: batch.num_rows(),
                    bytes,
                },
                Some(rows) => Self {
                    columns: columns.iter().map(|piece| piece.gather(&rows)).collect(),
                    rows: rows.len(),
                    bytes: bytes * rows.len() / batch.num_rows(),
                },
            };
            (month, parcel)
        };
        months.rows(batch).into_iter().map(of_month).collect()
    }
}
