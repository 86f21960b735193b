//! What is known costs no more than listing it.

use std::time::{Duration, Instant};

use futures::TryStreamExt;

use testkit::python::run_python;

use crate::project::{Project, Stack, runtime};

const TAKE_ALL: &str = r#"
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as database:
    database.execute("UPDATE inbox_object SET submission_id = '01890000-0000-7000-8000-000000000000'")
"#;

/// Objects in the inbox, in groups of ten; all known before the clock starts.
const OBJECTS: usize = 100_000;

/// Takes a minute or two: `cargo nextest run -p lazaret --run-ignored all known_objects`.
#[test]
#[ignore = "makes a hundred thousand files"]
fn known_objects_slow_a_look_by_no_more_than_their_listing() {
    let mut project = Project::new(Stack::SqliteAndFolder);
    project.set("QUIESCENCE_MINUTES", "100000");
    for index in 0..OBJECTS {
        let folder = project
            .root()
            .join(format!("data/inbox/acme/claim/{:05}", index / 10));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{index}.csv")), "x").unwrap();
    }
    let first = project.run_once();
    assert_eq!(first["discovery"]["new"], OBJECTS);

    // As if each had been submitted: known objects of past deliveries.
    let database = project.root().join("lazaret.db");
    run_python(TAKE_ALL, &[database.to_str().unwrap()]);

    let (mut listing, mut looking) = (Vec::new(), Vec::new());
    let objects = project.objects();
    for _ in 0..5 {
        let started = Instant::now();
        let listed: Vec<_> = runtime()
            .block_on(objects.list("inbox/").try_collect())
            .unwrap();
        listing.push(started.elapsed());
        assert_eq!(listed.len(), OBJECTS);
        let started = Instant::now();
        let found = project.run_once();
        looking.push(started.elapsed());
        assert_eq!(found["discovery"]["new"], 0);
    }
    let (listing, looking) = (median(listing), median(looking));
    println!("listing {listing:?}, a whole run {looking:?}");
    assert!(
        looking <= 2 * listing + Duration::from_secs(1),
        "listing {listing:?}, a whole run {looking:?}"
    );
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
