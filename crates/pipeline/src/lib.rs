//! The file path, from a dropped object to the statewide canonical month.
//!
//! Each step is a reconciler: it asks the store what is due, claims it with a lease, does it and
//! records it (`work`), so that stopping anywhere and starting again ends in the same state. What to
//! do is decided by pure functions (`inbox::grouping`, `submissions::classify`, `gold::winner`); the
//! code beside them does it. `run_once` drives all steps until nothing is due.

mod alerts;
mod catalog;
#[cfg(test)]
mod corridor;
mod error;
mod event;
pub mod fault;
mod gold;
mod inbox;
mod inspection;
mod lease;
mod lineage;
mod post;
mod run;
mod settings;
mod source;
mod submissions;
mod trace;
mod withheld;
mod work;

pub use alerts::{
    AlertSettings, AlertsSent, Detail as IncidentDetail, Resolution as IncidentResolution,
};
pub use catalog::{Catalog, CatalogError, Layout};
pub use error::{Blame, PipelineError};
pub use event::{Event, Observer, RunSummary, StepFailure};
pub use gold::plan::BuiltMonth;
pub use gold::registry::{RegistryChange, RegistryProblem};
pub use gold::winner::{ExplainedCandidate, Explanation, choose_winner};
pub use inbox::discovery::Discovery;
pub use inbox::grouping::{GroupDecision, MARKER, decide_group, grouping_key};
pub use inspection::{Inspection, InspectionOutcome, Output, Outputs, inspect_file};
pub use lineage::{Lineage, LineageSettings};
pub use run::Pipeline;
pub use settings::{ClassifierKind, Settings};
pub use source::Source;
pub use submissions::archive::{ArchiveReport, PassedOverMember};
pub use submissions::classify::{ClassifiedFile, classify};
pub use submissions::report::{FileReport, ParseReport, ReasonCount};
pub use submissions::threshold::{ThresholdReport, percent};
pub use trace::{Trace, mask};
pub use work::{
    DueWork, Ended, Patience, Preview, Registered, RetryPolicy, Sensor, StoppedWork, WaitingWork,
    Worked,
};
