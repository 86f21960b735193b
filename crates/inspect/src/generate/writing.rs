//! A twin's file, from its first byte to its last.

use std::collections::VecDeque;
use std::io::{self, Write};

use contract::{Encoding, Shape};

use super::defects::{Dealer, Kind};
use super::error::TwinError;
use super::layout::{Cell, Layout, encode};
use super::maker::Value;
use super::random::Random;
use super::source::{ERA, RowContext};
use super::{ExpectedReject, Twin, announce, breaking, key};

/// Accepted rows whose keys may be repeated.
const REPEATABLE_ROWS: usize = 64;
/// Rows that are drawn again because their record would be taken for a comment, a control record
/// or a blank line.
const ROW_TRIES_MAX: usize = 1000;

impl Twin {
    /// Writes the file, and tells each row that must be rejected, in order.
    ///
    /// # Errors
    /// `out` or `expected` fails, or the natural key ran out of values.
    pub fn write(
        &self,
        out: &mut impl Write,
        mut expected: impl FnMut(&ExpectedReject) -> io::Result<()>,
    ) -> Result<(), TwinError> {
        let control = self.contract.format.control.as_ref();
        let header = control.and_then(|control| control.header.as_ref());
        let mut sums = vec![0; self.makers.len()];
        if header.is_some_and(|header| !header.totals.is_empty()) {
            // The sums stand before the rows, so the rows are made twice.
            let mut run = Run::new(self, io::sink(), sums);
            run.rows(&mut |_| Ok(()))?;
            sums = run.sums;
        }
        let mut run = Run::new(self, out, sums);
        run.opening()?;
        run.sums.fill(0);
        run.rows(&mut expected)?;
        run.ending()?;
        run.out.flush()?;
        Ok(())
    }
}

/// One writing of a twin.
struct Run<'t, W> {
    twin: &'t Twin,
    out: W,
    random: Random,
    /// By column: the sum of its numbers in accepted rows.
    sums: Vec<i128>,
    /// By column: the rows that were left empty.
    empty: Vec<u64>,
    next_key: u128,
    repeatable: VecDeque<Vec<Value>>,
    record: Vec<u8>,
    encoded: Vec<u8>,
    made: u64,
}

/// A row before it is written.
struct Row {
    values: Vec<Value>,
    cells: Vec<Cell>,
}

impl<'t, W: Write> Run<'t, W> {
    fn new(twin: &'t Twin, out: W, sums: Vec<i128>) -> Self {
        Self {
            twin,
            out,
            random: Random::new(twin.seed),
            sums,
            empty: vec![0; twin.makers.len()],
            next_key: 0,
            repeatable: VecDeque::new(),
            record: Vec::new(),
            encoded: Vec::new(),
            made: 0,
        }
    }

