//! Accepted rows to Parquet, on as many threads as there are: the same rows give the same bytes,
//! whatever their number.
//!
//! [`RowGroup`] cuts waiting rows into [`ColumnTask`]s, which any thread encodes;
//! [`ParquetFile`] takes the outcomes in order. [`Shelf`] decides which month's rows wait no
//! longer, [`Months`] to which month a row belongs. [`Corridor`] is the whole way from a reader
//! to one Parquet file per month, within a bound of memory that does not grow with the file.

mod codebook;
mod columns;
mod corridor;
mod crew;
mod dictionary;
mod dictionary_chunk;
mod error;
mod hybrid;
mod months;
mod numbering;
mod pages;
mod parcel;
mod parquet_file;
mod piece;
mod shelf;
mod splitting;
mod text_chunk;
mod variety;
mod writing;

pub use columns::{ColumnTask, EncodedColumns, ParquetSchema, RowGroup};
pub use corridor::{Corridor, Outlet, Totals};
pub use error::CorridorError;
pub use months::Months;
pub use parquet_file::ParquetFile;
pub use shelf::{ROW_GROUP_BYTES, ROW_GROUP_ROWS, Shelf, ShelfLimits, Shelved};
