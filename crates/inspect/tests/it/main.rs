//! The inspector through its public face: contracts in, bytes in, outcomes out.

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
<<<<<<< HEAD
mod hostile;
=======
mod json;
>>>>>>> refs/heads/json
mod limits;
mod oracle;
mod reading;
mod records;
<<<<<<< HEAD
mod reference;
mod suites;
=======
mod suites;
mod unpack;
>>>>>>> refs/heads/json
mod values;
