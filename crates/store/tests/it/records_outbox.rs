//! Any number of publishers: every event at least once, and those of a key in order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use contract::{EventId, RecordId};
use store::{NewEvent, OutboxEvent, Owner, Store};

use crate::dead_processes::dead;
use crate::fixtures::{LEASE, at, owner, stranger};
use crate::records::{TOPIC, claim, event, ingested, publish};
use crate::world::{World, on_both_databases};

on_both_databases!(
    events_are_claimed_in_the_order_they_were_put_down,
    a_later_event_waits_for_an_earlier_one_of_its_key,
    keys_stay_in_order_within_a_topic,
    a_lapsed_claim_is_taken_over,
    a_renewed_claim_does_not_lapse,
    what_was_given_back_is_claimed_at_once,
    what_a_dead_publisher_held_is_free_at_once,
    a_long_queue_of_one_key_keeps_nobody_else_waiting,
    many_publishers_hand_out_each_event_once_and_each_key_in_order,
    the_lag_is_what_is_unpublished,
    an_event_is_put_down_once,
);

/// Events of these keys, in this order.
async fn put(store: &Store, keys: &[&str]) -> Vec<EventId> {
    let events: Vec<_> = keys.iter().map(|key| event(RecordId::new(), key)).collect();
    let added = store.enqueue_events(&events).await.unwrap();
    assert_eq!(added, events.len() as u64);
    events.iter().map(|event| event.event_id).collect()
}

fn ids(events: &[OutboxEvent]) -> Vec<EventId> {
    events.iter().map(|event| event.event_id).collect()
}

async fn claim_ids(store: &Store, owner: &Owner, limit: u32, minutes: i64) -> Vec<EventId> {
    ids(&claim(store, owner, limit, at(minutes)).await)
}

async fn events_are_claimed_in_the_order_they_were_put_down(world: World) {
    let store = &world.store;
    let first = ingested(store, "a").await;
    let put = put(store, &["x", "y", "x"]).await;
    let claimed = claim(store, &owner(), 2, at(0)).await;
    assert_eq!(claimed[0].record_id, first.record_id);
    assert_eq!(claimed[0].payload["bucket"], "raw-objects");
    assert_eq!(claimed[0].headers["ce-specversion"], "1.0");
    assert_eq!(claimed[0].attempts, 1);
    assert_eq!(claimed[1].event_id, put[0]);
    assert_eq!(
        store
            .mark_published(&ids(&claimed), &owner(), at(0))
            .await
            .unwrap(),
        2
    );
    // Both of what is left, the third after what it had to wait for.
    assert_eq!(claim_ids(store, &owner(), 9, 0).await, put[1..]);
    assert_eq!(claim_ids(store, &owner(), 9, 0).await, []);
}

async fn a_later_event_waits_for_an_earlier_one_of_its_key(world: World) {
    let store = &world.store;
    let put = put(store, &["x", "y", "x", "x"]).await;
    assert_eq!(claim_ids(store, &owner(), 1, 0).await, put[..1]);
    assert_eq!(claim_ids(store, &stranger(), 9, 0).await, put[1..2]);
    assert_eq!(
        claim_ids(store, &owner(), 9, 0).await,
        [],
        "also for its holder"
    );
    assert_eq!(
        store
            .mark_published(&put[..1], &owner(), at(0))
            .await
            .unwrap(),
        1
    );
    assert_eq!(claim_ids(store, &stranger(), 9, 0).await, put[2..]);
}

async fn keys_stay_in_order_within_a_topic(world: World) {
    let store = &world.store;
    let other = NewEvent {
        topic: "record.ingested.v2".to_owned(),
        ..event(RecordId::new(), "x")
    };
    store
        .enqueue_events(std::slice::from_ref(&other))
        .await
        .unwrap();
    // Nobody reads the other topic.
    let put = put(store, &["x"]).await;
    assert_eq!(claim_ids(store, &owner(), 9, 0).await, put);
    let both = [TOPIC.to_owned(), other.topic.clone()];
    let claimed = store.claim_outbox(&owner(), &both, 9, LEASE, at(0)).await;
    assert_eq!(ids(&claimed.unwrap()), [other.event_id]);
}

async fn a_lapsed_claim_is_taken_over(world: World) {
    let store = &world.store;
    let put = put(store, &["x"]).await;
    claim(store, &owner(), 1, at(0)).await;
    let taken_over = claim(store, &stranger(), 1, at(1)).await;
    assert_eq!(ids(&taken_over), put);
    assert_eq!(taken_over[0].attempts, 2);
    let late = store.mark_published(&put, &owner(), at(1)).await.unwrap();
    assert_eq!(late, 0, "somebody else has it now");
    assert_eq!(
        store
            .mark_published(&put, &stranger(), at(1))
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        store
            .mark_published(&put, &stranger(), at(1))
            .await
            .unwrap(),
        0
    );
}

