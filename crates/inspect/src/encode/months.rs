//! To which month a row belongs.

use std::collections::BTreeMap;

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

    /// How many rows are of each month.
    pub fn count(self, batch: &RecordBatch) -> BTreeMap<AtomicMonth, u64> {
        let rows = batch.num_rows() as u64;
        let mut counts = BTreeMap::new();
        match self {
            Self::Fixed(month) if rows > 0 => {
                counts.insert(month, rows);
            }
            Self::Fixed(_) => {}
            Self::Column(index) => {
                for codes in codes(batch.column(index)).chunk_by(|one, next| one == next) {
                    *counts.entry(month(codes[0])).or_default() += codes.len() as u64;
                }
            }
        }
        counts
    }

    /// The rows of each month, in row order, months ascending with the unknown one first.
    pub fn split(self, batch: &RecordBatch) -> Vec<(AtomicMonth, RecordBatch)> {
        let of_month = |(month, rows)| {
            let rows = match rows {
                None => batch.clone(),
                Some(rows) => take_record_batch(batch, &rows)
                    .expect("a part of a batch fits where the batch did"),
            };
            (month, rows)
        };
        self.rows(batch).into_iter().map(of_month).collect()
    }

    /// As [`Self::split`], by the rows' indexes; nothing where a month has all rows.
    pub(super) fn rows(self, batch: &RecordBatch) -> Vec<(AtomicMonth, Option<UInt32Array>)> {
        let index = match self {
            Self::Fixed(month) if batch.num_rows() > 0 => return vec![(month, None)],
            Self::Column(index) if batch.num_rows() > 0 => index,
            Self::Fixed(_) | Self::Column(_) => return Vec::new(),
        };
        let codes = codes(batch.column(index));
        let (lowest, highest) = (
            codes.iter().copied().min().unwrap_or_default(),
            codes.iter().copied().max().unwrap_or_default(),
        );
        if lowest == highest {
            return vec![(month(lowest), None)];
        }
        let mut rows: Vec<Vec<u32>> = vec![Vec::new(); (highest - lowest) as usize + 1];
        for (row, code) in (0..).zip(&codes) {
            rows[(code - lowest) as usize].push(row);
        }
        (lowest..=highest)
            .zip(rows)
            .filter(|(_, rows)| !rows.is_empty())
            .map(|(code, rows)| (month(code), Some(UInt32Array::from(rows))))
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Date32Array, Int64Array, TimestampMicrosecondArray};
    use arrow::datatypes::Int64Type;
    use chrono::{DateTime, Datelike};
    use proptest::prelude::*;

    use super::*;

    fn batch(dates: ArrayRef) -> RecordBatch {
        let rows: ArrayRef = Arc::new(Int64Array::from_iter_values(0..dates.len() as i64));
        RecordBatch::try_from_iter_with_nullable([("row", rows, false), ("date", dates, true)])
            .unwrap()
    }

    fn split(dates: ArrayRef) -> BTreeMap<AtomicMonth, Vec<i64>> {
        let batch = batch(dates);
        let months = Months::Column(1).split(&batch);
        assert!(months.is_sorted_by_key(|(month, _)| *month));
        let counts = months
            .iter()
            .map(|(month, of)| (*month, of.num_rows() as u64));
        assert_eq!(Months::Column(1).count(&batch), counts.collect());
        let rows =
            |rows: &RecordBatch| rows.column(0).as_primitive::<Int64Type>().values().to_vec();
        months
            .iter()
            .map(|(month, of)| (*month, rows(of)))
            .collect()
    }

    /// By chrono, row by row.
    fn expect(instants: &[Option<i64>]) -> BTreeMap<AtomicMonth, Vec<i64>> {
        let mut months: BTreeMap<_, Vec<i64>> = BTreeMap::new();
        for (row, micros) in (0..).zip(instants) {
            let date = micros.and_then(DateTime::from_timestamp_micros);
            let month = date.map_or(AtomicMonth::Unknown, |date| {
                AtomicMonth::new(date.year(), date.month())
            });
            months.entry(month).or_default().push(row);
        }
        months
    }

    proptest! {
        #[test]
        fn months_are_those_of_the_calendar(
            days in prop::collection::vec(
                prop::option::weighted(0.9, prop_oneof![-800_000..3_200_000i32, 19_000..20_000i32]),
                0..200,
            ),
            second in -86_399..86_400i64,
        ) {
            let micros = |day: i32, second: i64| (i64::from(day) * 86_400 + second) * 1_000_000;
            let midnights: Vec<_> = days.iter().map(|day| day.map(|day| micros(day, 0))).collect();
            let dates: ArrayRef = Arc::new(Date32Array::from(days.clone()));
            prop_assert_eq!(split(dates), expect(&midnights));
            let instants: Vec<_> = days.iter().map(|day| day.map(|day| micros(day, second))).collect();
            let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(instants.clone()));
            prop_assert_eq!(split(times), expect(&instants));
        }
    }

    #[test]
    fn a_fixed_month_takes_all_rows_and_no_month_has_none() {
        let dates: ArrayRef = Arc::new(Date32Array::from(vec![Some(0), None]));
        let month = AtomicMonth::new(2024, 5);
        let whole = Months::Fixed(month).split(&batch(Arc::clone(&dates)));
        assert_eq!(whole, [(month, batch(Arc::clone(&dates)))]);
        assert!(
            Months::Fixed(month)
                .split(&batch(dates.slice(0, 0)))
                .is_empty()
        );
    }
}
