//! All rows of all tables as one readable text, with ids, times and processes masked.

use std::collections::HashMap;
use std::fmt::Write;

use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use store::{Backend, Owner};

use crate::world::World;

pub(crate) const TABLES: [&str; 24] = [
    "submitter",
    "layout_registry",
    "canonical_schema",
    "canonical_mapping",
    "inbox_object",
    "submission",
    "submission_file",
    "submission_month",
    "submitter_gold_winner",
    "canonical_rebuild_queue",
    "canonical_build",
    "job_runs",
    "job_checkpoints",
    "alert_watch",
    "alert_incident",
    "alert_delivery",
    "raw_object_manifest",
    "ingest_idempotency",
    "outbox_events",
    "canonical_records",
    "processing_stage_state",
    "processing_attempts",
    "dead_letters",
    "audit_log",
];

/// Columns that are JSON in Postgres and text in SQLite.
const JSON_COLUMNS: [&str; 6] = [
    "counts",
    "detail",
    "headers",
    "message",
    "payload",
    "resolution",
];

/// Each table's columns with its nullability, in order.
pub(crate) async fn columns(world: &World) -> Vec<(String, Vec<(String, bool)>)> {
    let mut tables = Vec::new();
    for table in TABLES {
        let columns: Vec<(String, bool)> = match world.store.backend() {
            Backend::Sqlite => {
                let mut connection = SqliteConnection::connect(&world.url).await.unwrap();
                // A primary key of a STRICT table is not null, declared or not, except in SQLite.
                let sql = "SELECT name, NOT (\"notnull\" OR pk > 0) FROM pragma_table_info($1) ORDER BY cid";
                sqlx::query_as(sql)
                    .bind(table)
                    .fetch_all(&mut connection)
                    .await
                    .unwrap()
            }
            Backend::Postgres => {
                let mut connection = PgConnection::connect(&world.url).await.unwrap();
                let sql = "SELECT column_name::text, is_nullable = 'YES' FROM information_schema.columns
                           WHERE table_schema = 'public' AND table_name = $1 ORDER BY ordinal_position";
                sqlx::query_as(sql)
                    .bind(table)
                    .fetch_all(&mut connection)
                    .await
                    .unwrap()
            }
        };
        tables.push((table.to_owned(), columns));
    }
    tables
}

/// Every row as stored, in the order of the table's key.
pub(crate) async fn rows(world: &World) -> Vec<(&'static str, Map<String, Value>)> {
    let mut all = Vec::new();
    for table in TABLES {
        let texts: Vec<String> = match world.store.backend() {
            Backend::Sqlite => {
                let mut connection = SqliteConnection::connect(&world.url).await.unwrap();
                let sql =
                    "SELECT group_concat('''' || name || ''', ' || '\"' || name || '\"', ', ')
                           FROM pragma_table_info($1)";
                let pairs: String = sqlx::query_scalar(sql)
                    .bind(table)
                    .fetch_one(&mut connection)
                    .await
                    .unwrap();
                let sql = format!("SELECT json_object({pairs}) FROM {table}");
                sqlx::query_scalar(AssertSqlSafe(sql))
                    .fetch_all(&mut connection)
                    .await
                    .unwrap()
            }
            Backend::Postgres => {
                let mut connection = PgConnection::connect(&world.url).await.unwrap();
                let sql = format!("SELECT to_jsonb(t)::text FROM {table} t");
                sqlx::query_scalar(AssertSqlSafe(sql))
                    .fetch_all(&mut connection)
                    .await
                    .unwrap()
            }
        };
        let mut rows: Vec<Map<String, Value>> = texts
            .iter()
            .map(|text| serde_json::from_str(text).unwrap())
            .collect();
        for row in &mut rows {
            for column in JSON_COLUMNS {
                if let Some(Value::String(text)) = row.get(column) {
                    let json = serde_json::from_str(text).unwrap();
                    row.insert(column.to_owned(), json);
                }
            }
        }
        rows.sort_by_key(sort_key);
        all.extend(rows.into_iter().map(|row| (table, row)));
    }
    all
}

/// Ids are of version 7 and numbers grow: both sort in the order of their making.
fn sort_key(row: &Map<String, Value>) -> (i64, String) {
    const KEYS: [&str; 13] = [
        "attempt_id",
        "dead_letter_id",
        "record_id",
        "idempotency_key",
        "build_id",
        "run_id",
        "object_key",
        "submission_id",
        "ordinal",
        "submitter_id",
        "file_type",
        "version",
        "atomic_month",
    ];
    let number = ["audit_id", "queue_id", "delivery_id", "sequence"]
        .iter()
        .find_map(|key| row.get(*key)?.as_i64());
    let texts: Vec<_> = KEYS
        .iter()
        .filter_map(|key| row.get(*key))
        .map(Value::to_string)
        .collect();
    (number.unwrap_or_default(), texts.join("/"))
}

/// The masked text of [`rows`]: equal for equal histories.
pub(crate) async fn dump(world: &World) -> String {
    let mut masks = Masks::default();
    let mut text = String::new();
    let mut last = "";
    for (table, row) in rows(world).await {
        if table != last {
            writeln!(text, "# {table}").unwrap();
            last = table;
        }
        let mut columns: Vec<_> = row.iter().filter(|(_, value)| !value.is_null()).collect();
        columns.sort_by_key(|(column, _)| *column);
        let cells: Vec<_> = columns
            .into_iter()
            .map(|(column, value)| format!("{column}={}", masks.apply(&readable(value))))
            .collect();
        writeln!(text, "{}", cells.join(" ")).unwrap();
    }
    text
}

fn readable(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => sorted(other).to_string(),
    }
}

/// Keys in order, whatever the order they are kept in.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<_> = object.iter().map(|(k, v)| (k.clone(), sorted(v))).collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            entries.into_iter().collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

#[derive(Default)]
struct Masks {
    ids: HashMap<String, usize>,
}

impl Masks {
    fn apply(&mut self, text: &str) -> String {
        if chrono::DateTime::parse_from_rfc3339(text).is_ok() {
            return "<time>".to_owned();
        }
        let mut masked = text.replace(Owner::this_process().as_str(), "<process>");
        while let Some(start) = masked
            .char_indices()
            .map(|(i, _)| i)
            .find(|i| is_id(&masked, *i))
        {
            let number = self.ids.len() + 1;
            let id = masked[start..start + 36].to_owned();
            let number = *self.ids.entry(id.clone()).or_insert(number);
            masked = masked.replace(&id, &format!("<id {number}>"));
        }
        masked
    }
}

fn is_id(text: &str, start: usize) -> bool {
    text.get(start..start + 36)
        .is_some_and(|part| part.parse::<contract::SubmissionId>().is_ok())
}
