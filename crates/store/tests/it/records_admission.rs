//! One request, however often it comes.

use std::collections::BTreeMap;

use store::{
    AbandonedIngest, Admission, ExpiredKeys, ManifestFilter, ManifestState, Moved, NewIngest,
    Owner, Store, StoredResponse,
};

use crate::dead_processes::dead;
use crate::fixtures::{at, owner, stranger};
use crate::records::{KEY_MINUTES, admit, complete, completed, entry, ingested, publish, request};
use crate::world::{World, on_both_databases};

on_both_databases!(
    what_becomes_of_a_request_follows_from_its_key,
    equal_keys_in_one_batch_are_decided_one_after_the_other,
    of_many_that_ask_at_once_one_is_new,
    a_completed_request_has_its_answer_its_object_and_one_event,
    who_lost_the_lease_completes_nothing,
    a_request_that_was_cut_short_goes_on_as_the_same_record,
    a_request_that_was_given_up_may_be_sent_again_at_once,
    expired_keys_are_forgotten_and_their_objects_are_not,
    a_batch_of_nothing_does_nothing,
    any_text_is_kept_as_it_is,
);

/// What happened to a key before it is asked for.
#[derive(Debug, Clone, Copy)]
enum Before {
    Nothing,
    Admitted,
    AdmittedByTheDead,
    Completed,
    Abandoned,
    UsedByAnotherClient,
}

async fn one(store: &Store, new: &NewIngest, owner: &Owner, minutes: i64) -> Admission {
    admit(store, std::slice::from_ref(new), owner, minutes)
        .await
        .remove(0)
}

fn abandoned(new: &NewIngest) -> AbandonedIngest {
    AbandonedIngest {
        client: new.client.clone(),
        idempotency_key: new.idempotency_key.clone(),
        record_id: new.record_id,
    }
}

/// The first request of the key, at minute 0.
async fn happen(store: &Store, before: Before, key: &str) -> NewIngest {
    let mut first = request(key);
    let by = match before {
        Before::AdmittedByTheDead => dead(),
        Before::Admitted => stranger(),
        _ => owner(),
    };
    if let Before::UsedByAnotherClient = before {
        first.client = "another".to_owned();
    }
    if !matches!(before, Before::Nothing) {
        assert_eq!(one(store, &first, &by, 0).await, Admission::New);
    }
    match before {
        Before::Completed | Before::UsedByAnotherClient => {
            assert!(complete(store, &first, &by).await.is_yes());
        }
        Before::Abandoned => {
            assert_eq!(store.abandon(&[abandoned(&first)], &by).await.unwrap(), 1);
        }
        Before::Nothing | Before::Admitted | Before::AdmittedByTheDead => {}
    }
    first
}

