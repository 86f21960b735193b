//! The inspector through its public face: contracts in, bytes in, outcomes out.

mod cells;
mod checks;
mod chunking;
mod corpus;
mod differential;
mod files;
mod hostile;
mod limits;
mod oracle;
mod reading;
mod records;
mod reference;
mod suites;
mod values;
