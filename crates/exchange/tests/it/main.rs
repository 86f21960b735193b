//! The record path, against real databases and a broker.

#![expect(clippy::unwrap_used, reason = "a test's failure is its message")]

mod auth;
mod auth_issuer;
mod auth_keys;
mod fhir_bundle;
mod ingest_event;
mod ingest_event_schema;
mod ingest_problem;
mod ingest_request;
mod json_strict;
mod tokenizer;
