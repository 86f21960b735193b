//! Records brought to the place on their way that a case starts from.

use chrono::{DateTime, Utc};
use contract::{EventId, RecordId};
use serde_json::json;
use store::{
    Admission, Attempt, CanonicalRecord, CompletedIngest, ManifestEntry, ManifestFilter, Moved,
    NewAttempt, NewEvent, NewIngest, NormalizedRecord, OutboxEvent, Owner, Payload, Stage, Store,
};

use crate::fixtures::{LEASE, at, owner};

pub(crate) const TOPIC: &str = "record.ingested.v1";
/// How long the keys of these tests are kept, in minutes.
pub(crate) const KEY_MINUTES: i64 = 60;

/// A request of `clinic`, first sent at minute 0.
pub(crate) fn request(key: &str) -> NewIngest {
    let record_id = RecordId::new();
    NewIngest {
        client: "clinic".to_owned(),
        idempotency_key: key.to_owned(),
        request_hash: format!("hash of {key}"),
        record_id,
        correlation_id: format!("correlation of {key}"),
        source: "ehr".to_owned(),
        record_type: "encounter".to_owned(),
        object_key: format!("ehr/{record_id}.json"),
        sha256: format!("sha256 of {key}"),
        size_bytes: 20,
        content_type: "application/json".to_owned(),
        expires_at: at(KEY_MINUTES),
    }
}

pub(crate) async fn admit(
    store: &Store,
    ingests: &[NewIngest],
    owner: &Owner,
    minutes: i64,
) -> Vec<Admission> {
    store
        .admit(ingests, owner, LEASE, at(minutes))
        .await
        .unwrap()
}

pub(crate) fn event(record_id: RecordId, event_key: &str) -> NewEvent {
    NewEvent {
        event_id: EventId::new(),
        record_id,
        topic: TOPIC.to_owned(),
        event_key: event_key.to_owned(),
        payload: json!({ "bucket": "raw-objects", "key": format!("ehr/{record_id}.json") }),
        headers: json!({ "ce-specversion": "1.0" }),
    }
}

pub(crate) fn completed(new: &NewIngest) -> CompletedIngest {
    CompletedIngest {
        client: new.client.clone(),
        idempotency_key: new.idempotency_key.clone(),
        record_id: new.record_id,
        response_status: 202,
        response_body: json!({ "record_id": new.record_id }).to_string(),
        event: event(new.record_id, &new.record_id.to_string()),
    }
}

pub(crate) async fn complete(store: &Store, new: &NewIngest, owner: &Owner) -> Moved {
    let moved = store.complete(&[completed(new)], owner, at(0)).await;
    moved.unwrap()[0]
}

/// A request that went all its way into the outbox.
pub(crate) async fn ingested(store: &Store, key: &str) -> NewIngest {
    let new = request(key);
    let admitted = admit(store, std::slice::from_ref(&new), &owner(), 0).await;
    assert_eq!(admitted, [Admission::New]);
    assert!(complete(store, &new, &owner()).await.is_yes());
    new
}

pub(crate) async fn claim(
    store: &Store,
    owner: &Owner,
    limit: u32,
    now: DateTime<Utc>,
) -> Vec<OutboxEvent> {
    let topics = [TOPIC.to_owned()];
    store
        .claim_outbox(owner, &topics, limit, LEASE, now)
        .await
        .unwrap()
}

/// Claims and publishes everything that can be had.
pub(crate) async fn publish(store: &Store) -> usize {
    let events = claim(store, &owner(), 1_000, at(0)).await;
    let ids: Vec<_> = events.iter().map(|event| event.event_id).collect();
    let published = store.mark_published(&ids, &owner(), at(0)).await.unwrap();
    usize::try_from(published).unwrap()
}

pub(crate) fn canonical(new: &NewIngest, minutes: i64) -> CanonicalRecord {
    CanonicalRecord {
        record_id: new.record_id,
        source: new.source.clone(),
        record_type: new.record_type.clone(),
        payload: Payload::parse("{\"value\":1.10}".to_owned()).unwrap(),
        ingested_at: at(minutes),
        event_version: None,
        record_kind: None,
        schema_hint: None,
        object_key: new.object_key.clone(),
        sha256: new.sha256.clone(),
        correlation_id: new.correlation_id.clone(),
        created_at: at(0),
    }
}

pub(crate) async fn begin(store: &Store, record_ids: &[RecordId]) -> Vec<Attempt> {
    let stage = Stage::Normalize;
    let new: Vec<_> = record_ids
        .iter()
        .map(|&record_id| NewAttempt { record_id, stage })
        .collect();
    store.begin_attempts(&new, &owner()).await.unwrap()
}

/// Begins an attempt for each record that is to be written at those minutes.
pub(crate) async fn attempted(
    store: &Store,
    records: Vec<CanonicalRecord>,
) -> Vec<NormalizedRecord> {
    let ids: Vec<_> = records.iter().map(|record| record.record_id).collect();
    let attempts = begin(store, &ids).await;
    attempts
        .into_iter()
        .zip(records)
        .map(|(attempt, record)| NormalizedRecord { attempt, record })
        .collect()
}

/// What is known of the record.
pub(crate) async fn entry(store: &Store, record_id: RecordId) -> ManifestEntry {
    let filter = ManifestFilter {
        record_ids: Some(vec![record_id]),
        ..ManifestFilter::default()
    };
    store.manifest_page(&filter, 10).await.unwrap().remove(0)
}
