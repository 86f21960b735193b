use std::collections::BTreeSet;

use contract::SubmissionId;
use store::{Due, Owner, Store, Submission};

use crate::fixtures::{LEASE, at, claim, owner, parsed, ready, received, stranger, validated};
use crate::world::{World, on_both_databases};

on_both_databases!(
    each_step_claims_its_own_state,
    the_oldest_is_claimed_first,
    a_lease_keeps_others_off_until_it_lapses,
    a_renewed_lease_does_not_lapse,
    a_released_submission_is_due_again,
    concurrent_claimers_never_get_the_same_work,
);

async fn try_claim(
    store: &Store,
    due: Due,
    owner: &Owner,
    minutes: i64,
    skip: &[SubmissionId],
) -> Option<Submission> {
    store
        .claim_submission(due, owner, LEASE, at(minutes), skip)
        .await
        .unwrap()
}

async fn each_step_claims_its_own_state(world: World) {
    let store = &world.store;
    let ids = [
        validated(store, "1", 1, &[("2024-01", 5)]).await,
        parsed(store, "2", 2, &[("2024-01", 5)]).await,
        ready(store, "3", 3).await,
        received(store, "4", 4).await,
    ];
    for (due, id) in [Due::Compete, Due::Validate, Due::Parse, Due::Stage]
        .into_iter()
        .zip(ids)
    {
        let claimed = try_claim(store, due, &owner(), 5, &[]).await.unwrap();
        assert_eq!(claimed.submission_id, id, "{due:?}");
        assert_eq!(claimed.lease_owner.as_deref(), Some(owner().as_str()));
        assert_eq!(claimed.lease_until, Some(at(6)));
        assert_eq!(
            try_claim(store, due, &owner(), 5, &[]).await,
            None,
            "{due:?}"
        );
    }
}

async fn the_oldest_is_claimed_first(world: World) {
    let store = &world.store;
    let newer = received(store, "b", 2).await;
    let older = received(store, "a", 1).await;
    assert_eq!(
        try_claim(store, Due::Stage, &owner(), 5, &[older, newer]).await,
        None
    );
    let claimed = try_claim(store, Due::Stage, &owner(), 5, &[older])
        .await
        .unwrap();
    assert_eq!(claimed.submission_id, newer);
    assert_eq!(claim(store, Due::Stage).await.submission_id, older);
}

async fn a_lease_keeps_others_off_until_it_lapses(world: World) {
    let store = &world.store;
    let id = received(store, "a", 0).await;
    assert_eq!(
        try_claim(store, Due::Stage, &owner(), 0, &[])
            .await
            .unwrap()
            .attempts,
        1
    );
    assert_eq!(
        try_claim(store, Due::Stage, &stranger(), 0, &[]).await,
        None
    );
    let taken_over = try_claim(store, Due::Stage, &stranger(), 1, &[])
        .await
        .unwrap();
    assert_eq!((taken_over.submission_id, taken_over.attempts), (id, 2));
    assert_eq!(taken_over.lease_owner.as_deref(), Some(stranger().as_str()));
    assert!(
        !store.renew_lease(id, &owner(), at(9)).await.unwrap(),
        "the lease was lost"
    );
}

async fn a_renewed_lease_does_not_lapse(world: World) {
    let store = &world.store;
    let id = received(store, "a", 0).await;
    claim(store, Due::Stage).await;
    assert!(store.renew_lease(id, &owner(), at(10)).await.unwrap());
    assert_eq!(
        try_claim(store, Due::Stage, &stranger(), 9, &[]).await,
        None
    );
    assert!(
        try_claim(store, Due::Stage, &stranger(), 10, &[])
            .await
            .is_some()
    );
}

async fn a_released_submission_is_due_again(world: World) {
    let store = &world.store;
    let id = received(store, "a", 0).await;
    claim(store, Due::Stage).await;
    store.release_submission(id, &stranger()).await.unwrap();
    assert_eq!(
        try_claim(store, Due::Stage, &stranger(), 0, &[]).await,
        None,
        "not theirs to give"
    );
    store.release_submission(id, &owner()).await.unwrap();
    assert!(
        try_claim(store, Due::Stage, &stranger(), 0, &[])
            .await
            .is_some()
    );
}

async fn concurrent_claimers_never_get_the_same_work(world: World) {
    let mut ids = BTreeSet::new();
    for n in 0..30 {
        ids.insert(received(&world.store, &format!("{n}"), n).await);
    }
    let handles = [world.another_handle().await, world.another_handle().await];
    let claimers: Vec<_> = (0..8)
        .map(|n| {
            let store = handles[n % 2].clone();
            tokio::spawn(async move {
                let owner = format!("host/{n}/1-1-0").parse().unwrap();
                let mut claimed = Vec::new();
                while let Some(submission) = try_claim(&store, Due::Stage, &owner, 0, &[]).await {
                    claimed.push(submission.submission_id);
                }
                claimed
            })
        })
        .collect();
    let mut claimed = Vec::new();
    for claimer in claimers {
        claimed.extend(claimer.await.unwrap());
    }
    assert_eq!(claimed.len(), 30, "each once");
    assert_eq!(claimed.into_iter().collect::<BTreeSet<_>>(), ids);
}
