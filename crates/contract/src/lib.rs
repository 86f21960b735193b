//! The documents that people write and the words that the whole program shares.
//!
//! This crate is pure: it turns text into checked values (contracts, feeds, canonical schemas,
//! mappings, file-name grammars) and never opens a file or a connection. A document that is
//! wrong comes back as an error that shows file and line, what was expected and what to write.

mod canonical_schemas;
mod column_type;
mod contracts;
mod diff;
mod document;
mod error;
mod export;
mod feeds;
mod file_name;
mod format_outline;
mod ids;
mod mappings;
mod model;
mod month;
mod names;
mod odcs;
mod outline;
mod trace_parent;
mod versions;
mod wording;
mod words;
mod written;

pub use column_type::InvalidColumnType;
pub use diff::{Change, Compatibility};
pub use document::hex;
pub use error::{DocumentError, Mistake};
pub use file_name::{FileNameGrammar, InvalidFileName};
pub use ids::*;
pub use model::*;
pub use month::{AtomicMonth, InvalidMonth};
pub use names::{CANONICAL_LINEAGE_COLUMNS, ROW_LINEAGE_COLUMNS};
pub use odcs::Imported;
pub use outline::{ColumnOutline, Outline, RuleOutline};
pub use trace_parent::TraceParent;
pub use written::Notes;
