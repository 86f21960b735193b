use contract::SubmissionId;
use store::{AuditFilter, Candidate, Due, StoreError, WinnerChange, WinnerFilter};

use crate::fixtures::{
    LEASE, at, claim, competed, latest, month, owner, parsed, validated, winner_key,
};
use crate::table_dump;
use crate::world::{World, on_both_databases};

on_both_databases!(
    a_submission_competes_for_each_known_month,
    a_later_submission_takes_the_months_it_covers,
    candidates_are_listed_with_their_facts,
    a_pin_stands_until_it_is_taken_away,
    only_a_candidate_can_be_pinned_or_chosen,
    competing_at_once_ends_with_the_latest,
    winners_are_listed_by_filter,
);

fn change(text: &str, from: Option<SubmissionId>, to: SubmissionId) -> WinnerChange {
    WinnerChange {
        key: winner_key("acme", text),
        from,
        to,
    }
}

async fn a_submission_competes_for_each_known_month(world: World) {
    let store = &world.store;
    let months = [("2024-01", 3), ("2024-02", 4), ("__unknown__", 9)];
    let id = validated(store, "1", 1, &months).await;
    claim(store, Due::Compete).await;
    let changes = store.compete(id, &owner(), &latest, at(7)).await.unwrap();
    assert_eq!(
        changes,
        [change("2024-01", None, id), change("2024-02", None, id)]
    );

    let submission = store.submission(id).await.unwrap().unwrap();
    assert_eq!(
        (submission.competed_at, submission.lease_owner),
        (Some(at(7)), None)
    );
    assert_eq!(
        store
            .claim_submission(Due::Compete, &owner(), LEASE, at(9), &[])
            .await
            .unwrap(),
        None
    );
    let winner = store
        .winner(&winner_key("acme", "2024-01"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((winner.submission_id, winner.chosen_at), (id, at(7)));
    assert_eq!(
        (winner.reason.as_str(), winner.gold_submission_id),
        ("the latest", None)
    );
    assert_eq!(
        store
            .winner(&winner_key("acme", "__unknown__"))
            .await
            .unwrap(),
        None
    );
    let queued = store.pending_rebuilds().await.unwrap();
    let queued: Vec<_> = queued
        .iter()
        .map(|q| (q.key.atomic_month, q.submission_id))
        .collect();
    assert_eq!(
        queued,
        [(month("2024-01"), Some(id)), (month("2024-02"), Some(id))]
    );
    let audit = store.audit_log(&AuditFilter::default()).await.unwrap();
    assert_eq!(
        audit
            .iter()
            .filter(|entry| entry.action == "winner.changed")
            .count(),
        2
    );
}

async fn a_later_submission_takes_the_months_it_covers(world: World) {
    let store = &world.store;
    let first = competed(store, "1", 1, &[("2024-01", 3), ("2024-02", 3)]).await;
    let second = validated(store, "2", 2, &[("2024-02", 4), ("2024-03", 4)]).await;
    claim(store, Due::Compete).await;
    let changes = store
        .compete(second, &owner(), &latest, at(2))
        .await
        .unwrap();
    let expected = [
        change("2024-02", Some(first), second),
        change("2024-03", None, second),
    ];
    assert_eq!(changes, expected);
    // February waited already: it waits once.
    let queued = store.pending_rebuilds().await.unwrap();
    let queued: Vec<_> = queued.iter().map(|q| q.key.atomic_month).collect();
    assert_eq!(queued, ["2024-01", "2024-02", "2024-03"].map(month));

    // One that was received earlier but comes late changes nothing.
    let late = validated(store, "0", 0, &[("2024-02", 9)]).await;
    claim(store, Due::Compete).await;
    assert_eq!(
        store.compete(late, &owner(), &latest, at(3)).await.unwrap(),
        []
    );
    assert!(
        store
            .submission(late)
            .await
            .unwrap()
            .unwrap()
            .competed_at
            .is_some()
    );
}

async fn candidates_are_listed_with_their_facts(world: World) {
    let store = &world.store;
    let second = validated(store, "2", 2, &[("2024-01", 4)]).await;
    let first = validated(store, "1", 1, &[("2024-01", 3), ("2024-02", 1)]).await;
    parsed(store, "3", 3, &[("2024-01", 5)]).await;
    let candidates = store
        .candidates(&winner_key("acme", "2024-01"))
        .await
        .unwrap();
    let facts = |c: &Candidate| (c.submission_id, c.rows, c.received_at);
    let facts: Vec<_> = candidates.iter().map(facts).collect();
    assert_eq!(facts, [(first, 3, at(1)), (second, 4, at(2))]);
    assert_eq!(candidates[0].layout, "medical_claim@v1".parse().unwrap());
    assert_eq!(candidates[0].content_hash, "content of 1");
    for nobodys in [
        winner_key("evergreen", "2024-01"),
        winner_key("acme", "2024-03"),
    ] {
        assert_eq!(store.candidates(&nobodys).await.unwrap(), []);
    }
}

async fn a_pin_stands_until_it_is_taken_away(world: World) {
    let store = &world.store;
    let key = winner_key("acme", "2024-01");
    let first = competed(store, "1", 1, &[("2024-01", 3)]).await;
    let second = competed(store, "2", 2, &[("2024-01", 3)]).await;
    let claimed = store
        .claim_rebuild(&owner(), LEASE, at(2), &[])
        .await
        .unwrap();
    assert!(claimed.is_some());

    let pin = async |id| store.pin_winner(&key, id, "sue", &latest).await.unwrap();
    assert_eq!(
        pin(Some(first)).await,
        Some(change("2024-01", Some(second), first))
    );
    assert_eq!(
        store.pending_rebuilds().await.unwrap().len(),
        2,
        "one is claimed, one waits"
    );
    assert_eq!(pin(Some(first)).await, None, "once is enough");
    let third = competed(store, "3", 3, &[("2024-01", 3)]).await;
    let winner = store.winner(&key).await.unwrap().unwrap();
    assert_eq!(
        (winner.submission_id, winner.reason.as_str()),
        (first, "pinned")
    );
    assert_eq!(winner.pinned_submission_id, Some(first));

    assert_eq!(pin(None).await, Some(change("2024-01", Some(first), third)));
    assert_eq!(pin(None).await, None);
    let winner = store.winner(&key).await.unwrap().unwrap();
    assert_eq!(
        (winner.submission_id, winner.pinned_submission_id),
        (third, None)
    );
    // A pin that confirms the winner is kept, and rebuilds nothing.
    let queued = store.pending_rebuilds().await.unwrap();
    assert_eq!(pin(Some(third)).await, None);
    assert_eq!(
        store
            .winner(&key)
            .await
            .unwrap()
            .unwrap()
            .pinned_submission_id,
        Some(third)
    );
    assert_eq!(store.pending_rebuilds().await.unwrap(), queued);

    let filter = AuditFilter {
        subject_id: Some(key.to_string()),
        limit: None,
    };
    let audit = store.audit_log(&filter).await.unwrap();
    let by_sue: Vec<_> = audit
        .iter()
        .filter(|e| e.actor == "sue")
        .map(|e| e.action.as_str())
        .collect();
    let expected = [
        "winner.pinned",
        "winner.changed",
        "winner.unpinned",
        "winner.changed",
        "winner.pinned",
    ];
    assert_eq!(by_sue, expected);
}

async fn only_a_candidate_can_be_pinned_or_chosen(world: World) {
    let store = &world.store;
    let key = winner_key("acme", "2024-01");
    let winner = competed(store, "1", 1, &[("2024-01", 3)]).await;
    let parsed = parsed(store, "2", 2, &[("2024-01", 3)]).await;
    let before = table_dump::rows(&world).await;
    for id in [parsed, SubmissionId::new()] {
        let error = store
            .pin_winner(&key, Some(id), "sue", &latest)
            .await
            .unwrap_err();
        assert!(matches!(error, StoreError::NotACandidate { .. }));
        assert!(
            error.to_string().contains("wa/medical_claim/acme/2024-01"),
            "{error}"
        );
    }
    let elsewhere = winner_key("acme", "2024-02");
    assert!(
        store
            .pin_winner(&elsewhere, Some(winner), "sue", &latest)
            .await
            .is_err()
    );
    assert_eq!(
        store
            .pin_winner(&elsewhere, None, "sue", &latest)
            .await
            .unwrap(),
        None
    );
    assert_eq!(table_dump::rows(&world).await, before);
}

async fn competing_at_once_ends_with_the_latest(world: World) {
    let store = &world.store;
    let mut last = None;
    for n in 0..12 {
        last = Some(validated(store, &n.to_string(), n, &[("2024-01", 1), ("2024-02", 1)]).await);
    }
    let handles = [world.another_handle().await, world.another_handle().await];
    let workers: Vec<_> = (0..4)
        .map(|n| {
            let store = handles[n % 2].clone();
            let owner: store::Owner = format!("host/{n}/1-1-0").parse().unwrap();
            tokio::spawn(async move {
                let mut done = 0;
                while let Some(submission) = store
                    .claim_submission(Due::Compete, &owner, LEASE, at(0), &[])
                    .await
                    .unwrap()
                {
                    store
                        .compete(submission.submission_id, &owner, &latest, at(1))
                        .await
                        .unwrap();
                    done += 1;
                }
                done
            })
        })
        .collect();
    let mut done = 0;
    for worker in workers {
        done += worker.await.unwrap();
    }
    assert_eq!(done, 12);
    let winners = store.winners(&WinnerFilter::default()).await.unwrap();
    let winners: Vec<_> = winners
        .iter()
        .map(|winner| Some(winner.submission_id))
        .collect();
    assert_eq!(winners, [last, last]);
    assert_eq!(
        store.pending_rebuilds().await.unwrap().len(),
        2,
        "each month waits once"
    );
}

async fn winners_are_listed_by_filter(world: World) {
    let store = &world.store;
    competed(store, "1", 1, &[("2024-02", 3), ("2024-01", 3)]).await;
    let list = async |filter: WinnerFilter| -> Vec<_> {
        let winners = store.winners(&filter).await.unwrap();
        winners
            .into_iter()
            .map(|winner| winner.key.atomic_month.to_string())
            .collect()
    };
    let all = WinnerFilter::default;
    assert_eq!(list(all()).await, ["2024-01", "2024-02"]);
    let atomic_month = Some(month("2024-02"));
    assert_eq!(
        list(WinnerFilter {
            atomic_month,
            ..all()
        })
        .await,
        ["2024-02"]
    );
    assert_eq!(
        list(WinnerFilter {
            state: Some("wa".parse().unwrap()),
            ..all()
        })
        .await
        .len(),
        2
    );
    assert_eq!(
        list(WinnerFilter {
            state: Some("or".parse().unwrap()),
            ..all()
        })
        .await
        .len(),
        0
    );
    let submitter_id = Some("evergreen".parse().unwrap());
    assert_eq!(
        list(WinnerFilter {
            submitter_id,
            ..all()
        })
        .await
        .len(),
        0
    );
    let file_type = Some("medical_claim".parse().unwrap());
    assert_eq!(list(WinnerFilter { file_type, ..all() }).await.len(), 2);
}
