//! One history, told to both databases: they end with the same rows.

use contract::{BuildId, SubmissionId};
use serde_json::json;
use store::{
    BuildOutcome, DeliveryOutcome, Due, GroupingMethod, IncidentKind, NewBuild, RunOutcome, Staged,
    Store, SubmissionState,
};

use crate::alerts::{change, claim_delivery, open, resolve};
use crate::fixtures::{
    LEASE, at, claim, classification, competed, counts, group_of, latest, month_key, owner, parsed,
    ready, received, seen, validated, verdict, winner_key,
};
use crate::table_dump::dump;
use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_databases_end_with_the_same_rows() {
    let mut dumps = Vec::new();
    for world in [World::sqlite().await, World::postgres().await] {
        tell(&world.store).await;
        dumps.push(dump(&world).await);
    }
    pretty_assert(&dumps[0], &dumps[1]);
    insta::assert_snapshot!(dumps[0]);
}

fn pretty_assert(sqlite: &str, postgres: &str) {
    for (sqlite, postgres) in sqlite.lines().zip(postgres.lines()) {
        assert_eq!(sqlite, postgres);
    }
    assert_eq!(sqlite, postgres);
}

async fn tell(store: &Store) {
    let state = "wa".parse().unwrap();
    store
        .upsert_submitter(&"acme".parse().unwrap(), &state, "Acme")
        .await
        .unwrap();
    let file_type = "medical_claim".parse().unwrap();
    store
        .sync_schema(&file_type, 1, "Claims", "hash", "{}")
        .await
        .unwrap();

    let first = competed(
        store,
        "1",
        1,
        &[("2024-01", 3), ("2024-02", 4), ("__unknown__", 1)],
    )
    .await;
    gold_and_canonical(store).await;

    resubmission(store, first).await;
    gold_and_canonical(store).await;
    other_ends(store).await;
}

/// By marker; it takes February, is pinned away and comes back.
async fn resubmission(store: &Store, first: SubmissionId) {
    let objects = [
        seen("acme/medical_claim/2/claims.csv", 20),
        seen("acme/medical_claim/2/_SUCCESS", 0),
    ];
    store.record_seen(&objects, at(2)).await.unwrap();
    let mut new = group_of(&objects[..1], GroupingMethod::MarkerFile, 2);
    new.also_taken = vec![objects[1].key.clone()];
    store.register(&new).await.unwrap().unwrap();
    claim(store, Due::Stage).await;
    store
        .record_file_hash(new.id, 1, "sha256 of 2", 20)
        .await
        .unwrap();
    let staged = Staged {
        content_hash: "content of 2".to_owned(),
        classification: Err("no feed takes this file name".to_owned()),
    };
    store
        .finish_staging(new.id, &owner(), &staged, at(2))
        .await
        .unwrap();
    store
        .assign(new.id, &classification("acme"), "sue")
        .await
        .unwrap();
    claim(store, Due::Parse).await;
    store
        .finish_parse(new.id, &owner(), &counts(&[("2024-02", 9)]))
        .await
        .unwrap();
    claim(store, Due::Validate).await;
    let with_warnings = verdict(SubmissionState::ValidatedWithWarnings);
    store
        .finish_validation(new.id, &owner(), &with_warnings)
        .await
        .unwrap();
    claim(store, Due::Compete).await;
    store
        .compete(new.id, &owner(), &latest, at(2))
        .await
        .unwrap();
    let february = winner_key("acme", "2024-02");
    store
        .pin_winner(&february, Some(first), "sue", &latest)
        .await
        .unwrap();
    store
        .pin_winner(&february, None, "sue", &latest)
        .await
        .unwrap();
}

/// Every other end, and every stop on the way.
async fn other_ends(store: &Store) {
    let failed = ready(store, "3", 3).await;
    claim(store, Due::Parse).await;
    store
        .fail_parse(failed, &owner(), "unreadable", None)
        .await
        .unwrap();
    let refused = parsed(store, "4", 4, &[("2024-03", 1)]).await;
    claim(store, Due::Validate).await;
    store
        .finish_validation(
            refused,
            &owner(),
            &verdict(SubmissionState::ValidationFailed),
        )
        .await
        .unwrap();
    store.retry(refused, "sue").await.unwrap();
    claim(store, Due::Parse).await;
    validated(store, "5", 5, &[("2024-04", 2)]).await;
    received(store, "6", 6).await;
    store
        .record_seen(&[seen("acme/medical_claim/7/claims.csv", 7)], at(7))
        .await
        .unwrap();
    store
        .save_checkpoint("scan", "inbox", "{\"page\": 7}")
        .await
        .unwrap();
    alerts(store).await;
}

/// One incident whose message is tried in vain, one that is told and over.
async fn alerts(store: &Store) {
    let (kind, subject) = (IncidentKind::Failure, "parse/one");
    change(store, 8, &[open(kind, subject)]).await;
    let waiting = claim_delivery(store, &owner(), 8).await.unwrap();
    let again = DeliveryOutcome::Again {
        at: at(9),
        error: "answered 503".to_owned(),
    };
    store
        .finish_alert_delivery(waiting.delivery_id, &owner(), &again, at(8))
        .await
        .unwrap();
    let (kind, subject) = (IncidentKind::StaleFeed, "acme_claims");
    change(store, 10, &[open(kind, subject)]).await;
    change(store, 11, &[resolve(kind, subject)]).await;
}

async fn gold_and_canonical(store: &Store) {
    while let Some(winner) = store.claim_gold(&owner(), LEASE, at(2), &[]).await.unwrap() {
        store
            .finish_gold(&winner.key, &owner(), winner.submission_id, 3)
            .await
            .unwrap();
    }
    let run = store
        .start_run("canonical", "all", &owner())
        .await
        .unwrap()
        .run_id;
    let mut built = 0;
    while let Some(claimed) = store
        .claim_rebuild(&owner(), LEASE, at(2), &[])
        .await
        .unwrap()
    {
        let id = BuildId::new();
        let new = NewBuild {
            id,
            key: claimed.key.clone(),
            fingerprint: format!("fingerprint of {}", claimed.key),
            canonical_schema_version: 1,
            sources_json: "[]".to_owned(),
        };
        store.start_build(&new).await.unwrap();
        let outcome = if claimed.key == month_key("2024-01") {
            BuildOutcome::Succeeded {
                rows: 3,
                delta_version: 0,
            }
        } else {
            BuildOutcome::Failed {
                reason: "no mapping".to_owned(),
            }
        };
        store
            .finish_build(
                id,
                &outcome,
                &claimed.queue_ids,
                &claimed.key,
                &owner(),
                at(2),
            )
            .await
            .unwrap();
        built += 1;
    }
    store
        .finish_run(
            run,
            &RunOutcome::Succeeded {
                counts: json!({ "built": built }),
            },
        )
        .await
        .unwrap();
}
