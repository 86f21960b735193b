//! A batch as one parameter: the same statement however many rows, so that the database plans
//! it once and answers once.

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

use crate::database::Dialect;
use crate::value::{Value, sortable};

/// The rows for [`Dialect::batch`]: an array of objects, whose keys are the columns.
pub(super) fn rows<T: Serialize>(items: &[T]) -> Value {
    Value::Text(Some(
        serde_json::to_string(items).expect("rows have keys of text alone"),
    ))
}

/// A time inside of [`rows`].
pub(super) fn time<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&sortable(*time))
}

impl Dialect {
    /// That a value is a member of the [`crate::value::list`] bound to `$n`. Postgres is given an
    /// array, for which it looks into an index whatever its statistics say.
    pub(super) fn one_of(self, n: usize) -> String {
        match self {
            Self::Postgres => format!("= ANY (ARRAY{})", self.each(n)),
            Self::Sqlite => format!("IN {}", self.each(n)),
        }
    }

    /// The [`rows`] bound to `$n` as a table named `batch`, in their order. Its columns are
    /// declared as Postgres spells them: `name type, name type`.
    pub(super) fn batch(self, n: usize, columns: &str) -> String {
        match self {
            Self::Postgres => format!("jsonb_to_recordset(${n}::jsonb) AS batch({columns})"),
            Self::Sqlite => {
                let columns: Vec<_> = columns.split(", ").map(extracted).collect();
                let columns = columns.join(", ");
                format!("(SELECT {columns} FROM json_each(${n})) AS batch")
            }
        }
    }
}

fn extracted(column: &str) -> String {
    match column.split_once(' ') {
        Some((name, "jsonb")) => format!("nullif(value -> '{name}', 'null') AS {name}"),
        Some((name, _)) => format!("value ->> '{name}' AS {name}"),
        None => unreachable!("a column is declared with its type"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_spelled_as_each_database_wants_it() {
        let columns = "record_id text, payload jsonb";
        assert_eq!(
            Dialect::Postgres.batch(1, columns),
            "jsonb_to_recordset($1::jsonb) AS batch(record_id text, payload jsonb)"
        );
        assert_eq!(
            Dialect::Sqlite.batch(1, columns),
            "(SELECT value ->> 'record_id' AS record_id, \
             nullif(value -> 'payload', 'null') AS payload FROM json_each($1)) AS batch"
        );
    }
}
