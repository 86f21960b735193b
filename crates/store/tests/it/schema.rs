use store::StoreError;

use crate::table_dump::columns;
use crate::world::{World, on_both_databases};

on_both_databases!(
    migrating_twice_applies_nothing_the_second_time,
    two_processes_may_migrate_at_once,
    an_older_schema_names_the_remedy,
    a_newer_schema_is_refused,
);

const ALL: [&str; 4] = [
    "0001 file path",
    "0002 jobs",
    "0003 alerts",
    "0004 exchange",
];

async fn migrating_twice_applies_nothing_the_second_time(world: World) {
    let fresh = world.another_empty().await;
    assert_eq!(fresh.store.migrate().await.unwrap(), ALL);
    assert_eq!(fresh.store.migrate().await.unwrap(), [""; 0]);
    fresh.store.check_schema().await.unwrap();
}

async fn two_processes_may_migrate_at_once(world: World) {
    let fresh = world.another_empty().await;
    let (one, other) = (fresh.another_handle().await, fresh.another_handle().await);
    let (one, other) = tokio::join!(one.migrate(), other.migrate());
    one.unwrap();
    other.unwrap();
    fresh.store.check_schema().await.unwrap();
}

async fn an_older_schema_names_the_remedy(world: World) {
    let error = world
        .another_empty()
        .await
        .store
        .check_schema()
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the metadata database is older than this program (it lacks {}); run `lazaret migrate`",
            ALL.join(", ")
        )
    );
}

async fn a_newer_schema_is_refused(world: World) {
    world.store.check_schema().await.unwrap();
    world
        .execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             SELECT 9999, 'from the future', success, checksum, 0 FROM _sqlx_migrations
             WHERE version = 1",
        )
        .await;
    let error = world.store.check_schema().await.unwrap_err();
    assert!(matches!(&error, StoreError::SchemaNewer { unknown } if unknown == &[9999]));
    assert!(
        error
            .to_string()
            .contains("install the version of lazaret that migrated it")
    );
    let error = world.store.migrate().await.unwrap_err();
    assert!(matches!(error, StoreError::SchemaNewer { .. }), "{error:?}");
}

#[tokio::test]
async fn both_databases_have_the_same_columns() {
    let sqlite = columns(&World::sqlite().await).await;
    let postgres = columns(&World::postgres().await).await;
    assert!(sqlite.iter().all(|(_, columns)| !columns.is_empty()));
    assert_eq!(sqlite, postgres);
}
