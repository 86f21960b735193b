use store::{Store, StoreError};

use crate::world::World;

#[tokio::test]
async fn an_address_that_cannot_be_used_is_said_without_its_password() {
    for url in [
        "mysql://user:hunter2@host/db",
        "",
        "/var/lib/x.db",
        "user:hunter2@host",
    ] {
        let error = Store::connect(url).await.unwrap_err();
        assert!(
            matches!(error, StoreError::UnusableUrl { .. }),
            "{url}: {error:?}"
        );
        let text = format!("{error} {error:?}");
        assert!(text.contains("METADATA_DB_URL"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
        assert!(!error.is_transient());
    }
}

#[tokio::test]
async fn a_database_in_memory_is_refused() {
    for url in ["sqlite::memory:", "sqlite://file:x?mode=memory"] {
        let error = Store::connect(url).await.unwrap_err();
        assert!(error.to_string().contains("in memory is lost"), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_said_at_once() {
    let started = std::time::Instant::now();
    // Port 1 of the local machine: nobody listens there.
    let error = Store::connect("postgres://user:hunter2@127.0.0.1:1/lazaret")
        .await
        .unwrap_err();
    assert!(started.elapsed().as_secs() < 5);
    let text = error.to_string();
    assert!(
        text.contains("postgres://127.0.0.1:1/lazaret; check that the server runs"),
        "{text}"
    );
    assert!(!format!("{error:?}").contains("hunter2"));
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_missing_database_of_a_running_server_is_not_transient() {
    let world = World::postgres().await;
    let (before, options) = world.url.split_once('?').unwrap_or((&world.url, ""));
    let (server, _) = before.rsplit_once('/').unwrap();
    let url = format!("{server}/no_such_database?{options}");
    let error = Store::connect(&url).await.unwrap_err();
    assert!(matches!(error, StoreError::CannotOpen { .. }));
    assert!(!error.is_transient(), "{error:?}");
}

#[tokio::test]
async fn the_sqlite_file_and_its_folder_are_made() {
    let world = World::empty_sqlite().await;
    assert!(world.folder().unwrap().join("state/lazaret.db").is_file());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_may_open_a_new_file_at_once() {
    let folder = tempfile::TempDir::new().unwrap();
    let url = format!("sqlite://{}/new.db", folder.path().display());
    let openers: Vec<_> = (0..8)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { Store::connect(&url).await?.migrate().await })
        })
        .collect();
    for opener in openers {
        opener.await.unwrap().unwrap();
    }
    Store::connect(&url)
        .await
        .unwrap()
        .check_schema()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_names_the_place() {
    let error = Store::connect("sqlite:///proc/lazaret/state.db")
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("/proc/lazaret/state.db; check"),
        "{error}"
    );
}
