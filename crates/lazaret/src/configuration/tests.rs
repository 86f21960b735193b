//! Every bad setting: what is told, where it came from, what to write.

use std::path::Path;
use std::time::Duration;

use pipeline::ClassifierKind;

use super::{Configuration, ConfigurationError, OVERLAYS};
use crate::cli::configuration_diagnostic;
use crate::shipped;

const NOTHING: super::Environment<'_> = &|_| None;

fn parse(text: &str, variables: &[(&str, &str)]) -> Result<Configuration, ConfigurationError> {
    let environment = |name: &str| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Configuration::parse(Path::new("/project"), text, &environment)
}

/// What a person is told about that file and those variables.
fn told(text: &str, variables: &[(&str, &str)]) -> String {
    match parse(text, variables) {
        Err(ConfigurationError::Mistakes(mistakes)) => mistakes
            .iter()
            .map(|mistake| configuration_diagnostic(mistake))
            .collect::<Vec<_>>()
            .join("\n"),
        other => panic!("a mistake was expected, not {other:?}"),
    }
}

#[test]
fn an_empty_file_means_the_defaults() {
    let configuration = parse("", &[]).unwrap();
    assert_eq!(configuration.metadata_url, "sqlite:///project/lazaret.db");
    assert_eq!(configuration.objects_url, "/project/data");
    let settings = configuration.settings;
    assert_eq!(settings.inbox_prefix, "inbox/");
    assert_eq!(settings.group_by_depth, 3);
    assert_eq!(settings.quiescence, Duration::from_secs(15 * 60));
    assert_eq!(settings.classifier, ClassifierKind::SubmitterFilename);
    assert_eq!(settings.lease, Duration::from_secs(60));
    assert_eq!(settings.gold_retention, Duration::ZERO);
}

