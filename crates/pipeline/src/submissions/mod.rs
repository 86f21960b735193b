//! A submission's way: staged into `raw/`, classified, parsed into silver and quarantine,
//! validated.

pub(crate) mod archive;
pub(crate) mod classify;
pub(crate) mod judge;
mod looked;
pub(crate) mod outlet;
mod parse;
pub(crate) mod passage;
pub(crate) mod reading;
pub(crate) mod report;
mod staging;
pub(crate) mod threshold;
pub(crate) mod validate;

use contract::{LayoutId, SubmitterId};
use lake::SubmissionPlace;
use store::Submission;

use crate::PipelineError;

/// A classified submission's identity.
pub(crate) struct Classified {
    pub(crate) submitter: SubmitterId,
    pub(crate) layout: LayoutId,
    /// Where its silver and quarantine lie.
    pub(crate) place: SubmissionPlace,
}

pub(crate) fn classified(submission: &Submission) -> Result<Classified, PipelineError> {
    let (Some(submitter), Some(layout)) = (&submission.submitter_id, submission.layout()) else {
        return Err(PipelineError::Refused(format!(
            "submission {} is not classified: `lazaret submission assign` does it",
            submission.submission_id
        )));
    };
    Ok(Classified {
        submitter: submitter.clone(),
        place: SubmissionPlace::new(submitter, &layout.file_type, submission.submission_id),
        layout,
    })
}
