//! Opening the metadata database, and closing it.

use std::str::FromStr;
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection};

use crate::StoreError;
use crate::database::Database;
use crate::text_enum::text_enum;

/// How long a writer waits for another process to finish before it reports `Busy`.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long it waits before it tries to open the file again.
const BUSY_PAUSE: Duration = Duration::from_millis(20);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 10;

/// The metadata database. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) database: Database,
}

text_enum! {
    /// Which database stands behind a store.
    Backend, "backend" {
        Sqlite = "sqlite",
        Postgres = "postgres",
    }
}

impl Store {
    /// Opens `sqlite:///absolute/path`, `sqlite://relative/path` or `postgres://…`. A SQLite
    /// file that is not there is made, with its folder. The schema is neither checked nor
    /// changed: see [`Store::check_schema`] and [`Store::migrate`].
    pub async fn connect(url: &str) -> Result<Store, StoreError> {
        let database = match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => open_sqlite(url).await?,
            Some("postgres" | "postgresql") => open_postgres(url).await?,
            // The text itself is not shown: it may hold a password.
            _ => {
                let reason = "it starts with neither `sqlite:` nor `postgres:`".to_owned();
                return Err(StoreError::UnusableUrl { reason });
            }
        };
        Ok(Store { database })
    }

    pub fn backend(&self) -> Backend {
        match self.database {
            Database::Sqlite { .. } => Backend::Sqlite,
            Database::Postgres(_) => Backend::Postgres,
        }
    }

    /// Waits for what is under way and closes the connections, of every clone.
    pub async fn close(&self) {
        match &self.database {
            Database::Sqlite { readers, writer } => {
                readers.close().await;
                writer.close().await;
            }
            Database::Postgres(pool) => pool.close().await,
        }
    }
}

async fn open_sqlite(url: &str) -> Result<Database, StoreError> {
    let unusable = |reason: String| StoreError::UnusableUrl { reason };
    if url.contains(":memory:") || url.contains("mode=memory") {
        return Err(unusable(
            "a database in memory is lost with its connection".to_owned(),
        ));
    }
    let options = SqliteConnectOptions::from_str(url)
        .map_err(|error| unusable(error.to_string()))?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A commit is on the disk when it returns: a crash of the machine loses nothing.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT);
    let file = options.get_filename().to_owned();
    if file.as_os_str().is_empty() {
        return Err(unusable("it names no file".to_owned()));
    }
    let cannot_open = |source: StoreError| StoreError::CannotOpen {
        place: file.display().to_string(),
        remedy: "check that the folder exists, is on a local disk and may be written to",
        source: Box::new(source),
    };
    if let Some(folder) = file.parent() {
        tokio::fs::create_dir_all(folder)
            .await
            .map_err(|error| cannot_open(StoreError::Unavailable(sqlx::Error::Io(error))))?;
    }
    let pool = |connections| {
        SqlitePoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(BUSY_TIMEOUT)
            // Where a commit fails (the disk is full), SQLite has rolled back by itself and the
            // driver goes on counting the transaction: nothing could be begun there any more.
            .before_acquire(|connection, _| {
                let is_idle = !connection.is_in_transaction();
                Box::pin(async move { Ok(is_idle) })
            })
    };
    // The writer first: it makes the file and sets its journal before anybody reads.
    let writer = when_not_busy(pool(1), &options).await;
    let writer = writer.map_err(cannot_open)?;
    let readers = when_not_busy(pool(SQLITE_READERS), &options).await;
    let readers = readers.map_err(cannot_open)?;
    Ok(Database::Sqlite { readers, writer })
}

/// Connects, again and again while others make the file: where two set its journal at once, SQLite
/// refuses one without waiting, whatever its time-out.
async fn when_not_busy(
    pool: SqlitePoolOptions,
    options: &SqliteConnectOptions,
) -> Result<SqlitePool, StoreError> {
    let until = Instant::now() + BUSY_TIMEOUT;
    loop {
        let connected = pool.clone().connect_with(options.clone()).await;
        match connected.map_err(StoreError::from) {
            Err(StoreError::Busy(_)) if Instant::now() < until => {
                tokio::time::sleep(BUSY_PAUSE).await;
            }
            ended => return ended,
        }
    }
}

async fn open_postgres(url: &str) -> Result<Database, StoreError> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|error| StoreError::UnusableUrl {
            reason: error.to_string(),
        })?
        .application_name("lazaret");
    let place = format!(
        "postgres://{}:{}/{}",
        options.get_host(),
        options.get_port(),
        options.get_database().unwrap_or_default()
    );
    let cannot_open = |source| StoreError::CannotOpen {
        place,
        remedy: "check that the server runs, that the database exists and that user and password \
                 are right",
        source: Box::new(source),
    };
    // A pool would go on trying where nobody listens; a wrong address is to be said at once.
    match tokio::time::timeout(CONNECT_TIMEOUT, options.connect()).await {
        Ok(Ok(connection)) => connection.close().await?,
        Ok(Err(error)) => return Err(cannot_open(error.into())),
        Err(_) => {
            return Err(cannot_open(StoreError::Unavailable(
                sqlx::Error::PoolTimedOut,
            )));
        }
    }
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(BUSY_TIMEOUT)
        .after_connect(|connection, _| {
            // A plan made while a table was empty must not outlive that: it would read the whole
            // table at every batch. Planning anew costs a fraction of a millisecond, and so does
            // what we run: compiling it first would take far longer. (Said by a statement, because
            // poolers refuse it among the connection's parameters.)
            Box::pin(async move {
                let sql = "SET plan_cache_mode = force_custom_plan; SET jit = off";
                sqlx::raw_sql(sql).execute(connection).await.map(drop)
            })
        })
        .connect_lazy_with(options);
    Ok(Database::Postgres(pool))
}
