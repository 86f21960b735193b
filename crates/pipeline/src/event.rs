//! What a run tells while it works and what it did in the end.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use contract::{LayoutId, SubmissionId};
use serde::Serialize;
use store::{GroupingMethod, MonthKey, SubmissionState, WinnerKey};

use crate::gold::plan::BuiltMonth;
use crate::inbox::discovery::Discovery;

/// Is told what happens, as it happens.
pub type Observer = Arc<dyn Fn(&Event<'_>) + Send + Sync>;

/// Something that a person at the prompt wants to see. Never holds a value of a row.
#[derive(Debug, Clone)]
pub enum Event<'a> {
    Discovered(Discovery),
    GroupWaits {
        grouping_key: String,
        until: DateTime<Utc>,
    },
    Registered {
        submission: SubmissionId,
        grouping_key: String,
        method: GroupingMethod,
        files: usize,
    },
    Staged {
        submission: SubmissionId,
        classified: Result<LayoutId, String>,
        duplicate_of: Option<SubmissionId>,
    },
    Parsing {
        submission: SubmissionId,
        file_name: &'a str,
        bytes: u64,
        of: u64,
    },
    Parsed {
        submission: SubmissionId,
        rows_in: u64,
        rows_accepted: u64,
        rows_rejected: u64,
    },
    ParseFailed {
        submission: SubmissionId,
        reason: String,
    },
    Validated {
        submission: SubmissionId,
        state: SubmissionState,
        reason: Option<String>,
    },
    Competed {
        submission: SubmissionId,
        months_won: usize,
    },
    SubmitterGoldBuilt {
        key: WinnerKey,
        rows: u64,
    },
    CanonicalBuilt {
        key: MonthKey,
        built: BuiltMonth,
    },
    Failed(StepFailure),
}

/// A step that could not be done; its work stays due.
#[derive(Debug, Clone, Serialize)]
pub struct StepFailure {
    pub step: &'static str,
    pub subject: String,
    pub error: String,
    /// True where the next run may succeed without anybody's doing.
    pub transient: bool,
}

/// What a run did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RunSummary {
    pub discovery: Discovery,
    /// How many pieces of work each step did.
    pub steps: BTreeMap<&'static str, u64>,
    pub failures: Vec<StepFailure>,
}
