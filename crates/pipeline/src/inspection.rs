//! One file inspected by itself: the whole inspector and the verdict of a submission, without a
//! project or a database. It is read, checked and judged by the same code as a submission's files.

use std::path::Path;
use std::sync::Arc;

use chrono::NaiveDate;
use contract::SubmitterId;
use lake::RowsForm;
use serde::Serialize;
use store::SubmissionState;

use crate::catalog::Layout;
use crate::submissions::archive::Members;
use crate::submissions::judge::Judge;
use crate::submissions::outlet::{Outlet, OutputFiles};
use crate::submissions::passage::Passage;
use crate::submissions::reading::SourceFile;
use crate::submissions::report::{ParseReport, over_limit};
use crate::submissions::validate::{Facts, decide_verdict};
use crate::{PipelineError, Source};

/// A file that rows are written to.
pub type Output<'a> = (&'a Path, RowsForm);

/// Where the rows of an inspected file go, each if anywhere.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outputs<'a> {
    pub accepted: Option<Output<'a>>,
    pub rejected: Option<Output<'a>>,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InspectionOutcome {
    /// Every row.
    Accepted,
    SomeRejected,
    /// It could not be read, broke a rule or threshold of severity `fail`, or too many of its
    /// rows were rejected.
    Failed,
}

/// What an inspection found.
#[derive(Debug, Clone, Serialize)]
pub struct Inspection {
    pub outcome: InspectionOutcome,
    /// Why it failed, or what it is warned of.
    pub reason: Option<String>,
    /// None where the file could not be read to its end.
    pub report: Option<ParseReport>,
}

/// Inspects one file as the submitter's, if that one is known. Output files appear once the file
/// was read to its end, and not where it could not be.
pub async fn inspect_file(
    layout: Arc<Layout>,
    submitter: Option<SubmitterId>,
    today: NaiveDate,
    (name, source): (&str, &Source),
    outputs: Outputs<'_>,
    watch: &(dyn Fn(u64) + Send + Sync),
) -> Result<Inspection, PipelineError> {
    let Outputs { accepted, rejected } = outputs;
    let (rules, schema) = (&layout.file_rules, layout.plan.schema());
    let files = OutputFiles::create(accepted, rejected, rules, &schema)?;
    let judge = Arc::new(Judge::new(Arc::clone(&layout), submitter, today));
    let mut passage = Passage::open(
        Arc::clone(&judge),
        Outlet::Files(Box::new(files)),
        Members::Fitting,
    );
    let file = SourceFile {
        name,
        sha256: "",
        source,
    };
    if let Err(unreadable) = passage.read(&file, watch).await? {
        return Ok(Inspection {
            outcome: InspectionOutcome::Failed,
            reason: Some(unreadable),
            report: None,
        });
    }
    let (report, written) = passage.close(None).await?;
    let mut facts = Facts::of(
        &report,
        &layout.contract,
        layout.contract.thresholds.min_rows,
    );
    if let Some(written) = written {
        facts.add_rules(&judge, written.broken(rules).await?);
        written.publish()?;
    }
    Ok(judged(&layout, report, &facts))
}

fn judged(layout: &Layout, report: ParseReport, facts: &Facts) -> Inspection {
    let verdict = decide_verdict(facts);
    let too_many = over_limit(&report, layout.contract.thresholds.reject_ratio);
    let failed = verdict.state == SubmissionState::ValidationFailed;
    let outcome = if failed || too_many.is_some() {
        InspectionOutcome::Failed
    } else if report.rows_rejected > 0 {
        InspectionOutcome::SomeRejected
    } else {
        InspectionOutcome::Accepted
    };
    let reasons = [too_many, verdict.reason];
    let reasons = reasons.into_iter().flatten().collect::<Vec<_>>();
    Inspection {
        outcome,
        reason: (!reasons.is_empty()).then(|| reasons.join("; ")),
        report: Some(report),
    }
}
