use contract::SubmissionId;
use store::{Due, Moved, Staged, Store};

use crate::fixtures::{LEASE, staged};
use crate::fixtures::{at, claim, classification, owner, received, register_layout};
use crate::world::{World, on_both_databases};

on_both_databases!(
    the_same_content_of_the_same_submitter_is_recognised,
    what_was_received_first_is_the_original_whenever_it_is_staged,
    the_unclassified_are_compared_by_their_folder,
    an_assignment_looks_again,
);

async fn stage(store: &Store, id: SubmissionId, staged: &Staged) -> Option<SubmissionId> {
    assert_eq!(claim(store, Due::Stage).await.submission_id, id);
    store
        .finish_staging(id, &owner(), staged, at(9))
        .await
        .unwrap()
        .yes()
        .unwrap()
}

async fn duplicate_of(store: &Store, id: SubmissionId) -> Option<SubmissionId> {
    store.submission(id).await.unwrap().unwrap().duplicate_of
}

async fn the_same_content_of_the_same_submitter_is_recognised(world: World) {
    let store = &world.store;
    register_layout(store).await;
    let original = received(store, "1", 1).await;
    assert_eq!(stage(store, original, &staged("acme", "same")).await, None);
    let other_content = received(store, "2", 2).await;
    assert_eq!(
        stage(store, other_content, &staged("acme", "other")).await,
        None
    );
    let other_submitter = received(store, "3", 3).await;
    assert_eq!(
        stage(store, other_submitter, &staged("evergreen", "same")).await,
        None
    );
    for (drop_id, minutes) in [("4", 4), ("5", 5)] {
        let duplicate = received(store, drop_id, minutes).await;
        assert_eq!(
            stage(store, duplicate, &staged("acme", "same")).await,
            Some(original)
        );
        assert_eq!(duplicate_of(store, duplicate).await, Some(original));
    }
    assert_eq!(duplicate_of(store, original).await, None);
}

async fn what_was_received_first_is_the_original_whenever_it_is_staged(world: World) {
    let store = &world.store;
    register_layout(store).await;
    let ids = [
        received(store, "1", 1).await,
        received(store, "2", 2).await,
        received(store, "3", 3).await,
    ];
    for _ in ids {
        assert!(
            store
                .claim_submission(Due::Stage, &owner(), LEASE, at(0), &[])
                .await
                .unwrap()
                .is_some()
        );
    }
    for id in [ids[1], ids[2], ids[0]] {
        store
            .finish_staging(id, &owner(), &staged("acme", "same"), at(9))
            .await
            .unwrap();
    }
    for (id, original) in ids.into_iter().zip([None, Some(ids[0]), Some(ids[0])]) {
        assert_eq!(duplicate_of(store, id).await, original);
    }
}

async fn the_unclassified_are_compared_by_their_folder(world: World) {
    let store = &world.store;
    let unknown = Staged {
        content_hash: "same".to_owned(),
        classification: Err("?".to_owned()),
    };
    let original = received(store, "1", 1).await;
    assert_eq!(stage(store, original, &unknown).await, None);
    let duplicate = received(store, "2", 2).await;
    assert_eq!(stage(store, duplicate, &unknown).await, Some(original));
}

async fn an_assignment_looks_again(world: World) {
    let store = &world.store;
    register_layout(store).await;
    let original = received(store, "1", 1).await;
    stage(store, original, &staged("acme", "same")).await;
    let unknown = Staged {
        content_hash: "same".to_owned(),
        classification: Err("?".to_owned()),
    };
    let other = received(store, "2", 2).await;
    assert_eq!(
        stage(store, other, &unknown).await,
        Some(original),
        "by its folder"
    );
    let moved = store
        .assign(other, &classification("evergreen"), "sue")
        .await
        .unwrap();
    assert_eq!(moved, Moved::Yes(()));
    assert_eq!(
        duplicate_of(store, other).await,
        None,
        "it is another submitter's"
    );
}
