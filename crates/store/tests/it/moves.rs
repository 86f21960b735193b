use store::{Due, Moved, Staged, Store, SubmissionFilter, SubmissionState};

use crate::fixtures::{
    at, claim, classification, counts, month, owner, parsed, ready, received, register_layout,
    staged, stranger, validated, verdict,
};
use crate::table_dump;
use crate::world::{World, on_both_databases};

on_both_databases!(
    staging_classifies_or_asks_for_a_review,
    an_operator_assigns_what_was_unknown,
    an_unregistered_layout_is_refused_with_the_remedy,
    a_parse_keeps_its_counts,
    a_failed_parse_keeps_its_reason,
    a_verdict_ends_the_way,
    a_retry_starts_from_nothing,
    nothing_moves_from_a_wrong_state_or_under_a_lost_lease,
    submissions_are_listed_newest_first,
);

async fn state(store: &Store, id: contract::SubmissionId) -> SubmissionState {
    store.submission(id).await.unwrap().unwrap().state
}

fn unknown() -> Staged {
    Staged {
        content_hash: "content".to_owned(),
        classification: Err("no feed takes this file name".to_owned()),
    }
}

async fn staging_classifies_or_asks_for_a_review(world: World) {
    let store = &world.store;
    register_layout(store).await;
    let known = received(store, "1", 0).await;
    let strange = received(store, "2", 1).await;
    assert_eq!(claim(store, Due::Stage).await.submission_id, known);
    store.record_file_hash(known, 1, "abc", 11).await.unwrap();
    let moved = store
        .finish_staging(known, &owner(), &staged("acme", "hash"), at(2))
        .await
        .unwrap();
    assert_eq!(moved, Moved::Yes(None));
    claim(store, Due::Stage).await;
    let moved = store
        .finish_staging(strange, &owner(), &unknown(), at(3))
        .await
        .unwrap();
    assert_eq!(moved, Moved::Yes(None));

    let known = store.submission(known).await.unwrap().unwrap();
    assert_eq!(known.state, SubmissionState::ReadyForParse);
    assert_eq!(known.layout(), Some("medical_claim@v1".parse().unwrap()));
    assert_eq!(known.submitter_id, Some("acme".parse().unwrap()));
    assert_eq!(known.feed, Some("acme_claims".parse().unwrap()));
    assert_eq!(known.jurisdiction, Some("wa".parse().unwrap()));
    assert_eq!(
        (known.content_hash.as_deref(), known.staged_at),
        (Some("hash"), Some(at(2)))
    );
    assert_eq!((known.lease_owner, known.lease_until), (None, None));
    let files = store.submission_files(known.submission_id).await.unwrap();
    assert_eq!(
        (files[0].sha256.as_deref(), files[0].size_bytes),
        (Some("abc"), 11)
    );

    let strange = store.submission(strange).await.unwrap().unwrap();
    assert_eq!(strange.state, SubmissionState::NeedsReview);
    assert_eq!(
        strange.state_reason.as_deref(),
        Some("no feed takes this file name")
    );
    assert_eq!((strange.submitter_id, strange.file_type), (None, None));
    for due in [Due::Stage, Due::Validate, Due::Compete] {
        assert_eq!(
            store
                .claim_submission(due, &owner(), crate::fixtures::LEASE, at(9), &[])
                .await
                .unwrap(),
            None
        );
    }
}

async fn an_operator_assigns_what_was_unknown(world: World) {
    let store = &world.store;
    register_layout(store).await;
    let id = received(store, "1", 0).await;
    let assign = || async {
        store
            .assign(id, &classification("acme"), "sue")
            .await
            .unwrap()
    };
    assert_eq!(assign().await, Moved::No, "it is not staged yet");
    claim(store, Due::Stage).await;
    store
        .finish_staging(id, &owner(), &unknown(), at(1))
        .await
        .unwrap();
    assert_eq!(assign().await, Moved::Yes(()));
    assert_eq!(assign().await, Moved::No, "once is enough");
    let submission = store.submission(id).await.unwrap().unwrap();
    assert_eq!(
        (submission.state, submission.state_reason),
        (SubmissionState::ReadyForParse, None)
    );
    assert_eq!(claim(store, Due::Parse).await.submission_id, id);
}

