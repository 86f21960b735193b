//! How varied a column's values are, from a sample: few different values are worth a dictionary,
//! many are not (it would be built, outgrow its page and be thrown away).

use std::sync::Arc;

use super::codebook::{Codebook, Coded, NO_VALUE};
use super::numbering::Physical;
use super::piece::Piece;

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
    pub(super) fn of(physical: Physical, pieces: &[Piece]) -> Self {
        let rows: usize = pieces.iter().map(Piece::len).sum();
        let step = (rows / SAMPLE).max(1);
        if let Some(book) = only_book(pieces) {
            let (seen, different) = sample_codes(&book, pieces, step);
            return judge(seen, step, different);
        }
        let mut different = physical.dictionary();
        let mut seen = 0;
        for (piece, sample) in samples(pieces, step) {
            let Ok(valid) = piece.number(physical, sample, &mut different) else {
                // So much text does not fit into a dictionary.
                return Self::Many;
            };
            seen += valid;
        }
        judge(seen, step, different.len())
    }
}

/// The rows to look at in each piece.
fn samples(
    pieces: &[Piece],
    step: usize,
) -> impl Iterator<Item = (&Piece, impl Iterator<Item = usize> + use<>)> {
    let mut row = 0;
    pieces.iter().map(move |piece| {
        let sample = (row..piece.len()).step_by(step);
        row = row + sample.len() * step - piece.len();
        (piece, sample)
    })
}

/// The codebook of all pieces.
fn only_book(pieces: &[Piece]) -> Option<Arc<Codebook>> {
    let mut books = pieces.iter().map(|piece| match piece {
        Piece::Plain(_) => None,
        Piece::Coded(coded) => Some(&coded.book),
    });
    let first = books.next()??;
    let same = books.all(|book| book.is_some_and(|book| Arc::ptr_eq(book, first)));
    same.then(|| Arc::clone(first))
}

/// As many and as different as their values, for less.
fn sample_codes(book: &Codebook, pieces: &[Piece], step: usize) -> (usize, usize) {
    let mut met = vec![false; book.values().len() + 1];
    let (mut seen, mut different) = (0, 0);
    for (piece, sample) in samples(pieces, step) {
        let Piece::Coded(Coded { codes, .. }) = piece else {
            continue;
        };
        for code in sample
            .map(|row| codes[row])
            .filter(|code| *code != NO_VALUE)
        {
            seen += 1;
            different += usize::from(!std::mem::replace(&mut met[usize::from(code)], true));
        }
    }
    (seen, different)
}

/// Of that many values, one of each `step`, of which so many are different.
fn judge(seen: usize, step: usize, different: usize) -> Variety {
    // What so many draws from a dictionary of just that size would give.
    let (rows, drawn) = ((seen * step) as f64, seen as f64);
    let size = (rows / REPEATS).max(1.0);
    let expected = size * (1.0 - (-drawn / size).exp());
    if (different as f64) <= expected.max(1.0) {
        Variety::Few
    } else {
        Variety::Many
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};

    use super::*;

    fn of_numbers(rows: i64, different: i64) -> Variety {
        let numbers = (0..rows as u64).map(|row| {
            let mixed = (row + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            ((mixed ^ (mixed >> 29)) >> 8) as i64 % different
        });
        let array: ArrayRef = Arc::new(Int64Array::from_iter_values(numbers));
        let middle = array.len() / 3;
        let pieces = [
            array.slice(0, middle),
            array.slice(middle, array.len() - middle),
        ];
        Variety::of(Physical::Int64, &pieces.map(Piece::Plain))
    }

    fn of_texts(array: ArrayRef) -> Variety {
        Variety::of(Physical::Text, &[Piece::Plain(array)])
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
        assert_eq!(Variety::of(Physical::Int64, &[]), Variety::Few);
        let empty: ArrayRef = Arc::new(StringArray::new_null(5_000));
        assert_eq!(of_texts(empty), Variety::Few);
    }

    #[test]
    fn neighbours_that_are_equal_do_not_hide_that_the_column_is_an_id() {
        let ids = (0..60_000).map(|row| format!("C{:09}", row / 3));
        let array: ArrayRef = Arc::new(StringArray::from_iter_values(ids));
        assert_eq!(of_texts(array), Variety::Many);
    }
}
