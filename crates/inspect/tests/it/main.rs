//! The inspector through its public face: contracts in, bytes in, outcomes out.

mod cell_checks;
mod cells;
mod checks;
mod chunking;
mod control;
mod corpus;
mod corridor;
mod delimited;
mod differential;
mod encodings;
mod files;
mod fixed_width;
mod generate;
mod generate_properties;
mod hostile;
mod json;
mod json_properties;
mod limits;
mod oracle;
mod reading;
mod records;
mod reference;
mod suites;
mod unique;
mod unpack;
mod values;
