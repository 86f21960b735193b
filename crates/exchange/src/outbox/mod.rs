//! From the outbox to the bus: whatever was accepted is published, in the order of its key.
//!
//! An event is claimed, sent, and marked as published once the broker has it. Whoever dies in
//! between leaves a lease that lapses, and the event is sent again: at least once, never lost. Any
//! number of publishers may run. With the embedded bus there is nothing to do here.

mod message;
mod publisher;

pub(crate) use message::message;
pub use publisher::{Publisher, PublisherSettings, Round};
