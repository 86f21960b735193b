use store::{ClaimedRebuild, MonthKey, Store};

use crate::fixtures::{LEASE, at, month_key, owner, stranger};
use crate::world::{World, on_both_databases};

on_both_databases!(
    a_month_waits_once,
    all_requests_of_a_month_are_claimed_at_once,
    a_month_that_is_being_built_waits_for_its_next_turn,
    one_month_can_be_claimed_by_name,
    concurrent_claimers_never_build_the_same_month,
    concurrent_requests_wait_once,
);

async fn enqueue(store: &Store, month: &str) -> bool {
    store
        .enqueue_rebuild(&month_key(month), "asked for", None)
        .await
        .unwrap()
}

async fn claim(store: &Store, minutes: i64, skip: &[MonthKey]) -> Option<ClaimedRebuild> {
    store
        .claim_rebuild(&owner(), LEASE, at(minutes), skip)
        .await
        .unwrap()
}

async fn a_month_waits_once(world: World) {
    let store = &world.store;
    assert!(enqueue(store, "2024-01").await);
    assert!(!enqueue(store, "2024-01").await);
    assert!(enqueue(store, "2024-02").await);
    let pending = store.pending_rebuilds().await.unwrap();
    let keys: Vec<_> = pending.iter().map(|queued| queued.key.clone()).collect();
    assert_eq!(keys, [month_key("2024-01"), month_key("2024-02")]);
    assert_eq!(pending[0].reason, "asked for");
}

async fn all_requests_of_a_month_are_claimed_at_once(world: World) {
    let store = &world.store;
    enqueue(store, "2024-01").await;
    enqueue(store, "2024-02").await;
    assert_eq!(
        claim(store, 0, &[]).await.unwrap().key,
        month_key("2024-01")
    );
    enqueue(store, "2024-01").await;
    // The first lease has lapsed: both requests of January are answered by one build.
    let claimed = claim(store, 1, &[]).await.unwrap();
    let pending = store.pending_rebuilds().await.unwrap();
    let of_january = |queued: &&store::QueuedRebuild| queued.key == month_key("2024-01");
    let ids: Vec<_> = pending
        .iter()
        .filter(of_january)
        .map(|queued| queued.queue_id)
        .collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(
        claimed,
        ClaimedRebuild {
            key: month_key("2024-01"),
            queue_ids: ids
        }
    );
    assert_eq!(claim(store, 1, &[month_key("2024-02")]).await, None);
    assert_eq!(
        claim(store, 1, &[]).await.unwrap().key,
        month_key("2024-02")
    );
}

async fn a_month_that_is_being_built_waits_for_its_next_turn(world: World) {
    let store = &world.store;
    enqueue(store, "2024-01").await;
    let claimed = claim(store, 0, &[]).await.unwrap();
    assert!(
        enqueue(store, "2024-01").await,
        "the build may have read its inputs already"
    );
    assert_eq!(claim(store, 0, &[]).await, None);
    assert!(
        store
            .renew_rebuild_lease(&claimed.queue_ids, &owner(), at(5))
            .await
            .unwrap()
    );
    assert!(
        !store
            .renew_rebuild_lease(&claimed.queue_ids, &stranger(), at(9))
            .await
            .unwrap()
    );
    assert_eq!(claim(store, 4, &[]).await, None);
    store
        .release_rebuild(&claimed.queue_ids, &stranger())
        .await
        .unwrap();
    assert_eq!(claim(store, 4, &[]).await, None, "not theirs to give");
    store
        .release_rebuild(&claimed.queue_ids, &owner())
        .await
        .unwrap();
    assert_eq!(claim(store, 4, &[]).await.unwrap().queue_ids.len(), 2);
    assert_eq!(claim(store, 5, &[]).await.unwrap().queue_ids.len(), 2);
}

async fn one_month_can_be_claimed_by_name(world: World) {
    let store = &world.store;
    enqueue(store, "2024-01").await;
    enqueue(store, "2024-02").await;
    let claim_month = async |text: &str, minutes| {
        store
            .claim_month(&month_key(text), &owner(), LEASE, at(minutes))
            .await
            .unwrap()
    };
    assert_eq!(
        claim_month("2024-03", 0).await,
        None,
        "nothing waits for it"
    );
    let claimed = claim_month("2024-02", 0).await.unwrap();
    assert_eq!(
        (claimed.key, claimed.queue_ids.len()),
        (month_key("2024-02"), 1)
    );
    enqueue(store, "2024-02").await;
    assert_eq!(claim_month("2024-02", 0).await, None, "it is being built");
    assert_eq!(claim_month("2024-02", 1).await.unwrap().queue_ids.len(), 2);
    assert_eq!(
        claim(store, 1, &[]).await.unwrap().key,
        month_key("2024-01")
    );
}

async fn concurrent_claimers_never_build_the_same_month(world: World) {
    for n in 1..=12 {
        let month = format!("2024-{n:02}");
        enqueue(&world.store, &month).await;
        // Lapsed at minute 1, with a second request behind it.
        assert_eq!(
            claim(&world.store, 0, &[]).await.unwrap().key,
            month_key(&month)
        );
        enqueue(&world.store, &month).await;
    }
    let handles = [world.another_handle().await, world.another_handle().await];
    let claimers: Vec<_> = (0..6)
        .map(|n| {
            let store = handles[n % 2].clone();
            let owner: store::Owner = format!("host/{n}/1-1-0").parse().unwrap();
            tokio::spawn(async move {
                let mut claimed = Vec::new();
                while let Some(rebuild) = store
                    .claim_rebuild(&owner, LEASE, at(1), &[])
                    .await
                    .unwrap()
                {
                    assert_eq!(rebuild.queue_ids.len(), 2);
                    claimed.push(rebuild.key);
                }
                claimed
            })
        })
        .collect();
    let mut claimed = Vec::new();
    for claimer in claimers {
        claimed.extend(claimer.await.unwrap());
    }
    claimed.sort();
    let months: Vec<_> = (1..=12)
        .map(|n| month_key(&format!("2024-{n:02}")))
        .collect();
    assert_eq!(claimed, months, "each once");
}

async fn concurrent_requests_wait_once(world: World) {
    let handles = [world.another_handle().await, world.another_handle().await];
    for n in 1..=12 {
        let month = format!("2024-{n:02}");
        let (one, other) = tokio::join!(enqueue(&handles[0], &month), enqueue(&handles[1], &month));
        assert!(one != other, "exactly one of two is added");
    }
    assert_eq!(world.store.pending_rebuilds().await.unwrap().len(), 12);
}
