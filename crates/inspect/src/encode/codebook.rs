//! Codes for the values of a column that come again and again, given once per file, so that rows
//! are split by month and numbered for their row group without looking at a value once more.
//!
//! Which code a value has depends on which block came first, so codes go into no file: a row
//! group's dictionary is numbered anew, by its own rows. A column whose values hardly repeat is
//! given up.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::Schema;

use super::dictionary::{Dictionary, Full};
use super::numbering::{Physical, number_all};
use super::piece::Piece;

/// The code of a row without value; others are their value's number plus one.
pub(super) const NO_VALUE: u16 = 0;
/// Codes pay where rows repeat each value at least that often. Lower than what makes a row
/// group's dictionary pay: the more rows come by, the more a value repeats.
const REPEATS: usize = 2;

/// The values of a column, each with a code, from now on.
#[derive(Debug)]
pub(super) struct Codebook(Mutex<Dictionary>);

/// The values of some rows.
#[derive(Debug, Clone)]
pub(super) struct Coded {
    pub(super) codes: Vec<u16>,
    pub(super) book: Arc<Codebook>,
}

impl Codebook {
    /// The values, by code minus one. Hold it shortly: others wait.
    pub(super) fn values(&self) -> MutexGuard<'_, Dictionary> {
        // A dictionary is whole after every value.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn code(&self, physical: Physical, array: &ArrayRef) -> Result<Vec<u16>, Full> {
        let mut codes = vec![NO_VALUE; array.len()];
        number_all(physical, array, &mut self.values(), |row, number| {
            codes[row] = u16::try_from(number + 1).map_err(|_| Full)?;
            Ok(())
        })?;
        Ok(codes)
    }
}

/// One codebook for each column that has use for it.
#[derive(Debug)]
pub(super) struct Codebooks(Vec<Mutex<Option<Column>>>);

#[derive(Debug)]
struct Column {
    physical: Physical,
    book: Arc<Codebook>,
    rows: usize,
}

impl Column {
    fn new(physical: Physical) -> Self {
        Self {
            physical,
            book: Arc::new(Codebook(Mutex::new(physical.dictionary()))),
            rows: 0,
        }
    }

    /// What is to be done with the column's next rows after so many got codes, or did not fit.
    fn next(&self, full: bool) -> Option<Self> {
        let values = self.book.values().len();
        if values * REPEATS > self.rows {
            return None;
        }
        if full {
            return Some(Self::new(self.physical));
        }
        Some(Self {
            physical: self.physical,
            book: Arc::clone(&self.book),
            rows: self.rows,
        })
    }
}

impl Codebooks {
    pub(super) fn new(schema: &Schema) -> Self {
        let columns = schema.fields().iter();
        let column = |physical: Option<Physical>| Mutex::new(physical.map(Column::new));
        Self(
            columns
                .map(|field| column(Physical::of(field.data_type())))
                .collect(),
        )
    }

    /// The columns of a block's rows.
    pub(super) fn code(&self, batch: &RecordBatch) -> Vec<Piece> {
        let columns = batch.columns().iter().zip(&self.0);
        columns
            .map(|(array, column)| {
                let coded = code(column, array);
                coded.map_or_else(|| Piece::Plain(Arc::clone(array)), Piece::Coded)
            })
            .collect()
    }
}

fn code(column: &Mutex<Option<Column>>, array: &ArrayRef) -> Option<Coded> {
    let column = || column.lock().unwrap_or_else(PoisonError::into_inner);
    let (physical, book) = {
        let mut column = column();
        let column = column.as_mut()?;
        column.rows += array.len() - array.null_count();
        (column.physical, Arc::clone(&column.book))
    };
    let codes = book.code(physical, array);
    let mut column = column();
    // Another thread may have gone on to a new book, or given the column up.
    let now = column.take_if(|now| Arc::ptr_eq(&now.book, &book));
    if let Some(now) = now {
        *column = now.next(codes.is_err());
    }
    let codes = codes.ok()?;
    Some(Coded { codes, book })
}

#[cfg(test)]
mod tests {
    use arrow::array::Int64Array;
    use arrow::datatypes::{DataType, Field};

    use super::*;

    fn books() -> Codebooks {
        Codebooks::new(&Schema::new(vec![Field::new(
            "number",
            DataType::Int64,
            true,
        )]))
    }

    /// Whose book the column's codes are of.
    fn book(books: &Codebooks, numbers: impl Iterator<Item = i64>) -> Option<Arc<Codebook>> {
        let array: ArrayRef = Arc::new(Int64Array::from_iter_values(numbers));
        let batch = RecordBatch::try_from_iter([("number", array)]).unwrap();
        match books.code(&batch).remove(0) {
            Piece::Plain(_) => None,
            Piece::Coded(coded) => Some(coded.book),
        }
    }

    #[test]
    fn a_column_whose_values_hardly_repeat_is_given_up() {
        let books = books();
        assert!(book(&books, (0..1_000).map(|row| row / 2)).is_some());
        assert!(book(&books, 1_000..2_000).is_some());
        assert!(book(&books, std::iter::repeat_n(7, 1_000)).is_none());
    }

    #[test]
    fn a_full_book_is_followed_by_another() {
        let books = books();
        let block = |at: i64| (0..80_000).map(move |row| at * 20_000 + row / 4);
        let first = book(&books, block(0)).unwrap();
        for at in 1..3 {
            assert!(Arc::ptr_eq(&first, &book(&books, block(at)).unwrap()));
        }
        assert!(book(&books, block(3)).is_none());
        let next = book(&books, block(4)).unwrap();
        assert!(!Arc::ptr_eq(&first, &next));
        assert_eq!(
            (first.values().len(), next.values().len()),
            (65_536, 20_000)
        );
    }
}
