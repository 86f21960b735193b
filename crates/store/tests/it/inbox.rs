use store::{GroupingMethod, SeenCounts, Store};

use crate::fixtures::{at, group_of, seen};
use crate::table_dump;
use crate::world::{World, on_both_databases};

on_both_databases!(
    a_page_is_compared_with_what_is_known,
    known_objects_are_not_written_again,
    a_late_file_brings_its_whole_group_back,
    a_changed_object_is_taken_by_nobody,
    two_processes_may_record_the_same_page,
);

fn counts(new: u64, changed: u64, unchanged: u64) -> SeenCounts {
    SeenCounts {
        new,
        changed,
        unchanged,
    }
}

async fn open_keys(store: &Store) -> Vec<(String, Vec<String>)> {
    let groups = store.open_groups().await.unwrap();
    let keys = |objects: Vec<store::InboxObject>| objects.into_iter().map(|o| o.key).collect();
    groups
        .into_iter()
        .map(|group| (group.grouping_key, keys(group.objects)))
        .collect()
}

async fn a_page_is_compared_with_what_is_known(world: World) {
    let store = &world.store;
    let mut page = vec![
        seen("acme/claims/1/a.csv", 1),
        seen("acme/claims/1/b.csv", 2),
    ];
    assert_eq!(
        store.record_seen(&page, at(0)).await.unwrap(),
        counts(2, 0, 0)
    );
    assert_eq!(
        store.record_seen(&page, at(1)).await.unwrap(),
        counts(0, 0, 2)
    );

    page[1].etag = None;
    page.push(seen("acme/claims/2/a.csv", 3));
    assert_eq!(
        store.record_seen(&page, at(2)).await.unwrap(),
        counts(1, 1, 1)
    );
    assert_eq!(
        store.record_seen(&page, at(3)).await.unwrap(),
        counts(0, 0, 3)
    );
    assert_eq!(
        store.record_seen(&[], at(3)).await.unwrap(),
        counts(0, 0, 0)
    );

    let groups = store.open_groups().await.unwrap();
    let times: Vec<_> = groups
        .iter()
        .flat_map(|group| &group.objects)
        .map(|object| (object.key.as_str(), object.first_seen_at, object.changed_at))
        .collect();
    assert_eq!(
        times,
        [
            ("acme/claims/1/a.csv", at(0), at(0)),
            ("acme/claims/1/b.csv", at(0), at(2)),
            ("acme/claims/2/a.csv", at(2), at(2)),
        ]
    );
}

async fn known_objects_are_not_written_again(world: World) {
    let objects: Vec<_> = (0..5_000)
        .map(|n| {
            let mut object = seen(&format!("acme/claims/{}/{n:05}.csv", n / 100), n);
            // Finer than the databases keep: the same object all the same.
            object.last_modified += chrono::Duration::nanoseconds(123_456_789);
            object
        })
        .collect();
    for page in objects.chunks(1_000) {
        assert_eq!(
            world.store.record_seen(page, at(0)).await.unwrap(),
            counts(1_000, 0, 0)
        );
    }
    let before = table_dump::rows(&world).await;
    let mut watch = world.watch_writes().await;
    for page in objects.chunks(1_000) {
        assert_eq!(
            world.store.record_seen(page, at(9)).await.unwrap(),
            counts(0, 0, 1_000)
        );
    }
    assert!(!watch.has_written().await);
    assert_eq!(table_dump::rows(&world).await, before);

    // The watch does see a write.
    world
        .store
        .record_seen(&[seen("acme/claims/0/00000.csv", 7)], at(9))
        .await
        .unwrap();
    assert!(watch.has_written().await);
}

async fn a_late_file_brings_its_whole_group_back(world: World) {
    let store = &world.store;
    let first = [
        seen("acme/claims/1/a.csv", 1),
        seen("acme/claims/1/b.csv", 2),
    ];
    let other = seen("acme/claims/2/a.csv", 3);
    store.record_seen(&first, at(0)).await.unwrap();
    store
        .record_seen(std::slice::from_ref(&other), at(0))
        .await
        .unwrap();
    for objects in [&first[..], std::slice::from_ref(&other)] {
        let new = group_of(objects, GroupingMethod::Quiescence, 0);
        store.register(&new).await.unwrap().unwrap();
    }
    assert_eq!(open_keys(store).await, []);

    store
        .record_seen(&[seen("acme/claims/1/late.csv", 4)], at(9))
        .await
        .unwrap();
    let keys = ["a.csv", "b.csv", "late.csv"].map(|name| format!("acme/claims/1/{name}"));
    assert_eq!(
        open_keys(store).await,
        [("acme/claims/1".to_owned(), keys.to_vec())]
    );
}

async fn a_changed_object_is_taken_by_nobody(world: World) {
    let store = &world.store;
    let object = seen("acme/claims/1/a.csv", 1);
    store
        .record_seen(std::slice::from_ref(&object), at(0))
        .await
        .unwrap();
    let new = group_of(std::slice::from_ref(&object), GroupingMethod::Quiescence, 0);
    store.register(&new).await.unwrap().unwrap();
    store
        .record_seen(&[seen("acme/claims/1/a.csv", 2)], at(5))
        .await
        .unwrap();

    let groups = store.open_groups().await.unwrap();
    let changed = &groups[0].objects[0];
    assert_eq!((changed.submission_id, changed.size_bytes), (None, 2));
    // What was registered is what it was.
    assert_eq!(
        store.submission_files(new.id).await.unwrap()[0].size_bytes,
        1
    );
}

async fn two_processes_may_record_the_same_page(world: World) {
    let page: Vec<_> = (0..900)
        .map(|n| seen(&format!("acme/claims/1/{n}.csv"), n))
        .collect();
    let backwards: Vec<_> = page.iter().rev().cloned().collect();
    let (one, other) = (world.another_handle().await, world.another_handle().await);
    let (a, b) = tokio::join!(
        one.record_seen(&page, at(0)),
        other.record_seen(&backwards, at(1))
    );
    a.unwrap();
    b.unwrap();
    assert_eq!(
        world.store.record_seen(&page, at(2)).await.unwrap(),
        counts(0, 0, 900)
    );
    // Whoever came second found the same version, and changed nothing of it.
    let groups = world.store.open_groups().await.unwrap();
    assert!(
        groups[0]
            .objects
            .iter()
            .all(|object| object.first_seen_at == object.changed_at)
    );
}
