//! The two databases behind one face. A statement is written once, with `$1`, `$2`, …; what they
//! spell differently comes from [`Dialect`].
//!
//! SQLite has one connection that writes and several that read: writers of one process queue
//! here, in order, instead of polling the file's lock. A write transaction is `BEGIN IMMEDIATE`,
//! so that it never fails half-way for having read first.

use std::borrow::Cow;

use sqlx::{AssertSqlSafe, PgPool, Postgres, Sqlite, SqlitePool};

use crate::StoreError;
use crate::row::{FromRow, Row};
use crate::value::Value;

#[derive(Debug, Clone)]
pub(crate) enum Database {
    Sqlite {
        readers: SqlitePool,
        writer: SqlitePool,
    },
    Postgres(PgPool),
}

/// A transaction that writes. Dropped without `commit`, it is undone.
pub(crate) enum Transaction {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

/// What the two spell differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// What at most one transaction may decide at a time, on any machine.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lock<'a> {
    /// Which submission of the same content came first.
    Content(&'a str),
    /// Which submissions stand for a submitter's months.
    Winners(&'a contract::SubmitterId),
    /// Which months wait for a build, and who builds them.
    RebuildQueue,
    /// How many submissions of each submitter are in work.
    Busy,
    /// What went wrong, and who is to be told.
    Incidents,
}

/// SQL text: ours, never an outsider's. What comes from outside is bound.
pub(crate) type Sql = Cow<'static, str>;

impl Dialect {
    /// A subquery over the members of the [`crate::value::list`] bound to `$n`.
    pub(crate) fn each(self, n: usize) -> String {
        match self {
            Self::Sqlite => format!("(SELECT value FROM json_each(${n}))"),
            Self::Postgres => format!("(SELECT jsonb_array_elements_text(${n}::jsonb))"),
        }
    }

    /// At the end of a claim's subquery: rows that another claimer holds are passed over.
    pub(crate) fn skip_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => "FOR UPDATE SKIP LOCKED",
        }
    }

    /// At the end of a query: the rows stay as read until the transaction ends.
    pub(crate) fn lock_rows(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => "FOR UPDATE",
        }
    }
}

/// `($1, $2), ($3, $4), …` for an insert of that many rows.
pub(crate) fn placeholders(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let cells: Vec<_> = (1..=columns)
            .map(|c| format!("${}", row * columns + c))
            .collect();
        format!("({})", cells.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

fn sqlite(
    sql: Sql,
    values: Vec<Value>,
) -> sqlx::query::Query<'static, Sqlite, <Sqlite as sqlx::Database>::Arguments> {
    values
        .into_iter()
        .fold(sqlx::query(AssertSqlSafe(sql)), |query, value| {
            value.bind_sqlite(query)
        })
}

fn postgres(
    sql: Sql,
    values: Vec<Value>,
) -> sqlx::query::Query<'static, Postgres, <Postgres as sqlx::Database>::Arguments> {
    values
        .into_iter()
        .fold(sqlx::query(AssertSqlSafe(sql)), |query, value| {
            value.bind_postgres(query)
        })
}

impl Database {
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite { .. } => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    pub(crate) async fn begin(&self) -> Result<Transaction, StoreError> {
        Ok(match self {
            Self::Sqlite { writer, .. } => {
                Transaction::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?)
            }
            Self::Postgres(pool) => Transaction::Postgres(pool.begin().await?),
        })
    }

    /// Rows as they stand, outside any transaction.
    pub(crate) async fn rows(
        &self,
        sql: impl Into<Sql>,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        Ok(match self {
            Self::Sqlite { readers, .. } => {
                let rows = sqlite(sql.into(), values).fetch_all(readers).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(pool) => {
                let rows = postgres(sql.into(), values).fetch_all(pool).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// One statement in a transaction of its own; the number of rows it changed.
    pub(crate) async fn execute(
        &self,
        sql: impl Into<Sql>,
        values: Vec<Value>,
    ) -> Result<u64, StoreError> {
        let mut transaction = self.begin().await?;
        let changed = transaction.execute(sql, values).await?;
        transaction.commit().await?;
        Ok(changed)
    }

    pub(crate) async fn all<T: FromRow>(
        &self,
        sql: impl Into<Sql>,
        values: Vec<Value>,
    ) -> Result<Vec<T>, StoreError> {
        self.rows(sql, values)
            .await?
            .iter()
            .map(T::from_row)
            .collect()
    }

    pub(crate) async fn first<T: FromRow>(
        &self,
        sql: impl Into<Sql>,
        values: Vec<Value>,
    ) -> Result<Option<T>, StoreError> {
        self.rows(sql, values)
            .await?
            .first()
            .map(T::from_row)
            .transpose()
    }
}

impl Transaction {
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs the statement; the number of rows it changed.
    pub(crate) async fn execute(
        &mut self,
        sql: impl Into<Sql>,
        values: Vec<Value>,
    ) -> Result<u64, StoreError> {
        Ok(match self {
            Self::Sqlite(transaction) => sqlite(sql.into(), values)
                .execute(&mut **transaction)
                .await?
                .rows_affected(),
            Self::Postgres(transaction) => postgres(sql.into(), values)
                .execute(&mut **transaction)
                .await?
                .rows_affected(),
        })
    }

    pub(crate) async fn rows(
        &mut self,
        sql: impl Into<Sql>,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        Ok(match self {
            Self::Sqlite(transaction) => {
                let rows = sqlite(sql.into(), values)
                    .fetch_all(&mut **transaction)
                    .await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(transaction) => {
                let rows = postgres(sql.into(), values)
                    .fetch_all(&mut **transaction)
                    .await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    pub(crate) async fn all<T: FromRow>(
        &mut self,
        sql: impl Into<Sql>,
        values: Vec<Value>,
    ) -> Result<Vec<T>, StoreError> {
        self.rows(sql, values)
            .await?
            .iter()
            .map(T::from_row)
            .collect()
    }

    pub(crate) async fn first<T: FromRow>(
        &mut self,
        sql: impl Into<Sql>,
        values: Vec<Value>,
    ) -> Result<Option<T>, StoreError> {
        self.rows(sql, values)
            .await?
            .first()
            .map(T::from_row)
            .transpose()
    }

    /// Waits until no other transaction holds the lock; it is held until this one ends. An
    /// immediate transaction of SQLite is alone already.
    pub(crate) async fn lock(&mut self, lock: Lock<'_>) -> Result<(), StoreError> {
        let name = match lock {
            Lock::Content(hash) => format!("lazaret/content/{hash}"),
            Lock::Winners(submitter) => format!("lazaret/winners/{submitter}"),
            Lock::RebuildQueue => "lazaret/rebuild_queue".to_owned(),
            Lock::Busy => "lazaret/busy".to_owned(),
            Lock::Incidents => "lazaret/incidents".to_owned(),
        };
        if let Self::Postgres(_) = self {
            self.rows(
                "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
                vec![name.into()],
            )
            .await?;
        }
        Ok(())
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await?,
            Self::Postgres(transaction) => transaction.commit().await?,
        }
        Ok(())
    }
}
