//! A column of few different values as a column chunk: one dictionary page and one data page.
//!
//! The general encoder hashes and compares every value for dictionary and statistics; here a
//! value of up to 15 bytes is one number to look up, and the extremes are those of the
//! dictionary. (apache/parquet-format: Encodings.md.)

use arrow::array::BooleanBufferBuilder;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

use super::dictionary::Dictionary;
use super::hybrid::write_values;
use super::numbering::{Numbering, Physical};
use super::pages::{Chunk, EXTREME_BYTES, Pages, Values, write_levels};
use super::piece::Piece;

/// The chunk; nothing where the column has no value, or too many different ones.
pub(super) fn encode(
    column: &ColumnDescPtr,
    physical: Physical,
    pieces: &[Piece],
    compressor: &mut Compressor<'_>,
) -> Result<Option<Chunk>, ParquetError> {
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
    if column.max_def_level() > 0 {
        let mut valid = BooleanBufferBuilder::new(0);
        if nulls > 0 {
            for piece in pieces {
                piece.append_validity(0..piece.len(), &mut valid);
            }
        }
        write_levels(rows, (nulls > 0).then(|| valid.as_slice()), &mut page);
    }
    let width = (dictionary.len() as u32 - 1).checked_ilog2().unwrap_or(0) + 1;
    page.push(width as u8);
    write_values(numbers, width, &mut page);

    let mut pages = Pages::new(compressor);
    pages.write_dictionary(dictionary)?;
    pages.write_data(rows, &page, Values::Numbers)?;
    let statistics = statistics(physical, dictionary, nulls as u64);
    pages.finish(column, statistics).map(Some)
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
