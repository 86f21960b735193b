//! What must hold for any bytes at all. The fuzz targets call these functions with what they
//! find, the tests with the corpora of earlier runs.

pub(crate) mod delimited;
pub(crate) mod documents;
pub(crate) mod file_names;
pub(crate) mod values;

/// Each target's name, as its corpus's folder has it.
pub(crate) const TARGETS: [(&str, fn(&[u8])); 4] = [
    ("delimited", delimited::check),
    ("documents", documents::check),
    ("file_names", file_names::check),
    ("values", values::check),
];
