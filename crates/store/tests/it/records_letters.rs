//! Messages that were given up, and what people decide about them.

use contract::{EventId, RecordId};
use serde_json::json;
use store::{
    AuditFilter, DeadLetterFilter, DeadLetterState, Moved, NewDeadLetter, Stage, StageStatus, Store,
};

use crate::fixtures::at;
use crate::records::{TOPIC, attempted, begin, canonical, claim, entry, event, ingested, publish};
use crate::world::{World, on_both_databases};

on_both_databases!(
    an_event_has_one_open_letter,
    a_letter_is_sent_on_again_once,
    a_letter_is_discarded_once,
    a_letter_without_a_record_is_kept_too,
    a_letter_of_a_record_that_succeeded_takes_nothing_back,
    letters_are_found_by_what_is_asked,
);

pub(crate) fn letter(record_id: Option<RecordId>) -> NewDeadLetter {
    NewDeadLetter {
        record_id,
        event_id: EventId::new(),
        stage: Stage::Normalize,
        topic: TOPIC.to_owned(),
        event_key: record_id.map(|id| id.to_string()),
        message: record_id.map(|id| json!({ "key": format!("ehr/{id}.json") })),
        headers: json!({ "traceparent": "00-1-2-01" }),
        reason_code: "hash_mismatch".to_owned(),
        reason: "the raw object is not the one that was announced".to_owned(),
    }
}

async fn all(store: &Store) -> Vec<store::DeadLetter> {
    let filter = DeadLetterFilter::default();
    store.dead_letters(&filter).await.unwrap()
}

async fn an_event_has_one_open_letter(world: World) {
    let store = &world.store;
    let new = ingested(store, "a").await;
    begin(store, &[new.record_id]).await;
    let letter = letter(Some(new.record_id));
    let twice = [letter.clone(), letter.clone()];
    assert_eq!(store.open_dead_letters(&twice).await.unwrap(), 1);
    assert_eq!(store.open_dead_letters(&twice).await.unwrap(), 0);
    let known = entry(store, new.record_id).await;
    assert_eq!(known.open_dead_letters, 1);
    assert_eq!(known.normalize_status, Some(StageStatus::Dead));
    let letters = all(store).await;
    let [kept] = &letters[..] else {
        panic!("one letter");
    };
    assert_eq!(kept.letter, letter);
    assert_eq!(kept.state, DeadLetterState::Open);
    let same = store.dead_letter(kept.dead_letter_id).await.unwrap();
    assert_eq!(same.as_ref(), Some(kept));
}

async fn a_letter_is_sent_on_again_once(world: World) {
    let store = &world.store;
    let new = ingested(store, "a").await;
    publish(store).await;
    begin(store, &[new.record_id]).await;
    let letter = letter(Some(new.record_id));
    store
        .open_dead_letters(std::slice::from_ref(&letter))
        .await
        .unwrap();
    let id = all(store).await[0].dead_letter_id;
    let again = event(new.record_id, "a");
    let redrive = async || {
        let note = Some("the object was restored");
        store
            .redrive_dead_letter(id, &again, "sue", note)
            .await
            .unwrap()
    };
    assert_eq!(redrive().await, Moved::Yes(()));
    assert_eq!(redrive().await, Moved::No);
    let discarded = store.discard_dead_letter(id, "sue", None).await.unwrap();
    assert_eq!(discarded, Moved::No, "it is decided");
    let claimed = claim(store, &crate::fixtures::owner(), 9, at(0)).await;
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].event_id, again.event_id);
    let known = entry(store, new.record_id).await;
    assert_eq!(known.normalize_status, Some(StageStatus::Retrying));
    assert_eq!(known.open_dead_letters, 0);
    let decided = store.dead_letter(id).await.unwrap().unwrap();
    assert_eq!(decided.state, DeadLetterState::Redriven);
    assert_eq!(decided.decided_by.as_deref(), Some("sue"));
    let audit = store.audit_log(&AuditFilter::default()).await.unwrap();
    assert_eq!(audit.len(), 1);
    assert_eq!(audit[0].action, "dead_letter.redriven");
    assert_eq!(audit[0].subject_id, id.to_string());
    assert_eq!(audit[0].detail["note"], "the object was restored");
    // It fails again: another letter.
    assert_eq!(store.open_dead_letters(&[letter]).await.unwrap(), 1);
}

async fn a_letter_is_discarded_once(world: World) {
    let store = &world.store;
    let new = ingested(store, "a").await;
    begin(store, &[new.record_id]).await;
    store
        .open_dead_letters(&[letter(Some(new.record_id))])
        .await
        .unwrap();
    let id = all(store).await[0].dead_letter_id;
    for expected in [Moved::Yes(()), Moved::No] {
        let moved = store.discard_dead_letter(id, "sue", None).await.unwrap();
        assert_eq!(moved, expected);
    }
    let decided = store.dead_letter(id).await.unwrap().unwrap();
    assert_eq!(
        (decided.state, decided.note),
        (DeadLetterState::Discarded, None)
    );
    let known = entry(store, new.record_id).await;
    assert_eq!(known.normalize_status, Some(StageStatus::Dead));
    let audit = store.audit_log(&AuditFilter::default()).await.unwrap();
    assert_eq!(audit.len(), 1);
    assert_eq!(audit[0].action, "dead_letter.discarded");
}

async fn a_letter_without_a_record_is_kept_too(world: World) {
    let store = &world.store;
    let unreadable = letter(None);
    store
        .open_dead_letters(std::slice::from_ref(&unreadable))
        .await
        .unwrap();
    assert_eq!(all(store).await[0].letter, unreadable);
}

async fn a_letter_of_a_record_that_succeeded_takes_nothing_back(world: World) {
    let store = &world.store;
    let new = ingested(store, "a").await;
    let batch = attempted(store, vec![canonical(&new, 0)]).await;
    store.normalized(&batch).await.unwrap();
    store
        .open_dead_letters(&[letter(Some(new.record_id))])
        .await
        .unwrap();
    let known = entry(store, new.record_id).await;
    assert_eq!(known.normalize_status, Some(StageStatus::Succeeded));
}

async fn letters_are_found_by_what_is_asked(world: World) {
    let store = &world.store;
    let record_id = Some(RecordId::new());
    let letters = [letter(record_id), letter(None)];
    store.open_dead_letters(&letters).await.unwrap();
    let newest = all(store).await;
    let events: Vec<_> = newest.iter().map(|l| l.letter.event_id).collect();
    assert_eq!(
        events,
        [letters[1].event_id, letters[0].event_id],
        "newest first"
    );
    store
        .discard_dead_letter(newest[0].dead_letter_id, "sue", None)
        .await
        .unwrap();
    let none = DeadLetterFilter::default;
    let (open, discarded) = (DeadLetterState::Open, DeadLetterState::Discarded);
    let topic = |text: &str| Some(text.to_owned());
    #[rustfmt::skip]
    let cases = [
        (DeadLetterFilter { state: Some(open), ..none() }, 1),
        (DeadLetterFilter { state: Some(discarded), ..none() }, 1),
        (DeadLetterFilter { state: Some(discarded), record_id, ..none() }, 0),
        (DeadLetterFilter { record_id, ..none() }, 1),
        (DeadLetterFilter { topic: topic(TOPIC), ..none() }, 2),
        (DeadLetterFilter { topic: topic("another"), ..none() }, 0),
        (DeadLetterFilter { limit: Some(1), ..none() }, 1),
    ];
    for (filter, expected) in cases {
        let found = store.dead_letters(&filter).await.unwrap();
        assert_eq!(found.len(), expected, "{filter:?}");
    }
}
