//! Planted values must appear in data and quarantine only.

use futures::TryStreamExt;

use crate::project::{Project, Stack, repository, runtime};

/// In a good row, and in cells that break their checks.
const CANARIES: [&str; 3] = ["CA9A8DFEEDBEEF01", "CANARYBADDATE", "CANARYAMOUNT"];
const GROUP: &str = "evergreen/medical_claim/20240101";

on_both_stacks!(values_appear_in_data_and_quarantine_only);

fn values_appear_in_data_and_quarantine_only(stack: Stack) {
    let project = Project::new(stack);
    project.drop_bytes(
        &format!("{GROUP}/DE1_0_2008_to_2010_Inpatient_Claims_Sample_9.csv"),
        planted(),
    );
    let mut said = Vec::new();
    let mut listen = |arguments: &[&str]| {
        let output = project
            .command(arguments)
            .env("RUST_LOG", "trace")
            .output()
            .unwrap();
        said.extend(output.stdout);
        said.extend(output.stderr);
    };
    listen(&["run", "--once", "--verbose"]);
    let submission = project.submission(GROUP);
    let id = submission["submission_id"].as_str().unwrap();
    assert_eq!(
        (&submission["rows_in"], &submission["rows_rejected"]),
        (&101.into(), &1.into()),
        "{submission}"
    );
    listen(&["submission", "show", id]);
    listen(&["quarantine", "list"]);
    listen(&["quarantine", "show", id]);
    listen(&["status"]);

    let said = String::from_utf8_lossy(&said).into_owned();
    let database = project.metadata();
    assert!(database.contains(id), "it is the metadata");
    for canary in CANARIES {
        assert!(!said.contains(canary), "{canary} was printed or logged");
        assert!(!database.contains(canary), "{canary} is in the metadata");
    }
    let mut places = std::collections::BTreeSet::new();
    runtime().block_on(async {
        let objects = project.objects();
        let listed: Vec<_> = objects.list("").try_collect().await.unwrap();
        for object in listed {
            let bytes = objects.get(&object.key).await.unwrap();
            let text = String::from_utf8_lossy(&bytes);
            if CANARIES.iter().any(|canary| text.contains(canary)) {
                assert!(
                    !object.key.ends_with(".json"),
                    "{} holds a value",
                    object.key
                );
                places.insert(object.key.split('/').next().unwrap().to_owned());
            }
        }
    });
    let allowed = [
        "inbox",
        "raw",
        "silver",
        "quarantine",
        "gold_submitter",
        "gold_canonical",
    ];
    assert!(
        places.contains("inbox") && places.iter().all(|place| allowed.contains(&place.as_str())),
        "{places:?}"
    );
}

/// A hundred good rows with a planted id in the first, and a row with planted bad values.
fn planted() -> Vec<u8> {
    let folder = repository().join("demo/inbox/evergreen/medical_claim/20110212-corrected");
    let file = crate::project::files_below(&folder).remove(0);
    let text = std::fs::read_to_string(file).unwrap();
    let mut lines: Vec<String> = text.lines().take(101).map(str::to_owned).collect();
    let set = |line: &str, cells: &[(usize, &str)]| {
        let mut fields: Vec<&str> = line.split(',').collect();
        for (index, value) in cells {
            fields[*index] = value;
        }
        fields.join(",")
    };
    let bad = set(
        &lines[2],
        &[(1, "999999999999999"), (4, CANARIES[1]), (6, CANARIES[2])],
    );
    lines[1] = set(&lines[1], &[(0, CANARIES[0])]);
    lines.push(bad);
    (lines.join("\n") + "\n").into_bytes()
}
