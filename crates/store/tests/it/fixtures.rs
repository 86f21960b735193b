//! Submissions brought to the state that a case starts from.

use std::time::Duration;

use chrono::{DateTime, TimeZone, Utc};
use contract::{AtomicMonth, SubmissionId};
use store::{
    Candidate, Choice, Classification, Due, FileCounts, GroupingMethod, MonthKey, NewFile,
    NewSubmission, Owner, Parsed, SeenObject, Staged, Store, Submission, SubmissionState, Verdict,
    WinnerKey,
};

pub(crate) const LEASE: Duration = Duration::from_secs(60);

/// Minutes after a fixed moment.
pub(crate) fn at(minutes: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2024, 3, 1, 12, 0, 0).unwrap() + chrono::Duration::minutes(minutes)
}

pub(crate) fn owner() -> Owner {
    Owner::this_process()
}

/// Some other process, on another machine.
pub(crate) fn stranger() -> Owner {
    "elsewhere/7/1-1-0".parse().unwrap()
}

pub(crate) fn month(text: &str) -> AtomicMonth {
    text.parse().unwrap()
}

pub(crate) fn month_key(text: &str) -> MonthKey {
    winner_key("acme", text).month()
}

pub(crate) fn winner_key(submitter: &str, text: &str) -> WinnerKey {
    WinnerKey {
        state: "wa".parse().unwrap(),
        file_type: "medical_claim".parse().unwrap(),
        submitter_id: submitter.parse().unwrap(),
        atomic_month: month(text),
    }
}

pub(crate) fn seen(key: &str, size_bytes: i64) -> SeenObject {
    SeenObject {
        key: key.to_owned(),
        grouping_key: key.rsplit_once('/').unwrap().0.to_owned(),
        size_bytes,
        etag: Some(format!("etag of {size_bytes}")),
        last_modified: at(-60),
    }
}

pub(crate) fn file_of(object: &SeenObject, ordinal: i64) -> NewFile {
    let file_name = object.key.rsplit('/').next().unwrap().to_owned();
    NewFile {
        ordinal,
        raw_key: format!("raw/{file_name}"),
        object_key: object.key.clone(),
        file_name,
        size_bytes: object.size_bytes,
        etag: object.etag.clone(),
        last_modified: object.last_modified,
        taken_by: None,
    }
}

pub(crate) fn group_of(
    objects: &[SeenObject],
    method: GroupingMethod,
    minutes: i64,
) -> NewSubmission {
    NewSubmission {
        id: SubmissionId::new(),
        grouping_key: objects[0].grouping_key.clone(),
        grouping_method: method,
        files: objects
            .iter()
            .zip(1..)
            .map(|(object, n)| file_of(object, n))
            .collect(),
        also_taken: vec![],
        received_at: at(minutes),
    }
}

pub(crate) fn classification(submitter: &str) -> Classification {
    Classification {
        submitter_id: submitter.parse().unwrap(),
        jurisdiction: "wa".parse().unwrap(),
        layout: "medical_claim@v1".parse().unwrap(),
        feed: Some("acme_claims".parse().unwrap()),
    }
}

pub(crate) fn staged(submitter: &str, content_hash: &str) -> Staged {
    Staged {
        content_hash: content_hash.to_owned(),
        classification: Ok(classification(submitter)),
    }
}

pub(crate) fn counts(months: &[(&str, i64)]) -> Parsed {
    let accepted = months.iter().map(|(_, rows)| rows).sum();
    Parsed {
        rows_in: accepted + 2,
        rows_accepted: accepted,
        rows_rejected: 2,
        warnings: 1,
        bytes_in: 1_000,
        files: vec![FileCounts {
            ordinal: 1,
            rows_in: accepted + 2,
            rows_accepted: accepted,
            rows_rejected: 2,
        }],
        months: months
            .iter()
            .map(|(text, rows)| (month(text), *rows))
            .collect(),
    }
}

pub(crate) fn verdict(state: SubmissionState) -> Verdict {
    let reason = (state == SubmissionState::ValidationFailed).then(|| "too few rows".to_owned());
    Verdict {
        state,
        reason,
        warnings: 1,
    }
}

/// The latest candidate wins, unless one is pinned: the rule of the design.
pub(crate) fn latest(
    candidates: &[Candidate],
    pinned: Option<SubmissionId>,
    _current: Option<SubmissionId>,
) -> Option<Choice> {
    let choice = |id, reason: &str| Choice {
        submission_id: id,
        reason: reason.to_owned(),
    };
    match pinned {
        Some(id) => Some(choice(id, "pinned")),
        None => candidates
            .last()
            .map(|last| choice(last.submission_id, "the latest")),
    }
}

/// Registers one group of one file, dropped by `acme` under the given name.
pub(crate) async fn received(store: &Store, drop_id: &str, minutes: i64) -> SubmissionId {
    let object = seen(&format!("acme/medical_claim/{drop_id}/claims.csv"), 10);
    store
        .record_seen(std::slice::from_ref(&object), at(minutes))
        .await
        .unwrap();
    let new = group_of(&[object], GroupingMethod::Quiescence, minutes);
    store.register(&new).await.unwrap().unwrap();
    new.id
}

pub(crate) async fn register_layout(store: &Store) {
    let layout = "medical_claim@v1".parse().unwrap();
    store
        .register_layout(&layout, "Claims", "hash", "contract: medical_claim")
        .await
        .unwrap();
}

pub(crate) async fn claim(store: &Store, due: Due) -> Submission {
    store
        .claim_submission(due, &owner(), LEASE, at(0), &[])
        .await
        .unwrap()
        .unwrap()
}

/// Everything else that is due must have been done: the oldest is what is claimed.
pub(crate) async fn ready(store: &Store, drop_id: &str, minutes: i64) -> SubmissionId {
    register_layout(store).await;
    let id = received(store, drop_id, minutes).await;
    assert_eq!(claim(store, Due::Stage).await.submission_id, id);
    let staged = staged("acme", &format!("content of {drop_id}"));
    assert!(
        store
            .finish_staging(id, &owner(), &staged, at(minutes))
            .await
            .unwrap()
            .is_yes()
    );
    id
}

pub(crate) async fn parsed(
    store: &Store,
    drop_id: &str,
    minutes: i64,
    months: &[(&str, i64)],
) -> SubmissionId {
    let id = ready(store, drop_id, minutes).await;
    assert_eq!(claim(store, Due::Parse).await.submission_id, id);
    assert!(
        store
            .finish_parse(id, &owner(), &counts(months))
            .await
            .unwrap()
            .is_yes()
    );
    id
}

pub(crate) async fn validated(
    store: &Store,
    drop_id: &str,
    minutes: i64,
    months: &[(&str, i64)],
) -> SubmissionId {
    let id = parsed(store, drop_id, minutes, months).await;
    assert_eq!(claim(store, Due::Validate).await.submission_id, id);
    let verdict = verdict(SubmissionState::Validated);
    assert!(
        store
            .finish_validation(id, &owner(), &verdict)
            .await
            .unwrap()
            .is_yes()
    );
    id
}

/// Validated, and its months decided.
pub(crate) async fn competed(
    store: &Store,
    drop_id: &str,
    minutes: i64,
    months: &[(&str, i64)],
) -> SubmissionId {
    let id = validated(store, drop_id, minutes, months).await;
    assert_eq!(claim(store, Due::Compete).await.submission_id, id);
    store
        .compete(id, &owner(), &latest, at(minutes))
        .await
        .unwrap();
    id
}
