use store::{AuditFilter, Due, Owner, RunFilter, RunStatus};

use crate::fixtures::{LEASE, at, claim, competed, month_key, owner, received, winner_key};
use crate::world::{World, on_both_databases};

on_both_databases!(
    what_a_dead_process_held_is_free_at_once,
    what_the_living_and_the_distant_hold_is_left_alone,
);

/// A process of this machine that has ended.
pub(crate) fn dead() -> Owner {
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let pid = child.id();
    child.wait().unwrap();
    let this = owner();
    let (rest, mark) = this.as_str().rsplit_once('/').unwrap();
    let (host, _) = rest.rsplit_once('/').unwrap();
    format!("{host}/{pid}/{mark}").parse().unwrap()
}

async fn what_a_dead_process_held_is_free_at_once(world: World) {
    let store = &world.store;
    let dead = dead();
    competed(store, "0", 0, &[("2024-01", 5)]).await;
    received(store, "1", 1).await;
    let submission = store
        .claim_submission(Due::Stage, &dead, LEASE, at(1), &[])
        .await
        .unwrap();
    let gold = store.claim_gold(&dead, LEASE, at(1), &[]).await.unwrap();
    let rebuild = store.claim_rebuild(&dead, LEASE, at(1), &[]).await.unwrap();
    assert!(submission.is_some() && gold.is_some() && rebuild.is_some());
    store.start_run("parse", "1", &dead).await.unwrap();
    let open = store
        .start_run("parse", "2", &owner())
        .await
        .unwrap()
        .run_id;

    assert_eq!(store.release_dead_leases(&owner()).await.unwrap(), 3);
    assert_eq!(store.release_dead_leases(&owner()).await.unwrap(), 0);
    // All before the leases would have lapsed.
    claim(store, Due::Stage).await;
    let key = winner_key("acme", "2024-01");
    assert_eq!(
        store
            .claim_gold(&owner(), LEASE, at(1), &[])
            .await
            .unwrap()
            .unwrap()
            .key,
        key
    );
    let rebuild = store
        .claim_rebuild(&owner(), LEASE, at(1), &[])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(rebuild.key, month_key("2024-01"));

    let runs = store.runs(&RunFilter::default()).await.unwrap();
    let statuses: Vec<_> = runs
        .iter()
        .map(|run| (run.run_id == open, run.status))
        .collect();
    assert_eq!(
        statuses,
        [(true, RunStatus::Running), (false, RunStatus::Interrupted)]
    );
    let audit = store.audit_log(&AuditFilter::default()).await.unwrap();
    let released: Vec<_> = audit
        .iter()
        .filter(|e| e.action == "leases.released")
        .collect();
    assert_eq!(released.len(), 1);
    assert_eq!(released[0].detail["leases"], 3);
    assert_eq!(released[0].detail["runs"], 1);
}

async fn what_the_living_and_the_distant_hold_is_left_alone(world: World) {
    let store = &world.store;
    let distant: Owner = format!("elsewhere/{}", dead().as_str().split_once('/').unwrap().1)
        .parse()
        .unwrap();
    for (n, holder) in [owner(), distant].iter().enumerate() {
        received(store, &n.to_string(), 0).await;
        assert!(
            store
                .claim_submission(Due::Stage, holder, LEASE, at(0), &[])
                .await
                .unwrap()
                .is_some()
        );
    }
    let watch = &mut world.watch_writes().await;
    assert_eq!(store.release_dead_leases(&owner()).await.unwrap(), 0);
    assert!(!watch.has_written().await);
    assert_eq!(
        store
            .claim_submission(Due::Stage, &owner(), LEASE, at(0), &[])
            .await
            .unwrap(),
        None
    );
}
