//! A column's typed values while they are collected, and the Arrow array that they become.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use crate::plan::Kind;
use crate::word::{ShortText, copy};
use crate::zone::ZoneReading;

/// One entry per row; where `valid` is false the value is a placeholder.
#[derive(Debug)]
pub(crate) struct ColumnValues {
    pub(crate) values: Values,
    pub(crate) valid: Vec<bool>,
}

#[derive(Debug)]
pub(crate) enum Values {
    Text(TextValues),
    Integer(Vec<i64>),
    Decimal(Vec<i128>),
    Date(Vec<i32>),
    Timestamp(Vec<i64>),
    Boolean(Vec<bool>),
}

/// Strings end to end, and where each ends.
#[derive(Debug)]
pub(crate) struct TextValues {
    /// The strings, then zeros to write the next ones over.
    bytes: Vec<u8>,
    ends: Vec<i32>,
}

/// How much room is made at least.
const ROOM_BYTES: usize = 4 << 10;

/// The next rows of a column of text, to be written in order.
pub(crate) struct TextRows<'v> {
    bytes: &'v mut Vec<u8>,
    used: usize,
    ends: &'v mut [i32],
    rows_before: usize,
    rows_expected: usize,
}

impl TextRows<'_> {
    /// `text` is valid UTF-8.
    #[inline(always)]
    pub(crate) fn write(&mut self, row: usize, text: &[u8]) {
        let end = self.used + text.len();
        if end > self.bytes.len() {
            make_room(self.bytes, end, self.rows_before + row, self.rows_expected);
        }
        copy(text, &mut self.bytes[self.used..end]);
        self.end_row(row, end);
    }

    /// The same of a short text, whose length makes no difference.
    #[inline(always)]
    pub(crate) fn write_short(&mut self, row: usize, text: ShortText) {
        let room = self.used + ShortText::BYTES_MAX;
        if room > self.bytes.len() {
            make_room(self.bytes, room, self.rows_before + row, self.rows_expected);
        }
        self.bytes[self.used..room].copy_from_slice(&text.bytes());
        self.end_row(row, self.used + text.length);
    }

    #[inline(always)]
    fn end_row(&mut self, row: usize, end: usize) {
        self.used = end;
        // A block's text is at most three times its bytes, its codes 4 KiB each: below 2 GiB,
        // which `finish` checks.
        self.ends[row] = end as i32;
    }
}

/// Makes room for the text up to `end`, and as much as the rows that are still to come will
/// take if they are like those so far.
#[cold]
#[inline(never)]
fn make_room(bytes: &mut Vec<u8>, end: usize, rows: usize, expected: usize) {
    let guess = (end as f64 * 1.05 * expected as f64 / (rows + 1) as f64) as usize;
    let most = (4 * end).max(ROOM_BYTES);
    bytes.resize(guess.clamp(end + end / 2 + 64, most), 0);
}

impl TextValues {
    pub(crate) fn with_capacity(rows: usize) -> Self {
        let mut ends = Vec::with_capacity(rows + 1);
        ends.push(0);
        Self {
            bytes: Vec::new(),
            ends,
        }
    }

    fn used(&self) -> usize {
        self.ends.last().map_or(0, |&end| end as usize)
    }

