//! A database of the test's own, on either side, and the macro that runs a case on both.

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use store::{Backend, Store};
use tempfile::TempDir;
use testkit::postgres::PrivatePostgres;

use crate::table_dump::TABLES;

/// Each case is an `async fn(World)`; it becomes one test per database.
macro_rules! on_both_databases {
    ($($case:ident),+ $(,)?) => {$(
        mod $case {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$case($crate::world::World::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$case($crate::world::World::postgres().await).await;
            }
        }
    )+};
}
pub(crate) use on_both_databases;

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) url: String,
    folder: Option<TempDir>,
}

impl World {
    pub(crate) async fn sqlite() -> World {
        World::empty_sqlite().await.migrated().await
    }

    pub(crate) async fn postgres() -> World {
        World::empty_postgres().await.migrated().await
    }

    pub(crate) async fn empty_sqlite() -> World {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite://{}/state/lazaret.db", folder.path().display());
        let store = Store::connect(&url).await.unwrap();
        World {
            store,
            url,
            folder: Some(folder),
        }
    }

    pub(crate) async fn empty_postgres() -> World {
        let url = PrivatePostgres::shared().database();
        let store = Store::connect(&url).await.unwrap();
        World {
            store,
            url,
            folder: None,
        }
    }

    /// An unmigrated database of the same kind.
    pub(crate) async fn another_empty(&self) -> World {
        match self.store.backend() {
            Backend::Sqlite => World::empty_sqlite().await,
            Backend::Postgres => World::empty_postgres().await,
        }
    }

    async fn migrated(self) -> World {
        self.store.migrate().await.unwrap();
        self
    }

    /// A second handle on the same database, as another process would hold it.
    pub(crate) async fn another_handle(&self) -> Store {
        Store::connect(&self.url).await.unwrap()
    }

    /// Runs SQL past the store.
    pub(crate) async fn execute(&self, sql: &'static str) {
        match self.store.backend() {
            Backend::Sqlite => {
                let mut connection = SqliteConnection::connect(&self.url).await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            }
            Backend::Postgres => {
                let mut connection = PgConnection::connect(&self.url).await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            }
        }
    }

    /// Tells whether anything is written from now on.
    pub(crate) async fn watch_writes(&self) -> WriteWatch {
        let connection = match self.store.backend() {
            Backend::Sqlite => {
                WatchConnection::Sqlite(SqliteConnection::connect(&self.url).await.unwrap())
            }
            Backend::Postgres => {
                WatchConnection::Postgres(PgConnection::connect(&self.url).await.unwrap())
            }
        };
        let mut watch = WriteWatch {
            connection,
            mark: 0,
        };
        watch.mark = watch.mark().await;
        watch
    }

    /// Where a SQLite database lies.
    pub(crate) fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_ref().map(TempDir::path)
    }
}

pub(crate) struct WriteWatch {
    connection: WatchConnection,
    mark: i64,
}

enum WatchConnection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl WriteWatch {
    pub(crate) async fn has_written(&mut self) -> bool {
        self.mark().await != self.mark
    }

    async fn mark(&mut self) -> i64 {
        match &mut self.connection {
            // Changes with every commit of another connection.
            WatchConnection::Sqlite(connection) => sqlx::query_scalar("PRAGMA data_version")
                .fetch_one(connection)
                .await
                .unwrap(),
            // Every row is stamped with the transaction that wrote it.
            WatchConnection::Postgres(connection) => {
                let stamps = TABLES.map(|table| {
                    format!("(SELECT coalesce(sum(xmin::text::bigint), 0) FROM {table})")
                });
                let sql = format!("SELECT ({})::bigint", stamps.join(" + "));
                sqlx::query_scalar(AssertSqlSafe(sql))
                    .fetch_one(connection)
                    .await
                    .unwrap()
            }
        }
    }
}
