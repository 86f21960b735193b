//! The inspector through its public face: contracts in, bytes in, outcomes out.

mod chunking;
mod control;
mod delimited;
mod encodings;
mod files;
mod fixed_width;
mod json;
mod json_properties;
mod limits;
mod oracle;
mod reading;
mod records;
mod suites;
mod unpack;
mod values;
