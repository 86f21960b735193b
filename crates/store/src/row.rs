//! One row of either database, read by column name into our own types.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::types::Json;
use sqlx::{Decode, Postgres, Row as _, Sqlite, Type};

use crate::StoreError;

pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// A typed row: how a table's columns become one of our structs.
pub(crate) trait FromRow: Sized {
    fn from_row(row: &Row) -> Result<Self, StoreError>;
}

impl Row {
    fn value<T>(&self, column: &str) -> Result<T, StoreError>
    where
        T: for<'r> Decode<'r, Sqlite>
            + Type<Sqlite>
            + for<'r> Decode<'r, Postgres>
            + Type<Postgres>,
    {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
        .map_err(StoreError::from)
    }

    pub(crate) fn text(&self, column: &str) -> Result<String, StoreError> {
        self.value(column)
    }

    pub(crate) fn text_if_any(&self, column: &str) -> Result<Option<String>, StoreError> {
        self.value(column)
    }

    pub(crate) fn integer(&self, column: &str) -> Result<i64, StoreError> {
        self.value(column)
    }

    pub(crate) fn integer_if_any(&self, column: &str) -> Result<Option<i64>, StoreError> {
        self.value(column)
    }

    pub(crate) fn version(&self, column: &'static str) -> Result<u32, StoreError> {
        self.integer(column)?
            .try_into()
            .map_err(|_| StoreError::Unreadable {
                column,
                reason: "not a version".to_owned(),
            })
    }

    pub(crate) fn version_if_any(&self, column: &'static str) -> Result<Option<u32>, StoreError> {
        self.integer_if_any(column)?
            .map(|_| self.version(column))
            .transpose()
    }

    pub(crate) fn time(&self, column: &str) -> Result<DateTime<Utc>, StoreError> {
        self.value(column)
    }

    pub(crate) fn time_if_any(&self, column: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.value(column)
    }

    /// An id, a name or a state, checked as it is read.
    pub(crate) fn parsed<T>(&self, column: &'static str) -> Result<T, StoreError>
    where
        T: FromStr<Err: std::fmt::Display>,
    {
        parse(column, &self.text(column)?)
    }

    pub(crate) fn parsed_if_any<T>(&self, column: &'static str) -> Result<Option<T>, StoreError>
    where
        T: FromStr<Err: std::fmt::Display>,
    {
        self.text_if_any(column)?
            .map(|text| parse(column, &text))
            .transpose()
    }

    /// JSON as text, every digit of its numbers kept.
    pub(crate) fn json_text(&self, column: &str) -> Result<String, StoreError> {
        match self {
            Self::Postgres(row) => {
                let json: Json<Box<RawValue>> = row.try_get(column)?;
                Ok(json.0.get().to_owned())
            }
            Self::Sqlite(_) => self.text(column),
        }
    }

    pub(crate) fn json_if_any(
        &self,
        column: &'static str,
    ) -> Result<Option<serde_json::Value>, StoreError> {
        match self {
            Self::Postgres(row) => Ok(row.try_get(column)?),
            Self::Sqlite(_) => self.parsed_if_any(column),
        }
    }
}

fn parse<T: FromStr<Err: std::fmt::Display>>(
    column: &'static str,
    text: &str,
) -> Result<T, StoreError> {
    text.parse()
        .map_err(|error: T::Err| StoreError::Unreadable {
            column,
            reason: error.to_string(),
        })
}