    fn separator(&self) -> &'t str {
        match &self.twin.contract.format.shape {
            Shape::Delimited(format) => format.record_separator.as_deref().unwrap_or("\n"),
            _ => "\n",
        }
    }

    /// Writes text in the file's encoding.
    fn text(&mut self, text: &[u8]) -> io::Result<()> {
        self.encoded.clear();
        encode(self.twin.contract.format.encoding, text, &mut self.encoded);
        self.out.write_all(&self.encoded)
    }

    fn line(&mut self, text: &str) -> io::Result<()> {
        self.text(text.as_bytes())?;
        self.text(self.separator().as_bytes())
    }

    /// A record that is no row, as long as one where places say how long they are.
    fn passed_over(&mut self, text: &str) -> io::Result<()> {
        match &self.twin.layout {
            Layout::Fixed { length, .. } => self.line(&format!("{text:<length$}")),
            _ => self.line(text),
        }
    }

    /// Everything before the first row.
    fn opening(&mut self) -> Result<(), TwinError> {
        let twin = self.twin;
        let format = &twin.contract.format;
        if format.encoding == Encoding::Utf16 {
            self.out.write_all(&[0xFF, 0xFE])?;
        }
        for line in 1..=format.skip_lines {
            self.passed_over(&format!("synthetic {line}"))?;
        }
        self.control(true)?;
        let mut header = Vec::new();
        if twin.layout.header(&twin.contract, &mut header) {
            self.text(&header)?;
            self.text(self.separator().as_bytes())?;
        }
        let by_length =
            matches!(&format.shape, Shape::FixedWidth(fixed) if fixed.record_length.is_some());
        if let Some(comment) = format.comment.as_ref().filter(|_| !by_length) {
            self.line(&format!("{comment} synthetic rows"))?;
        }
        if format.shape == Shape::JsonArray {
            self.text(b"[\n")?;
        }
        Ok(())
    }

    fn control(&mut self, at_start: bool) -> Result<(), TwinError> {
        let twin = self.twin;
        let Some(control) = &twin.contract.format.control else {
            return Ok(());
        };
        let form = if at_start {
            &control.header
        } else {
            &control.trailer
        };
        if let Some(form) = form {
            let record =
                announce::record(&twin.contract, form, twin.rows, twin.period, &self.sums)?;
            self.passed_over(&record)?;
        }
        Ok(())
    }

    /// Everything after the last row.
    fn ending(&mut self) -> Result<(), TwinError> {
        let format = &self.twin.contract.format;
        if format.shape == Shape::JsonArray {
            self.text(b"\n]\n")?;
        }
        for line in 1..=format.skip_footer_lines {
            self.passed_over(&format!("end {line}"))?;
        }
        self.control(false)
    }

    fn rows(
        &mut self,
        expected: &mut impl FnMut(&ExpectedReject) -> io::Result<()>,
    ) -> Result<(), TwinError> {
        let twin = self.twin;
        let mut dealer = Dealer::new(&twin.slots, twin.rows);
        let between: &[u8] = match twin.contract.format.shape {
            Shape::JsonArray => b",\n",
            _ => self.separator().as_bytes(),
        };
        for number in 1..=twin.rows {
            let defect = dealer.next(!self.repeatable.is_empty(), &mut self.random);
            let row = self.row(defect)?;
            let is_array = twin.contract.format.shape == Shape::JsonArray;
            if is_array && number > 1 {
                self.text(between)?;
            }
            let record = std::mem::take(&mut self.record);
            self.text(&record)?;
            self.record = record;
            if !is_array {
                self.text(between)?;
            }
            match defect {
                None => self.accept(row),
                Some((kind, column)) => expected(&ExpectedReject {
                    row: number,
                    column: column.map(|at| twin.makers[at].name.as_str().into()),
                    rule: kind.rule(),
                })?,
            }
        }
        Ok(())
    }

    /// What an accepted row adds to the file's numbers.
    fn accept(&mut self, row: Row) {
        for (sum, (value, cell)) in self.sums.iter_mut().zip(row.values.iter().zip(&row.cells)) {
            if matches!(cell, Cell::Text(text) if *text == value.text) {
                *sum += value.number;
            }
        }
        if self.repeatable.len() == REPEATABLE_ROWS {
            self.repeatable.pop_front();
        }
        self.repeatable.push_back(row.values);
    }

    /// Makes a row whose record is taken for a row; it is in `self.record` then.
    fn row(&mut self, defect: Option<(Kind, Option<usize>)>) -> Result<Row, TwinError> {
        self.made += 1;
        for _ in 0..ROW_TRIES_MAX {
            let values = self.values(defect.map(|(kind, _)| kind))?;
            let mut cells = self.cells(&values);
            if let Some((kind, column)) = defect
                && !self.break_cell(kind, column, &mut cells)
            {
                continue;
            }
            let quotes = |cell| self.twin.layout.quotes(cell);
            if matches!(defect, Some((Kind::Quote, _))) && cells.iter().any(quotes) {
                // Behind a broken quote, what other quotes hold may be taken for records.
                continue;
            }
            self.record.clear();
            // To break an object it must have a member.
            let breaks_record = matches!(defect, Some((Kind::Record(_), _)));
            let leave_out = !breaks_record && self.random.one_in(2);
            self.twin.layout.record(&cells, leave_out, &mut self.record);
            if let Some((Kind::Record(misshape), _)) = defect {
                misshape.apply(self.twin, &mut cells, &mut self.record);
            }
            if self.is_row() {
                for (at, cell) in cells.iter().enumerate() {
                    let empty = matches!(cell, Cell::Text(text) if *text != values[at].text);
                    self.empty[at] += u64::from(empty);
                }
                return Ok(Row { values, cells });
            }
        }
        Err(TwinError::Layout {
            reason: "nearly every record would be taken for a comment, a control record or a \
                     blank line"
                .to_owned(),
        })
    }

    fn values(&mut self, defect: Option<Kind>) -> Result<Vec<Value>, TwinError> {
        let twin = self.twin;
        let row = RowContext {
            moment: self.random.between(0, ERA - 1),
        };
        let makers = twin.makers.iter();
        let mut values: Vec<Value> = makers
            .map(|maker| maker.value(&twin.layout, &mut self.random, row))
            .collect();
        for &(lower, upper) in &twin.orders {
            if values[lower].number > values[upper].number {
                let swapped = |to: usize, from: usize| {
                    twin.makers[to].holds(&twin.layout, values[from].text.clone())
                };
                if let Some((low, high)) = swapped(lower, upper).zip(swapped(upper, lower)) {
                    (values[lower], values[upper]) = (low, high);
                }
            }
        }
        if defect == Some(Kind::Unique) {
            let before = self.random.index(self.repeatable.len());
            for at in key::key_columns(&twin.contract) {
                values[at] = self.repeatable[before][at].clone();
            }
        } else {
            let next = &mut self.next_key;
            (twin.keys).fill(&twin.makers, &twin.layout, next, &mut values)?;
        }
        Ok(values)
    }

    fn cells(&mut self, values: &[Value]) -> Vec<Cell> {
        let twin = self.twin;
        let cell = |(at, value): (usize, &Value)| {
            let maker = &twin.makers[at];
            let text = if maker.is_empty(&mut self.random, self.empty[at], self.made) {
                maker.no_value(&twin.layout, &mut self.random)
            } else {
                value.text.clone()
            };
            Cell::Text(text)
        };
        values.iter().enumerate().map(cell).collect()
    }

    /// False where no such cell was found this time.
    fn break_cell(&mut self, kind: Kind, column: Option<usize>, cells: &mut [Cell]) -> bool {
        let twin = self.twin;
        let broken = match (kind, column) {
            (Kind::Cell(rule), Some(column)) => {
                let row = RowContext { moment: 0 };
                breaking::cell(twin, rule, column, row, &mut self.random)
            }
            (Kind::Quote, Some(_)) => breaking::quote_cell(&twin.layout),
            _ => return true,
        };
        match (broken, column) {
            (Some(broken), Some(column)) => {
                cells[column] = broken;
                true
            }
            _ => false,
        }
    }

    /// Whether the reader of the file will take the record for a row.
    fn is_row(&self) -> bool {
        let Some(after_first) = self.record.get(1..) else {
            return false;
        };
        let format = &self.twin.contract.format;
        let begins = |text: &str| self.record.starts_with(text.as_bytes());
        let controls = format.control.iter();
        let mut markers = controls
            .flat_map(|control| [&control.header, &control.trailer])
            .flatten();
        let is_control = markers.any(|record| {
            // With its quotes, a first field is the same.
            begins(&record.marker) || after_first.starts_with(record.marker.as_bytes())
        });
        let is_comment = format.comment.as_deref().is_some_and(begins);
        !is_comment && !is_control
    }
}
