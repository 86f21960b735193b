//! Why a command could not do what it was asked, and the exit code for it.

use std::io::Write;

use contract::DocumentError;
use lake::LakeError;
use miette::{Diagnostic, GraphicalReportHandler};
use pipeline::{CatalogError, PipelineError};
use store::StoreError;

use crate::configuration::{ConfigurationError, FILE_NAME};

#[derive(Debug)]
pub(crate) enum Failure {
    /// A service, a disk, ourselves.
    Failed(anyhow::Error),
    /// The configuration, a document or the call is wrong. Already in words for the reader.
    Unusable(String),
    /// There is no such thing, or it is not in the state for this.
    Refused(String),
}

impl Failure {
    pub(crate) fn refused(text: impl Into<String>) -> Self {
        Self::Refused(text.into())
    }

    /// Writes it to stderr and returns the exit code.
    pub(crate) fn tell(&self) -> u8 {
        let (code, kind) = match self {
            Self::Failed(_) => (1, "error"),
            Self::Unusable(_) => (2, "error"),
            Self::Refused(_) => (3, "refused"),
        };
        let text = self.text();
        // Where stderr is closed there is nobody to tell.
        let _ = writeln!(std::io::stderr(), "{kind}: {}", text.trim_end());
        code
    }

    pub(crate) fn text(&self) -> String {
        match self {
            Self::Failed(error) => with_causes(error),
            Self::Unusable(text) | Self::Refused(text) => text.clone(),
        }
    }
}

/// A diagnostic as a person reads it: the line, what was expected, what to write.
pub(crate) fn diagnostic(diagnostic: &dyn Diagnostic) -> String {
    rendered(diagnostic, 1)
}

/// As [`diagnostic`], without the lines around: another setting's may hold a secret.
pub(crate) fn configuration_diagnostic(diagnostic: &dyn Diagnostic) -> String {
    rendered(diagnostic, 0)
}

fn rendered(diagnostic: &dyn Diagnostic, context_lines: usize) -> String {
    let handler = GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor());
    let handler = handler.with_width(100).with_context_lines(context_lines);
    let mut text = String::new();
    match handler.render_report(&mut text, diagnostic) {
        Ok(()) => text,
        Err(_) => diagnostic.to_string(),
    }
}

/// An error and its causes in one line, none of them twice.
pub(crate) fn with_causes(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for told in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = told;
        } else if !text.contains(&told) {
            text = format!("{text}: {told}");
        }
    }
    text
}

fn documents(wrong: &[DocumentError]) -> String {
    let shown: Vec<String> = wrong.iter().map(|error| diagnostic(error)).collect();
    let count = match wrong.len() {
        1 => "a document of the project cannot be used".to_owned(),
        many => format!("{many} documents of the project cannot be used"),
    };
    format!("{count}\n\n{}", shown.join("\n"))
}

impl From<ConfigurationError> for Failure {
    fn from(error: ConfigurationError) -> Self {
        match &error {
            ConfigurationError::NoProject { .. } => Self::Unusable(error.to_string()),
            ConfigurationError::Unreadable { .. } => Self::Failed(error.into()),
            ConfigurationError::Mistakes(mistakes) => {
                let shown: Vec<String> = mistakes
                    .iter()
                    .map(|mistake| configuration_diagnostic(mistake))
                    .collect();
                let wrong = shown.join("\n");
                Self::Unusable(format!(
                    "{FILE_NAME} or the environment cannot be used\n\n{wrong}"
                ))
            }
        }
    }
}

impl From<DocumentError> for Failure {
    fn from(error: DocumentError) -> Self {
        Self::Unusable(documents(&[error]))
    }
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Documents(wrong) => Self::Unusable(documents(&wrong)),
            CatalogError::Inconsistent(text) => Self::Unusable(text),
            read @ CatalogError::Read { .. } => Self::Failed(read.into()),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::SchemaOlder { .. }
            | StoreError::SchemaNewer { .. }
            | StoreError::UnusableUrl { .. } => Self::Unusable(error.to_string()),
            StoreError::NotACandidate { .. } => Self::Refused(error.to_string()),
            other => Self::Failed(other.into()),
        }
    }
}

impl From<LakeError> for Failure {
    fn from(error: LakeError) -> Self {
        match error {
            LakeError::Location { .. } => Self::Unusable(error.to_string()),
            LakeError::Sql { .. } => Self::Unusable(error.to_string()),
            other => Self::Failed(other.into()),
        }
    }
}

impl From<PipelineError> for Failure {
    fn from(error: PipelineError) -> Self {
        match error {
            PipelineError::Store(error) => error.into(),
            PipelineError::Lake(error) => error.into(),
            PipelineError::UnknownLayout { .. } | PipelineError::Contract { .. } => {
                Self::Unusable(error.to_string())
            }
            PipelineError::UnknownSubmission(_) | PipelineError::Refused(_) => {
                Self::Refused(error.to_string())
            }
            other => Self::Failed(other.into()),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}
