//! From the event to the canonical record: every try on record, the result once.

use contract::RecordId;
use store::{
    CanonicalFilter, CanonicalRecord, FailedAttempt, Inserted, ManifestFilter, Payload,
    StageStatus, Store,
};

use crate::fixtures::{at, owner};
use crate::records::{admit, attempted, begin, canonical, entry, ingested, publish, request};
use crate::world::{World, on_both_databases};

on_both_databases!(
    attempts_are_counted_by_record,
    a_canonical_record_is_written_once_however_often_it_comes,
    of_many_that_normalise_at_once_one_writes_each_record,
    a_stage_goes_the_way_of_its_attempts,
    a_payload_keeps_every_digit,
    canonical_records_come_in_pages_by_time,
    canonical_records_are_found_by_what_is_asked,
    the_manifest_tells_how_far_each_record_came,
    the_manifest_comes_in_pages_by_record,
);

async fn attempts_are_counted_by_record(world: World) {
    let store = &world.store;
    let (one, other) = (RecordId::new(), RecordId::new());
    let numbers = async |ids: &[RecordId]| {
        let attempts = begin(store, ids).await;
        let ids_again: Vec<_> = attempts.iter().map(|attempt| attempt.record_id).collect();
        assert_eq!(ids_again, ids);
        attempts.iter().map(|a| a.number).collect::<Vec<_>>()
    };
    assert_eq!(numbers(&[one, other]).await, [1, 1]);
    assert_eq!(numbers(&[other, one, other]).await, [2, 2, 3]);
    assert_eq!(numbers(&[other]).await, [4]);
    assert_eq!(numbers(&[]).await, [0; 0]);
}

async fn a_canonical_record_is_written_once_however_often_it_comes(world: World) {
    let store = &world.store;
    let new = request("a");
    let batch = attempted(store, vec![canonical(&new, 0), canonical(&new, 0)]).await;
    let inserted = store.normalized(&batch).await.unwrap();
    assert_eq!(inserted, [Inserted::Yes, Inserted::AlreadyThere]);

    let other = request("b");
    let changed = CanonicalRecord {
        payload: Payload::parse("{}".to_owned()).unwrap(),
        ..canonical(&new, 9)
    };
    let batch = attempted(store, vec![changed, canonical(&other, 0)]).await;
    let inserted = store.normalized(&batch).await.unwrap();
    assert_eq!(inserted, [Inserted::AlreadyThere, Inserted::Yes]);
    let all = CanonicalFilter::default();
    assert_eq!(store.count_canonical(&all).await.unwrap(), 2);
    let kept = &store.canonical_records(&all, None, 1).await.unwrap()[0];
    assert_eq!((kept.record_id, kept.ingested_at), (new.record_id, at(0)));
}

async fn of_many_that_normalise_at_once_one_writes_each_record(world: World) {
    const RECORDS: usize = 20;
    let requests: Vec<_> = (0..RECORDS).map(|n| request(&format!("{n}"))).collect();
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let store = world.another_handle().await;
        let records = requests.iter().map(|new| canonical(new, 0)).collect();
        tasks.push(tokio::spawn(async move {
            let batch = attempted(&store, records).await;
            store.normalized(&batch).await.unwrap()
        }));
    }
    let mut written = 0;
    for task in tasks {
        let inserted = task.await.unwrap();
        written += inserted.iter().filter(|i| **i == Inserted::Yes).count();
    }
    assert_eq!(written, RECORDS);
    let all = CanonicalFilter::default();
    let count = world.store.count_canonical(&all).await.unwrap();
    assert_eq!(usize::try_from(count).unwrap(), RECORDS);
}

async fn fail(store: &Store, record_id: RecordId, retryable: bool) {
    let attempt = begin(store, &[record_id]).await[0];
    let failed = FailedAttempt {
        attempt,
        error_code: "object_missing".to_owned(),
        error: "the raw object is not there".to_owned(),
        retryable,
    };
    store.fail_attempts(&[failed]).await.unwrap();
}

