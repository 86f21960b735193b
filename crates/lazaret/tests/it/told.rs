//! When the daemon looks: where it was told of something, and at its scheduled time.

use chrono::{DateTime, Utc};
use futures::future::join_all;
use testkit::answer::Answer;
use testkit::proxy::{FaultProxy, Requests};

use crate::daemon::{TOKEN, is_at_rest, notification};
use crate::drops;
use crate::project::{Project, Stack, runtime};
use crate::running::{Running, eventually};

const KNOWN: &str = "cascade/medical_claim/20110131";
const DROP: &str = "evergreen/medical_claim/20110115";

/// More than a page of S3's listings holds.
const OLD_OBJECTS: usize = 2_500;

fn fill_with_old_objects(project: &Project) {
    let objects = project.objects();
    let numbers: Vec<usize> = (0..OLD_OBJECTS).collect();
    runtime().block_on(async {
        for some in numbers.chunks(50) {
            let puts = some.iter().map(|number| {
                let key = format!("inbox/old/.{number}");
                let objects = &objects;
                async move { objects.put(&key, "old".into()).await.unwrap() }
            });
            join_all(puts).await;
        }
    });
}

#[test]
fn an_inbox_full_of_old_objects_is_not_listed_for_what_is_told_of() {
    let mut project = Project::new(Stack::PostgresAndS3);
    fill_with_old_objects(&project);
    drops::drop_one(&project, KNOWN);
    let store = FaultProxy::start_http(project.variable("AWS_ENDPOINT_URL"));
    project.set("AWS_ENDPOINT_URL", &store.url());
    project.set("EVENTS_TOKEN", TOKEN);
    let up = Running::up(&project);
    eventually("it has looked at everything", || is_at_rest(&project, 1));

    // Whoever lists the inbox asks for its second page.
    let second_page = Requests::of("GET").with("continuation-token");
    let refusal = Answer::s3_error(403, "AccessDenied", "no page but the first");
    store.answer(second_page, refusal, u32::MAX);
    drops::drop_one(&project, DROP);
    let bearer = format!("authorization: Bearer {TOKEN}\r\n");
    let told = notification(&project, DROP);
    let (status, body) = up.post("/v1/events/s3", &bearer, &told);
    assert_eq!(status, 202, "{body}");
    eventually("what was told of is done", || is_at_rest(&project, 2));
    assert_eq!(store.counters().answered, 0, "the inbox was listed");

    let listed = project.run(&["run", "--once"]);
    assert_eq!(listed.status.code(), Some(1));
    assert!(store.counters().answered > 0);
}

#[test]
fn a_scheduled_sensor_waits_for_its_time() {
    let project = Project::new(Stack::SqliteAndFolder);
    project.write("lazaret.toml", "[schedules]\nparse = \"* * * * * UTC\"\n");
    let _up = Running::up(&project);
    drops::drop_one(&project, DROP);
    eventually("it is done", || is_at_rest(&project, 1));
    let time = |job: &str, name: &str| -> DateTime<Utc> {
        let runs = project.json(&["job", "list", "--job", job]);
        runs["runs"][0][name].as_str().unwrap().parse().unwrap()
    };
    let (staged, parsed) = (time("stage", "finished_at"), time("parse", "started_at"));
    let next_minute = staged.timestamp() / 60 * 60 + 60;
    let waited = parsed.timestamp() - next_minute;
    assert!(
        (0..30).contains(&waited),
        "staged {staged}, parsed {parsed}"
    );
}
