use store::{Moved, Winner, WinnerKey};

use crate::fixtures::{LEASE, at, competed, owner, stranger, winner_key};
use crate::world::{World, on_both_databases};

on_both_databases!(
    gold_follows_the_winner,
    a_winner_that_changes_meanwhile_stays_due,
    a_gold_lease_keeps_others_off,
);

async fn claim(world: &World, minutes: i64, skip: &[WinnerKey]) -> Option<Winner> {
    world
        .store
        .claim_gold(&owner(), LEASE, at(minutes), skip)
        .await
        .unwrap()
}

async fn gold_follows_the_winner(world: World) {
    let store = &world.store;
    assert_eq!(claim(&world, 0, &[]).await, None);
    let id = competed(store, "1", 1, &[("2024-01", 3), ("2024-02", 4)]).await;
    let [january, february] = ["2024-01", "2024-02"].map(|text| winner_key("acme", text));
    assert_eq!(
        claim(&world, 1, std::slice::from_ref(&january))
            .await
            .unwrap()
            .key,
        february
    );
    assert_eq!(claim(&world, 1, &[]).await.unwrap().key, january);
    for (key, rows) in [(&january, 3), (&february, 4)] {
        assert_eq!(
            store.finish_gold(key, &owner(), id, rows).await.unwrap(),
            Moved::Yes(())
        );
        assert_eq!(
            store.finish_gold(key, &owner(), id, rows).await.unwrap(),
            Moved::No
        );
    }
    assert_eq!(claim(&world, 9, &[]).await, None);
    let winner = store.winner(&january).await.unwrap().unwrap();
    assert_eq!(
        (winner.gold_submission_id, winner.gold_rows),
        (Some(id), Some(3))
    );

    competed(store, "2", 2, &[("2024-02", 5)]).await;
    assert_eq!(
        claim(&world, 9, &[]).await.unwrap().key,
        february,
        "its winner has changed"
    );
}

async fn a_winner_that_changes_meanwhile_stays_due(world: World) {
    let store = &world.store;
    let first = competed(store, "1", 1, &[("2024-01", 3)]).await;
    let key = claim(&world, 1, &[]).await.unwrap().key;
    let second = competed(store, "2", 2, &[("2024-01", 5)]).await;
    assert_eq!(
        claim(&world, 1, &[]).await,
        None,
        "the month is still being written"
    );
    assert_eq!(
        store.finish_gold(&key, &owner(), first, 3).await.unwrap(),
        Moved::Yes(())
    );
    let due = claim(&world, 1, &[]).await.unwrap();
    assert_eq!(
        (due.submission_id, due.gold_submission_id),
        (second, Some(first))
    );
}

async fn a_gold_lease_keeps_others_off(world: World) {
    let store = &world.store;
    let id = competed(store, "1", 0, &[("2024-01", 3)]).await;
    let key = claim(&world, 0, &[]).await.unwrap().key;
    assert!(store.renew_gold_lease(&key, &owner(), at(5)).await.unwrap());
    assert!(
        !store
            .renew_gold_lease(&key, &stranger(), at(9))
            .await
            .unwrap()
    );
    assert_eq!(claim(&world, 4, &[]).await, None);
    assert_eq!(
        store.finish_gold(&key, &stranger(), id, 3).await.unwrap(),
        Moved::No
    );
    store.release_gold(&key, &stranger()).await.unwrap();
    assert_eq!(claim(&world, 4, &[]).await, None);
    store.release_gold(&key, &owner()).await.unwrap();
    assert!(claim(&world, 4, &[]).await.is_some());
    assert!(claim(&world, 5, &[]).await.is_some(), "it has lapsed");
}
