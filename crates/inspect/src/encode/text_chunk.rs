//! A text column of many different values as a column chunk: the texts one after another, in pages.
//!
//! The general encoder copies each text twice on its way and takes a new compressor for every
//! column; here texts go straight from where they wait into their page.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, BooleanBufferBuilder};
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

use super::pages::{Chunk, EXTREME_BYTES, PAGE_BYTES, Pages, Values, write_levels};

/// Texts of up to that many bytes are copied as so many, and what was too much taken back.
const SHORT: usize = 16;

pub(super) fn encode(
    column: &ColumnDescPtr,
    pieces: &[ArrayRef],
    compressor: &mut Compressor<'_>,
) -> Result<Chunk, ParquetError> {
    let mut pages = Pages::new(compressor);
    let mut page = Page::default();
    let mut extremes = None;
    for piece in pieces {
        let texts = piece.as_string::<i32>();
        let (bytes, offsets) = (texts.value_data(), texts.value_offsets());
        let mut first = 0;
        for row in 0..texts.len() {
            if texts.is_valid(row) {
                let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
                page.push(bytes, start, end);
                widen(&mut extremes, &bytes[start..end]);
            }
            if page.values.len() >= PAGE_BYTES {
                page.count(piece, first..row + 1);
                page.write(column, &mut pages)?;
                first = row + 1;
            }
        }
        page.count(piece, first..texts.len());
    }
    page.write(column, &mut pages)?;

    let nulls: usize = pieces.iter().map(Array::null_count).sum();
    let (min, max) = extremes.unzip();
    let extreme = |text: &[u8]| ByteArray::from(text.to_vec());
    let fits = |text: &&[u8]| text.len() <= EXTREME_BYTES;
    let (min, max) = (min.filter(fits).map(extreme), max.filter(fits).map(extreme));
    let statistics = Statistics::byte_array(min, max, None, Some(nulls as u64), false);
    pages.finish(column, statistics)
}

/// Makes the least and the greatest of the texts so far those with one more.
#[inline]
fn widen<'a>(extremes: &mut Option<(&'a [u8], &'a [u8])>, text: &'a [u8]) {
    match extremes {
        None => *extremes = Some((text, text)),
        Some((min, max)) => {
            if text < *min {
                *min = text;
            } else if text > *max {
                *max = text;
            }
        }
    }
}

/// A page that is being filled.
struct Page {
    rows: usize,
    nulls: usize,
    valid: BooleanBufferBuilder,
    /// In PLAIN encoding.
    values: Vec<u8>,
    whole: Vec<u8>,
}

impl Default for Page {
    fn default() -> Self {
        Self {
            rows: 0,
            nulls: 0,
            valid: BooleanBufferBuilder::new(0),
            values: Vec::new(),
            whole: Vec::new(),
        }
    }
}

impl Page {
    /// Adds the bytes `start..end` of `text`.
    #[inline]
    fn push(&mut self, text: &[u8], start: usize, end: usize) {
        let length = end - start;
        self.values
            .extend_from_slice(&(length as u32).to_le_bytes());
        match text[start..].first_chunk::<SHORT>() {
            Some(chunk) if length <= SHORT => {
                self.values.extend_from_slice(chunk);
                self.values.truncate(self.values.len() - (SHORT - length));
            }
            _ => self.values.extend_from_slice(&text[start..end]),
        }
    }

    /// Counts those rows in, whose texts were pushed.
    fn count(&mut self, piece: &ArrayRef, rows: Range<usize>) {
        self.rows += rows.len();
        match piece.nulls() {
            None => self.valid.append_n(rows.len(), true),
            Some(nulls) => {
                let nulls = nulls.slice(rows.start, rows.len());
                self.nulls += nulls.null_count();
                self.valid.append_buffer(nulls.inner());
            }
        }
    }

    fn write(
        &mut self,
        column: &ColumnDescPtr,
        pages: &mut Pages<'_, '_>,
    ) -> Result<(), ParquetError> {
        if self.rows == 0 {
            return Ok(());
        }
        self.whole.clear();
        if column.max_def_level() > 0 {
            let valid = (self.nulls > 0).then(|| self.valid.as_slice());
            write_levels(self.rows, valid, &mut self.whole);
        }
        self.whole.extend_from_slice(&self.values);
        pages.write_data(self.rows, &self.whole, Values::Plain)?;
        self.values.clear();
        self.valid = BooleanBufferBuilder::new(0);
        (self.rows, self.nulls) = (0, 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{RecordBatch, StringArray};
    use arrow::compute::concat_batches;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use crate::encode::{ParquetFile, ParquetSchema};

    #[test]
    fn texts_of_any_length_come_back_from_their_pages() {
        let text = |row: usize| format!("{row}{}", "é-".repeat(row * 7 % 60));
        let batch = |rows: std::ops::Range<usize>| {
            let texts = rows.map(|row| (row % 11 > 0).then(|| text(row)));
            let texts: StringArray = texts.collect();
            RecordBatch::try_from_iter([("text", Arc::new(texts) as _)]).unwrap()
        };
        let batches = vec![batch(0..9_999), batch(9_999..10_000), batch(10_000..50_000)];
        let (schema, rows) = (batches[0].schema(), batches.clone());
        let columns = ParquetSchema::new(Arc::clone(&schema)).unwrap();
        let mut file = ParquetFile::new(&columns, Vec::new()).unwrap();
        file.write(&columns, batches).unwrap();
        let file = bytes::Bytes::from(file.finish().unwrap());
        let read = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let column = read.metadata().row_group(0).column(0).clone();
        assert_eq!(column.dictionary_page_offset(), None);
        assert!(column.uncompressed_size() > 3 * super::PAGE_BYTES as i64);
        let known = column.statistics().unwrap();
        assert_eq!(known.null_count_opt(), Some(50_000_u64.div_ceil(11)));
        let texts = || (0..50_000).filter(|row| row % 11 > 0).map(text);
        let fits = |text: &String| text.len() <= 64;
        let (min, max) = (texts().min().filter(fits), texts().max().filter(fits));
        assert!(min.is_some() || max.is_some());
        assert_eq!(known.min_bytes_opt(), min.as_ref().map(String::as_bytes));
        assert_eq!(known.max_bytes_opt(), max.as_ref().map(String::as_bytes));
        let read: Vec<RecordBatch> = read.build().unwrap().map(Result::unwrap).collect();
        assert_eq!(
            concat_batches(&schema, &read).unwrap(),
            concat_batches(&schema, &rows).unwrap()
        );
    }
}
