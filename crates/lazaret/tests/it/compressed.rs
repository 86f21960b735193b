//! Compressed files in an inbox: read as what they hold, kept as they came, traced to their text.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use testkit::python::run_python;

use crate::outputs::mirror;
use crate::project::{Project, Stack, files_below};

const CONTRACT: &str = r#"
contract: visit
version: 1
title: Visits
file_name: { pattern: "visits_{year}.csv" }
natural_key: [id]
columns:
  - { name: id, type: integer, required: true }
  - { name: city, type: string }
"#;

const FEED: &str = r#"
feed: regional_visits
title: Regional visits
submitter: regional
state: wa
contracts: [visit@v1]
"#;

/// Row 30,000 lies some way behind the first chunk; row 7 has no id.
fn visits() -> Vec<u8> {
    let mut text = b"id,city\n".to_vec();
    for row in 1..=30_000 {
        let id = if row == 7 {
            "none".to_owned()
        } else {
            row.to_string()
        };
        writeln!(text, "{id},town {}", row % 91).unwrap();
    }
    text
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn submitted(stack: Stack, name: &str, bytes: Vec<u8>) -> Project {
    let project = Project::new(stack);
    project.write("contracts/visit/v1.yaml", CONTRACT);
    project.write("feeds/regional_visits.yaml", FEED);
    project.drop_bytes(&format!("regional/visit/2024/{name}"), bytes);
    project.run_once();
    project
}

fn kept_as_it_came(project: &Project, name: &str, packed: &[u8]) {
    let objects = mirror(project);
    let raw = files_below(&objects.path().join("raw"));
    let raw = raw.iter().find(|path| path.ends_with(name)).unwrap();
    assert_eq!(std::fs::read(raw).unwrap(), packed, "kept as it came");
}

/// The key of the one part of silver.
fn silver_key(project: &Project) -> String {
    let objects = mirror(project);
    let silver = files_below(&objects.path().join("silver"));
    let mut parts = silver.iter();
    let part = parts.find(|path| path.extension().is_some_and(|end| end == "parquet"));
    let key = part.unwrap().strip_prefix(objects.path()).unwrap();
    key.to_str().unwrap().to_owned()
}

on_both_stacks!(
    packed_files_are_read_as_what_they_hold,
    a_packed_file_that_is_cut_off_fails_and_says_why,
    an_archive_is_read_member_by_member,
    an_archive_is_classified_by_the_names_of_its_members,
);

fn packed_files_are_read_as_what_they_hold(stack: Stack) {
    for (ending, packed) in [
        ("gz", gzip(&visits())),
        ("zst", zstd::encode_all(&visits()[..], 3).unwrap()),
    ] {
        let project = submitted(stack, &format!("visits_2024.csv.{ending}"), packed.clone());
        let submission = project.submission("regional/visit/2024");
        assert_eq!(submission["state"], "VALIDATED", "{submission}");
        assert_eq!(submission["rows_accepted"], 29_999);
        assert_eq!(submission["rows_rejected"], 1);
        kept_as_it_came(&project, &format!("visits_2024.csv.{ending}"), &packed);
        let key = &silver_key(&project);
        let trace = project.json(&["trace", key, "29998", "--reveal"]);
        assert_eq!(trace["source_row"], 30_000);
        assert_eq!(trace["raw_line"], "30000,town 61");
    }
}

fn a_packed_file_that_is_cut_off_fails_and_says_why(stack: Stack) {
    let mut packed = gzip(&visits());
    packed.truncate(packed.len() / 2);
    let project = submitted(stack, "visits_2024.csv.gz", packed);
    let submission = project.submission("regional/visit/2024");
    assert_eq!(submission["state"], "PARSE_FAILED", "{submission}");
    let reason = submission["state_reason"].as_str().unwrap();
    assert!(reason.contains("cut off before its end"), "{reason}");
}

/// A ZIP archive of these members.
fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let mut arguments = vec![folder.path().join("made.zip").to_str().unwrap().to_owned()];
    for (index, (name, text)) in members.iter().enumerate() {
        let path = folder.path().join(index.to_string());
        std::fs::write(&path, text).unwrap();
        arguments.extend([path.to_str().unwrap().to_owned(), (*name).to_owned()]);
    }
    run_python(
        "import sys, zipfile\nto, *rest = sys.argv[1:]\n\
         with zipfile.ZipFile(to, 'w', zipfile.ZIP_DEFLATED) as archive:\n\
         \x20   for path, name in zip(rest[::2], rest[1::2]): archive.write(path, name)",
        &arguments,
    );
    std::fs::read(folder.path().join("made.zip")).unwrap()
}

fn an_archive_is_read_member_by_member(stack: Stack) {
    let packed = zip(&[
        ("south/visits_2024.csv", &visits()),
        ("__MACOSX/._visits_2024.csv", b"metadata"),
        ("north/visits_2023.csv.gz", &gzip(&visits())),
    ]);
    let project = submitted(stack, "delivery.zip", packed.clone());
    let submission = project.submission("regional/visit/2024");
    assert_eq!(submission["state"], "VALIDATED", "{submission}");
    assert_eq!(submission["rows_accepted"], 59_998);
    assert_eq!(submission["rows_rejected"], 2);
    let shown = project.json(&[
        "submission",
        "show",
        submission["submission_id"].as_str().unwrap(),
    ]);
    assert_eq!(shown["files"][0]["rows_in"], 60_000, "{shown}");
    kept_as_it_came(&project, "delivery.zip", &packed);
    let key = &silver_key(&project);
    for (row, member) in [
        (29_998, "south/visits_2024.csv"),
        (59_997, "north/visits_2023.csv.gz"),
    ] {
        let trace = project.json(&["trace", key, &row.to_string(), "--reveal"]);
        assert_eq!(trace["source_file"], format!("delivery.zip/{member}"));
        assert_eq!(trace["source_row"], 30_000);
        assert_eq!(trace["raw_line"], "30000,town 61");
    }
}

fn an_archive_is_classified_by_the_names_of_its_members(stack: Stack) {
    let packed = zip(&[("visits_2024.csv", &visits()), ("doses.csv", b"a\n1\n")]);
    let project = submitted(stack, "delivery.zip", packed);
    let submission = project.submission("regional/visit/2024");
    assert_eq!(submission["state"], "NEEDS_REVIEW", "{submission}");
    let reason = submission["state_reason"].as_str().unwrap();
    let said = "the name of `delivery.zip/doses.csv` fits no contract";
    assert!(reason.contains(said), "{reason}");
}