#[test]
fn a_new_project_has_the_defaults_in_its_file() {
    let shipped = parse(shipped::CONFIGURATION, &[]).unwrap();
    let empty = parse("", &[]).unwrap();
    let values = |configuration: &Configuration| {
        configuration
            .shown
            .iter()
            .map(|shown| (shown.setting, shown.value.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(values(&shipped), values(&empty));
    let of_the_file = shipped
        .shown
        .iter()
        .filter(|shown| shown.setting.contains('.'));
    for shown in of_the_file {
        assert!(
            shown.origin.starts_with("lazaret.toml line"),
            "{shown:?} is in the file"
        );
    }
}

#[test]
fn the_environment_overlays_the_file() {
    let text = "[inbox]\nprefix = \"drops/\"\nquiescence_minutes = 5\n";
    let variables = [
        ("METADATA_DB_URL", "postgres://me:secret@db/lazaret"),
        ("OBJECTS_URL", "s3://bucket/prefix"),
        ("INBOX_PREFIX", "in"),
        ("GROUP_BY_DEPTH", "2"),
        ("QUIESCENCE_MINUTES", "0.5"),
        ("CLASSIFIER_IMPL", "header"),
        ("ORCHESTRATOR", "dagster"),
        ("LISTEN", "0.0.0.0:8080"),
    ];
    let names: Vec<_> = variables.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, OVERLAYS);
    let configuration = parse(text, &variables).unwrap();
    assert_eq!(
        configuration.metadata_url,
        "postgres://me:secret@db/lazaret"
    );
    assert_eq!(configuration.objects_url, "s3://bucket/prefix");
    let settings = configuration.settings;
    assert_eq!(settings.inbox_prefix, "in/");
    assert_eq!(settings.group_by_depth, 2);
    assert_eq!(settings.quiescence, Duration::from_secs(30));
    assert_eq!(settings.classifier, ClassifierKind::Header);
    let shown = serde_json::to_string(&configuration.shown).unwrap();
    assert!(!shown.contains("secret"), "{shown}");
    assert!(
        shown.contains("environment variable METADATA_DB_URL"),
        "{shown}"
    );
}

#[test]
fn places_are_found_from_the_project() {
    for (written, expected) in [
        (
            "sqlite://state/lazaret.db",
            "sqlite:///project/state/lazaret.db",
        ),
        ("sqlite:lazaret.db", "sqlite:///project/lazaret.db"),
        ("sqlite:///var/lazaret.db", "sqlite:///var/lazaret.db"),
        ("postgres://db/lazaret", "postgres://db/lazaret"),
    ] {
        let text = format!("[metadata]\nurl = \"{written}\"\n");
        assert_eq!(parse(&text, &[]).unwrap().metadata_url, expected);
    }
    for (written, expected) in [
        ("./data", "/project/data"),
        ("data/objects", "/project/data/objects"),
        ("/srv/data", "/srv/data"),
        ("file:///srv/data", "file:///srv/data"),
        ("s3://bucket", "s3://bucket"),
    ] {
        let text = format!("[objects]\nurl = \"{written}\"\n");
        assert_eq!(parse(&text, &[]).unwrap().objects_url, expected);
    }
}

#[test]
fn a_project_folder_with_odd_characters_is_kept() {
    let configuration = Configuration::parse(Path::new("/a?b/50%"), "", NOTHING).unwrap();
    assert_eq!(
        configuration.metadata_url,
        "sqlite:///a%3Fb/50%25/lazaret.db"
    );
}

#[test]
fn no_project() {
    let folder = tempfile::tempdir().unwrap();
    let error = Configuration::load(folder.path(), NOTHING)
        .unwrap_err()
        .to_string();
    let shown = error.replace(&folder.path().display().to_string(), "FOLDER");
    insta::assert_snapshot!(shown);
}

#[test]
fn the_file_is_not_toml() {
    insta::assert_snapshot!(told("[metadata\nurl = 1\n", &[]));
}

#[test]
fn an_unknown_key() {
    insta::assert_snapshot!(told("[inbox]\nprefix = \"inbox/\"\nquiescence = 5\n", &[]));
}

#[test]
fn an_unknown_section() {
    insta::assert_snapshot!(told("[inbx]\nprefix = \"inbox/\"\n", &[]));
}

#[test]
fn every_setting_of_the_wrong_type() {
    let text = "\
[metadata]
url = 5
[objects]
url = true
[inbox]
prefix = [\"inbox/\"]
group_by_depth = \"3\"
quiescence_minutes = \"soon\"
classifier = 1
[work]
lease_seconds = 2024-01-01
[gold]
retention_hours = \"none\"
";
    insta::assert_snapshot!(told(text, &[]));
}

#[test]
fn every_setting_with_a_value_that_cannot_be() {
    let text = "\
[metadata]
url = \"mysql://db/lazaret\"
[objects]
url = \"gs://bucket\"
[inbox]
prefix = \"/\"
group_by_depth = 0
quiescence_minutes = -1
classifier = \"magic\"
[work]
lease_seconds = 0
[gold]
retention_hours = 0.5
";
    insta::assert_snapshot!(told(text, &[]));
}

#[test]
fn every_variable_with_a_value_that_cannot_be() {
    let variables = [
        ("METADATA_DB_URL", "lazaret.db"),
        ("OBJECTS_URL", "s3://"),
        ("INBOX_PREFIX", "silver/inbox"),
        ("GROUP_BY_DEPTH", "three"),
        ("QUIESCENCE_MINUTES", "NaN"),
        ("CLASSIFIER_IMPL", ""),
        ("ENV", "My Laptop"),
    ];
    insta::assert_snapshot!(told("", &variables));
}

#[test]
fn a_secret_in_the_file_is_refused_and_not_repeated() {
    for (section, url) in [
        ("metadata", "postgres://me:hunter2@db/lazaret"),
        ("metadata", "postgres://db/lazaret?user=me&password=hunter2"),
        ("objects", "s3://AKIA:hunter2@bucket/prefix"),
    ] {
        let told = told(&format!("[{section}]\nurl = \"{url}\"\n"), &[]);
        assert!(!told.contains("hunter2"), "{told}");
        assert!(told.contains("lazaret.toml line 2"), "{told}");
    }
    insta::assert_snapshot!(told(
        "[metadata]\nurl = \"postgres://me:hunter2@db/lazaret\"\n",
        &[]
    ));
    let beside = told(
        "[metadata]\nurl = \"postgres://me:hunter2@db/lazaret\"\nuser = \"me\"\n",
        &[],
    );
    assert!(
        !beside.contains("hunter2"),
        "the line beside a mistake is not shown: {beside}"
    );
    let unquoted = told("[metadata]\nurl = postgres://me:hunter2@db/lazaret\n", &[]);
    assert!(!unquoted.contains("hunter2"), "{unquoted}");
}

#[test]
fn a_database_in_memory_is_refused() {
    insta::assert_snapshot!(told("[metadata]\nurl = \"sqlite::memory:\"\n", &[]));
}

#[test]
fn an_inbox_above_the_store_is_refused() {
    insta::assert_snapshot!(told("[inbox]\nprefix = \"../elsewhere/\"\n", &[]));
}
