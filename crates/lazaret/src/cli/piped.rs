//! Commands that an orchestrator waits for tell it what came of them.

use std::future::Future;

use super::{Done, Failure};
use crate::pipes::{Pipes, PipesError, Report};

/// What a command did, for whoever called it.
pub(super) struct Told {
    pub(super) done: Done,
    pub(super) report: Report,
    /// Why it is to count as failed.
    pub(super) failure: Option<String>,
}

/// Does the work between the first and the last message to Dagster; nobody is told where Dagster did
/// not start this process.
pub(super) async fn telling(
    work: impl Future<Output = Result<Told, Failure>>,
) -> Result<Done, Failure> {
    let pipes = Pipes::open()?;
    match work.await {
        Ok(told) => {
            pipes.report(&told.report)?;
            pipes.close(told.failure.as_deref())?;
            Ok(told.done)
        }
        Err(failure) => {
            pipes.close(Some(&failure.text()))?;
            Err(failure)
        }
    }
}

impl From<PipesError> for Failure {
    fn from(error: PipesError) -> Self {
        match &error {
            PipesError::NotPipes { .. } => Self::Unusable(error.to_string()),
            PipesError::Unwritable(_) => Self::Failed(error.into()),
        }
    }
}
