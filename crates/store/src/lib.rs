//! The metadata database: what was seen, accepted, decided and built. SQLite and Postgres stand
//! behind one [`Store`], and no other crate holds metadata SQL.
//!
//! The database is the queue. Work that is due is a query over state; it is claimed with a lease
//! and finished by an update that names the state it expects, so that repeating a step, or doing
//! it twice at once, changes nothing ([`Moved::No`]). What changes state writes its `audit_log`
//! row in the same transaction; of a single record, the ledger's rows are that account.

mod alerts;
mod audit;
mod builds;
mod connect;
mod database;
mod error;
mod heartbeat;
mod inbox;
mod jobs;
mod layouts;
mod lease;
mod month_key;
mod overview;
mod rebuilds;
mod records;
mod registry;
mod retries;
mod row;
mod schema;
mod submissions;
mod submitters;
mod text_enum;
mod time;
mod value;
mod winners;

pub use alerts::{
    AlertAction, AlertChannel, AlertDelivery, AlertFacts, AlertScope, DecideIncidents,
    DeliveryOutcome, FailedMonth, FailedRun, FeedSeen, Incident, IncidentChange, IncidentFilter,
    IncidentKind, WatchedSubmission,
};
pub use audit::{Audit, AuditEntry, AuditFilter};
pub use builds::{Build, BuildFilter, BuildOutcome, BuildStatus, NewBuild};
pub use connect::{Backend, Store};
pub use error::StoreError;
pub use inbox::{InboxObject, OpenGroup, SeenCounts, SeenObject};
pub use jobs::{Run, RunFilter, RunOutcome, RunStatus, StartedRun};
pub use layouts::{Layout, Registered};
pub use lease::{InvalidOwner, Owner};
pub use month_key::MonthKey;
pub use overview::{FeedState, RunCount, Totals};
pub use rebuilds::{ClaimedRebuild, QueuedRebuild};
pub use records::{
    AbandonedIngest, Admission, Attempt, AttemptOutcome, CanonicalCursor, CanonicalFilter,
    CanonicalRecord, CompletedIngest, DeadLetter, DeadLetterFilter, DeadLetterState, ExpiredKeys,
    FailedAttempt, IngestState, Inserted, InvalidPayload, ManifestEntry, ManifestFilter,
    ManifestState, NewAttempt, NewDeadLetter, NewEvent, NewIngest, NormalizedRecord, OutboxEvent,
    OutboxLag, Payload, Stage, StageStatus, StoredResponse,
};
pub use registry::{RegisteredMapping, RegisteredSchema};
pub use retries::{Except, Job, Next, Retry};
pub use submissions::{
    Classification, Due, FileCounts, GroupingMethod, Moved, NewFile, NewSubmission, Parsed, Staged,
    Submission, SubmissionFile, SubmissionFilter, SubmissionState, Verdict,
};
pub use submitters::Submitter;
pub use text_enum::UnknownText;
pub use winners::{Candidate, Choice, Decide, Winner, WinnerChange, WinnerFilter, WinnerKey};
