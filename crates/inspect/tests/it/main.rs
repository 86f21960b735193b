//! The inspector through its public face: contracts in, bytes in, outcomes out.

mod chunking;
mod corridor;
mod files;
mod limits;
mod oracle;
mod reading;
mod records;
mod values;
