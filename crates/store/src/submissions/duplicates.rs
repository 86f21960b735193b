//! The same content dropped twice. What was received first is the original, in whatever order
//! the two are staged: the outcome does not depend on how many workers there are, or on a crash.

use contract::SubmissionId;

use crate::StoreError;
use crate::Submission;
use crate::database::Transaction;
use crate::value::values;

/// Notes the original of this submission, or, where this is the original, notes it on the others.
/// The caller holds [`crate::database::Lock::Content`], taken before it touched any row.
pub(crate) async fn recognise_duplicate(
    transaction: &mut Transaction,
    id: SubmissionId,
    content_hash: &str,
) -> Result<Option<SubmissionId>, StoreError> {
    let sql =
        "SELECT * FROM submission WHERE content_hash = $1 ORDER BY received_at, submission_id";
    let same_content: Vec<Submission> = transaction.all(sql, values![content_hash]).await?;
    let Some(this) = same_content
        .iter()
        .find(|submission| submission.submission_id == id)
    else {
        return Ok(None);
    };
    let alike: Vec<_> = same_content
        .iter()
        .filter(|other| same_sender(this, other))
        .collect();
    let original = alike.first().map_or(id, |first| first.submission_id);
    for submission in alike {
        // Where this is a duplicate, only it is new; where it is the original, all the others are.
        let duplicate_of = (submission.submission_id != original).then_some(original);
        let concerned = submission.submission_id == id || original == id;
        if concerned && submission.duplicate_of != duplicate_of {
            let sql = "UPDATE submission SET duplicate_of = $2 WHERE submission_id = $1";
            transaction
                .execute(sql, values![submission.submission_id, duplicate_of])
                .await?;
        }
    }
    Ok((original != id).then_some(original))
}

/// By submitter; where one of them is not classified, by the first part of its grouping key,
/// which is the submitter's folder.
fn same_sender(one: &Submission, other: &Submission) -> bool {
    match (&one.submitter_id, &other.submitter_id) {
        (Some(one), Some(other)) => one == other,
        _ => folder(&one.grouping_key) == folder(&other.grouping_key),
    }
}

fn folder(grouping_key: &str) -> Option<&str> {
    grouping_key.split('/').next()
}
