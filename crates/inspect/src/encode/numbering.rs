//! The values of a row group's column to their numbers in its dictionary, in row order: the same
//! whether the values come themselves or as codes.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int64Type, TimestampMicrosecondType};

use super::codebook::{Codebook, Coded, NO_VALUE};
use super::dictionary::{Dictionary, Full, Key};
use super::piece::Piece;

/// How Parquet keeps a column's values, of those types that go into our dictionaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Physical {
    Text,
    Int32,
    Int64,
}

impl Physical {
    pub(super) fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Utf8 => Some(Self::Text),
            DataType::Date32 | DataType::Decimal128(1..=9, _) => Some(Self::Int32),
            DataType::Int64 | DataType::Timestamp(..) | DataType::Decimal128(10..=18, _) => {
                Some(Self::Int64)
            }
            _ => None,
        }
    }

    pub(super) fn dictionary(self) -> Dictionary {
        Dictionary::new(self == Self::Text)
    }

    /// The number in a value of a dictionary.
    pub(super) fn number(value: &[u8]) -> i64 {
        match value.try_into() {
            Ok(bytes) => i64::from(i32::from_le_bytes(bytes)),
            Err(_) => i64::from_le_bytes(value.try_into().expect("it is an Int32 or an Int64")),
        }
    }
}

/// Gives `take` each of those rows, which all have a value, with its value's number.
pub(super) fn number_rows(
    physical: Physical,
    array: &ArrayRef,
    mut rows: impl Iterator<Item = usize>,
    dictionary: &mut Dictionary,
    mut take: impl FnMut(usize, u32) -> Result<(), Full>,
) -> Result<(), Full> {
    macro_rules! numbers_of {
        ($type:ty) => {{
            let values = array.as_primitive::<$type>().values();
            rows.try_for_each(|row| {
                let number = values[row] as i64;
                let bytes = number.to_le_bytes();
                let width = if physical == Physical::Int32 { 4 } else { 8 };
                let value = || &bytes[..width];
                take(row, dictionary.number(Key::of_number(number), value)?)
            })
        }};
    }
    match array.data_type() {
        DataType::Utf8 => {
            let texts = array.as_string::<i32>();
            let (bytes, offsets) = (texts.value_data(), texts.value_offsets());
            rows.try_for_each(|row| {
                let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
                let key = Key::of_text(bytes, start, end);
                take(row, dictionary.number(key, || &bytes[start..end])?)
            })
        }
        DataType::Date32 => numbers_of!(Date32Type),
        DataType::Int64 => numbers_of!(Int64Type),
        DataType::Decimal128(..) => numbers_of!(Decimal128Type),
        _ => numbers_of!(TimestampMicrosecondType),
    }
}

/// As [`number_rows`], of every row that has a value.
pub(super) fn number_all(
    physical: Physical,
    array: &ArrayRef,
    dictionary: &mut Dictionary,
    take: impl FnMut(usize, u32) -> Result<(), Full>,
) -> Result<(), Full> {
    match array.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => number_rows(physical, array, 0..array.len(), dictionary, take),
        Some(nulls) => number_rows(physical, array, nulls.valid_indices(), dictionary, take),
    }
}

/// The column of a row group on its way into a dictionary.
pub(super) struct Numbering {
    physical: Physical,
    pub(super) dictionary: Dictionary,
    /// One for each row; the first `filled` are used.
    numbers: Vec<u32>,
    filled: usize,
    met: Vec<Met>,
}

/// A codebook's codes that were met.
struct Met {
    book: Arc<Codebook>,
    /// By code.
    numbers: Vec<u32>,
}

const UNMET: u32 = u32::MAX;

impl Numbering {
    pub(super) fn new(physical: Physical, rows: usize) -> Self {
        Self {
            physical,
            dictionary: physical.dictionary(),
            numbers: vec![0; rows],
            filled: 0,
            met: Vec::new(),
        }
    }

    /// Of the rows that have a value.
    pub(super) fn numbers(&self) -> &[u32] {
        &self.numbers[..self.filled]
    }

    pub(super) fn take(&mut self, piece: &Piece) -> Result<(), Full> {
        match piece {
            Piece::Plain(array) => {
                let (numbers, filled) = (&mut self.numbers, &mut self.filled);
                number_all(self.physical, array, &mut self.dictionary, |_, number| {
                    numbers[*filled] = number;
                    *filled += 1;
                    Ok(())
                })
            }
            Piece::Coded(coded) => self.take_coded(coded),
        }
    }

    fn take_coded(&mut self, coded: &Coded) -> Result<(), Full> {
        let of_book = |met: &Met| Arc::ptr_eq(&met.book, &coded.book);
        let at = self.met.iter().position(of_book).unwrap_or_else(|| {
            self.met.push(Met {
                book: Arc::clone(&coded.book),
                numbers: Vec::new(),
            });
            self.met.len() - 1
        });
        let met = &mut self.met[at].numbers;
        let values = coded.book.values();
        met.resize(values.len() + 1, UNMET);
        // What a row without value writes, the next one writes over.
        met[usize::from(NO_VALUE)] = 0;
        let out = &mut self.numbers[self.filled..];
        let mut filled = 0;
        for &code in &coded.codes {
            let mut number = met[usize::from(code)];
            if number == UNMET {
                let at = usize::from(code) - 1;
                number = self
                    .dictionary
                    .number(values.key(at), || values.value(at))?;
                met[usize::from(code)] = number;
            }
            out[filled] = number;
            filled += usize::from(code != NO_VALUE);
        }
        self.filled += filled;
        Ok(())
    }
}
