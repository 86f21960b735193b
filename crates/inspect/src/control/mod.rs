//! Control records: what a file's header and trailer announce, held against what it holds.
//!
//! The number of rows is of all rows in. Sums are over the accepted rows alone, because what was
//! rejected has no value to add, and so is the count of rows outside the period. Where a file was
//! glued together from several, the numbers of its control records add up, and a row may lie in
//! any of their periods. Findings hold counts, sums and periods, and no row's values.

mod totals;
mod wording;

use std::collections::BTreeMap;

use contract::{Control, ControlRecord, Encoding, FieldPlace};

pub use self::totals::ControlTotals;
use self::wording::{announcer, announces, stand};
use crate::fields::FieldReader;
use crate::number::parse_decimal;
use crate::outcome::{Finding, Problem};
use crate::plan::Compiled;
use crate::records::Kind;
use crate::time_format::TimeFormat;

/// What the control records of a file announce.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Announced {
    header: Side,
    trailer: Side,
    rows_before_header: u64,
    /// How many rows the file had had at its last trailer.
    rows_at_trailer: u64,
}

/// What either kind of them announces, added up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Side {
    records: u64,
    row_count: i128,
    /// First and last day.
    periods: Vec<(i32, i32)>,
    /// By column, in the units that its total counts.
    totals: BTreeMap<String, i128>,
    /// What could not be read there, each once.
    unread: Vec<String>,
}

/// How the total of a column is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TotalOf {
    column: usize,
    scale: u8,
    implied: bool,
}

/// The columns that a contract's control records need, compiled.
#[derive(Debug, Default)]
pub(crate) struct ControlPlan {
    totals: BTreeMap<String, TotalOf>,
    period_column: Option<usize>,
}

impl ControlPlan {
    /// Why a total or a period cannot be checked, if it cannot.
    pub(crate) fn compile(
        control: Option<&Control>,
        columns: &[contract::Column],
    ) -> Result<Self, String> {
        let Some(control) = control else {
            return Ok(Self::default());
        };
        let find = |name: &str| {
            let found = columns.iter().position(|column| column.name == name);
            found.ok_or_else(|| format!("`control` names `{name}`, which is no column"))
        };
        let mut totals = BTreeMap::new();
        let records = [&control.header, &control.trailer].into_iter().flatten();
        for name in records.flat_map(|record| record.totals.keys()) {
            let column = find(name)?;
            let scale = match columns[column].column_type {
                contract::ColumnType::Integer => 0,
                contract::ColumnType::Decimal { scale, .. } => scale,
                _ => return Err(format!("`{name}` has a control total and is no number")),
            };
            let implied = columns[column].implied_decimals;
            let total = TotalOf {
                column,
                scale,
                implied,
            };
            totals.insert(name.clone(), total);
        }
        let period_column = control.period_column.as_deref().map(find).transpose()?;
        if let Some(column) = period_column.map(|at| &columns[at]) {
            use contract::ColumnType::{Date, Timestamp};
            if !matches!(column.column_type, Date { .. } | Timestamp { .. }) {
                let name = &column.name;
                return Err(format!("`{name}` is held against a period and is no date"));
            }
        }
        Ok(Self {
            totals,
            period_column,
        })
    }
}

impl Announced {
    /// Takes a control record that stands after `rows` rows.
    pub(crate) fn take(
        &mut self,
        (plan, reader, encoding): (&Compiled, &FieldReader, Encoding),
        kind: Kind,
        record: &[u8],
        rows: u64,
    ) {
        let Some(control) = &plan.format.control else {
            return;
        };
        let (side, form) = match kind {
            Kind::ControlHeader => {
                if self.header.records == 0 {
                    self.rows_before_header = rows;
                }
                (&mut self.header, &control.header)
            }
            _ => {
                self.rows_at_trailer = rows;
                (&mut self.trailer, &control.trailer)
            }
        };
        if let Some(form) = form {
            let text = |place| reader.text_at(record, place, encoding);
            side.take(form, &plan.control, text);
        }
    }

    /// Says what is wrong as far as the records alone tell; what rows hold comes with
    /// [`ControlTotals::judge`].
    pub(crate) fn judge(&self, control: &Control, rows: u64) -> Vec<Finding> {
        let mut words = Vec::new();
        for (name, side, form) in self.sides(control) {
            if side.records == 0 {
                words.push(format!("the {name} record `{}` is missing", form.marker));
                continue;
            }
            let who = announcer(name, side, form);
            for unread in &side.unread {
                words.push(format!("{who}: {unread} cannot be read"));
            }
            let announced = side.row_count;
            let counts = form.row_count.is_some() && side.is_read("the number of rows");
            if counts && announced != i128::from(rows) {
                words.push(format!(
                    "{who} {announced} rows, and the file holds {rows}",
                    who = announces(&who, side)
                ));
            }
        }
        if let Some(form) = &control.header
            && self.header.records > 0
            && self.rows_before_header > 0
        {
            let (rows, marker) = (self.rows_before_header, &form.marker);
            words.push(format!(
                "{} before the header record `{marker}`",
                stand(rows)
            ));
        }
        if let Some(form) = &control.trailer
            && self.trailer.records > 0
            && rows > self.rows_at_trailer
        {
            let (rows, marker) = (rows - self.rows_at_trailer, &form.marker);
            words.push(format!(
                "{} after the trailer record `{marker}`",
                stand(rows)
            ));
        }
        let (headers, trailers) = (self.header.records, self.trailer.records);
        if headers != trailers && headers > 0 && trailers > 0 && control.header.is_some() {
            words.push(format!(
                "there are {headers} header and {trailers} trailer records"
            ));
        }
        findings(control, None, words)
    }

