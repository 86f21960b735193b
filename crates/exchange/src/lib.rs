//! The record path: single records come in by HTTP, are stored once, published once in effect and
//! normalised once, and can be proven complete.

pub mod auth;
pub mod bus;
pub mod fhir;
pub mod ingest;
pub mod records;
pub mod tokenizer;
