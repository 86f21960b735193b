//! Control records with the numbers that the file will hold, and the period in which its rows
//! lie.

use chrono::{Datelike, Days, Months, NaiveDate, TimeDelta};
use contract::{ColumnType, Contract, ControlRecord, FieldPlace, Shape};

use super::error::TwinError;
use super::judge::Judge;
use super::typed::{MICROSECONDS_PER_DAY, days, written_decimal};
use super::window;

/// First and last day, as months of which they are the ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Period {
    first: NaiveDate,
    last: NaiveDate,
}

impl Period {
    /// The period that the control records announce, if they do.
    pub(super) fn of(contract: &Contract) -> Result<Option<Self>, TwinError> {
        let Some(control) = &contract.format.control else {
            return Ok(None);
        };
        let records = [&control.header, &control.trailer].into_iter().flatten();
        let periods: Vec<_> = records.filter_map(|record| record.period).collect();
        if periods.is_empty() {
            return Ok(None);
        }
        let named = control.period_column.as_ref();
        let column = named.and_then(|name| contract.columns.iter().find(|one| one.name == *name));
        let (low, high) = match column {
            None => window::USUAL_DAYS,
            Some(column) => {
                let judge = Judge::of(column);
                let (low, high) = window::of(column, &judge, None);
                match column.column_type {
                    ColumnType::Timestamp { .. } => (
                        low.div_euclid(MICROSECONDS_PER_DAY),
                        high.div_euclid(MICROSECONDS_PER_DAY),
                    ),
                    _ => (low, high),
                }
            }
        };
        let in_one_field = periods.iter().any(|(from, to)| from == to);
        months_within(low, high, in_one_field)
            .map(Some)
            .ok_or_else(|| TwinError::Layout {
                reason: "no whole month lies within what the period's column may hold".to_owned(),
            })
    }

    /// In days, or microseconds, as the column counts.
    pub(super) fn within(self, column_type: &ColumnType) -> (i128, i128) {
        let (first, last) = (days(self.first), days(self.last));
        match column_type {
            ColumnType::Timestamp { .. } => (
                first * MICROSECONDS_PER_DAY,
                (last + 1) * MICROSECONDS_PER_DAY - 1,
            ),
            _ => (first, last),
        }
    }
}

fn months_within(low: i128, high: i128, only_one: bool) -> Option<Period> {
    let day = |number: i128| {
        let days = TimeDelta::try_days(i64::try_from(number).ok()?)?;
        NaiveDate::default().checked_add_signed(days)
    };
    let (low, high) = (day(low)?, day(high)?);
    let first = match low.day() {
        1 => low,
        _ => low.with_day(1)?.checked_add_months(Months::new(1))?,
    };
    let end_of_first = first.checked_add_months(Months::new(1))?.pred_opt()?;
    let after_high = high.checked_add_days(Days::new(1))?;
    let last = match only_one {
        true => end_of_first,
        false => after_high.with_day(1)?.pred_opt()?,
    };
    (end_of_first <= last && last <= high).then_some(Period { first, last })
}

/// A control record of that form.
pub(super) fn record(
    contract: &Contract,
    form: &ControlRecord,
    rows: u64,
    period: Option<Period>,
    sums: &[i128],
) -> Result<String, TwinError> {
    let mut parts: Vec<(FieldPlace, String)> = Vec::new();
    if let Some(place) = form.row_count {
        parts.push((place, rows.to_string()));
    }
    if let (Some((from, to)), Some(period)) = (form.period, period) {
        parts.push((from, period.first.format("%Y%m").to_string()));
        parts.push((to, period.last.format("%Y%m").to_string()));
    }
    for (name, place) in &form.totals {
        let at = contract.columns.iter().position(|one| one.name == *name);
        let at = at.ok_or_else(|| TwinError::Layout {
            reason: format!("`control` names `{name}`, which is no column"),
        })?;
        let column = &contract.columns[at];
        let scale = match column.column_type {
            ColumnType::Decimal { scale, .. } if !column.implied_decimals => scale,
            _ => 0,
        };
        parts.push((*place, written_decimal(sums[at], scale)));
    }
    match &contract.format.shape {
        Shape::Delimited(format) => {
            let mut fields = vec![form.marker.clone()];
            for (place, text) in parts {
                if let FieldPlace::Field(field) = place {
                    fields.resize(fields.len().max(field), String::new());
                    fields[field - 1] = text;
                }
            }
            Ok(fields.join(&format.delimiter))
        }
        _ => fixed(form, &parts),
    }
}

fn fixed(form: &ControlRecord, parts: &[(FieldPlace, String)]) -> Result<String, TwinError> {
    let mut record: Vec<char> = form.marker.chars().collect();
    for (place, text) in parts {
        let FieldPlace::Characters(place) = place else {
            continue;
        };
        if text.len() > place.length {
            return Err(TwinError::Layout {
                reason: format!(
                    "a number of {} characters does not fit into the place of the control record \
                     `{}` that has {}: ask for fewer rows",
                    text.len(),
                    form.marker,
                    place.length
                ),
            });
        }
        let end = place.start + place.length - 1;
        record.resize(record.len().max(end), ' ');
        for (offset, character) in text.chars().enumerate() {
            record[place.start - 1 + offset] = character;
        }
    }
    Ok(record.into_iter().collect())
}