    fn sides<'a>(
        &'a self,
        control: &'a Control,
    ) -> impl Iterator<Item = (&'static str, &'a Side, &'a ControlRecord)> {
        let header = control.header.iter();
        let trailer = control.trailer.iter();
        let headers = header.map(|form| ("header", &self.header, form));
        headers.chain(trailer.map(|form| ("trailer", &self.trailer, form)))
    }
}

impl Side {
    fn take(
        &mut self,
        form: &ControlRecord,
        plan: &ControlPlan,
        text: impl Fn(FieldPlace) -> Option<String>,
    ) {
        self.records += 1;
        if let Some(place) = form.row_count {
            match text(place).and_then(|text| whole_number(&text)) {
                Some(rows) => self.row_count += rows,
                None => self.cannot_read("the number of rows".to_owned()),
            }
        }
        if let Some((from, to)) = form.period {
            let day = |place, end| text(place).and_then(|text| period_day(&text, end));
            match day(from, End::First).zip(day(to, End::Last)) {
                Some((from, to)) if from <= to => self.periods.push((from, to)),
                _ => self.cannot_read("the period".to_owned()),
            }
        }
        for (column, place) in &form.totals {
            let scale = plan.totals.get(column).map_or(0, TotalOf::written_scale);
            let total = text(*place).and_then(|text| parse_decimal(text.as_bytes(), 38, scale));
            match total {
                Some(total) => {
                    let sum = self.totals.entry(column.clone()).or_default();
                    *sum = sum.saturating_add(total);
                }
                None => self.cannot_read(format!("the total of `{column}`")),
            }
        }
    }

    fn cannot_read(&mut self, what: String) {
        if !self.unread.contains(&what) {
            self.unread.push(what);
        }
    }

    fn is_read(&self, what: &str) -> bool {
        !self.unread.iter().any(|unread| unread == what)
    }
}

impl TotalOf {
    /// A column without its decimal point has its total without one.
    fn written_scale(&self) -> u8 {
        if self.implied { 0 } else { self.scale }
    }
}

fn findings(control: &Control, column: Option<&String>, words: Vec<String>) -> Vec<Finding> {
    let finding = |detail: String| Finding {
        severity: control.severity,
        problem: Problem {
            column: column.map(|column| column.as_str().into()),
            rule: "control".into(),
            detail: detail.into(),
        },
    };
    words.into_iter().map(finding).collect()
}

fn whole_number(text: &str) -> Option<i128> {
    parse_decimal(text.as_bytes(), 38, 0).filter(|number| *number >= 0)
}

#[derive(Clone, Copy, PartialEq)]
enum End {
    First,
    Last,
}

/// The first or last day that a month (`YYYYMM`) or day (`YYYYMMDD`) means, whatever stands
/// between its digits.
fn period_day(text: &str, end: End) -> Option<i32> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let day = |year: u32, month: u32, day: u32| {
        TimeFormat::IsoDate.parse_date(format!("{year:04}-{month:02}-{day:02}").as_bytes())
    };
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<u32>().ok();
    let (year, month) = (number(0, 4)?, number(4, 6)?);
    match (digits.len(), end) {
        (8, _) => day(year, month, number(6, 8)?),
        (6, End::First) => day(year, month, 1),
        (6, End::Last) if month == 12 => Some(day(year + 1, 1, 1)? - 1),
        (6, End::Last) => Some(day(year, month + 1, 1)? - 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_months_or_days() {
        let days = |text: &str| {
            let day = |end| period_day(text, end);
            Some((day(End::First)?, day(End::Last)?))
        };
        let text = |text: &str| days(text).map(|days| wording::period_text(&days));
        let shown = |text: &str| Some(text.to_owned());
        assert_eq!(text("201502"), shown("2015-02-01 to 2015-02-28"));
        assert_eq!(text("2015/12"), shown("2015-12-01 to 2015-12-31"));
        assert_eq!(text("2016-02-29"), shown("2016-02-29 to 2016-02-29"));
        for wrong in ["", "2015", "201513", "20150230", "20151", "x"] {
            assert_eq!(text(wrong), None, "{wrong}");
        }
    }
}
