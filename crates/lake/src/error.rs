use std::path::Path;

use datafusion::error::DataFusionError;
use deltalake_core::DeltaTableError;

/// What failed below. Messages name keys, columns and rules, never values: text that an engine
/// produced while it worked on rows is withheld, text about a plan is kept.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    #[error("`{location}` is not a place for objects: {problem}")]
    Location { location: String, problem: String },
    #[error("could not {action} `{key}`")]
    Object {
        action: &'static str,
        key: String,
        #[source]
        source: object_store::Error,
    },
    #[error("could not {action} `{path}`")]
    Local {
        action: &'static str,
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("could not {action} the Parquet file `{key}`")]
    Parquet {
        action: &'static str,
        key: String,
        #[source]
        source: parquet::errors::ParquetError,
    },
    #[error("the SQL of {subject} is refused: {problem}")]
    Sql { subject: String, problem: String },
    #[error(
        "{subject} failed on the rows ({kind}; its text is withheld because it may hold values)"
    )]
    Execution { subject: String, kind: &'static str },
    #[error(
        "{subject}: `{column}` is required, and a row has none: mend the mapping, or require the \
         column in the contract"
    )]
    RequiredIsEmpty { subject: String, column: String },
    #[error("Delta table `{table}`: {problem}")]
    Delta {
        table: String,
        problem: String,
        /// False where the table itself must be mended first.
        transient: bool,
    },
    #[error("an Arrow operation failed in {0}")]
    Arrow(&'static str),
}

impl LakeError {
    pub(crate) fn object(
        action: &'static str,
        key: impl ToString,
    ) -> impl FnOnce(object_store::Error) -> Self {
        let key = key.to_string();
        move |source| Self::Object {
            action,
            key,
            source,
        }
    }

    pub(crate) fn local(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::Local {
            action,
            path,
            source,
        }
    }

    pub(crate) fn parquet(
        action: &'static str,
        key: impl ToString,
    ) -> impl FnOnce(parquet::errors::ParquetError) -> Self {
        let key = key.to_string();
        move |source| Self::Parquet {
            action,
            key,
            source,
        }
    }

    pub(crate) fn arrow(place: &'static str) -> impl FnOnce(arrow::error::ArrowError) -> Self {
        move |_| Self::Arrow(place)
    }

    pub(crate) fn plan(subject: impl ToString) -> impl FnOnce(DataFusionError) -> Self {
        let subject = subject.to_string();
        move |error| Self::Sql {
            subject,
            problem: without_field_list(error.strip_backtrace()),
        }
    }

    pub(crate) fn execution(subject: impl ToString) -> impl FnOnce(DataFusionError) -> Self {
        let subject = subject.to_string();
        move |error| Self::Execution {
            subject,
            kind: execution_kind(&error),
        }
    }

    pub(crate) fn delta(table: impl ToString) -> impl FnOnce(DeltaTableError) -> Self {
        let table = table.to_string();
        move |error| Self::Delta {
            table,
            problem: error.to_string(),
            transient: true,
        }
    }

    /// True where the object is simply not there.
    pub fn is_not_found(&self) -> bool {
        matches!(
            self,
            Self::Object {
                source: object_store::Error::NotFound { .. },
                ..
            }
        )
    }

    /// True where the object changed since its version was noted.
    pub fn is_changed(&self) -> bool {
        matches!(
            self,
            Self::Object {
                source: object_store::Error::Precondition { .. },
                ..
            }
        )
    }

    /// True where the same call may succeed later without anybody's doing.
    pub fn is_transient(&self) -> bool {
        match self {
            // Credentials expire and are renewed, as services go and come back.
            Self::Object { source, .. } => matches!(
                source,
                object_store::Error::Generic { .. }
                    | object_store::Error::PermissionDenied { .. }
                    | object_store::Error::Unauthenticated { .. }
            ),
            Self::Execution { kind, .. } => *kind == "storage",
            Self::Delta { transient, .. } => *transient,
            Self::Parquet { .. } => true,
            Self::Location { .. }
            | Self::Local { .. }
            | Self::Sql { .. }
            | Self::RequiredIsEmpty { .. }
            | Self::Arrow(_) => false,
        }
    }
}

/// True where the rows caused it: a division by zero, an overflow, a cast that fails.
pub(crate) fn is_of_the_values(error: &DataFusionError) -> bool {
    matches!(
        error.find_root(),
        DataFusionError::ArrowError(..) | DataFusionError::Execution(_)
    )
}

fn execution_kind(error: &DataFusionError) -> &'static str {
    match error.find_root() {
        DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) => "storage",
        DataFusionError::ResourcesExhausted(_) => "out of memory",
        DataFusionError::ArrowError(..) => "a value does not fit its type",
        _ => "query",
    }
}

/// A planner's text without its list of every column, where it names the likely one.
fn without_field_list(text: String) -> String {
    match text.split_once("\nValid fields are") {
        Some((told, _)) if told.contains("Did you mean") => told.to_owned(),
        _ => text,
    }
}
