//! Why no twin can be made.

use std::io;

use crate::error::PlanError;

/// A contract or a request that no synthetic file can meet, or an output that fails.
#[derive(Debug, thiserror::Error)]
pub enum TwinError {
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("`{part}` is not a defect: {reason}")]
    Defect { part: String, reason: String },
    #[error("{asked} defects do not fit into {rows} rows: {reason}")]
    TooMany {
        asked: u64,
        rows: u64,
        reason: &'static str,
    },
    #[error(
        "column `{column}`: no value was found that holds all that the contract asks of it: mend \
         its checks, or shorten them to the one that decides"
    )]
    NoValue { column: String },
    #[error(
        "the natural key ({columns}) has room for {room} rows, not for {rows}: ask for fewer, or \
         widen its columns"
    )]
    KeyRoom {
        columns: String,
        room: u128,
        rows: u64,
    },
    #[error("a twin of this layout cannot be written: {reason}")]
    Layout { reason: String },
    #[error("writing failed: {0}")]
    Write(#[from] io::Error),
}
