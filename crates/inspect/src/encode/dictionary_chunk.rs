//! A column of few different values as a column chunk: one dictionary page and one data page.
//!
//! The general encoder hashes and compares every value for dictionary and statistics; here a
//! value of up to 16 bytes is one number to look up, and the extremes are those of the
//! dictionary. (apache/parquet-format: README.md, parquet.thrift, Encodings.md.)

use arrow::array::BooleanBufferBuilder;
use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescPtr;

use super::dictionary::Dictionary;
use super::hybrid::{write_bits, write_ones, write_values, write_varint};
use super::numbering::{Numbering, Physical};
use super::piece::Piece;

/// zstd's level of all pages.
pub(super) const ZSTD_LEVEL: i32 = 1;
/// Longer texts are no extremes: they would only swell the footer.
const EXTREME_BYTES: usize = 64;

/// A column chunk as it is in the file, with what the footer says of it.
#[derive(Debug)]
pub(super) struct DictionaryChunk {
    pub(super) bytes: Bytes,
    pub(super) close: ColumnCloseResult,
}

/// The chunk; nothing where the column is of another type, has no value, or has too many
/// different ones.
pub(super) fn encode(
    descriptor: &ColumnDescPtr,
    physical: Physical,
    pieces: &[Piece],
    compressor: &mut zstd::bulk::Compressor<'_>,
) -> Result<Option<DictionaryChunk>, ParquetError> {
    let rows = pieces.iter().map(Piece::len).sum();
    let mut numbering = Numbering::new(physical, rows);
    if pieces.iter().any(|piece| numbering.take(piece).is_err()) {
        return Ok(None);
    }
    let (dictionary, numbers) = (&numbering.dictionary, numbering.numbers());
    if numbers.is_empty() {
        return Ok(None);
    }
    let nulls = rows - numbers.len();
    let mut page = Vec::with_capacity(numbers.len() * 2 + rows / 8 + 64);
    if descriptor.max_def_level() > 0 {
        write_levels(pieces, rows, nulls, &mut page);
    }
    let width = (dictionary.len() as u32 - 1).checked_ilog2().unwrap_or(0) + 1;
    page.push(width as u8);
    write_values(numbers, width, &mut page);

    let mut chunk = Chunk::new(compressor);
    chunk.write_dictionary(dictionary)?;
    let data_offset = chunk.bytes.len();
    chunk.write_data(rows, &page)?;
    let encodings = vec![Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY];
    let zstd = ZstdLevel::try_new(ZSTD_LEVEL)?;
    let metadata = ColumnChunkMetaData::builder(descriptor.clone())
        .set_compression(Compression::ZSTD(zstd))
        .set_encodings(encodings)
        .set_total_compressed_size(chunk.bytes.len() as i64)
        .set_total_uncompressed_size(chunk.uncompressed_bytes as i64)
        .set_num_values(rows as i64)
        .set_dictionary_page_offset(Some(0))
        .set_data_page_offset(data_offset as i64)
        .set_statistics(statistics(physical, dictionary, nulls as u64))
        .build()?;
    Ok(Some(DictionaryChunk {
        close: ColumnCloseResult {
            bytes_written: chunk.bytes.len() as u64,
            rows_written: rows as u64,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        },
        bytes: chunk.bytes.into(),
    }))
}

/// Which rows have a value: their length, then one bit each.
fn write_levels(pieces: &[Piece], rows: usize, nulls: usize, page: &mut Vec<u8>) {
    let start = page.len();
    page.extend_from_slice(&[0; 4]);
    if nulls == 0 {
        write_ones(rows, page);
    } else {
        let mut valid = BooleanBufferBuilder::new(rows);
        for piece in pieces {
            piece.append_validity(&mut valid);
        }
        write_bits(&valid.as_slice()[..rows.div_ceil(8)], page);
    }
    let length = (page.len() - start - 4) as u32;
    page[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

fn statistics(physical: Physical, dictionary: &Dictionary, nulls: u64) -> Statistics {
    let (distinct, nulls) = (None, Some(nulls));
    match physical {
        Physical::Text => {
            let extreme = |value: &[u8]| ByteArray::from(value.to_vec());
            let fits = |value: &&[u8]| value.len() <= EXTREME_BYTES;
            let min = dictionary.values().min().filter(fits).map(extreme);
            let max = dictionary.values().max().filter(fits).map(extreme);
            Statistics::byte_array(min, max, distinct, nulls, false)
        }
        Physical::Int32 => {
            let values = || {
                dictionary
                    .values()
                    .map(|value| Physical::number(value) as i32)
            };
            Statistics::int32(values().min(), values().max(), distinct, nulls, false)
        }
        Physical::Int64 => {
            let values = || dictionary.values().map(Physical::number);
            Statistics::int64(values().min(), values().max(), distinct, nulls, false)
        }
    }
}

/// Pages that are written one after another.
struct Chunk<'a, 'c> {
    bytes: Vec<u8>,
    uncompressed_bytes: usize,
    compressor: &'a mut zstd::bulk::Compressor<'c>,
}

impl<'a, 'c> Chunk<'a, 'c> {
    fn new(compressor: &'a mut zstd::bulk::Compressor<'c>) -> Self {
        Self {
            bytes: Vec::new(),
            uncompressed_bytes: 0,
            compressor,
        }
    }

    fn write_dictionary(&mut self, dictionary: &Dictionary) -> Result<(), ParquetError> {
        self.write_page(dictionary.page(), 2, |header| {
            header.begin_struct(7);
            header.number(1, dictionary.len() as i64);
            header.number(2, 0); // PLAIN
            header.end_struct();
        })
    }

    fn write_data(&mut self, rows: usize, page: &[u8]) -> Result<(), ParquetError> {
        self.write_page(page, 0, |header| {
            header.begin_struct(5);
            header.number(1, rows as i64);
            header.number(2, 8); // RLE_DICTIONARY
            header.number(3, 3); // definition levels: RLE
            header.number(4, 3); // repetition levels: RLE
            header.end_struct();
        })
    }

    /// A page of that `PageType` with its header, in the fields of `PageHeader`.
    fn write_page(
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
