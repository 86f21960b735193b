//! The event bus: Kafka, or the outbox itself.
