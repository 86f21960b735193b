//! A text column of many different values as a column chunk: the texts one after another, in pages.
//!
//! The general encoder copies each text twice on its way and takes a new compressor for every
//! column; here texts go straight from where they wait into their page.

use std::ops::Range;

use arrow::array::{Array, AsArray, BooleanBufferBuilder};
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

use super::codebook::{Coded, NO_VALUE};
use super::pages::{Chunk, EXTREME_BYTES, PAGE_BYTES, Pages, Values, write_levels};
use super::piece::Piece;
use crate::word::ShortText;

/// Texts of up to that many bytes are copied as so many, and what was too much taken back.
const SHORT: usize = 16;

pub(super) fn encode(
    column: &ColumnDescPtr,
    pieces: &[Piece],
    compressor: &mut Compressor<'_>,
) -> Result<Chunk, ParquetError> {
    let mut writing = Writing {
        column,
        pages: Pages::new(compressor),
        page: Page::default(),
        extremes: None,
        nulls: 0,
    };
    for piece in pieces {
        writing.take(piece)?;
    }
    writing.write_page()?;
    let (min, max) = writing.extremes.map(|known| (known.min, known.max)).unzip();
    let extreme = |text: Extreme| ByteArray::from(text.text);
    let fits = |extreme: &Extreme| extreme.text.len() <= EXTREME_BYTES;
    let (min, max) = (min.filter(fits).map(extreme), max.filter(fits).map(extreme));
    let statistics = Statistics::byte_array(min, max, None, Some(writing.nulls as u64), false);
    writing.pages.finish(column, statistics)
}

/// The chunk on its way.
struct Writing<'a, 'c> {
    column: &'a ColumnDescPtr,
    pages: Pages<'a, 'c>,
    page: Page,
    extremes: Option<Extremes>,
    nulls: usize,
}

impl Writing<'_, '_> {
    fn take(&mut self, piece: &Piece) -> Result<(), ParquetError> {
        let mut first = 0;
        match piece {
            Piece::Plain(array) => {
                let texts = array.as_string::<i32>();
                let (bytes, offsets) = (texts.value_data(), texts.value_offsets());
                for row in 0..texts.len() {
                    if texts.is_valid(row) {
                        let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
                        self.push(bytes, start..end);
                    }
                    self.end_row(piece, row, &mut first)?;
                }
            }
            Piece::Coded(Coded { codes, book }) => {
                let values = book.values();
                for (row, &code) in codes.iter().enumerate() {
                    if code != NO_VALUE {
                        self.push(values.page(), values.place(usize::from(code) - 1));
                    }
                    self.end_row(piece, row, &mut first)?;
                }
            }
        }
        self.count(piece, first..piece.len());
        Ok(())
    }

    #[inline(always)]
    fn push(&mut self, bytes: &[u8], place: Range<usize>) {
        self.page.push(bytes, place.start, place.end);
        Extremes::widen(&mut self.extremes, bytes, place);
    }

    /// Ends the page where it is full; its rows of the piece are those from `first` on.
    #[inline(always)]
    fn end_row(
        &mut self,
        piece: &Piece,
        row: usize,
        first: &mut usize,
    ) -> Result<(), ParquetError> {
        if self.page.values.len() >= PAGE_BYTES {
            self.count(piece, *first..row + 1);
            self.write_page()?;
            *first = row + 1;
        }
        Ok(())
    }

    /// Counts those rows in, whose texts were pushed.
    fn count(&mut self, piece: &Piece, rows: Range<usize>) {
        self.page.rows += rows.len();
        let nulls = piece.append_validity(rows, &mut self.page.valid);
        self.page.nulls += nulls;
        self.nulls += nulls;
    }

    fn write_page(&mut self) -> Result<(), ParquetError> {
        self.page.write(self.column, &mut self.pages)
    }
}

/// The least and the greatest text so far.
struct Extremes {
    min: Extreme,
    max: Extreme,
}

struct Extreme {
    /// Its first bytes, which decide for nearly all that are compared with it.
    start: u128,
    text: Vec<u8>,
}

impl Extreme {
    fn of(start: u128, text: &[u8]) -> Self {
        Self {
            start,
            text: text.to_vec(),
        }
    }
}

/// Orders the texts at such places as they are ordered, as far as it can tell.
#[inline(always)]
fn start_of(bytes: &[u8], place: &Range<usize>) -> u128 {
    let end = place.end.min(place.start + ShortText::BYTES_MAX);
    let start = ShortText::at(bytes, place.start, end);
    let start = start.or_else(|| ShortText::of(&bytes[place.start..end]));
    start.map_or(0, |start| start.wide().swap_bytes())
}

impl Extremes {
    #[inline(always)]
    fn widen(known: &mut Option<Self>, bytes: &[u8], place: Range<usize>) {
        let start = start_of(bytes, &place);
        let decided = known
            .as_ref()
            .is_some_and(|known| (known.min.start < start) & (start < known.max.start));
        if !decided {
            Self::compare(known, start, &bytes[place]);
        }
    }

    #[cold]
    fn compare(known: &mut Option<Self>, start: u128, text: &[u8]) {
        match known {
            None => {
                *known = Some(Self {
                    min: Extreme::of(start, text),
                    max: Extreme::of(start, text),
                });
            }
            Some(known) if text < &known.min.text[..] => known.min = Extreme::of(start, text),
            Some(known) if text > &known.max.text[..] => known.max = Extreme::of(start, text),
            Some(_) => {}
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
