//! What a record must look like, whoever asks: the API before it accepts one, and the normaliser
//! before it writes one, call the same [`check`].
//!
//! A contract is a minimum. A field that it knows must have its type; a field that it does not
//! know is kept as it came. No violation holds a value of the record, only places and rules.

mod canonical;
mod contract;
mod dates;
mod fhir_r4;
mod kind;
mod schema_hint;
mod shape;
mod source;
mod violation;

pub use canonical::canonical_payload;
pub use contract::check;
pub(crate) use dates::instant;
pub use dates::start_of;
pub use fhir_r4::FhirResource;
pub use kind::{RecordKind, UnknownRecordKind};
pub use schema_hint::{InvalidSchemaHint, SchemaHint};
pub use source::{InvalidSource, Source};
pub use violation::{Pointer, Rule, Violation};
