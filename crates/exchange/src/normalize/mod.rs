//! From the bus to canonical records.
//!
//! An event names a raw object. The object is fetched, held against the size and hash that were
//! promised, read and checked by the rules that the API applied, and written as one canonical
//! record. Messages come in batches: objects are fetched side by side, what is good is written in
//! one transaction, and what is bad is set aside alone.
//!
//! The order makes it exactly once in effect: attempts are on record before they begin, success is
//! recorded with the canonical record, and the bus hears of a message only after the database or
//! the dead-letter topic has it. Whatever is repeated finds its record there. What is transient is
//! tried again, for a while where an object store is away, for as long as it takes where the
//! database is; what is wrong for ever goes to the dead letters at once, with the reason and
//! without a patient's values.

mod dead_letter;
mod document;
mod normalizer;
mod raw_objects;
mod reason;
mod work;

pub use dead_letter::{DeadLetterTopics, DeadLetters};
pub use normalizer::{NormalizeError, Normalizer, NormalizerSettings, Tally};
pub use raw_objects::{RawObjectError, RawObjects};
pub use reason::Reason;
