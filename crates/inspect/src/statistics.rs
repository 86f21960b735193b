//! What is counted of each column, per block and merged over a file.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{max, min};
use arrow::datatypes::{
    ArrowNumericType, DataType, Date32Type, Decimal128Type, Int64Type, TimestampMicrosecondType,
};
use chrono::{DateTime, NaiveDate, TimeDelta};

/// One column's counts. `rows`, `nulls` and the extremes are of the accepted rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnStatistics {
    pub column: Arc<str>,
    pub rows: u64,
    pub nulls: u64,
    /// Cells that broke a check, of accepted (severity `warn`) and rejected rows.
    pub broken: u64,
    /// Only of numbers, dates and timestamps, and only where the column is no PII.
    pub min: Option<Extreme>,
    pub max: Option<Extreme>,
}

/// The smallest or largest value of a column, typed so that it merges; prints as plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extreme {
    Integer(i64),
    /// In units of the last place.
    Decimal {
        unscaled: i128,
        scale: u8,
    },
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01 00:00.
    Timestamp(i64),
}

impl fmt::Display for Extreme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Integer(value) => value.fmt(f),
            Self::Decimal { unscaled, scale: 0 } => unscaled.fmt(f),
            Self::Decimal { unscaled, scale } => {
                let unit = 10u128.pow(u32::from(scale));
                let magnitude = unscaled.unsigned_abs();
                let sign = if unscaled < 0 { "-" } else { "" };
                let (whole, fraction) = (magnitude / unit, magnitude % unit);
                write!(
                    f,
                    "{sign}{whole}.{fraction:0width$}",
                    width = usize::from(scale)
                )
            }
            Self::Date(days) => {
                match NaiveDate::default().checked_add_signed(TimeDelta::days(days.into())) {
                    Some(date) => date.fmt(f),
                    None => write!(f, "day {days}"),
                }
            }
            Self::Timestamp(micros) => match DateTime::from_timestamp_micros(micros) {
                Some(instant) => instant.format("%Y-%m-%dT%H:%M:%S%.f").fmt(f),
                None => write!(f, "microsecond {micros}"),
            },
        }
    }
}

impl ColumnStatistics {
    pub(crate) fn of(column: &Arc<str>, accepted: &ArrayRef, broken: u64, extremes: bool) -> Self {
        let (min, max) = if extremes {
            extremes_of(accepted)
        } else {
            (None, None)
        };
        Self {
            column: Arc::clone(column),
            rows: accepted.len() as u64,
            nulls: accepted.null_count() as u64,
            broken,
            min,
            max,
        }
    }

    /// Counts again after rows were taken out.
    pub(crate) fn recount(&mut self, accepted: &ArrayRef) {
        *self = Self::of(&self.column, accepted, self.broken, self.min.is_some());
    }

    fn merge(&mut self, other: &Self) {
        debug_assert_eq!(self.column, other.column);
        self.rows += other.rows;
        self.nulls += other.nulls;
        self.broken += other.broken;
        self.min = [self.min, other.min].into_iter().flatten().min();
        self.max = [self.max, other.max].into_iter().flatten().max();
    }
}

fn extremes_of(array: &ArrayRef) -> (Option<Extreme>, Option<Extreme>) {
    fn both<T: ArrowNumericType>(
        array: &ArrayRef,
        wrap: impl Fn(T::Native) -> Extreme,
    ) -> (Option<Extreme>, Option<Extreme>) {
        let values = array.as_primitive::<T>();
        (min(values).map(&wrap), max(values).map(&wrap))
    }
    match array.data_type() {
        DataType::Int64 => both::<Int64Type>(array, Extreme::Integer),
        DataType::Decimal128(_, scale) => {
            let scale = scale.unsigned_abs();
            both::<Decimal128Type>(array, |unscaled| Extreme::Decimal { unscaled, scale })
        }
        DataType::Date32 => both::<Date32Type>(array, Extreme::Date),
        DataType::Timestamp(..) => both::<TimestampMicrosecondType>(array, Extreme::Timestamp),
        _ => (None, None),
    }
}

/// The statistics of a file, merged block by block in any order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statistics {
    /// One per column of the contract, in its order; empty before the first merge.
    pub columns: Vec<ColumnStatistics>,
}

impl Statistics {
    /// Adds a block's statistics, which are of the same plan.
    pub fn merge(&mut self, block: &[ColumnStatistics]) {
        if self.columns.is_empty() {
            self.columns = block.to_vec();
            return;
        }
        assert_eq!(
            self.columns.len(),
            block.len(),
            "statistics of one plan have the same columns"
        );
        for (column, other) in self.columns.iter_mut().zip(block) {
            column.merge(other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_print_as_the_contract_writes_them() {
        let check = |extreme: Extreme, expect: &str| assert_eq!(extreme.to_string(), expect);
        check(Extreme::Integer(-3), "-3");
        check(
            Extreme::Decimal {
                unscaled: -5,
                scale: 2,
            },
            "-0.05",
        );
        check(
            Extreme::Decimal {
                unscaled: 123_456,
                scale: 2,
            },
            "1234.56",
        );
        check(
            Extreme::Decimal {
                unscaled: 7,
                scale: 0,
            },
            "7",
        );
        check(Extreme::Date(14_346), "2009-04-12");
        check(Extreme::Timestamp(-1), "1969-12-31T23:59:59.999999");
    }

    #[test]
    fn blocks_merge_in_any_order() {
        let block = |rows, nulls, min, max| ColumnStatistics {
            column: "paid".into(),
            rows,
            nulls,
            broken: 1,
            min: Option::map(min, Extreme::Integer),
            max: Option::map(max, Extreme::Integer),
        };
        let (one, two, none) = (
            block(3, 1, Some(5), Some(9)),
            block(4, 0, Some(-2), Some(7)),
            block(2, 2, None, None),
        );
        let merged = |blocks: [&ColumnStatistics; 3]| {
            let mut statistics = Statistics::default();
            for block in blocks {
                statistics.merge(std::slice::from_ref(block));
            }
            statistics.columns
        };
        let expect = ColumnStatistics {
            broken: 3,
            ..block(9, 3, Some(-2), Some(9))
        };
        for order in [[&one, &two, &none], [&none, &two, &one]] {
            assert_eq!(merged(order), std::slice::from_ref(&expect));
        }
    }
}
