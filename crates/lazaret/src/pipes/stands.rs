//! What the store says of a job's subject once the job has ended, and where its objects lie: what
//! Dagster is told, whoever did the job.

use std::collections::BTreeSet;

use contract::SubmissionId;
use lake::{Key, Objects, SubmissionPlace};
use serde_json::{Value, json};
use store::{Build, BuildFilter, BuildStatus, Job, Store, StoreError, WinnerFilter};

use super::report::Places;

/// `Null` where the subject does not exist. A registered group is no asset, so nothing stands.
pub(crate) async fn stands(
    store: &Store,
    objects: &Objects,
    job: Job,
    subject: &str,
) -> Result<(Value, Places), StoreError> {
    let place = |key: &Key<'_>| match objects.folder() {
        Some(folder) => folder.join(key.to_string()).display().to_string(),
        None => format!("{}{key}", objects.url()),
    };
    let parts: Vec<&str> = subject.split('/').collect();
    match (job, parts.as_slice()) {
        (Job::Stage | Job::Parse | Job::Validate | Job::Compete, [id]) => {
            let Ok(id) = id.parse() else {
                return Ok(Default::default());
            };
            let (submission, of) = submission(store, id).await?;
            let places = match (job, of) {
                (Job::Parse, Some(of)) => vec![
                    ("silver", place(&Key::Silver { place: &of })),
                    ("quarantine", place(&Key::Quarantine { place: &of })),
                    ("report", place(&Key::ParseReport { place: &of })),
                ],
                (Job::Stage, Some(of)) => vec![("manifest", place(&Key::Manifest { place: &of }))],
                _ => Vec::new(),
            };
            Ok((submission, places))
        }
        (Job::SubmitterGold, [state, file_type, submitter, month]) => {
            let filter = WinnerFilter {
                state: state.parse().ok(),
                file_type: file_type.parse().ok(),
                submitter_id: submitter.parse().ok(),
                atomic_month: month.parse().ok(),
            };
            let Some(winner) = store.winners(&filter).await?.into_iter().next() else {
                return Ok(Default::default());
            };
            let gold = place(&Key::GoldSubmitter {
                state: &winner.key.state,
                file_type: &winner.key.file_type,
                submitter: &winner.key.submitter_id,
            });
            Ok((json!(winner), vec![("gold", gold)]))
        }
        (Job::CanonicalRebuild, [state, file_type, month]) => {
            let filter = BuildFilter {
                state: state.parse().ok(),
                file_type: file_type.parse().ok(),
                atomic_month: month.parse().ok(),
                limit: None,
            };
            let builds = store.builds(&filter).await?;
            let Some(last) = builds.first() else {
                return Ok(Default::default());
            };
            let gold = place(&Key::GoldCanonicalMonth {
                state: &last.key.state,
                file_type: &last.key.file_type,
                month: last.key.atomic_month,
            });
            Ok((month_built(last, &builds), vec![("gold", gold)]))
        }
        _ => Ok(Default::default()),
    }
}

/// With its months, and its place once it is known whose it is.
async fn submission(
    store: &Store,
    id: SubmissionId,
) -> Result<(Value, Option<SubmissionPlace>), StoreError> {
    let Some(submission) = store.submission(id).await? else {
        return Ok((Value::Null, None));
    };
    let months = store.submission_months(id).await?.into_iter();
    let months: Vec<_> = months
        .map(|(month, rows)| json!({ "atomic_month": month, "rows": rows }))
        .collect();
    let place = match (&submission.submitter_id, &submission.file_type) {
        (Some(submitter), Some(file_type)) => Some(SubmissionPlace::new(submitter, file_type, id)),
        _ => None,
    };
    let mut stands = json!(submission);
    stands["months"] = json!(months);
    Ok((stands, place))
}

/// The last build, with what the last successful one wrote. `builds` are newest first.
fn month_built(last: &Build, builds: &[Build]) -> Value {
    let success = builds
        .iter()
        .find(|build| build.status == BuildStatus::Succeeded);
    let mut stands = json!(last);
    stands["rows_now"] = json!(success.map(|build| build.rows));
    let sources = success.and_then(|build| serde_json::from_str::<Vec<Value>>(&build.sources).ok());
    let texts = |name: &str| -> BTreeSet<String> {
        let sources = sources.iter().flatten();
        sources
            .filter_map(|source| source[name].as_str().map(str::to_owned))
            .collect()
    };
    stands["submitters"] = json!(texts("submitter_id").len());
    stands["layouts"] = json!(texts("layout_id"));
    stands["delta_version"] = json!(success.map(|build| build.delta_version));
    stands
}
