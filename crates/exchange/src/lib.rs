//! The record path: single records come in by HTTP, are stored once, published once in effect and
//! normalised once, and can be proven complete.

pub mod auth;
pub mod backoff;
pub mod bus;
pub mod fault;
pub mod fhir;
pub mod ingest;
pub mod intake;
pub mod normalize;
pub mod outbox;
pub mod records;
pub mod tokenizer;
mod waves;
