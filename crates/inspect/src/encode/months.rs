//! To which month a row belongs.

use arrow::array::{Array, AsArray, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Date32Type, Schema, TimestampMicrosecondType};
use contract::AtomicMonth;

use crate::calendar::{MICROSECONDS_PER_DAY, month_of_days};

/// Where a row's month comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Months {
    /// From the date or timestamp (in UTC) in the column of that index; rows without one are of
    /// the month `__unknown__`.
    Column(usize),
    /// All rows are of that month.
    Fixed(AtomicMonth),
}

impl Months {
    /// The month column by its name; nothing where the schema has no such column of dates or
    /// timestamps.
    pub fn of_column(schema: &Schema, name: &str) -> Option<Self> {
        let (index, field) = schema.column_with_name(name)?;
        let dated = matches!(
            field.data_type(),
            DataType::Date32 | DataType::Timestamp(..)
        );
        dated.then_some(Self::Column(index))
    }

    /// The rows of each month, in row order, months ascending with the unknown one first.
    pub fn split(self, batch: &RecordBatch) -> Vec<(AtomicMonth, RecordBatch)> {
        let index = match self {
            Self::Fixed(month) if batch.num_rows() > 0 => return vec![(month, batch.clone())],
            Self::Column(index) if batch.num_rows() > 0 => index,
            Self::Fixed(_) | Self::Column(_) => return Vec::new(),
        };
        let codes = codes(batch.column(index));
        let (lowest, highest) = (
            codes.iter().copied().min().unwrap_or_default(),
            codes.iter().copied().max().unwrap_or_default(),
        );
        if lowest == highest {
            return vec![(month(lowest), batch.clone())];
        }
        let mut rows: Vec<Vec<u32>> = vec![Vec::new(); (highest - lowest) as usize + 1];
        for (row, code) in (0..).zip(&codes) {
            rows[(code - lowest) as usize].push(row);
        }
        (lowest..=highest)
            .zip(rows)
            .filter(|(_, rows)| !rows.is_empty())
            .map(|(code, rows)| {
                let of_month = take_record_batch(batch, &UInt32Array::from(rows))
                    .expect("a part of a batch fits where the batch did");
                (month(code), of_month)
            })
            .collect()
    }
}

/// 0 where the month is unknown, else counted from January of the year 1, which is 12.
fn codes(column: &dyn Array) -> Vec<u32> {
    let code = |days: i64| {
        i32::try_from(days)
            .ok()
            .and_then(month_of_days)
            .map_or(0, |(year, month)| year * 12 + month - 1)
    };
    match column.data_type() {
        DataType::Date32 => column
            .as_primitive::<Date32Type>()
            .iter()
            .map(|days| days.map_or(0, |days| code(i64::from(days))))
            .collect(),
        _ => column
            .as_primitive::<TimestampMicrosecondType>()
            .iter()
            .map(|instant| {
                instant.map_or(0, |micros| code(micros.div_euclid(MICROSECONDS_PER_DAY)))
            })
            .collect(),
    }
}

fn month(code: u32) -> AtomicMonth {
    AtomicMonth::new((code / 12) as i32, code % 12 + 1)
}
