//! The Open Data Contract Standard, v3.1.0: contracts written in it, and read from it.
//!
//! What the standard can say is said in its own keys; the rest (the file's format, null
//! spellings, date formats and so on) stands in `customProperties` under `lazaret:KEY` with the
//! value that KEY has in our own documents. So a contract that was exported is imported as
//! itself, and a contract of another tool's is imported as far as the standard's own keys go.

mod export;
mod formats;
mod import;
mod model;

pub use import::Imported;

const API_VERSION: &str = "v3.1.0";
const CUSTOM_PREFIX: &str = "lazaret:";
