//! `submission`, `submission_file`, `submission_month`: one accepted group each, from its
//! registration to its verdict. `state.rs` holds the moves; the other files make them.

mod claim;
mod duplicates;
mod parse;
mod queries;
mod register;
mod row;
mod staging;
mod state;
mod validation;

pub use claim::Due;
pub use parse::{FileCounts, Parsed};
pub use queries::SubmissionFilter;
pub use register::{NewFile, NewSubmission};
pub use row::{Submission, SubmissionFile};
pub use staging::{Classification, Staged};
pub use state::{GroupingMethod, Moved, SubmissionState};
pub use validation::Verdict;
