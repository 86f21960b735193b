//! Pages of a column chunk that we write ourselves, one after another, and what the footer says
//! of them. (apache/parquet-format: README.md, parquet.thrift.)

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

use super::dictionary::Dictionary;
use super::hybrid::{write_bits, write_ones, write_varint};

/// zstd's level of all pages.
pub(super) const ZSTD_LEVEL: i32 = 1;
/// A page ends where its values reach that size, uncompressed.
pub(super) const PAGE_BYTES: usize = 1 << 20;
/// Longer texts are no extremes: they would only swell the footer.
pub(super) const EXTREME_BYTES: usize = 64;

/// A column chunk as it is in the file, with what the footer says of it.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) bytes: Bytes,
    pub(super) close: ColumnCloseResult,
}

/// How a data page keeps its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Values {
    Plain,
    Numbers,
}

/// A chunk that is being written.
pub(super) struct Pages<'a, 'c> {
    bytes: Vec<u8>,
    uncompressed_bytes: usize,
    rows: usize,
    dictionary_at: Option<usize>,
    data_at: Option<usize>,
    encodings: Vec<Encoding>,
    compressor: &'a mut Compressor<'c>,
}

impl<'a, 'c> Pages<'a, 'c> {
    pub(super) fn new(compressor: &'a mut Compressor<'c>) -> Self {
        Self {
            bytes: Vec::new(),
            uncompressed_bytes: 0,
            rows: 0,
            dictionary_at: None,
            data_at: None,
            encodings: vec![Encoding::PLAIN, Encoding::RLE],
            compressor,
        }
    }

    pub(super) fn write_dictionary(&mut self, dictionary: &Dictionary) -> Result<(), ParquetError> {
        self.dictionary_at = Some(self.bytes.len());
        self.encodings.push(Encoding::RLE_DICTIONARY);
        self.write(dictionary.page(), 2, |header| {
            header.begin_struct(7);
            header.number(1, dictionary.len() as i64);
            header.number(2, 0); // PLAIN
            header.end_struct();
        })
    }

    /// Adds a page of so many rows: their levels, then their values.
    pub(super) fn write_data(
        &mut self,
        rows: usize,
        page: &[u8],
        values: Values,
    ) -> Result<(), ParquetError> {
        self.data_at.get_or_insert(self.bytes.len());
        self.rows += rows;
        self.write(page, 0, |header| {
            header.begin_struct(5);
            header.number(1, rows as i64);
            header.number(
                2,
                match values {
                    Values::Plain => 0,
                    Values::Numbers => 8, // RLE_DICTIONARY
                },
            );
            header.number(3, 3); // definition levels: RLE
            header.number(4, 3); // repetition levels: RLE
            header.end_struct();
        })
    }

    /// A page of that `PageType` with its header, in the fields of `PageHeader`.
    fn write(
        &mut self,
        page: &[u8],
        page_type: i64,
        of_type: impl FnOnce(&mut Header),
    ) -> Result<(), ParquetError> {
        let compressed = self.compressor.compress(page)?;
        let mut header = Header::default();
        header.number(1, page_type);
        header.number(2, page.len() as i64);
        header.number(3, compressed.len() as i64);
        of_type(&mut header);
        header.bytes.push(0);
        self.uncompressed_bytes += header.bytes.len() + page.len();
        self.bytes.extend_from_slice(&header.bytes);
        self.bytes.extend_from_slice(&compressed);
        Ok(())
    }

    pub(super) fn finish(
        self,
        column: &ColumnDescPtr,
        statistics: Statistics,
    ) -> Result<Chunk, ParquetError> {
        let zstd = ZstdLevel::try_new(ZSTD_LEVEL)?;
        let metadata = ColumnChunkMetaData::builder(column.clone())
            .set_compression(Compression::ZSTD(zstd))
            .set_encodings(self.encodings)
            .set_total_compressed_size(self.bytes.len() as i64)
            .set_total_uncompressed_size(self.uncompressed_bytes as i64)
            .set_num_values(self.rows as i64)
            .set_dictionary_page_offset(self.dictionary_at.map(|at| at as i64))
            .set_data_page_offset(self.data_at.unwrap_or_default() as i64)
            .set_statistics(statistics)
            .build()?;
        Ok(Chunk {
            close: ColumnCloseResult {
                bytes_written: self.bytes.len() as u64,
                rows_written: self.rows as u64,
                metadata,
                bloom_filter: None,
                column_index: None,
                offset_index: None,
            },
            bytes: self.bytes.into(),
        })
    }
}

/// Which of the rows have a value, one bit each, or that all have: their length, then they.
pub(super) fn write_levels(rows: usize, valid: Option<&[u8]>, page: &mut Vec<u8>) {
    let start = page.len();
    page.extend_from_slice(&[0; 4]);
    match valid {
        None => write_ones(rows, page),
        Some(valid) => write_bits(&valid[..rows.div_ceil(8)], page),
    }
    let length = (page.len() - start - 4) as u32;
    page[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

/// A page's header in Thrift's compact protocol.
#[derive(Default)]
struct Header {
    bytes: Vec<u8>,
    last_field: u8,
}

impl Header {
    fn field(&mut self, field: u8, kind: u8) {
        self.bytes.push((field - self.last_field) << 4 | kind);
        self.last_field = field;
    }

    fn number(&mut self, field: u8, value: i64) {
        self.field(field, 5);
        write_varint((value << 1) as u64, &mut self.bytes);
    }

    /// Fields count from 0 again; nothing follows the struct.
    fn begin_struct(&mut self, field: u8) {
        self.field(field, 12);
        self.last_field = 0;
    }

    fn end_struct(&mut self) {
        self.bytes.push(0);
    }
}
