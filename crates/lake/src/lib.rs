//! Where the data lies and how it is queried: object storage, Parquet, Delta, DataFusion.
//!
//! No other crate touches these libraries. `Objects` is a place (a folder or an S3 bucket) and
//! `Key` the only way to name something in it; on top of them stand the writers of silver and
//! quarantine, the month tables of gold, and SQL over typed rows (rules, mappings).
//!
//! Nothing here knows the metadata database, and no error carries a value out of a row.

mod canonical;
mod conditions;
mod error;
mod keys;
mod measures;
mod month_table;
mod objects;
mod parquet_file;
mod quarantine;
mod rejects_file;
mod replacement;
mod rows;
mod rows_file;
mod rules;
mod session;
mod silver;

pub use canonical::{
    CanonicalSource, MappedColumn, canonical_arrow_schema, check_mapping, mapped_columns,
    open_source,
};
pub use error::LakeError;
pub use keys::{Key, SubmissionPlace};
pub use measures::{Measure, Measures, ROWS_NAMED_MAX, Tally};
pub use month_table::MonthTable;
pub use objects::{Listed, Objects};
pub use quarantine::{QuarantineWriter, QuarantinedReason, QuarantinedRow, read_quarantine};
pub use rejects_file::RejectsFile;
pub use replacement::{GoldRows, Replacement};
pub use rows::{StoredRow, read_row};
pub use rows_file::{RowsFile, RowsForm, WrittenRows};
pub use rules::{FileRules, RowRule, RowRules};
pub use session::{Session, session};
pub use silver::{SilverWriter, gold_submitter_schema, read_silver_month};