    /// So many more rows, all of which are to be written.
    pub(crate) fn rows(&mut self, count: usize) -> TextRows<'_> {
        let (used, rows_before) = (self.used(), self.ends.len() - 1);
        self.ends.resize(self.ends.len() + count, 0);
        TextRows {
            bytes: &mut self.bytes,
            used,
            rows_expected: self.ends.capacity(),
            ends: &mut self.ends[rows_before + 1..],
            rows_before,
        }
    }

    fn push_empty(&mut self, count: usize) {
        let end = self.used() as i32;
        self.ends.resize(self.ends.len() + count, end);
    }

    /// The same text in each of so many rows.
    pub(crate) fn repeated(text: &str, rows: usize) -> Self {
        let bytes = text.repeat(rows).into_bytes();
        Self {
            bytes,
            ends: (0..=rows).map(|row| (row * text.len()) as i32).collect(),
        }
    }

    /// Keeps the rows before the first run and those in the runs.
    fn keep_runs(&mut self, runs: &[Range<usize>]) {
        let mut rows = runs.first().map_or(self.ends.len() - 1, |run| run.start);
        for run in runs {
            let (start, end) = (self.ends[run.start] as usize, self.ends[run.end] as usize);
            let to = self.ends[rows];
            let moved = start as i32 - to;
            if moved > 0 {
                self.bytes.copy_within(start..end, to as usize);
            }
            for row in run.clone() {
                rows += 1;
                self.ends[rows] = self.ends[row + 1] - moved;
            }
        }
        self.ends.truncate(rows + 1);
    }

    #[expect(
        unsafe_code,
        reason = "each cell's text was checked before: once is enough"
    )]
    pub(crate) fn finish(mut self, nulls: Option<NullBuffer>) -> StringArray {
        let used = self.used();
        assert!(
            i32::try_from(self.bytes.len()).is_ok(),
            "a block's text is below 2 GiB"
        );
        self.bytes.truncate(used);
        debug_assert!(
            str::from_utf8(&self.bytes).is_ok(),
            "every cell was checked to be valid UTF-8"
        );
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.ends));
        // SAFETY: the offsets ascend to the number of bytes, each at the end of a text that was
        // pushed, and only valid UTF-8 is: slices of a tile that is, between ASCII characters
        // (`Decoding::of`), what was decoded, transforms of it, and a contract's codes.
        unsafe { StringArray::new_unchecked(offsets, Buffer::from_vec(self.bytes), nulls) }
    }
}

/// Keeps the values before the first run and those in the runs, which ascend.
pub(crate) fn keep_runs<T: Copy>(values: &mut Vec<T>, runs: &[Range<usize>]) {
    let mut length = runs.first().map_or(values.len(), |run| run.start);
    for run in runs {
        if run.start > length {
            values.copy_within(run.clone(), length);
        }
        length += run.len();
    }
    values.truncate(length);
}

/// One bit for each row.
fn bitmap(bools: &[bool]) -> BooleanBuffer {
    // Of each byte's lowest bit.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let (chunks, rest) = bools.as_chunks::<8>();
    let mut bits: Vec<u8> = Vec::with_capacity(chunks.len() + 1);
    bits.extend(chunks.iter().map(|chunk| {
        let word = u64::from_le_bytes(chunk.map(u8::from));
        (word.wrapping_mul(GATHER) >> 56) as u8
    }));
    if !rest.is_empty() {
        bits.push(
            rest.iter()
                .rev()
                .fold(0, |byte, &bit| byte << 1 | u8::from(bit)),
        );
    }
    BooleanBuffer::new(Buffer::from_vec(bits), 0, bools.len())
}

impl ColumnValues {
    pub(crate) fn new(kind: &Kind, rows: usize) -> Self {
        let values = match kind {
            Kind::Text => Values::Text(TextValues::with_capacity(rows)),
            Kind::Integer { .. } => Values::Integer(Vec::with_capacity(rows)),
            Kind::Decimal { .. } => Values::Decimal(Vec::with_capacity(rows)),
            Kind::Date { .. } => Values::Date(Vec::with_capacity(rows)),
            Kind::Timestamp { .. } => Values::Timestamp(Vec::with_capacity(rows)),
            Kind::Boolean { .. } => Values::Boolean(Vec::with_capacity(rows)),
        };
        Self {
            values,
            valid: Vec::with_capacity(rows),
        }
    }

    /// Adds rows without a value.
    pub(crate) fn push_nulls(&mut self, count: usize) {
        self.valid.resize(self.valid.len() + count, false);
        let rows = self.valid.len();
        match &mut self.values {
            Values::Text(values) => values.push_empty(count),
            Values::Integer(values) | Values::Timestamp(values) => values.resize(rows, 0),
            Values::Decimal(values) => values.resize(rows, 0),
            Values::Date(values) => values.resize(rows, 0),
            Values::Boolean(values) => values.resize(rows, false),
        }
    }

