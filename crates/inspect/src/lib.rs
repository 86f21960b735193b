//! Bytes in, accepted Arrow batches and rejects out: the hot path.
//!
//! [`Splitter`] takes a file's bytes in pieces of any size and cuts [`Block`]s of whole records;
//! [`Block::inspect`] types and checks one of them, on any thread. Rows in = accepted + rejected,
//! asserted for every block. Splitting depends on the file's bytes alone, never on how they
//! arrived. Reasons name column and rule and what the contract expects, never a value.
//!
//! Absent here: this crate opens nothing, knows no store and no clock.

mod block;
mod bounds;
mod calendar;
mod cell;
mod check;
mod column;
mod control;
mod encode;
mod encoding;
mod error;
mod fields;
mod fixed_date;
mod fixed_time;
mod fixed_width;
mod footer;
mod framer;
mod generate;
mod header;
mod infer;
mod inspection;
mod json;
mod keep;
mod masks;
mod moment;
mod number;
mod opening;
mod outcome;
mod pattern;
mod plan;
mod reason;
mod records;
mod scan;
mod separator_scan;
mod separators;
mod skim;
mod sniff;
mod splitter;
mod statistics;
mod tile;
mod time_format;
mod transform;
mod unique;
mod unpack;
mod utf16;
mod value_checks;
mod values;
mod word;
mod zone;

pub use block::Block;
pub use control::ControlTotals;
pub use encode::{
    ColumnTask, Corridor, CorridorError, EncodedColumns, Months, Outlet, ParquetFile,
    ParquetSchema, ROW_GROUP_BYTES, ROW_GROUP_ROWS, RowGroup, Shelf, ShelfLimits, Shelved, Totals,
};
pub use error::{PlanError, Unreadable};
pub use generate::{Defects, ExpectedReject, Twin, TwinError};
pub use header::header_names;
pub use infer::{Draft, Sample, infer};
pub use json::is_json;
pub use outcome::{
    FileEnd, Finding, Inspected, LineEnds, Passage, Passed, Problem, Reject, RowPlaces, Warning,
};
pub use plan::{FilePlan, LINEAGE_COLUMNS, Plan, arrow_type};
pub use splitter::{
    BLOCK_BYTES, BLOCK_RECORDS_MAX, Limits, RECORD_BYTES_MAX, RECORD_PREFIX_BYTES, Splitter,
};
pub use statistics::{ColumnStatistics, Extreme, Statistics};
pub use unique::{KEY_MEMORY_BYTES, KeyLedger, Spill, SpillFile};
pub use unpack::{
    Archive, ArchiveReader, Compression, Member, MemberReader, PassedOver, Unpacker, is_archive,
    open_archive, packed_base_name, read_member, unpacked_head,
};