async fn a_renewed_claim_does_not_lapse(world: World) {
    let store = &world.store;
    let put = put(store, &["x"]).await;
    claim(store, &owner(), 1, at(0)).await;
    assert_eq!(store.renew_outbox(&put, &owner(), at(5)).await.unwrap(), 1);
    assert_eq!(claim_ids(store, &stranger(), 1, 4).await, []);
    assert_eq!(claim_ids(store, &stranger(), 1, 5).await, put);
    assert_eq!(store.renew_outbox(&put, &owner(), at(9)).await.unwrap(), 0);
}

async fn what_was_given_back_is_claimed_at_once(world: World) {
    let store = &world.store;
    let put = put(store, &["x", "x"]).await;
    claim(store, &owner(), 2, at(0)).await;
    assert_eq!(store.release_outbox(&put, &stranger()).await.unwrap(), 0);
    assert_eq!(store.release_outbox(&put, &owner()).await.unwrap(), 2);
    assert_eq!(claim_ids(store, &stranger(), 2, 0).await, put);
}

async fn what_a_dead_publisher_held_is_free_at_once(world: World) {
    let store = &world.store;
    let put = put(store, &["x"]).await;
    claim(store, &dead(), 1, at(0)).await;
    assert_eq!(claim_ids(store, &owner(), 1, 0).await, []);
    assert_eq!(store.release_dead_leases(&owner()).await.unwrap(), 1);
    assert_eq!(claim_ids(store, &owner(), 1, 0).await, put);
}

async fn a_long_queue_of_one_key_keeps_nobody_else_waiting(world: World) {
    let store = &world.store;
    let put = put(store, &["x", "x", "x", "x", "y"]).await;
    claim(store, &stranger(), 1, at(0)).await;
    assert_eq!(claim_ids(store, &owner(), 2, 0).await, put[4..]);
}

async fn many_publishers_hand_out_each_event_once_and_each_key_in_order(world: World) {
    const EVENTS: usize = 240;
    let store = &world.store;
    let keys: Vec<_> = (0..EVENTS).map(|n| format!("key {}", n % 7)).collect();
    let keys: Vec<_> = keys.iter().map(String::as_str).collect();
    let put = put(store, &keys).await;
    let published = Arc::new(Mutex::new(Vec::new()));
    let mut publishers = Vec::new();
    for number in 0..6 {
        let store = world.another_handle().await;
        let published = Arc::clone(&published);
        publishers.push(tokio::spawn(async move {
            let this = owner().worker(number);
            while store.outbox_lag().await.unwrap().unpublished > 0 {
                let claimed = claim(&store, &this, 10, at(0)).await;
                for event in &claimed {
                    published.lock().unwrap().push(event.clone());
                }
                let ids = ids(&claimed);
                let marked = store.mark_published(&ids, &this, at(0)).await.unwrap();
                assert_eq!(marked, ids.len() as u64);
            }
        }));
    }
    for publisher in publishers {
        publisher.await.unwrap();
    }
    let published = published.lock().unwrap();
    let mut handed_out = ids(&published);
    handed_out.sort();
    assert_eq!(handed_out, put, "each once");
    let mut of_key: HashMap<&str, Vec<i64>> = HashMap::new();
    for event in published.iter() {
        of_key
            .entry(&event.event_key)
            .or_default()
            .push(event.sequence);
    }
    assert_eq!(of_key.len(), 7);
    assert!(of_key.values().all(|sequence| sequence.is_sorted()));
}

async fn the_lag_is_what_is_unpublished(world: World) {
    let store = &world.store;
    let empty = store.outbox_lag().await.unwrap();
    assert_eq!((empty.unpublished, empty.oldest_created_at), (0, None));
    ingested(store, "a").await;
    put(store, &["x"]).await;
    let lag = store.outbox_lag().await.unwrap();
    assert_eq!((lag.unpublished, lag.oldest_created_at), (2, Some(at(0))));
    claim(store, &stranger(), 1, at(0)).await;
    assert_eq!(
        store.outbox_lag().await.unwrap(),
        lag,
        "claimed is not published"
    );
    assert_eq!(publish(store).await, 1);
    assert_eq!(store.outbox_lag().await.unwrap().unpublished, 1);
}

async fn an_event_is_put_down_once(world: World) {
    let store = &world.store;
    let event = event(RecordId::new(), "x");
    let twice = [event.clone(), event.clone()];
    assert_eq!(store.enqueue_events(&twice).await.unwrap(), 1);
    assert_eq!(publish(store).await, 1);
    assert_eq!(store.enqueue_events(&[event]).await.unwrap(), 0);
    assert_eq!(publish(store).await, 0);
}