async fn a_stage_goes_the_way_of_its_attempts(world: World) {
    let store = &world.store;
    let new = ingested(store, "a").await;
    let status = async || entry(store, new.record_id).await.normalize_status;
    assert_eq!(status().await, None);
    begin(store, &[new.record_id]).await;
    assert_eq!(status().await, Some(StageStatus::Started));
    fail(store, new.record_id, true).await;
    assert_eq!(status().await, Some(StageStatus::Retrying));
    fail(store, new.record_id, false).await;
    assert_eq!(status().await, Some(StageStatus::Dead));
    let batch = attempted(store, vec![canonical(&new, 0)]).await;
    assert_eq!(status().await, Some(StageStatus::Started));
    store.normalized(&batch).await.unwrap();
    assert_eq!(status().await, Some(StageStatus::Succeeded));
    // A repeat takes nothing back.
    fail(store, new.record_id, false).await;
    assert_eq!(status().await, Some(StageStatus::Succeeded));
}

async fn a_payload_keeps_every_digit(world: World) {
    let store = &world.store;
    let json = r#"{"a":1.10,"b":0.1234567890123456789,"c":"it's \"ü\" \\u0000","d":null,"e":[]}"#;
    let new = request("a");
    let record = CanonicalRecord {
        payload: Payload::parse(json.to_owned()).unwrap(),
        ..canonical(&new, 0)
    };
    let batch = attempted(store, vec![record]).await;
    store.normalized(&batch).await.unwrap();
    let read = store
        .canonical_records(&CanonicalFilter::default(), None, 1)
        .await
        .unwrap()
        .remove(0);
    // Postgres puts a space after each colon and comma.
    let read = read.payload.as_str().replace(": ", ":").replace(", ", ",");
    assert_eq!(read, json);
}

async fn canonical_records_come_in_pages_by_time(world: World) {
    let store = &world.store;
    // Two of them at one time.
    let minutes = [3, 1, 2, 1, 5];
    let requests: Vec<_> = minutes.iter().map(|n| request(&n.to_string())).collect();
    let records = requests
        .iter()
        .zip(minutes)
        .map(|(new, minutes)| canonical(new, minutes));
    let batch = attempted(store, records.collect()).await;
    store.normalized(&batch).await.unwrap();
    let mut expected: Vec<_> = batch.iter().map(|one| one.record.cursor()).collect();
    expected.sort();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store
            .canonical_records(&CanonicalFilter::default(), after, 2)
            .await
            .unwrap();
        let Some(last) = page.last() else {
            break;
        };
        after = Some(last.cursor());
        seen.extend(page.iter().map(CanonicalRecord::cursor));
    }
    assert_eq!(seen, expected);
}

async fn canonical_records_are_found_by_what_is_asked(world: World) {
    let store = &world.store;
    let first = canonical(&request("a"), 1);
    let second = CanonicalRecord {
        source: "lab".to_owned(),
        record_type: "lab_result".to_owned(),
        event_version: Some("v2".to_owned()),
        record_kind: Some("lab_result".to_owned()),
        schema_hint: Some("fhir/R4/Observation".to_owned()),
        ..canonical(&request("b"), 2)
    };
    let (one, two) = (first.record_id, second.record_id);
    let correlation_id = Some(second.correlation_id.clone());
    let batch = attempted(store, vec![first, second]).await;
    store.normalized(&batch).await.unwrap();
    let text = |text: &str| Some(text.to_owned());
    let all = CanonicalFilter::default;
    #[rustfmt::skip]
    let cases = [
        (all(), vec![one, two]),
        (CanonicalFilter { source: text("lab"), ..all() }, vec![two]),
        (CanonicalFilter { source: text("lab"), record_type: text("encounter"), ..all() }, vec![]),
        (CanonicalFilter { record_type: text("encounter"), ..all() }, vec![one]),
        (CanonicalFilter { from: Some(at(1)), to: Some(at(2)), ..all() }, vec![one]),
        (CanonicalFilter { from: Some(at(2)), ..all() }, vec![two]),
        (CanonicalFilter { schema_hint: text("fhir/R4/Observation"), ..all() }, vec![two]),
        (CanonicalFilter { correlation_id, ..all() }, vec![two]),
        (CanonicalFilter { record_ids: Some(vec![one]), ..all() }, vec![one]),
        (CanonicalFilter { record_ids: Some(vec![]), ..all() }, vec![]),
    ];
    for (filter, expected) in cases {
        let found = store.canonical_records(&filter, None, 10).await.unwrap();
        let ids: Vec<_> = found.iter().map(|record| record.record_id).collect();
        assert_eq!(ids, expected, "{filter:?}");
        let count = store.count_canonical(&filter).await.unwrap();
        assert_eq!(
            usize::try_from(count).unwrap(),
            expected.len(),
            "{filter:?}"
        );
    }
    let read = store.canonical_records(&all(), None, 10).await.unwrap();
    assert_eq!(read[0].event_version, None);
    assert_eq!(read[1].event_version.as_deref(), Some("v2"));
    assert_eq!(read[1].record_kind.as_deref(), Some("lab_result"));
}