    /// Keeps the rows before the first run and those in the runs, which ascend.
    pub(crate) fn keep_runs(&mut self, runs: &[Range<usize>]) {
        keep_runs(&mut self.valid, runs);
        match &mut self.values {
            Values::Text(values) => values.keep_runs(runs),
            Values::Integer(values) | Values::Timestamp(values) => keep_runs(values, runs),
            Values::Decimal(values) => keep_runs(values, runs),
            Values::Date(values) => keep_runs(values, runs),
            Values::Boolean(values) => keep_runs(values, runs),
        }
    }

    pub(crate) fn finish(self, kind: &Kind) -> ArrayRef {
        let valid = &self.valid;
        let nulls = valid
            .contains(&false)
            .then(|| NullBuffer::new(bitmap(valid)));
        match self.values {
            Values::Text(values) => Arc::new(values.finish(nulls)),
            Values::Integer(values) => Arc::new(Int64Array::new(values.into(), nulls)),
            Values::Date(values) => Arc::new(Date32Array::new(values.into(), nulls)),
            Values::Boolean(values) => Arc::new(BooleanArray::new(bitmap(&values), nulls)),
            Values::Decimal(values) => {
                let array = Decimal128Array::new(values.into(), nulls);
                match kind {
                    &Kind::Decimal {
                        precision, scale, ..
                    } => Arc::new(
                        array
                            .with_precision_and_scale(precision, scale as i8)
                            .expect("the plan checked precision and scale"),
                    ),
                    _ => Arc::new(array),
                }
            }
            Values::Timestamp(values) => {
                let array = TimestampMicrosecondArray::new(values.into(), nulls);
                match kind {
                    Kind::Timestamp {
                        reading: ZoneReading::Local,
                        ..
                    } => Arc::new(array),
                    _ => Arc::new(array.with_timezone("UTC")),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Array;

    use super::*;

    #[test]
    fn texts_of_every_length_are_kept() {
        let mut values = TextValues::with_capacity(0);
        let texts: Vec<String> = (0..40)
            .map(|n| "aé€bcdefghij".repeat(9).chars().take(2 * n).collect())
            .collect();
        let mut rows = values.rows(texts.len());
        for (row, text) in texts.iter().enumerate() {
            match ShortText::of(text.as_bytes()) {
                Some(short) if row % 2 == 0 => rows.write_short(row, short),
                _ => rows.write(row, text.as_bytes()),
            }
        }
        values.push_empty(1);
        let array = values.finish(None);
        assert_eq!(array.len(), 41);
        for (at, text) in texts.iter().enumerate() {
            assert_eq!(array.value(at), text);
        }
        assert_eq!(array.value(40), "");
    }

    #[test]
    fn runs_of_rows_are_kept() {
        for dropped in [
            &[][..],
            &[0],
            &[9],
            &[3, 4, 7],
            &[0, 1, 9],
            &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        ] {
            let mut values = TextValues::with_capacity(0);
            let texts: Vec<String> = (0..12).map(|row| "xyz".repeat(row * 5 % 7) + "é").collect();
            let mut written = values.rows(texts.len());
            for (row, text) in texts.iter().enumerate() {
                written.write(row, text.as_bytes());
            }
            // The first two rows are of an earlier tile.
            let mut rows: Vec<usize> = (0..12).collect();
            let (mut runs, mut start) = (Vec::new(), 2);
            for at in dropped {
                runs.push(start..at + 2);
                start = at + 3;
            }
            runs.push(start..12);
            values.keep_runs(&runs);
            keep_runs(&mut rows, &runs);
            let expect = (0..12usize).filter(|row| *row < 2 || !dropped.contains(&(row - 2)));
            assert_eq!(rows, expect.collect::<Vec<_>>());
            values.rows(1).write(0, b"next");
            let array = values.finish(None);
            let kept = rows.iter().map(|&row| texts[row].as_str()).chain(["next"]);
            assert!(array.iter().flatten().eq(kept), "{dropped:?}");
        }
    }

    #[test]
    fn bitmaps_have_one_bit_for_each_row() {
        for length in 0..100 {
            let bools: Vec<bool> = (0..length).map(|at| at * at % 7 < 3).collect();
            let bits = bitmap(&bools);
            assert_eq!(bits.iter().collect::<Vec<_>>(), bools, "{length}");
        }
    }
}
