//! Objects, silver and gold on a folder and on an S3-protocol server.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod gold;
mod objects;
mod places;
mod sql;
