//! FHIR R4 resources and bundles as records.
//!
//! A bundle is an envelope: each Encounter, Claim and Observation in it becomes a request of its
//! own, as if a client had posted it to `/v2/ingest`, with an idempotency key of its own.

mod bundle;
mod entry_key;
mod ndjson;
mod outcome;
mod response;

pub use bundle::{
    BundleEntry, BundleRefusal, BundleSplit, BundleType, EntryRecord, split, transaction_refused,
};
pub use ndjson::{NdjsonLine, read_ndjson};
pub use outcome::{operation_outcome, operation_outcome_of};
pub use response::{EntryAnswer, respond};
