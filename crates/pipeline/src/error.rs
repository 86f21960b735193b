use contract::SubmissionId;
use lake::LakeError;
use store::StoreError;

/// Who can mend a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The file is not what was agreed.
    Submitter,
    /// A document, a setting or a service is wrong.
    Operator,
    /// The program is wrong.
    Us,
}

/// Why a step could not be done. What is wrong with submitted data is not here: that is a
/// verdict, recorded in the submission's state and in quarantine.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    #[error("the metadata store failed: {0}")]
    Store(#[from] StoreError),
    #[error("{}", chain(.0))]
    Lake(#[from] LakeError),
    #[error(
        "layout `{layout}` is not in the project: restore contracts/{{type}}/v{{n}}.yaml for it"
    )]
    UnknownLayout { layout: String },
    #[error("the contract {layout} cannot be used: {problem}")]
    Contract { layout: String, problem: String },
    #[error("submission {0} does not exist: `lazaret submission list` shows those that do")]
    UnknownSubmission(SubmissionId),
    #[error("{0}")]
    Refused(String),
    #[error("`{name}` cannot be read: {source}")]
    Read {
        name: String,
        source: std::io::Error,
    },
    #[error("rows in ({rows_in}) are not accepted ({accepted}) plus rejected ({rejected})")]
    RowsLost {
        rows_in: u64,
        accepted: u64,
        rejected: u64,
    },
    #[error("canonical month {month} would have {built} rows, and its winners have {expected}")]
    CanonicalRowsLost {
        month: String,
        expected: u64,
        built: u64,
    },
    #[error("somebody else took the work over; it is theirs now")]
    LeaseLost,
    #[error(
        "{attempts} runs began this work and none came to an end: it may be what ends the process. \
         `lazaret job retry` lets it be tried again"
    )]
    GivenUp { attempts: u32 },
    #[error("the keys of a file could not be kept in the folder for temporary files: {0}")]
    Spill(std::io::Error),
    #[error("{0} ended without a result")]
    Interrupted(&'static str),
    #[error("`{key}` is not readable as {what}: {problem}")]
    Document {
        key: String,
        what: &'static str,
        problem: String,
    },
}

impl PipelineError {
    pub fn blame(&self) -> Blame {
        match self {
            Self::Store(_) | Self::Lake(_) | Self::UnknownLayout { .. } | Self::Contract { .. } => {
                Blame::Operator
            }
            Self::UnknownSubmission(_) | Self::Refused(_) | Self::Spill(_) | Self::Read { .. } => {
                Blame::Operator
            }
            Self::RowsLost { .. }
            | Self::CanonicalRowsLost { .. }
            | Self::LeaseLost
            | Self::GivenUp { .. }
            | Self::Interrupted(_)
            | Self::Document { .. } => Blame::Us,
        }
    }

    /// True where the same step may succeed later without anybody's doing.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            Self::Lake(error) => error.is_transient(),
            Self::LeaseLost | Self::Spill(_) => true,
            _ => false,
        }
    }
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
