//! What a file's accepted rows add up to, held against what its control records announce.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};

use super::findings;
use super::wording::{
    accepted_rows, announcer, announces, decimal_text, period_text, rejected_words,
};
use crate::calendar::MICROSECONDS_PER_DAY;
use crate::outcome::FileEnd;
use crate::plan::{Compiled, Plan};

/// What the accepted rows of one file add up to, for its control records.
#[derive(Debug)]
pub struct ControlTotals {
    plan: Arc<Compiled>,
    rows: u64,
    sums: BTreeMap<String, i128>,
    /// Rows by day.
    days: BTreeMap<i32, u64>,
}

impl Plan {
    /// To be given every accepted row of one file.
    pub fn control_totals(&self) -> ControlTotals {
        ControlTotals {
            plan: self.compiled(),
            rows: 0,
            sums: BTreeMap::new(),
            days: BTreeMap::new(),
        }
    }
}

impl ControlTotals {
    /// Adds accepted rows, in the plan's schema.
    pub fn take(&mut self, accepted: &RecordBatch) {
        self.rows += accepted.num_rows() as u64;
        for (name, total) in &self.plan.control.totals {
            let values = accepted.column(total.column);
            let sum: i128 = match values.data_type() {
                DataType::Decimal128(..) => {
                    let values = values.as_primitive::<Decimal128Type>();
                    values.iter().flatten().fold(0, i128::saturating_add)
                }
                _ => {
                    let values = values.as_primitive::<Int64Type>();
                    values.iter().flatten().map(i128::from).sum()
                }
            };
            let before = self.sums.entry(name.clone()).or_default();
            *before = before.saturating_add(sum);
        }
        if let Some(column) = self.plan.control.period_column {
            let values = accepted.column(column);
            match values.data_type() {
                DataType::Timestamp(TimeUnit::Microsecond, _) => {
                    let values = values.as_primitive::<TimestampMicrosecondType>();
                    let day = |value: i64| value.div_euclid(MICROSECONDS_PER_DAY) as i32;
                    self.add_days(values.iter().flatten().map(day));
                }
                _ => self.add_days(values.as_primitive::<Date32Type>().iter().flatten()),
            }
        }
    }

    fn add_days(&mut self, days: impl Iterator<Item = i32>) {
        for day in days {
            *self.days.entry(day).or_default() += 1;
        }
    }

    /// Adds to the findings of the file whose accepted rows these are what sums and dates tell.
    pub fn judge(&self, end: &mut FileEnd) {
        let Some(control) = &self.plan.format.control else {
            return;
        };
        let announced = &end.announced;
        let mut found = Vec::new();
        for (name, side, form) in announced.sides(control) {
            let who = announces(&announcer(name, side, form), side);
            for (column, total) in &side.totals {
                let Some(of) = self.plan.control.totals.get(column) else {
                    continue;
                };
                let sum = self.sums.get(column).copied().unwrap_or(0);
                let complete = side.is_read(&format!("the total of `{column}`"));
                if complete && sum != *total {
                    let words = format!(
                        "{who} a total of {}, and the sum over {} is {}{}",
                        decimal_text(*total, of.scale),
                        accepted_rows(self.rows),
                        decimal_text(sum, of.scale),
                        rejected_words(end.rows.saturating_sub(self.rows))
                    );
                    found.extend(findings(control, Some(column), vec![words]));
                }
            }
            let outside = self.rows_outside(&side.periods);
            if outside > 0
                && side.is_read("the period")
                && let Some(column) = &control.period_column
            {
                let periods: Vec<_> = side.periods.iter().map(period_text).collect();
                let words = format!(
                    "{who} data of {}, and {outside} of {} lie outside",
                    periods.join(" and "),
                    accepted_rows(self.rows)
                );
                found.extend(findings(control, Some(column), vec![words]));
            }
        }
        end.findings.extend(found);
    }

    fn rows_outside(&self, periods: &[(i32, i32)]) -> u64 {
        if periods.is_empty() {
            return 0;
        }
        let within = |day: i32| {
            periods
                .iter()
                .any(|(from, to)| (*from..=*to).contains(&day))
        };
        let outside = self.days.iter().filter(|(day, _)| !within(**day));
        outside.map(|(_, rows)| rows).sum()
    }
}
