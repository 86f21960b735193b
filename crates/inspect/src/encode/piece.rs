//! Some rows of one column on their way into a row group: as Arrow, or as codes.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanBufferBuilder, Date32Array, Decimal128Array, Int64Array, StringArray,
    TimestampMicrosecondArray, UInt32Array,
};
use arrow::compute::take;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::codebook::{Coded, NO_VALUE};
use super::dictionary::{Dictionary, Full};
use super::numbering::{Physical, number_rows};

#[derive(Debug, Clone)]
pub(super) enum Piece {
    Plain(ArrayRef),
    Coded(Coded),
}

impl Piece {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Plain(array) => array.len(),
            Self::Coded(coded) => coded.codes.len(),
        }
    }

    /// Those rows alone, each of which the piece has.
    pub(super) fn gather(&self, rows: &UInt32Array) -> Self {
        match self {
            Self::Plain(array) => Self::Plain(
                take(array, rows, None).expect("a part of a column fits where the column did"),
            ),
            Self::Coded(Coded { codes, book }) => Self::Coded(Coded {
                codes: rows
                    .values()
                    .iter()
                    .map(|row| codes[*row as usize])
                    .collect(),
                book: Arc::clone(book),
            }),
        }
    }

    /// One bit for each of those rows: whether it has a value. Says how many have none.
    pub(super) fn append_validity(
        &self,
        rows: Range<usize>,
        valid: &mut BooleanBufferBuilder,
    ) -> usize {
        match self {
            Self::Plain(array) => match array.nulls() {
                None => {
                    valid.append_n(rows.len(), true);
                    0
                }
                Some(nulls) => {
                    let nulls = nulls.slice(rows.start, rows.len());
                    valid.append_buffer(nulls.inner());
                    nulls.null_count()
                }
            },
            Self::Coded(coded) => {
                let mut nulls = 0;
                for codes in coded.codes[rows].chunks(u64::BITS as usize) {
                    let bits = (0..).zip(codes);
                    let bits = bits.fold(0, |bits, (at, code)| {
                        bits | u64::from(*code != NO_VALUE) << at
                    });
                    valid.append_packed_range(0..codes.len(), &bits.to_le_bytes());
                    nulls += codes.len() - bits.count_ones() as usize;
                }
                nulls
            }
        }
    }

    /// Adds the values of those rows to the dictionary; says how many of the rows have one.
    pub(super) fn number(
        &self,
        physical: Physical,
        rows: impl Iterator<Item = usize>,
        dictionary: &mut Dictionary,
    ) -> Result<usize, Full> {
        let mut seen = 0;
        match self {
            Self::Plain(array) => {
                let valid = rows.filter(|row| array.is_valid(*row));
                number_rows(physical, array, valid, dictionary, |_, _| {
                    seen += 1;
                    Ok(())
                })?;
            }
            Self::Coded(Coded { codes, book }) => {
                let values = book.values();
                for code in rows.map(|row| codes[row]).filter(|code| *code != NO_VALUE) {
                    let at = usize::from(code) - 1;
                    dictionary.number(values.key(at), || values.value(at))?;
                    seen += 1;
                }
            }
        }
        Ok(seen)
    }

    /// The rows as Arrow, of the column's type.
    pub(super) fn into_array(self, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
        let Coded { codes, book } = match self {
            Self::Plain(array) => return Ok(array),
            Self::Coded(coded) => coded,
        };
        let values = book.values();
        let value = |code: &u16| (*code != NO_VALUE).then(|| values.value(usize::from(*code) - 1));
        let number = |code: &u16| value(code).map(Physical::number);
        let codes = codes.iter();
        Ok(match data_type {
            DataType::Utf8 => {
                let text = |code: &u16| {
                    value(code).map(|text| str::from_utf8(text).expect("it was a text"))
                };
                Arc::new(codes.map(text).collect::<StringArray>())
            }
            DataType::Date32 => {
                let date = |code: &u16| number(code).map(|days| days as i32);
                Arc::new(codes.map(date).collect::<Date32Array>())
            }
            DataType::Decimal128(precision, scale) => {
                let decimals = codes.map(|code| number(code).map(i128::from));
                let decimals = decimals.collect::<Decimal128Array>();
                Arc::new(decimals.with_precision_and_scale(*precision, *scale)?)
            }
            DataType::Timestamp(_, zone) => {
                let instants = codes.map(number).collect::<TimestampMicrosecondArray>();
                Arc::new(instants.with_timezone_opt(zone.clone()))
            }
            _ => Arc::new(codes.map(number).collect::<Int64Array>()),
        })
    }
}
