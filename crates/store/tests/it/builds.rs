use contract::BuildId;
use store::{
    AuditFilter, BuildFilter, BuildOutcome, BuildStatus, ClaimedRebuild, Moved, NewBuild, Store,
};

use crate::fixtures::{LEASE, at, month, month_key, owner, stranger};
use crate::world::{World, on_both_databases};

on_both_databases!(
    a_build_answers_its_requests,
    a_failed_build_answers_them_too,
    a_build_left_running_is_interrupted_when_its_month_is_claimed_again,
    builds_are_listed_newest_first,
);

async fn claim(store: &Store, minutes: i64) -> Option<ClaimedRebuild> {
    store
        .claim_rebuild(&owner(), LEASE, at(minutes), &[])
        .await
        .unwrap()
}

async fn start(store: &Store, month: &str) -> BuildId {
    let id = BuildId::new();
    let new = NewBuild {
        id,
        key: month_key(month),
        fingerprint: "abc".to_owned(),
        canonical_schema_version: 1,
        sources_json: "[{\"b\": 1,  \"a\": 2}]".to_owned(),
    };
    store.start_build(&new).await.unwrap();
    id
}

fn succeeded() -> BuildOutcome {
    BuildOutcome::Succeeded {
        rows: 7,
        delta_version: 3,
    }
}

async fn a_build_answers_its_requests(world: World) {
    let store = &world.store;
    let key = month_key("2024-01");
    store
        .enqueue_rebuild(&key, "asked for", None)
        .await
        .unwrap();
    let claimed = claim(store, 0).await.unwrap();
    let id = start(store, "2024-01").await;
    assert_eq!(store.standing_build(&key).await.unwrap(), None);
    store
        .enqueue_rebuild(&key, "asked for again", None)
        .await
        .unwrap();

    let finish = async || {
        let ids = &claimed.queue_ids;
        store
            .finish_build(id, &succeeded(), ids, &key, &owner(), at(1))
            .await
            .unwrap()
    };
    assert_eq!(finish().await, Moved::Yes(()));
    assert_eq!(finish().await, Moved::No);
    let build = store.standing_build(&key).await.unwrap().unwrap();
    assert_eq!((build.build_id, build.status), (id, BuildStatus::Succeeded));
    assert_eq!(
        (build.rows, build.delta_version, build.reason),
        (Some(7), Some(3), None)
    );
    assert_eq!(build.finished_at, Some(at(1)));
    assert_eq!(build.sources, "[{\"b\": 1,  \"a\": 2}]", "as it was given");
    // A later attempt that failed may have been committed.
    let failed = BuildOutcome::Failed {
        reason: "no mapping".into(),
    };
    let later = start(store, "2024-01").await;
    store
        .finish_build(later, &failed, &[], &key, &owner(), at(2))
        .await
        .unwrap();
    assert_eq!(store.standing_build(&key).await.unwrap(), None);
    // What was asked for meanwhile is not answered.
    let pending = store.pending_rebuilds().await.unwrap();
    assert_eq!(pending.len(), 1);
    assert_eq!(pending[0].reason, "asked for again");
}

async fn a_failed_build_answers_them_too(world: World) {
    let store = &world.store;
    let key = month_key("2024-01");
    for outcome in [
        BuildOutcome::Failed {
            reason: "no mapping".to_owned(),
        },
        BuildOutcome::Skipped,
    ] {
        assert!(
            store
                .enqueue_rebuild(&key, "asked for", None)
                .await
                .unwrap()
        );
        let claimed = claim(store, 0).await.unwrap();
        let id = start(store, "2024-01").await;
        // Somebody else's requests are not answered.
        store
            .finish_build(id, &outcome, &claimed.queue_ids, &key, &stranger(), at(1))
            .await
            .unwrap();
        assert_eq!(store.pending_rebuilds().await.unwrap().len(), 1);
        let claimed = claim(store, 9).await.unwrap();
        let id = start(store, "2024-01").await;
        store
            .finish_build(id, &outcome, &claimed.queue_ids, &key, &owner(), at(9))
            .await
            .unwrap();
        assert_eq!(store.pending_rebuilds().await.unwrap(), []);
        assert_eq!(claim(store, 99).await, None);
    }
    assert_eq!(store.standing_build(&key).await.unwrap(), None);
    let builds = store.builds(&BuildFilter::default()).await.unwrap();
    let ends: Vec<_> = builds
        .iter()
        .map(|b| (b.status, b.reason.as_deref()))
        .collect();
    let (skipped, failed) = (
        (BuildStatus::Skipped, None),
        (BuildStatus::Failed, Some("no mapping")),
    );
    assert_eq!(ends, [skipped, skipped, failed, failed]);
}

async fn a_build_left_running_is_interrupted_when_its_month_is_claimed_again(world: World) {
    let store = &world.store;
    let key = month_key("2024-01");
    store
        .enqueue_rebuild(&key, "asked for", None)
        .await
        .unwrap();
    let claimed = claim(store, 0).await.unwrap();
    let lost = start(store, "2024-01").await;
    let other_month = start(store, "2024-02").await;

    assert_eq!(claim(store, 5).await.unwrap().queue_ids, claimed.queue_ids);
    let builds = store.builds(&BuildFilter::default()).await.unwrap();
    let find = |id| builds.iter().find(|build| build.build_id == id).unwrap();
    assert_eq!(find(lost).status, BuildStatus::Failed);
    assert_eq!(find(lost).reason.as_deref(), Some("interrupted"));
    assert_eq!(find(lost).finished_at, Some(at(5)));
    assert_eq!(find(other_month).status, BuildStatus::Running);
    let moved = store
        .finish_build(
            lost,
            &succeeded(),
            &claimed.queue_ids,
            &key,
            &owner(),
            at(6),
        )
        .await;
    assert_eq!(moved.unwrap(), Moved::No, "it comes too late");
    assert_eq!(store.pending_rebuilds().await.unwrap().len(), 1);
    let filter = AuditFilter {
        subject_id: Some(lost.to_string()),
        limit: None,
    };
    let audit = store.audit_log(&filter).await.unwrap();
    let actions: Vec<_> = audit.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["build.started", "build.interrupted"]);
}

async fn builds_are_listed_newest_first(world: World) {
    let store = &world.store;
    let ids = [start(store, "2024-01").await, start(store, "2024-02").await];
    let list = async |filter: BuildFilter| -> Vec<_> {
        let builds = store.builds(&filter).await.unwrap();
        builds.into_iter().map(|build| build.build_id).collect()
    };
    let all = BuildFilter::default;
    assert_eq!(list(all()).await, [ids[1], ids[0]]);
    assert_eq!(
        list(BuildFilter {
            limit: Some(1),
            ..all()
        })
        .await,
        [ids[1]]
    );
    let atomic_month = Some(month("2024-01"));
    assert_eq!(
        list(BuildFilter {
            atomic_month,
            ..all()
        })
        .await,
        [ids[0]]
    );
    assert_eq!(
        list(BuildFilter {
            state: Some("or".parse().unwrap()),
            ..all()
        })
        .await,
        []
    );
    let file_type = Some("pharmacy_claim".parse().unwrap());
    assert_eq!(list(BuildFilter { file_type, ..all() }).await, []);
}
