//! The schema's version: bringing the database up to this program, and refusing to work on one
//! that is older or newer.

use std::collections::BTreeSet;

use sqlx::migrate::{Migration, Migrator};

use crate::database::{Database, Dialect};
use crate::{Store, StoreError};

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

impl Store {
    /// Applies what is missing, each migration whole or not at all, and names what it applied.
    /// Safe to call from several processes at once.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        let before = self.applied().await?;
        self.refuse_newer(&before)?;
        match &self.database {
            // SQLite's migrator takes no lock of its own; the immediate transaction is one.
            Database::Sqlite { writer, .. } => {
                let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
                SQLITE
                    .run_direct(None, &mut *transaction, false)
                    .await
                    .map_err(StoreError::Migration)?;
                transaction.commit().await?;
            }
            Database::Postgres(pool) => POSTGRES.run(pool).await.map_err(StoreError::Migration)?,
        }
        let names: Vec<_> = self.missing(&before).map(name).collect();
        for name in &names {
            tracing::info!(migration = %name, "applied");
        }
        Ok(names)
    }

    /// `Ok` where the database has exactly the migrations that this program knows.
    pub async fn check_schema(&self) -> Result<(), StoreError> {
        let applied = self.applied().await?;
        self.refuse_newer(&applied)?;
        let missing: Vec<_> = self.missing(&applied).map(name).collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(StoreError::SchemaOlder { missing })
        }
    }

    fn migrator(&self) -> &'static Migrator {
        match self.database {
            Database::Sqlite { .. } => &SQLITE,
            Database::Postgres(_) => &POSTGRES,
        }
    }

    fn missing(&self, applied: &BTreeSet<i64>) -> impl Iterator<Item = &'static Migration> {
        self.migrator()
            .iter()
            .filter(|migration| !applied.contains(&migration.version))
    }

    fn refuse_newer(&self, applied: &BTreeSet<i64>) -> Result<(), StoreError> {
        let migrator = self.migrator();
        let unknown: Vec<_> = applied
            .iter()
            .copied()
            .filter(|version| !migrator.version_exists(*version))
            .collect();
        if unknown.is_empty() {
            Ok(())
        } else {
            Err(StoreError::SchemaNewer { unknown })
        }
    }

    /// The versions that the database has; none where it was never migrated.
    async fn applied(&self) -> Result<BTreeSet<i64>, StoreError> {
        let known = match self.database.dialect() {
            Dialect::Sqlite => "SELECT 1 FROM sqlite_schema WHERE name = '_sqlx_migrations'",
            Dialect::Postgres => "SELECT 1 WHERE to_regclass('_sqlx_migrations') IS NOT NULL",
        };
        if self.database.rows(known, vec![]).await?.is_empty() {
            return Ok(BTreeSet::new());
        }
        let rows = self
            .database
            .rows("SELECT version FROM _sqlx_migrations", vec![])
            .await?;
        rows.iter().map(|row| row.integer("version")).collect()
    }
}

fn name(migration: &Migration) -> String {
    format!("{:04} {}", migration.version, migration.description)
}
