//! The record path: single records from the API, in exactly once.
//!
//! A request is *admitted* (its key taken, its object planned), its object is written, and it is
//! *completed* (the answer stored, the event put into the outbox). A publisher claims events; the
//! normaliser writes canonical records and a ledger of its attempts. Every call takes a batch and
//! is one transaction, so that many requests share one commit.

mod admission;
mod batch;
mod canonical;
mod completion;
mod conditions;
mod dead_letters;
mod ledger;
mod manifest;
mod outbox;
mod payload;

pub use admission::{Admission, IngestState, NewIngest, StoredResponse};
pub use canonical::{CanonicalCursor, CanonicalFilter, CanonicalRecord};
pub use completion::{AbandonedIngest, CompletedIngest, ExpiredKeys};
pub use dead_letters::{DeadLetter, DeadLetterFilter, DeadLetterState, NewDeadLetter};
pub use ledger::{
    Attempt, AttemptOutcome, FailedAttempt, Inserted, NewAttempt, NormalizedRecord, Stage,
    StageStatus,
};
pub use manifest::{ManifestEntry, ManifestFilter, ManifestState};
pub use outbox::{NewEvent, OutboxEvent, OutboxLag};
pub use payload::{InvalidPayload, Payload};
