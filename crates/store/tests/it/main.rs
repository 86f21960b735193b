//! One suite, run on SQLite and on Postgres: the two cannot drift.
#![expect(clippy::unwrap_used, reason = "a test's failure is its message")]

mod alerts;
mod builds;
mod claims;
mod connect;
mod dead_processes;
mod duplicates;
mod fixtures;
mod gold;
mod inbox;
mod jobs;
mod moves;
mod rebuilds;
mod records;
mod records_admission;
mod records_ledger;
mod records_letters;
mod records_outbox;
mod records_scenario;
mod registration;
mod registry;
mod retries;
mod scenario;
mod schema;
mod table_dump;
mod winners;
mod world;
