//! Gold: which submission's rows stand for a month, the submitter's table of them, and the
//! statewide canonical table of all submitters' winners.

mod canonical;
mod fingerprint;
pub(crate) mod plan;
pub(crate) mod registry;
mod submitter;
pub(crate) mod winner;
