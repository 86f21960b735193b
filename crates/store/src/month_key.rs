//! One canonical month: what a rebuild is asked for, and a build makes.

use std::fmt;

use contract::{AtomicMonth, FileType, StateCode};
use serde::Serialize;

use crate::StoreError;
use crate::row::{FromRow, Row};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct MonthKey {
    pub state: StateCode,
    pub file_type: FileType,
    pub atomic_month: AtomicMonth,
}

/// [`MonthKey`]'s text in SQL, for lists of keys. No part can hold a `/`.
pub(crate) const MONTH_KEY_SQL: &str = "state || '/' || file_type || '/' || atomic_month";

impl fmt::Display for MonthKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.state, self.file_type, self.atomic_month)
    }
}

impl FromRow for MonthKey {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            state: row.parsed("state")?,
            file_type: row.parsed("file_type")?,
            atomic_month: row.parsed("atomic_month")?,
        })
    }
}
