//! The public suites that lie beside the repository, with the results that they expect.

mod json;
