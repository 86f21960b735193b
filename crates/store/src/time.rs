//! Times as both databases keep them: UTC, in whole microseconds.

use chrono::{DateTime, SubsecRound, Utc};

/// The instant cut to microseconds, so that a time compares equal to itself once stored.
pub(crate) fn to_micros(time: DateTime<Utc>) -> DateTime<Utc> {
    time.trunc_subsecs(6)
}

/// For stamps that decide nothing; where a time decides, the caller passes it in.
pub(crate) fn now() -> DateTime<Utc> {
    to_micros(Utc::now())
}
