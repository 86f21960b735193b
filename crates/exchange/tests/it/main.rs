//! The record path, against real databases and a broker.

#![expect(clippy::unwrap_used, reason = "a test's failure is its message")]

mod auth;
mod auth_issuer;
mod auth_keys;
mod bus;
mod bus_broker;
mod bus_kafka;
mod bus_sides;
mod end_to_end;
mod fhir_bundle;
mod ingest_event;
mod ingest_event_schema;
mod ingest_problem;
mod ingest_request;
mod intake;
mod json_strict;
mod normalize;
mod normalize_crash;
mod normalize_world;
mod outbox;
mod tokenizer;
