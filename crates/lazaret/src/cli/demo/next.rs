//! The commands by which a reader of the demo can look further.

use std::path::Path;

use contract::{FileType, LayoutId, SubmitterId};
use futures::TryStreamExt;
use lake::Key;
use pipeline::Pipeline;
use store::{Submission, SubmissionState};

use super::outcome::{CanonicalMonth, ChangedWinner};
use crate::cli::Failure;
use crate::cli::project::shown_path;

/// Commands that go on from here; each works as it stands, in the folder where the demo was called.
pub(super) async fn next_commands(
    pipeline: &Pipeline,
    project: &Path,
    submissions: &[Submission],
    changed: &[ChangedWinner],
    canonical: &[CanonicalMonth],
) -> Result<Vec<String>, Failure> {
    let lazaret = program();
    let mut next = vec![format!(
        "export LAZARET_PROJECT={}",
        shell_word(&shown_path(project))
    )];
    next.push(format!("{lazaret} status"));
    let rejected = submissions
        .iter()
        .find(|submission| submission.rows_rejected.unwrap_or(0) > 0);
    if let Some(submission) = rejected {
        next.push(format!(
            "{lazaret} quarantine show {}",
            submission.submission_id
        ));
    }
    if let Some(change) = changed.first() {
        let key = &change.key;
        next.push(format!(
            "{lazaret} explain winner --state {} --file-type {} --submitter {} --month {}",
            key.state, key.file_type, key.submitter_id, key.atomic_month
        ));
    }
    if let Some(month) = canonical
        .iter()
        .max_by_key(|month| (month.layouts.len(), month.rows))
        && let Some(key) = first_part(pipeline, month).await?
    {
        next.push(format!("{lazaret} trace '{key}' 0"));
    }
    let to_review = submissions
        .iter()
        .find(|found| found.state == SubmissionState::NeedsReview);
    if let Some(submission) = to_review
        && let Some((submitter, layout)) = likely(pipeline, submission)
    {
        let id = submission.submission_id;
        next.push(format!(
            "{lazaret} submission assign {id} --submitter {submitter} --layout {layout}"
        ));
        next.push(format!("{lazaret} run --once"));
    }
    next.push(format!("{lazaret} canonical list"));
    Ok(next)
}

/// The first Parquet file of a canonical month.
async fn first_part(
    pipeline: &Pipeline,
    month: &CanonicalMonth,
) -> Result<Option<String>, Failure> {
    let table = Key::GoldCanonical {
        state: &month.state,
        file_type: &month.file_type,
    };
    let partition = format!("{table}atomic_month={}/", month.atomic_month);
    let listed: Vec<_> = pipeline.objects.list(&partition).try_collect().await?;
    let mut keys: Vec<String> = listed.into_iter().map(|object| object.key).collect();
    keys.sort();
    Ok(keys.into_iter().find(|key| key.ends_with(".parquet")))
}

/// Whose a submission to review probably is: what its path says, if a feed agrees.
fn likely(pipeline: &Pipeline, submission: &Submission) -> Option<(SubmitterId, LayoutId)> {
    let mut path = submission.grouping_key.split('/');
    let submitter: SubmitterId = path.next()?.parse().ok()?;
    let file_type: FileType = path.next()?.parse().ok()?;
    let layouts = pipeline
        .catalog
        .feeds_of(&submitter)
        .flat_map(|feed| &feed.contracts);
    let layout = layouts
        .into_iter()
        .find(|layout| layout.file_type == file_type)?
        .clone();
    Some((submitter, layout))
}

/// How this program was called: by its name where the shell finds it, else by its path.
fn program() -> String {
    let called = std::env::args().next().unwrap_or_default();
    if called == "lazaret" {
        return called;
    }
    let path = std::env::current_exe()
        .map(|path| shown_path(&path))
        .unwrap_or(called);
    shell_word(&path)
}

/// Quoted where the shell would take it apart.
fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=@".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_the_shell() {
        for (text, expected) in [
            ("target/debug/lazaret", "target/debug/lazaret"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
        ] {
            assert_eq!(shell_word(text), expected);
        }
    }
}
