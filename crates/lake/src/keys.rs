use std::fmt;

use contract::{AtomicMonth, FileType, StateCode, SubmissionId, SubmitterId};

/// The folder names that a submission's objects share. Submitter and file type are text because
/// a submission may have to be kept before either is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmissionPlace {
    pub submitter: String,
    pub file_type: String,
    pub submission: SubmissionId,
}

impl SubmissionPlace {
    pub fn new(submitter: &SubmitterId, file_type: &FileType, submission: SubmissionId) -> Self {
        Self {
            submitter: submitter.to_string(),
            file_type: file_type.to_string(),
            submission,
        }
    }
}

impl fmt::Display for SubmissionPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{}/{}",
            self.submitter, self.file_type, self.submission
        )
    }
}

/// Every name in the object store, as documented under "Places" in the architecture. A variant
/// that ends in `/` is a folder.
#[derive(Debug, Clone)]
pub enum Key<'a> {
    RawFile {
        place: &'a SubmissionPlace,
        file_name: &'a str,
    },
    Manifest {
        place: &'a SubmissionPlace,
    },
    Silver {
        place: &'a SubmissionPlace,
    },
    SilverMonth {
        place: &'a SubmissionPlace,
        month: AtomicMonth,
    },
    SilverPart {
        place: &'a SubmissionPlace,
        month: AtomicMonth,
        part: usize,
    },
    ParseReport {
        place: &'a SubmissionPlace,
    },
    Quarantine {
        place: &'a SubmissionPlace,
    },
    QuarantinePart {
        place: &'a SubmissionPlace,
        part: usize,
    },
    GoldSubmitter {
        state: &'a StateCode,
        file_type: &'a FileType,
        submitter: &'a SubmitterId,
    },
    GoldCanonical {
        state: &'a StateCode,
        file_type: &'a FileType,
    },
    GoldCanonicalMonth {
        state: &'a StateCode,
        file_type: &'a FileType,
        month: AtomicMonth,
    },
}

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RawFile { place, file_name } => write!(f, "raw/{place}/data/{file_name}"),
            Self::Manifest { place } => write!(f, "raw/{place}/manifest.generated.json"),
            Self::Silver { place } => write!(f, "silver/{place}/"),
            Self::SilverMonth { place, month } => write!(f, "silver/{place}/atomic_month={month}/"),
            Self::SilverPart { place, month, part } => {
                write!(
                    f,
                    "silver/{place}/atomic_month={month}/part-{part:05}.parquet"
                )
            }
            Self::ParseReport { place } => write!(f, "silver/{place}/parse_report.json"),
            Self::Quarantine { place } => write!(f, "quarantine/{place}/"),
            Self::QuarantinePart { place, part } => {
                write!(f, "quarantine/{place}/part-{part:05}.parquet")
            }
            Self::GoldSubmitter {
                state,
                file_type,
                submitter,
            } => {
                write!(f, "gold_submitter/{state}/{file_type}/{submitter}/")
            }
            Self::GoldCanonical { state, file_type } => {
                write!(f, "gold_canonical/{state}/{file_type}/")
            }
            Self::GoldCanonicalMonth {
                state,
                file_type,
                month,
            } => write!(
                f,
                "gold_canonical/{state}/{file_type}/atomic_month={month}/"
            ),
        }
    }
}
