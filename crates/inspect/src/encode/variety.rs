//! How varied a column's values are, from a sample: few different values are worth a dictionary,
//! many are not (it would be built, outgrow its page and be thrown away).

use std::collections::HashSet;
use std::hash::Hash;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Int64Type, TimestampMicrosecondType,
};

/// Values looked at, spread evenly over the rows.
const SAMPLE: usize = 1024;
/// A dictionary pays where the rows repeat each value at least that often.
const REPEATS: f64 = 4.0;

/// What to do with a column of a row group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variety {
    Few,
    Many,
}

impl Variety {
    /// Of a column that comes in pieces. Depends on the values alone.
    pub(super) fn of(pieces: &[ArrayRef]) -> Self {
        let Some(first) = pieces.first() else {
            return Self::Few;
        };
        match first.data_type() {
            DataType::Utf8 => judge(pieces, |array, row| array.as_string::<i32>().value(row)),
            DataType::Int64 => judge(pieces, primitive::<Int64Type>),
            DataType::Date32 => judge(pieces, primitive::<Date32Type>),
            DataType::Timestamp(..) => judge(pieces, primitive::<TimestampMicrosecondType>),
            DataType::Decimal128(..) => judge(pieces, primitive::<Decimal128Type>),
            _ => Self::Few,
        }
    }
}

fn primitive<T: ArrowPrimitiveType>(array: &ArrayRef, row: usize) -> T::Native {
    array.as_primitive::<T>().value(row)
}

fn judge<'a, V: Eq + Hash>(
    pieces: &'a [ArrayRef],
    value: impl Fn(&'a ArrayRef, usize) -> V,
) -> Variety {
    let rows: usize = pieces.iter().map(Array::len).sum();
    let step = (rows / SAMPLE).max(1);
    let mut different = HashSet::with_capacity(SAMPLE);
    let (mut seen, mut row) = (0, 0);
    for piece in pieces {
        while row < piece.len() {
            if piece.is_valid(row) {
                seen += 1;
                different.insert(value(piece, row));
            }
            row += step;
        }
        row -= piece.len();
    }
    // What so many draws from a dictionary of just that size would give.
    let (rows, drawn) = ((seen * step) as f64, seen as f64);
    let size = (rows / REPEATS).max(1.0);
    let expected = size * (1.0 - (-drawn / size).exp());
    if (different.len() as f64) <= expected.max(1.0) {
        Variety::Few
    } else {
        Variety::Many
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray};

    use super::*;

    fn of_numbers(rows: i64, different: i64) -> Variety {
        let numbers = (0..rows as u64).map(|row| {
            let mixed = (row + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            ((mixed ^ (mixed >> 29)) >> 8) as i64 % different
        });
        let array: ArrayRef = Arc::new(Int64Array::from_iter_values(numbers));
        let middle = array.len() / 3;
        Variety::of(&[
            array.slice(0, middle),
            array.slice(middle, array.len() - middle),
        ])
    }

    #[test]
    fn a_dictionary_is_for_values_that_come_again() {
        for rows in [1_000, 2_047, 2_048, 10_000, 65_536, 131_072] {
            assert_eq!(of_numbers(rows, 3), Variety::Few, "{rows}");
            assert_eq!(of_numbers(rows, rows / 20), Variety::Few, "{rows}");
            assert_eq!(of_numbers(rows, rows), Variety::Many, "{rows}");
            assert_eq!(of_numbers(rows, rows * 100), Variety::Many, "{rows}");
        }
    }

    #[test]
    fn nothing_and_nulls_want_no_decision() {
        assert_eq!(Variety::of(&[]), Variety::Few);
        let empty: ArrayRef = Arc::new(StringArray::new_null(5_000));
        assert_eq!(Variety::of(&[empty]), Variety::Few);
    }

    #[test]
    fn neighbours_that_are_equal_do_not_hide_that_the_column_is_an_id() {
        let ids = (0..60_000).map(|row| format!("C{:09}", row / 3));
        let array: ArrayRef = Arc::new(StringArray::from_iter_values(ids));
        assert_eq!(Variety::of(&[array]), Variety::Many);
    }
}
