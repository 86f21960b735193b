use contract::SubmissionId;
use store::{GroupingMethod, NewSubmission, Store, SubmissionState};

use crate::fixtures::{at, group_of, seen};
use crate::table_dump;
use crate::world::{World, on_both_databases};

on_both_databases!(
    a_group_becomes_a_submission,
    of_two_registrations_one_wins,
    registrations_of_overlapping_groups_never_wait_in_a_ring,
    a_group_that_is_not_as_it_was_is_left_alone,
    a_reopened_group_names_who_had_its_files,
    a_group_of_many_files_is_registered_whole,
);

async fn register(store: &Store, new: &NewSubmission) -> bool {
    store.register(new).await.unwrap().is_some()
}

async fn a_group_becomes_a_submission(world: World) {
    let store = &world.store;
    let file = seen("acme/claims/1/a.csv", 5);
    let marker = seen("acme/claims/1/_SUCCESS", 0);
    store
        .record_seen(&[file.clone(), marker.clone()], at(0))
        .await
        .unwrap();
    let mut new = group_of(&[file], GroupingMethod::MarkerFile, 3);
    new.also_taken = vec![marker.key];
    assert!(register(store, &new).await);

    let submission = store.submission(new.id).await.unwrap().unwrap();
    assert_eq!(submission.state, SubmissionState::Received);
    assert_eq!(submission.grouping_method, GroupingMethod::MarkerFile);
    assert_eq!(
        (submission.received_at, submission.staged_at),
        (at(3), None)
    );
    assert_eq!(
        (submission.layout(), submission.rows_in, submission.attempts),
        (None, None, 0)
    );
    let files = store.submission_files(new.id).await.unwrap();
    assert_eq!(files.len(), 1);
    assert_eq!(
        (files[0].file_name.as_str(), files[0].raw_key.as_str()),
        ("a.csv", "raw/a.csv")
    );
    assert_eq!(files[0].sha256, None);
    assert_eq!(
        store.open_groups().await.unwrap(),
        [],
        "the marker is taken too"
    );
}

async fn of_two_registrations_one_wins(world: World) {
    let page: Vec<_> = (0..20)
        .map(|n| seen(&format!("acme/claims/{n}/a.csv"), n))
        .collect();
    world.store.record_seen(&page, at(0)).await.unwrap();
    let handles = [world.another_handle().await, world.another_handle().await];
    for object in &page {
        let new = |_| group_of(std::slice::from_ref(object), GroupingMethod::Quiescence, 0);
        let rivals = [0, 1].map(new);
        let (one, other) = tokio::join!(
            register(&handles[0], &rivals[0]),
            register(&handles[1], &rivals[1])
        );
        assert!(one != other, "exactly one of two registers {}", object.key);
        let loser = if one { &rivals[1] } else { &rivals[0] };
        assert_eq!(world.store.submission(loser.id).await.unwrap(), None);
        assert_eq!(world.store.submission_files(loser.id).await.unwrap(), []);
    }
}

async fn registrations_of_overlapping_groups_never_wait_in_a_ring(world: World) {
    let page: Vec<_> = (0..40)
        .map(|n| seen(&format!("acme/claims/1/{n:02}.csv"), n))
        .collect();
    let backwards: Vec<_> = page.iter().rev().cloned().collect();
    world.store.record_seen(&page, at(0)).await.unwrap();
    let handles = [world.another_handle().await, world.another_handle().await];
    let rivals = [&page, &backwards].map(|p| group_of(p, GroupingMethod::Quiescence, 0));
    let (one, other) = tokio::join!(
        register(&handles[0], &rivals[0]),
        register(&handles[1], &rivals[1])
    );
    assert!(one != other);
}

async fn a_group_that_is_not_as_it_was_is_left_alone(world: World) {
    let store = &world.store;
    let objects = [
        seen("acme/claims/1/a.csv", 1),
        seen("acme/claims/1/b.csv", 2),
    ];
    store.record_seen(&objects, at(0)).await.unwrap();
    let before = table_dump::rows(&world).await;
    let whole = || group_of(&objects, GroupingMethod::Quiescence, 0);
    let spoilt: [fn(&mut store::NewFile); 5] = [
        |file| file.size_bytes += 1,
        |file| file.etag = None,
        |file| file.last_modified += chrono::Duration::microseconds(1),
        |file| file.object_key.push('x'),
        |file| file.taken_by = Some(SubmissionId::new()),
    ];
    for spoil in spoilt {
        let mut new = whole();
        spoil(&mut new.files[1]);
        assert!(!register(store, &new).await);
        assert_eq!(table_dump::rows(&world).await, before);
    }
    assert!(register(store, &whole()).await);
    assert!(!register(store, &whole()).await, "once is enough");
}

async fn a_reopened_group_names_who_had_its_files(world: World) {
    let store = &world.store;
    let early = seen("acme/claims/1/a.csv", 1);
    store
        .record_seen(std::slice::from_ref(&early), at(0))
        .await
        .unwrap();
    let first = group_of(std::slice::from_ref(&early), GroupingMethod::Quiescence, 0);
    assert!(register(store, &first).await);
    let late = seen("acme/claims/1/b.csv", 2);
    store
        .record_seen(std::slice::from_ref(&late), at(9))
        .await
        .unwrap();

    let mut again = group_of(&[early, late.clone()], GroupingMethod::Quiescence, 9);
    assert!(
        !register(store, &again).await,
        "its first file was taken, as far as it knows by nobody"
    );
    again.files[0].taken_by = Some(first.id);
    assert!(register(store, &again).await);
    assert_eq!(store.open_groups().await.unwrap(), []);
    // Both keep their files.
    assert_eq!(store.submission_files(first.id).await.unwrap().len(), 1);
    assert_eq!(store.submission_files(again.id).await.unwrap().len(), 2);
}

async fn a_group_of_many_files_is_registered_whole(world: World) {
    let page: Vec<_> = (0..1_201)
        .map(|n| seen(&format!("acme/claims/1/{n:04}.csv"), n))
        .collect();
    world.store.record_seen(&page, at(0)).await.unwrap();
    let new = group_of(&page, GroupingMethod::Quiescence, 0);
    assert!(register(&world.store, &new).await);
    let files = world.store.submission_files(new.id).await.unwrap();
    assert_eq!(files.len(), 1_201);
    assert!(
        files
            .iter()
            .zip(&page)
            .all(|(file, object)| file.object_key == object.key)
    );
}
