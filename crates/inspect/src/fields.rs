//! How a record becomes fields, for each kind of file. Works on any thread, a tile at a time.

use crate::block::Span;
use crate::plan::Dialect;
use crate::tile::{Misshapen, Tile};

/// Fills tiles with the fields of records.
#[derive(Debug, Clone)]
pub(crate) enum FieldReader {
    /// Fields are slices of the block between delimiters of one byte.
    Plain(Dialect),
}

impl FieldReader {
    /// Fills `tile` with the records at `spans`, of which the first is record `first_record` of
    /// the block and each has `width` fields. `misshapen` is told of those that get no row.
    pub(crate) fn fill(
        &self,
        tile: &mut Tile,
        bytes: &[u8],
        (spans, first_record): (&[Span], u32),
        width: usize,
        misshapen: impl FnMut(u32, Misshapen),
    ) {
        match self {
            Self::Plain(dialect) => tile.fill(
                bytes,
                spans,
                first_record,
                (dialect.delimiter, dialect.quote),
                width,
                misshapen,
            ),
        }
    }

    /// The quote that a field of a filled tile may still have around it.
    pub(crate) fn quote(&self) -> Option<u8> {
        match self {
            Self::Plain(dialect) => dialect.quote,
        }
    }
}
