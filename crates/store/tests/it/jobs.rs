use serde_json::json;
use store::{Audit, AuditFilter, Moved, Next, RunFilter, RunOutcome, RunStatus};

use crate::fixtures::owner;
use crate::world::{World, on_both_databases};

on_both_databases!(
    attempts_count_from_the_last_success,
    a_run_ends_once,
    a_checkpoint_is_replaced_and_cleared,
    the_audit_log_keeps_what_it_is_told,
);

async fn attempts_count_from_the_last_success(world: World) {
    let store = &world.store;
    let failed = || RunOutcome::Failed {
        error: "out of disk".to_owned(),
        next: Next::After(crate::fixtures::at(0)),
    };
    let succeeded = || RunOutcome::Succeeded {
        counts: json!({ "rows": 5 }),
    };
    for outcome in [failed(), failed(), succeeded(), failed(), succeeded()] {
        let id = store
            .start_run("parse", "one", &owner())
            .await
            .unwrap()
            .run_id;
        store.finish_run(id, &outcome).await.unwrap();
    }
    store.start_run("parse", "another", &owner()).await.unwrap();
    let filter = RunFilter {
        subject: Some("one".to_owned()),
        ..RunFilter::default()
    };
    let runs = store.runs(&filter).await.unwrap();
    let attempts: Vec<_> = runs.iter().rev().map(|run| run.attempt).collect();
    assert_eq!(attempts, [1, 2, 3, 1, 2]);
    assert_eq!(runs[0].counts, Some(json!({ "rows": 5 })));
    assert_eq!(runs[1].error.as_deref(), Some("out of disk"));
    let running = RunFilter {
        status: Some(RunStatus::Running),
        ..RunFilter::default()
    };
    assert_eq!(store.runs(&running).await.unwrap()[0].subject, "another");
    let limited = RunFilter {
        job: Some("parse".to_owned()),
        limit: Some(2),
        ..RunFilter::default()
    };
    assert_eq!(store.runs(&limited).await.unwrap().len(), 2);
}

async fn a_run_ends_once(world: World) {
    let store = &world.store;
    let id = store
        .start_run("parse", "one", &owner())
        .await
        .unwrap()
        .run_id;
    let outcome = RunOutcome::Failed {
        error: "first".to_owned(),
        next: Next::After(crate::fixtures::at(0)),
    };
    assert_eq!(
        store.finish_run(id, &outcome).await.unwrap(),
        Moved::Yes(())
    );
    let late = RunOutcome::Succeeded { counts: json!({}) };
    assert_eq!(store.finish_run(id, &late).await.unwrap(), Moved::No);
    let runs = store.runs(&RunFilter::default()).await.unwrap();
    assert_eq!(
        (runs[0].status, runs[0].error.as_deref()),
        (RunStatus::Failed, Some("first"))
    );
    assert!(runs[0].finished_at.is_some());
}

async fn a_checkpoint_is_replaced_and_cleared(world: World) {
    let store = &world.store;
    assert_eq!(store.checkpoint("scan", "inbox").await.unwrap(), None);
    for text in ["{\"page\": 1}", "{\"page\":  2}"] {
        store.save_checkpoint("scan", "inbox", text).await.unwrap();
        assert_eq!(
            store.checkpoint("scan", "inbox").await.unwrap().as_deref(),
            Some(text)
        );
    }
    assert_eq!(store.checkpoint("scan", "outbox").await.unwrap(), None);
    store.clear_checkpoint("scan", "inbox").await.unwrap();
    assert_eq!(store.checkpoint("scan", "inbox").await.unwrap(), None);
}

async fn the_audit_log_keeps_what_it_is_told(world: World) {
    let store = &world.store;
    for n in 0..3 {
        let audit = Audit {
            actor: "sue".to_owned(),
            action: "quarantine.exported".to_owned(),
            subject_kind: "submission".to_owned(),
            subject_id: format!("s{n}"),
            detail: json!({ "rows": n, "nested": { "b": [1, null], "a": true } }),
        };
        store.audit(audit).await.unwrap();
    }
    let entries = store.audit_log(&AuditFilter::default()).await.unwrap();
    let ids: Vec<_> = entries
        .iter()
        .map(|entry| entry.subject_id.as_str())
        .collect();
    assert_eq!(ids, ["s0", "s1", "s2"]);
    assert_eq!(
        entries[1].detail,
        json!({ "rows": 1, "nested": { "b": [1, null], "a": true } })
    );
    let filter = AuditFilter {
        subject_id: None,
        limit: Some(1),
    };
    assert_eq!(store.audit_log(&filter).await.unwrap()[0].subject_id, "s2");
    let filter = AuditFilter {
        subject_id: Some("s1".to_owned()),
        limit: None,
    };
    assert_eq!(store.audit_log(&filter).await.unwrap().len(), 1);
}