async fn what_becomes_of_a_request_follows_from_its_key(world: World) {
    let store = &world.store;
    let resumed = |first: &NewIngest| Admission::Resumed {
        record_id: first.record_id,
        correlation_id: first.correlation_id.clone(),
        object_key: first.object_key.clone(),
    };
    let replay = |first: &NewIngest| {
        Admission::Replay(StoredResponse {
            record_id: first.record_id,
            correlation_id: first.correlation_id.clone(),
            status: 202,
            body: completed(first).response_body,
        })
    };
    let new = |_: &NewIngest| Admission::New;
    let conflict = |_: &NewIngest| Admission::Conflict;
    let in_progress = |_: &NewIngest| Admission::InProgress { until: at(1) };
    type Expected<'a> = &'a dyn Fn(&NewIngest) -> Admission;
    let cases: [(Before, i64, &str, Expected<'_>); 15] = [
        (Before::Nothing, 0, "same", &new),
        (Before::Admitted, 0, "same", &in_progress),
        (Before::Admitted, 0, "other", &conflict),
        // The lease lapses.
        (Before::Admitted, 1, "same", &resumed),
        (Before::Admitted, 1, "other", &conflict),
        // The key expires.
        (Before::Admitted, KEY_MINUTES, "same", &new),
        (Before::Admitted, KEY_MINUTES, "other", &new),
        (Before::AdmittedByTheDead, 0, "same", &resumed),
        (Before::AdmittedByTheDead, 0, "other", &conflict),
        (Before::Completed, KEY_MINUTES - 1, "same", &replay),
        (Before::Completed, KEY_MINUTES - 1, "other", &conflict),
        (Before::Completed, KEY_MINUTES, "same", &new),
        (Before::Abandoned, 0, "same", &new),
        (Before::Abandoned, 0, "other", &new),
        (Before::UsedByAnotherClient, 0, "other", &new),
    ];
    for (n, (before, minutes, body, expected)) in cases.into_iter().enumerate() {
        let key = format!("key of case {n}");
        let first = happen(store, before, &key).await;
        let mut again = request(&key);
        if body == "other" {
            again.request_hash = "hash of another body".to_owned();
        }
        let admission = one(store, &again, &owner(), minutes).await;
        assert_eq!(
            admission,
            expected(&first),
            "{before:?}, the {body} body after {minutes} minutes"
        );
    }
}

async fn equal_keys_in_one_batch_are_decided_one_after_the_other(world: World) {
    let mut other_body = request("a");
    other_body.request_hash = "hash of another body".to_owned();
    let batch = [request("a"), request("b"), request("a"), other_body];
    let admissions = admit(&world.store, &batch, &owner(), 0).await;
    let in_progress = Admission::InProgress { until: at(1) };
    let expected = [
        Admission::New,
        Admission::New,
        in_progress,
        Admission::Conflict,
    ];
    assert_eq!(admissions, expected);
}

async fn of_many_that_ask_at_once_one_is_new(world: World) {
    const KEYS: usize = 5;
    let mut tasks = Vec::new();
    for task in 0..16 {
        let store = if task % 2 == 0 {
            world.store.clone()
        } else {
            world.another_handle().await
        };
        tasks.push(tokio::spawn(async move {
            // Each in another order.
            let keys = (0..KEYS).map(|n| format!("key {}", (n * (task % 4 + 1) + task) % KEYS));
            let batch: Vec<_> = keys.map(|key| request(&key)).collect();
            let admissions = admit(&store, &batch, &owner(), 0).await;
            let new = batch
                .into_iter()
                .zip(admissions)
                .filter(|(_, admission)| *admission == Admission::New);
            new.map(|(new, _)| new.idempotency_key).collect::<Vec<_>>()
        }));
    }
    let mut new = BTreeMap::new();
    for task in tasks {
        for key in task.await.unwrap() {
            *new.entry(key).or_insert(0) += 1;
        }
    }
    let expected: BTreeMap<_, _> = (0..KEYS).map(|n| (format!("key {n}"), 1)).collect();
    assert_eq!(new, expected);
    let planned = world
        .store
        .manifest_page(&ManifestFilter::default(), 100)
        .await
        .unwrap();
    assert_eq!(planned.len(), KEYS);
}

async fn a_completed_request_has_its_answer_its_object_and_one_event(world: World) {
    let store = &world.store;
    let new = request("a");
    one(store, &new, &owner(), 0).await;
    let planned = entry(store, new.record_id).await;
    assert_eq!(planned.state, ManifestState::Planned);
    assert_eq!(planned.events, 0);
    let batch = [completed(&new), completed(&new)];
    let moved = store.complete(&batch, &owner(), at(0)).await.unwrap();
    assert_eq!(
        moved,
        [Moved::Yes(()), Moved::No],
        "twice in one batch is once"
    );
    assert_eq!(complete(store, &new, &owner()).await, Moved::No);
    let written = entry(store, new.record_id).await;
    assert_eq!(written.state, ManifestState::Written);
    assert_eq!(written.written_at, Some(at(0)));
    assert_eq!((written.events, written.unpublished_events), (1, 1));
    assert_eq!(publish(store).await, 1);
    assert_eq!(entry(store, new.record_id).await.unpublished_events, 0);
}

async fn who_lost_the_lease_completes_nothing(world: World) {
    let store = &world.store;
    let new = request("a");
    one(store, &new, &stranger(), 0).await;
    assert!(matches!(
        one(store, &new, &owner(), 1).await,
        Admission::Resumed { .. }
    ));
    assert_eq!(complete(store, &new, &stranger()).await, Moved::No);
    assert_eq!(
        store
            .abandon(&[abandoned(&new)], &stranger())
            .await
            .unwrap(),
        0
    );
    assert!(complete(store, &new, &owner()).await.is_yes());
    assert_eq!(entry(store, new.record_id).await.events, 1);
}

async fn a_request_that_was_cut_short_goes_on_as_the_same_record(world: World) {
    let store = &world.store;
    let first = request("a");
    one(store, &first, &dead(), 0).await;
    // Its process ended; the client tries again and reaches another.
    let again = request("a");
    let Admission::Resumed { record_id, .. } = one(store, &again, &owner(), 0).await else {
        panic!("it is resumed");
    };
    assert_eq!(record_id, first.record_id);
    let again = NewIngest { record_id, ..again };
    assert!(complete(store, &again, &owner()).await.is_yes());
    let third = request("a");
    let Admission::Replay(response) = one(store, &third, &owner(), 0).await else {
        panic!("it is answered as before");
    };
    assert_eq!(response.record_id, first.record_id);
    let filter = ManifestFilter::default();
    let known = store.manifest_page(&filter, 10).await.unwrap();
    assert_eq!(known.len(), 1, "one record, one object");
}

async fn a_request_that_was_given_up_may_be_sent_again_at_once(world: World) {
    let store = &world.store;
    let first = happen(store, Before::Abandoned, "a").await;
    let orphan = entry(store, first.record_id).await;
    assert_eq!(orphan.state, ManifestState::Planned);
    assert_eq!(orphan.ingest_state, None);
    let again = request("a");
    assert_eq!(one(store, &again, &owner(), 0).await, Admission::New);
    assert!(complete(store, &again, &owner()).await.is_yes());
}

async fn expired_keys_are_forgotten_and_their_objects_are_not(world: World) {
    let store = &world.store;
    let done = ingested(store, "done").await;
    one(store, &request("cut short"), &owner(), 0).await;
    one(store, &request("worked on"), &owner(), KEY_MINUTES - 1).await;
    let mut later = request("later");
    later.expires_at = at(KEY_MINUTES + 1);
    one(store, &later, &owner(), 0).await;

    let expire = async |minutes, limit| {
        let expired = store.expire_idempotency_keys(at(minutes), limit).await;
        let ExpiredKeys { done, in_progress } = expired.unwrap();
        (done, in_progress)
    };
    assert_eq!(expire(KEY_MINUTES - 1, 10).await, (0, 0));
    // The lease of what is worked on lapses at that very minute.
    assert_eq!(expire(KEY_MINUTES, 10).await, (1, 2));
    assert_eq!(expire(KEY_MINUTES, 10).await, (0, 0));
    assert_eq!(expire(KEY_MINUTES + 1, 10).await, (0, 1));
    let left = entry(store, done.record_id).await;
    assert_eq!(left.ingest_state, None);
    assert_eq!(left.state, ManifestState::Written);
    for key in ["one", "two", "three"] {
        ingested(store, key).await;
    }
    assert_eq!(expire(KEY_MINUTES, 2).await, (2, 0));
    assert_eq!(expire(KEY_MINUTES, 2).await, (1, 0));
}

async fn a_batch_of_nothing_does_nothing(world: World) {
    let store = &world.store;
    let watch = &mut world.watch_writes().await;
    assert!(admit(store, &[], &owner(), 0).await.is_empty());
    assert!(
        store
            .complete(&[], &owner(), at(0))
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(store.abandon(&[], &owner()).await.unwrap(), 0);
    assert_eq!(store.enqueue_events(&[]).await.unwrap(), 0);
    assert_eq!(store.open_dead_letters(&[]).await.unwrap(), 0);
    assert!(store.normalized(&[]).await.unwrap().is_empty());
    store.fail_attempts(&[]).await.unwrap();
    assert!(!watch.has_written().await);
}

async fn any_text_is_kept_as_it_is(world: World) {
    let store = &world.store;
    for text in [
        "it's",
        "\"quoted\"",
        "a\\u0000",
        "ключ/鍵",
        "null",
        "{}",
        "1e5",
    ] {
        let new = ingested(store, text).await;
        let Admission::Replay(response) = one(store, &request(text), &owner(), 0).await else {
            panic!("{text} is known");
        };
        assert_eq!(response.correlation_id, new.correlation_id);
        assert_eq!(response.body, completed(&new).response_body);
        assert_eq!(entry(store, new.record_id).await.sha256, new.sha256);
    }
}
