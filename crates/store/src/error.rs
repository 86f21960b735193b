//! What can go wrong with the metadata database, and what to do about it. Errors of the driver
//! become ours here and nowhere else.

use contract::SubmissionId;
use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::migrate::MigrateError;

use crate::WinnerKey;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "the metadata database's address cannot be used: {reason}; set METADATA_DB_URL to \
         sqlite:///absolute/path.db or postgres://user:password@host/database"
    )]
    UnusableUrl { reason: String },
    #[error("cannot open the metadata database at {place}; {remedy}")]
    CannotOpen {
        place: String,
        remedy: &'static str,
        source: Box<StoreError>,
    },
    #[error(
        "the metadata database is older than this program (it lacks {}); run `lazaret migrate`",
        missing.join(", ")
    )]
    SchemaOlder { missing: Vec<String> },
    #[error(
        "the metadata database is newer than this program (it knows no migration {}); \
         install the version of lazaret that migrated it, or a later one",
        unknown.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    )]
    SchemaNewer { unknown: Vec<i64> },
    #[error(
        "the metadata database could not be migrated; nothing was changed by the migration that \
         failed: mend the cause and run `lazaret migrate` again"
    )]
    Migration(#[source] MigrateError),
    #[error(
        "submission {submission_id} is not a candidate for {key}: only a validated submission of \
         that submitter that covers the month can be pinned; `lazaret explain winner` lists them"
    )]
    NotACandidate {
        submission_id: SubmissionId,
        key: Box<WinnerKey>,
    },
    #[error(
        "a row refers to another that is not there ({constraint}); register the layout first \
         (`lazaret registry sync`) and check the ids"
    )]
    MissingReference { constraint: String },
    #[error(
        "the metadata database refused a row ({constraint}); this is a defect of lazaret, please report it"
    )]
    Refused { constraint: String },
    #[error(
        "the metadata database's column {column} holds what this program cannot read: {reason}"
    )]
    Unreadable {
        column: &'static str,
        reason: String,
    },
    #[error(
        "the metadata database was busy with another transaction; the same step can be tried again"
    )]
    Busy(#[source] sqlx::Error),
    #[error(
        "the metadata database does not answer; check that it runs and can be reached, then try again"
    )]
    Unavailable(#[source] sqlx::Error),
    #[error("the metadata database failed")]
    Database(#[source] sqlx::Error),
}

impl StoreError {
    /// Whether the same call may succeed later without anything being mended by hand.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Busy(_) | Self::Unavailable(_) => true,
            Self::CannotOpen { source, .. } => source.is_transient(),
            Self::UnusableUrl { .. }
            | Self::SchemaOlder { .. }
            | Self::SchemaNewer { .. }
            | Self::Migration(_)
            | Self::NotACandidate { .. }
            | Self::MissingReference { .. }
            | Self::Refused { .. }
            | Self::Unreadable { .. }
            | Self::Database(_) => false,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => Self::Unavailable(error),
            sqlx::Error::Database(database) => match kind(database.as_ref()) {
                Kind::Busy => Self::Busy(error),
                Kind::Unavailable => Self::Unavailable(error),
                Kind::MissingReference => Self::MissingReference {
                    constraint: constraint(database.as_ref()),
                },
                Kind::Refused => Self::Refused {
                    constraint: constraint(database.as_ref()),
                },
                Kind::Other => Self::Database(error),
            },
            _ => Self::Database(error),
        }
    }
}

enum Kind {
    Busy,
    Unavailable,
    MissingReference,
    Refused,
    Other,
}

fn kind(error: &dyn DatabaseError) -> Kind {
    match error.kind() {
        ErrorKind::ForeignKeyViolation => return Kind::MissingReference,
        ErrorKind::UniqueViolation
        | ErrorKind::NotNullViolation
        | ErrorKind::CheckViolation
        | ErrorKind::ExclusionViolation => return Kind::Refused,
        _ => {}
    }
    let code = error.code().unwrap_or_default();
    if error
        .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
        .is_some()
    {
        // https://www.postgresql.org/docs/current/errcodes-appendix.html
        match &*code {
            "40001" | "40P01" | "55P03" => Kind::Busy,
            "57P01" | "57P02" | "57P03" | "53300" => Kind::Unavailable,
            code if code.starts_with("08") => Kind::Unavailable,
            _ => Kind::Other,
        }
    } else {
        // https://www.sqlite.org/rescode.html: the low byte is the primary code.
        const SQLITE_BUSY: i32 = 5;
        const SQLITE_LOCKED: i32 = 6;
        match code.parse::<i32>().map(|code| code & 0xff) {
            Ok(SQLITE_BUSY | SQLITE_LOCKED) => Kind::Busy,
            _ => Kind::Other,
        }
    }
}

/// Postgres names the constraint. SQLite's message names table and column, and no value.
fn constraint(error: &dyn DatabaseError) -> String {
    error
        .constraint()
        .unwrap_or_else(|| error.message())
        .to_owned()
}