async fn an_unregistered_layout_is_refused_with_the_remedy(world: World) {
    let store = &world.store;
    let id = received(store, "1", 0).await;
    claim(store, Due::Stage).await;
    let error = store
        .finish_staging(id, &owner(), &staged("acme", "hash"), at(1))
        .await
        .unwrap_err();
    assert!(
        matches!(error, store::StoreError::MissingReference { .. }),
        "{error:?}"
    );
    assert!(
        error.to_string().contains("register the layout first"),
        "{error}"
    );
    assert!(!error.is_transient());
    assert_eq!(
        state(store, id).await,
        SubmissionState::Received,
        "all or nothing"
    );
}

async fn a_parse_keeps_its_counts(world: World) {
    let store = &world.store;
    let id = ready(store, "1", 0).await;
    claim(store, Due::Parse).await;
    let counts = counts(&[
        ("2024-02", 5),
        ("__unknown__", 1),
        ("2024-01", 3),
        ("2024-02", 2),
    ]);
    assert_eq!(
        store.finish_parse(id, &owner(), &counts).await.unwrap(),
        Moved::Yes(())
    );

    let submission = store.submission(id).await.unwrap().unwrap();
    assert_eq!(submission.state, SubmissionState::Parsed);
    let rows = (
        submission.rows_in,
        submission.rows_accepted,
        submission.rows_rejected,
    );
    assert_eq!(rows, (Some(13), Some(11), Some(2)));
    assert_eq!(
        (submission.warnings, submission.bytes_in),
        (Some(1), Some(1_000))
    );
    let months = store.submission_months(id).await.unwrap();
    let expected = [("__unknown__", 1), ("2024-01", 3), ("2024-02", 7)];
    assert_eq!(months, expected.map(|(text, rows)| (month(text), rows)));
    let files = store.submission_files(id).await.unwrap();
    assert_eq!(
        (files[0].rows_in, files[0].rows_accepted),
        (Some(13), Some(11))
    );
}

async fn a_failed_parse_keeps_its_reason(world: World) {
    let store = &world.store;
    for (drop_id, counts) in [("1", None), ("2", Some(counts(&[("2024-01", 3)])))] {
        let id = ready(store, drop_id, 0).await;
        claim(store, Due::Parse).await;
        let moved = store
            .fail_parse(id, &owner(), "too many rejects", counts.as_ref())
            .await
            .unwrap();
        assert_eq!(moved, Moved::Yes(()));
        let submission = store.submission(id).await.unwrap().unwrap();
        assert_eq!(submission.state, SubmissionState::ParseFailed);
        assert_eq!(submission.state_reason.as_deref(), Some("too many rejects"));
        assert_eq!(
            submission.rows_in,
            counts.as_ref().map(|counts| counts.rows_in)
        );
        let months = store.submission_months(id).await.unwrap().len();
        assert_eq!(months, usize::from(counts.is_some()));
    }
}

async fn a_verdict_ends_the_way(world: World) {
    let store = &world.store;
    use SubmissionState::{Validated, ValidatedWithWarnings, ValidationFailed};
    for (n, end) in [Validated, ValidatedWithWarnings, ValidationFailed]
        .into_iter()
        .enumerate()
    {
        let id = parsed(store, &n.to_string(), 0, &[("2024-01", 3)]).await;
        claim(store, Due::Validate).await;
        let not_a_verdict = verdict(SubmissionState::ReadyForParse);
        assert_eq!(
            store
                .finish_validation(id, &owner(), &not_a_verdict)
                .await
                .unwrap(),
            Moved::No
        );
        let moved = store
            .finish_validation(id, &owner(), &verdict(end))
            .await
            .unwrap();
        assert_eq!(moved, Moved::Yes(()));
        let submission = store.submission(id).await.unwrap().unwrap();
        assert_eq!((submission.state, submission.warnings), (end, Some(1)));
        assert_eq!(submission.state_reason.is_some(), end == ValidationFailed);
        assert_eq!(submission.competed_at, None);
    }
}

