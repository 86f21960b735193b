//! A row's natural key as one number.

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Int64Array, RecordBatch, StringArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Int64Type};
use twox_hash::XxHash3_128;

/// XXH3 of the key's typed parts: numbers, dates and times as numbers of a fixed size, texts
/// with their length before them, so that no two keys are the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyHash(pub(crate) u128);

impl KeyHash {
    /// Of a row without a value in a part of its key: it is compared with none.
    pub(crate) const NONE: Self = Self(0);

    fn of(bytes: &[u8]) -> Self {
        // A key whose hash happens to be that of none takes its neighbour's.
        Self(XxHash3_128::oneshot(bytes).max(1))
    }
}

enum Part {
    Text(StringArray),
    Number(Int64Array),
    Decimal(Decimal128Array),
    Boolean(BooleanArray),
}

impl Part {
    fn of(column: &ArrayRef) -> Self {
        let as_kind = |kind: &DataType| cast(column, kind).expect("this cast loses nothing");
        match column.data_type() {
            DataType::Int64 => Self::Number(column.as_primitive::<Int64Type>().clone()),
            // Days and microseconds are numbers; so are hashed alike.
            DataType::Date32 => {
                let days = as_kind(&DataType::Int32);
                let wide = cast(&days, &DataType::Int64).expect("every i32 is an i64");
                Self::Number(wide.as_primitive::<Int64Type>().clone())
            }
            DataType::Timestamp(..) => Self::Number(
                as_kind(&DataType::Int64)
                    .as_primitive::<Int64Type>()
                    .clone(),
            ),
            DataType::Decimal128(..) => {
                Self::Decimal(column.as_primitive::<Decimal128Type>().clone())
            }
            DataType::Boolean => Self::Boolean(column.as_boolean().clone()),
            // Text, plain or as a dictionary.
            _ => Self::Text(as_kind(&DataType::Utf8).as_string::<i32>().clone()),
        }
    }

    /// Adds the row's part to the key; false where there is none.
    #[inline]
    fn push(&self, row: usize, key: &mut Vec<u8>) -> bool {
        match self {
            Self::Text(texts) if texts.is_valid(row) => {
                let text = texts.value(row).as_bytes();
                key.extend_from_slice(&(text.len() as u64).to_le_bytes());
                key.extend_from_slice(text);
            }
            Self::Number(numbers) if numbers.is_valid(row) => {
                key.extend_from_slice(&numbers.value(row).to_le_bytes());
            }
            Self::Decimal(decimals) if decimals.is_valid(row) => {
                key.extend_from_slice(&decimals.value(row).to_le_bytes());
            }
            Self::Boolean(booleans) if booleans.is_valid(row) => {
                key.push(u8::from(booleans.value(row)));
            }
            _ => return false,
        }
        true
    }
}

/// One for each row of the batch; `columns` are the key's.
pub(super) fn key_hashes(batch: &RecordBatch, columns: &[usize]) -> Vec<KeyHash> {
    let parts: Vec<Part> = columns
        .iter()
        .map(|&column| Part::of(batch.column(column)))
        .collect();
    let mut key = Vec::new();
    let hash = |row| {
        key.clear();
        if parts.iter().all(|part| part.push(row, &mut key)) {
            KeyHash::of(&key)
        } else {
            KeyHash::NONE
        }
    };
    (0..batch.num_rows()).map(hash).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Arc;

    use arrow::array::Date32Array;
    use arrow::datatypes::{Field, Schema};

    use super::*;

    fn batch(columns: Vec<ArrayRef>) -> RecordBatch {
        let fields = columns
            .iter()
            .enumerate()
            .map(|(at, column)| Field::new(format!("c{at}"), column.data_type().clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        RecordBatch::try_new(schema, columns).unwrap()
    }

    #[test]
    fn keys_are_told_apart_by_every_part_and_its_bounds() {
        let texts = |list: [&str; 6]| -> ArrayRef { Arc::new(StringArray::from(list.to_vec())) };
        let days: ArrayRef = Arc::new(Date32Array::from(vec![1, 1, 1, 1, 2, 1]));
        let batch = batch(vec![
            texts(["ab", "a", "", "abc", "ab", "ab"]),
            texts(["c", "bc", "abc", "", "c", "c"]),
            days,
        ]);
        let hashes = key_hashes(&batch, &[0, 1, 2]);
        assert_eq!(hashes[0], hashes[5]);
        let different: HashSet<u128> = hashes.iter().map(|hash| hash.0).collect();
        assert_eq!(different.len(), 5);
    }

    #[test]
    fn a_key_without_a_part_is_none() {
        let batch = batch(vec![
            Arc::new(StringArray::from(vec![Some("a"), None, Some("a")])),
            Arc::new(Int64Array::from(vec![Some(1), Some(1), None])),
            Arc::new(BooleanArray::from(vec![Some(true); 3])),
            Arc::new(Decimal128Array::from(vec![Some(1); 3])),
        ]);
        let hashes = key_hashes(&batch, &[0, 1, 2, 3]);
        assert_ne!(hashes[0], KeyHash::NONE);
        assert_eq!(hashes[1..], [KeyHash::NONE; 2]);
    }
}
