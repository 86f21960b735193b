//! What can be bound to a statement. A null keeps its type, because Postgres asks for it.

use chrono::{DateTime, SecondsFormat, Utc};
use contract::{
    AtomicMonth, BuildId, DeadLetterId, FeedName, FileType, IncidentId, RecordId, RunId, StateCode,
    SubmissionId, SubmitterId,
};
use sqlx::query::Query;
use sqlx::{Postgres, Sqlite};

use crate::time::to_micros;
use crate::{
    AlertAction, AlertChannel, AttemptOutcome, BuildStatus, DeadLetterState, GroupingMethod,
    IncidentKind, IngestState, ManifestState, Owner, RunStatus, Stage, StageStatus,
    SubmissionState,
};

#[derive(Debug, Clone)]
pub(crate) enum Value {
    Text(Option<String>),
    Integer(Option<i64>),
    Time(Option<DateTime<Utc>>),
    Json(Option<serde_json::Value>),
}

/// The values of `$1`, `$2`, … in order.
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        vec![$($crate::value::Value::from($value)),*]
    };
}
pub(crate) use values;

/// A list for [`crate::database::Dialect::each`]: one parameter, however long.
pub(crate) fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> Value {
    let items: Vec<_> = items
        .into_iter()
        .map(|item| item.to_string().into())
        .collect();
    Value::Text(Some(serde_json::Value::Array(items).to_string()))
}

type SqliteQuery = Query<'static, Sqlite, <Sqlite as sqlx::Database>::Arguments>;
type PostgresQuery = Query<'static, Postgres, <Postgres as sqlx::Database>::Arguments>;

impl Value {
    pub(crate) fn bind_sqlite(self, query: SqliteQuery) -> SqliteQuery {
        match self {
            Self::Text(text) => query.bind(text),
            Self::Integer(integer) => query.bind(integer),
            Self::Time(time) => query.bind(time.map(sortable)),
            Self::Json(json) => query.bind(json.map(|json| json.to_string())),
        }
    }

    pub(crate) fn bind_postgres(self, query: PostgresQuery) -> PostgresQuery {
        match self {
            Self::Text(text) => query.bind(text),
            Self::Integer(integer) => query.bind(integer),
            Self::Time(time) => query.bind(time.map(to_micros)),
            Self::Json(json) => query.bind(json),
        }
    }
}

/// RFC 3339 in UTC with six decimals always: the text sorts as the instant does.
pub(crate) fn sortable(time: DateTime<Utc>) -> String {
    to_micros(time).to_rfc3339_opts(SecondsFormat::Micros, true)
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}
impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}
impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(Some(text.clone()))
    }
}
impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(str::to_owned))
    }
}
impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}
impl From<&Option<String>> for Value {
    fn from(text: &Option<String>) -> Self {
        Self::Text(text.clone())
    }
}
impl From<i64> for Value {
    fn from(integer: i64) -> Self {
        Self::Integer(Some(integer))
    }
}
impl From<u32> for Value {
    fn from(integer: u32) -> Self {
        Self::Integer(Some(integer.into()))
    }
}
impl From<Option<i64>> for Value {
    fn from(integer: Option<i64>) -> Self {
        Self::Integer(integer)
    }
}
impl From<DateTime<Utc>> for Value {
    fn from(time: DateTime<Utc>) -> Self {
        Self::Time(Some(time))
    }
}
impl From<Option<DateTime<Utc>>> for Value {
    fn from(time: Option<DateTime<Utc>>) -> Self {
        Self::Time(time)
    }
}
impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Self {
        Self::Json(Some(json))
    }
}
impl From<Option<serde_json::Value>> for Value {
    fn from(json: Option<serde_json::Value>) -> Self {
        Self::Json(json)
    }
}

macro_rules! as_text {
    ($($type:ty),+ $(,)?) => {$(
        impl From<&$type> for Value {
            fn from(value: &$type) -> Self {
                Self::Text(Some(value.to_string()))
            }
        }
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::Text(Some(value.to_string()))
            }
        }
        impl From<Option<$type>> for Value {
            fn from(value: Option<$type>) -> Self {
                Self::Text(value.map(|value| value.to_string()))
            }
        }
        impl From<Option<&$type>> for Value {
            fn from(value: Option<&$type>) -> Self {
                Self::Text(value.map(ToString::to_string))
            }
        }
    )+};
}

as_text!(
    SubmitterId,
    FileType,
    StateCode,
    FeedName,
    SubmissionId,
    RunId,
    BuildId,
    AtomicMonth,
    SubmissionState,
    GroupingMethod,
    BuildStatus,
    RunStatus,
    IncidentKind,
    AlertChannel,
    AlertAction,
    IncidentId,
    Owner,
    RecordId,
    DeadLetterId,
    ManifestState,
    IngestState,
    Stage,
    StageStatus,
    AttemptOutcome,
    DeadLetterState,
);

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    #[test]
    fn times_sort_as_their_text_does() {
        let second = Utc.with_ymd_and_hms(2024, 3, 1, 12, 0, 0).unwrap();
        let times = [0, 1, 999, 1_000, 500_000_000, 999_999_999]
            .map(|nanos| sortable(second + chrono::Duration::nanoseconds(nanos)));
        assert!(times.is_sorted());
        assert!(times.iter().all(|text| text.len() == times[0].len()));
        assert_eq!(times[4], "2024-03-01T12:00:00.500000Z");
    }
}