async fn a_retry_starts_from_nothing(world: World) {
    let store = &world.store;
    let id = parsed(store, "1", 0, &[("2024-01", 3)]).await;
    assert_eq!(
        store.retry(id, "sue").await.unwrap(),
        Moved::No,
        "it has not failed"
    );
    claim(store, Due::Validate).await;
    let failed = verdict(SubmissionState::ValidationFailed);
    store
        .finish_validation(id, &owner(), &failed)
        .await
        .unwrap();
    assert_eq!(store.retry(id, "sue").await.unwrap(), Moved::Yes(()));

    let submission = store.submission(id).await.unwrap().unwrap();
    assert_eq!(
        (submission.state, submission.state_reason),
        (SubmissionState::ReadyForParse, None)
    );
    assert_eq!(
        (submission.rows_in, submission.warnings, submission.bytes_in),
        (None, None, None)
    );
    assert_eq!(store.submission_months(id).await.unwrap(), []);
    assert_eq!(store.submission_files(id).await.unwrap()[0].rows_in, None);
    assert_eq!(claim(store, Due::Parse).await.submission_id, id);

    store
        .fail_parse(id, &owner(), "unreadable", None)
        .await
        .unwrap();
    assert_eq!(store.retry(id, "sue").await.unwrap(), Moved::Yes(()));
}

async fn nothing_moves_from_a_wrong_state_or_under_a_lost_lease(world: World) {
    let store = &world.store;
    let ids = [
        validated(store, "1", 1, &[("2024-01", 5)]).await,
        parsed(store, "2", 2, &[("2024-01", 5)]).await,
        ready(store, "3", 3).await,
        received(store, "4", 4).await,
    ];
    for due in [Due::Compete, Due::Validate, Due::Parse, Due::Stage] {
        claim(store, due).await;
    }
    let before = table_dump::rows(&world).await;
    for (id, owner) in ids
        .iter()
        .flat_map(|id| [(*id, owner()), (*id, stranger())])
    {
        let is_owners = owner == crate::fixtures::owner();
        let may = |from: SubmissionState| {
            let submission = store.submission(id);
            async move { is_owners && submission.await.unwrap().unwrap().state == from }
        };
        if !may(SubmissionState::Received).await {
            let moved = store
                .finish_staging(id, &owner, &staged("acme", "x"), at(9))
                .await;
            assert_eq!(moved.unwrap(), Moved::No);
        }
        if !may(SubmissionState::ReadyForParse).await {
            let counts = counts(&[("2024-03", 9)]);
            assert_eq!(
                store.finish_parse(id, &owner, &counts).await.unwrap(),
                Moved::No
            );
            assert_eq!(
                store
                    .fail_parse(id, &owner, "x", Some(&counts))
                    .await
                    .unwrap(),
                Moved::No
            );
        }
        if !may(SubmissionState::Parsed).await {
            let verdict = verdict(SubmissionState::ValidationFailed);
            assert_eq!(
                store.finish_validation(id, &owner, &verdict).await.unwrap(),
                Moved::No
            );
        }
        if !may(SubmissionState::Validated).await {
            let changes = store
                .compete(id, &owner, &crate::fixtures::latest, at(9))
                .await
                .unwrap();
            assert_eq!(changes, []);
        }
        assert_eq!(
            store
                .assign(id, &classification("other"), "sue")
                .await
                .unwrap(),
            Moved::No
        );
        assert_eq!(store.retry(id, "sue").await.unwrap(), Moved::No);
    }
    assert_eq!(table_dump::rows(&world).await, before);
}

async fn submissions_are_listed_newest_first(world: World) {
    let store = &world.store;
    let one = validated(store, "1", 1, &[("2024-01", 5)]).await;
    let two = ready(store, "2", 2).await;
    let three = received(store, "3", 3).await;
    let list = async |filter: SubmissionFilter| -> Vec<_> {
        let submissions = store.submissions(&filter).await.unwrap();
        submissions
            .into_iter()
            .map(|submission| submission.submission_id)
            .collect()
    };
    let all = SubmissionFilter::default;
    assert_eq!(list(all()).await, [three, two, one]);
    assert_eq!(
        list(SubmissionFilter {
            limit: Some(2),
            ..all()
        })
        .await,
        [three, two]
    );
    let acme = Some("acme".parse().unwrap());
    assert_eq!(
        list(SubmissionFilter {
            submitter_id: acme,
            ..all()
        })
        .await,
        [two, one]
    );
    let file_type = Some("pharmacy_claim".parse().unwrap());
    assert_eq!(list(SubmissionFilter { file_type, ..all() }).await, []);
    let state = Some(SubmissionState::Validated);
    assert_eq!(list(SubmissionFilter { state, ..all() }).await, [one]);
    use SubmissionState::{ReadyForParse, Received, Validated};
    let counts = store.count_by_state().await.unwrap();
    assert_eq!(counts, [(Received, 1), (ReadyForParse, 1), (Validated, 1)]);
}
