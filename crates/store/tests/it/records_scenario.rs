//! One history of records, told to both databases: they end with the same rows.

use store::{AbandonedIngest, FailedAttempt, Store};

use crate::fixtures::{at, owner, stranger};
use crate::records::{
    admit, attempted, begin, canonical, claim, complete, event, ingested, publish, request,
};
use crate::records_letters::letter;
use crate::table_dump::dump;
use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_databases_end_with_the_same_records() {
    let mut dumps = Vec::new();
    for world in [World::sqlite().await, World::postgres().await] {
        tell(&world.store).await;
        dumps.push(dump(&world).await);
    }
    for (sqlite, postgres) in dumps[0].lines().zip(dumps[1].lines()) {
        assert_eq!(sqlite, postgres);
    }
    assert_eq!(dumps[0], dumps[1]);
    insta::assert_snapshot!(dumps[0]);
}

async fn tell(store: &Store) {
    // To the end; a repeat changes nothing.
    let first = ingested(store, "a").await;
    admit(store, &[request("a")], &owner(), 0).await;
    publish(store).await;
    for _ in 0..2 {
        let batch = attempted(store, vec![canonical(&first, 3)]).await;
        store.normalized(&batch).await.unwrap();
    }
    // Cut short, resumed, claimed and not yet published.
    let second = request("b");
    admit(store, std::slice::from_ref(&second), &stranger(), 0).await;
    admit(store, &[request("b")], &owner(), 1).await;
    complete(store, &second, &owner()).await;
    claim(store, &stranger(), 1, at(0)).await;
    requests_that_end_otherwise(store).await;
    dead_letters(store).await;
}

async fn requests_that_end_otherwise(store: &Store) {
    let given_up = request("given up");
    let mut expired = request("expired");
    expired.expires_at = at(1);
    let cut_short = request("cut short");
    let batch = [given_up.clone(), expired, cut_short];
    admit(store, &batch, &owner(), 0).await;
    let given_up = AbandonedIngest {
        client: given_up.client,
        idempotency_key: given_up.idempotency_key,
        record_id: given_up.record_id,
    };
    store.abandon(&[given_up], &owner()).await.unwrap();
    store.expire_idempotency_keys(at(1), 10).await.unwrap();
}

/// One sent on again, one discarded, one open.
async fn dead_letters(store: &Store) {
    let mut letters = Vec::new();
    for key in ["c", "d", "e"] {
        let new = ingested(store, key).await;
        let attempt = begin(store, &[new.record_id]).await[0];
        let failed = FailedAttempt {
            attempt,
            error_code: "hash_mismatch".to_owned(),
            error: "not the announced object".to_owned(),
            retryable: key == "c",
        };
        store.fail_attempts(&[failed]).await.unwrap();
        letters.push(letter(Some(new.record_id)));
    }
    publish(store).await;
    store.open_dead_letters(&letters).await.unwrap();
    let open = store.dead_letters(&Default::default()).await.unwrap();
    let again = event(open[2].letter.record_id.unwrap(), "c");
    store
        .redrive_dead_letter(open[2].dead_letter_id, &again, "sue", Some("restored"))
        .await
        .unwrap();
    store
        .discard_dead_letter(open[1].dead_letter_id, "sue", None)
        .await
        .unwrap();
}