async fn the_manifest_tells_how_far_each_record_came(world: World) {
    let store = &world.store;
    let planned = request("planned");
    admit(store, std::slice::from_ref(&planned), &owner(), 0).await;
    let known = entry(store, planned.record_id).await;
    assert_eq!(known.ingest_state, Some(store::IngestState::InProgress));
    assert_eq!(known.ingest_lease_until, Some(at(1)));
    let new = ingested(store, "a").await;
    let known = entry(store, new.record_id).await;
    assert_eq!(known.ingest_state, Some(store::IngestState::Done));
    assert_eq!((known.events, known.unpublished_events), (1, 1));
    assert_eq!(
        (known.normalize_status, &known.canonical_sha256),
        (None, &None)
    );
    publish(store).await;
    let batch = attempted(store, vec![canonical(&new, 0)]).await;
    store.normalized(&batch).await.unwrap();
    let known = entry(store, new.record_id).await;
    assert_eq!((known.events, known.unpublished_events), (1, 0));
    assert_eq!(known.normalize_status, Some(StageStatus::Succeeded));
    assert_eq!(known.canonical_sha256, Some(new.sha256));
    assert_eq!(known.open_dead_letters, 0);
}

async fn the_manifest_comes_in_pages_by_record(world: World) {
    let store = &world.store;
    let mut requests: Vec<_> = (0..5).map(|n| request(&n.to_string())).collect();
    requests[3].source = "lab".to_owned();
    admit(store, &requests[..2], &owner(), 0).await;
    admit(store, &requests[2..], &owner(), 5).await;
    let ids: Vec<_> = requests.iter().map(|new| new.record_id).collect();
    let page = async |filter: ManifestFilter| {
        let page = store.manifest_page(&filter, 2).await.unwrap();
        page.iter().map(|e| e.record_id).collect::<Vec<_>>()
    };
    let all = ManifestFilter::default;
    assert_eq!(page(all()).await, ids[..2]);
    let after = |n: usize| ManifestFilter {
        after: Some(ids[n]),
        ..all()
    };
    assert_eq!(page(after(1)).await, ids[2..4]);
    assert_eq!(page(after(3)).await, ids[4..]);
    assert_eq!(page(after(4)).await, []);
    let (from, to) = (Some(at(1)), Some(at(1)));
    assert_eq!(page(ManifestFilter { to, ..all() }).await, ids[..2]);
    assert_eq!(page(ManifestFilter { from, ..after(2) }).await, ids[3..]);
    let source = Some("lab".to_owned());
    assert_eq!(page(ManifestFilter { source, ..all() }).await, [ids[3]]);
    let record_type = Some("claim".to_owned());
    assert_eq!(
        page(ManifestFilter {
            record_type,
            ..all()
        })
        .await,
        []
    );
}
