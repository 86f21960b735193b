use store::{AuditFilter, Registered};

use crate::world::{World, on_both_databases};

on_both_databases!(
    a_document_is_new_then_unchanged_then_changed,
    submitters_are_brought_up_to_date,
);

async fn a_document_is_new_then_unchanged_then_changed(world: World) {
    let store = &world.store;
    let layout = "medical_claim@v2".parse().unwrap();
    let file_type = "medical_claim".parse().unwrap();
    for (hash, expected) in [
        ("one", Registered::New),
        ("one", Registered::Unchanged),
        ("two", Registered::Changed),
        ("two", Registered::Unchanged),
    ] {
        let text = format!("document {hash}");
        let layout = store
            .register_layout(&layout, "Claims", hash, &text)
            .await
            .unwrap();
        let schema = store
            .sync_schema(&file_type, 3, "Claims", hash, &text)
            .await
            .unwrap();
        assert_eq!((layout, schema), (expected, expected));
    }
    for (hash, expected) in [("one", Registered::New), ("two", Registered::Changed)] {
        let mapping = store.sync_mapping(&layout, 4, 3, hash, "{}").await.unwrap();
        assert_eq!(mapping, expected);
    }
    let layouts = store.layouts().await.unwrap();
    assert_eq!(layouts.len(), 1);
    assert_eq!(
        (&layouts[0].layout, layouts[0].document.as_str()),
        (&layout, "document two")
    );
    let schemas = store.schemas().await.unwrap();
    assert_eq!(
        (schemas[0].version, schemas[0].content_hash.as_str()),
        (3, "two")
    );
    let mappings = store.mappings().await.unwrap();
    assert_eq!((&mappings[0].layout, mappings[0].version), (&layout, 4));
    assert_eq!(mappings[0].canonical_schema_version, 3);

    let audit = store.audit_log(&AuditFilter::default()).await.unwrap();
    let entries: Vec<_> = audit
        .iter()
        .map(|entry| (entry.action.as_str(), entry.subject_id.as_str()))
        .collect();
    assert_eq!(
        entries,
        [
            ("layout.registered", "medical_claim@v2"),
            ("canonical_schema.registered", "medical_claim/v3"),
            ("layout.changed", "medical_claim@v2"),
            ("canonical_schema.changed", "medical_claim/v3"),
            ("canonical_mapping.registered", "medical_claim@v2/v4"),
            ("canonical_mapping.changed", "medical_claim@v2/v4"),
        ]
    );
}

async fn submitters_are_brought_up_to_date(world: World) {
    let store = &world.store;
    let (acme, state) = ("acme".parse().unwrap(), "wa".parse().unwrap());
    store.upsert_submitter(&acme, &state, "Acme").await.unwrap();
    let mut watch = world.watch_writes().await;
    store.upsert_submitter(&acme, &state, "Acme").await.unwrap();
    assert!(!watch.has_written().await, "it is as it was");
    store
        .upsert_submitter(&acme, &state, "Acme Health")
        .await
        .unwrap();
    store
        .upsert_submitter(&"aaa".parse().unwrap(), &state, "First")
        .await
        .unwrap();
    let submitters = store.submitters().await.unwrap();
    let titles: Vec<_> = submitters
        .iter()
        .map(|submitter| submitter.title.as_str())
        .collect();
    assert_eq!(titles, ["First", "Acme Health"]);
    assert_eq!(
        store
            .audit_log(&AuditFilter::default())
            .await
            .unwrap()
            .len(),
        3
    );
}
