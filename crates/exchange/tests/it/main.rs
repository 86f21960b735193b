//! The record path, against real databases and a broker.
#![expect(clippy::unwrap_used, reason = "a test's failure is its message")]

mod bus;
mod bus_broker;
mod bus_kafka;
mod bus_sides;
mod normalize;
mod normalize_world;
mod outbox;
