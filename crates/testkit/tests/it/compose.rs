//! `docker-compose.yml`, as far as it can be checked where there is no Docker: its services, what
//! they wait for, what they may do, and that what one service is told of another is so. Its
//! variables are in `compose_settings.rs`; that `lazaret` accepts its commands, in the tests of
//! `lazaret`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::compose_settings::with_defaults;
use crate::dockerfile::stages;
use crate::workspace::root;

/// Every service, and whether it starts only under the profile `dagster`.
const SERVICES: [(&str, bool); 11] = [
    ("metadata_postgres", false),
    ("minio", false),
    ("minio_init", false),
    ("migrations", false),
    ("lazaret", false),
    ("worker", false),
    ("redpanda", false),
    ("redpanda_init", false),
    ("dagster_webserver", true),
    ("dagster_daemon", true),
    ("dagster_postgres", true),
];

pub(crate) fn text() -> String {
    std::fs::read_to_string(root().join("docker-compose.yml")).expect("it lies in the root")
}

/// As Compose reads it where no variable is set: anchors, merges and defaults resolved.
pub(crate) fn parse(text: &str) -> Value {
    serde_saphyr::from_str(&with_defaults(text)).expect("docker-compose.yml is YAML")
}

fn services(compose: &Value) -> BTreeMap<&str, &Value> {
    let services = compose["services"].as_object().expect("it has services");
    services
        .iter()
        .map(|(name, service)| (name.as_str(), service))
        .collect()
}

fn texts(value: &Value) -> Vec<&str> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).collect()
}

fn profiles(service: &Value) -> Vec<&str> {
    texts(&service["profiles"])
}

fn wrong_services(compose: &Value) -> Vec<String> {
    let found: BTreeMap<_, _> = services(compose)
        .into_iter()
        .map(|(name, service)| (name, profiles(service)))
        .collect();
    let expected = SERVICES.map(|(name, dagster)| (name, vec!["dagster"; usize::from(dagster)]));
    if found == BTreeMap::from(expected) {
        return Vec::new();
    }
    vec![format!(
        "other services or profiles than SERVICES: {found:?}"
    )]
}

fn wrong_waits(compose: &Value) -> Vec<String> {
    let services = services(compose);
    let mut wrong = Vec::new();
    for (name, service) in &services {
        let waits = service["depends_on"].as_object().into_iter().flatten();
        for (target, how) in waits {
            let Some(awaited) = services.get(target.as_str()) else {
                wrong.push(format!("{name} waits for {target}, which is no service"));
                continue;
            };
            if !profiles(awaited).is_empty() && profiles(service).is_empty() {
                wrong.push(format!("{name} waits for {target}, which may not start"));
            }
            let can_come = match how["condition"].as_str() {
                Some("service_healthy") => has_health(awaited),
                // What is started again when it ends has never completed.
                Some("service_completed_successfully") => awaited["restart"] == "no",
                _ => false,
            };
            if !can_come {
                wrong.push(format!("{name} waits for {target} in vain: {how}"));
            }
        }
    }
    wrong
}

/// Says how it is, by a check of its own or by that of our image.
fn has_health(service: &Value) -> bool {
    let check = &service["healthcheck"];
    check["test"].is_array() || (check.is_null() && service["image"] == "lazaret:local")
}

fn wrong_images(compose: &Value) -> Vec<String> {
    let services = services(compose);
    let stages = stages();
    let mut wrong = Vec::new();
    let mut built: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, service) in &services {
        let image = service["image"].as_str().unwrap_or_default();
        let tag = image.rsplit_once(':').map_or("", |(_, tag)| tag);
        if matches!(tag, "" | "latest") {
            wrong.push(format!("the image of {name} is not pinned: {image}"));
        }
        let builds = built.entry(image).or_default();
        if service["build"].is_object() {
            *builds += 1;
            let target = service["build"]["target"].as_str();
            if !stages.iter().any(|stage| Some(stage.name()) == target) {
                wrong.push(format!("{name} builds {target:?}, no stage of Dockerfile"));
            }
        }
    }
    for (image, builds) in built {
        let expected = usize::from(image.ends_with(":local"));
        if builds != expected {
            wrong.push(format!("{builds} services build {image}, not {expected}"));
        }
    }
    wrong
}

fn wrong_powers(compose: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, service) in services(compose) {
        for key in ["privileged", "cap_add", "devices", "user", "pid", "ipc"] {
            if !service[key].is_null() {
                wrong.push(format!("{name} has {key}"));
            }
        }
        if service["network_mode"] == "host" {
            wrong.push(format!("{name} is on the host's network"));
        }
        if service["image"]
            .as_str()
            .is_some_and(|image| image.ends_with(":local"))
            && (texts(&service["cap_drop"]) != ["ALL"]
                || texts(&service["security_opt"]) != ["no-new-privileges:true"])
        {
            wrong.push(format!("{name} is ours and keeps powers that it needs not"));
        }
        for port in texts(&service["ports"]) {
            if !port.starts_with("127.0.0.1:") {
                wrong.push(format!("{name} is open to the network: {port}"));
            }
        }
        for volume in texts(&service["volumes"]) {
            if volume.contains("docker.sock") {
                wrong.push(format!("{name} commands Docker itself"));
            }
        }
    }
    wrong
}

/// Volumes are declared and used, what is mounted from here is here, no port is asked for twice.
fn wrong_places(compose: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut ports = BTreeSet::new();
    let mut used = BTreeSet::new();
    for (name, service) in services(compose) {
        for volume in texts(&service["volumes"]) {
            let source = volume.split(':').next().unwrap_or_default();
            if source.starts_with(['.', '/']) {
                if !root().join(source).exists() {
                    wrong.push(format!("{name} mounts {source}, which is not here"));
                }
            } else {
                used.insert(source.to_owned());
            }
        }
        for port in texts(&service["ports"]) {
            let host = port.split(':').nth(1).unwrap_or_default();
            if !ports.insert(host.to_owned()) {
                wrong.push(format!("{name} asks for port {host}, as another does"));
            }
        }
    }
    let declared = compose["volumes"].as_object().into_iter().flatten();
    let declared: BTreeSet<_> = declared.map(|(name, _)| name.clone()).collect();
    if used != declared {
        wrong.push(format!("volumes used {used:?}, declared {declared:?}"));
    }
    wrong
}

fn violations(text: &str) -> Vec<String> {
    let compose = parse(text);
    let rules = [
        wrong_services,
        wrong_waits,
        wrong_images,
        wrong_powers,
        wrong_places,
    ];
    rules.into_iter().flat_map(|rule| rule(&compose)).collect()
}

#[test]
fn the_services_can_be_started_and_may_do_no_more_than_they_must() {
    let found = violations(&text());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The file with one text replaced breaks the rule that says `expect`.
#[track_caller]
fn breaks(from: &str, to: &str, expect: &str) {
    let text = text();
    assert!(text.contains(from), "`{from}` is not in docker-compose.yml");
    let found = violations(&text.replace(from, to)).join("\n");
    assert!(found.contains(expect), "`{expect}` is not in `{found}`");
}

#[test]
fn each_rule_can_be_broken() {
    breaks("  worker:\n", "  helper:\n", "other services");
    breaks("profiles: [dagster]", "profiles: [other]", "other services");
    breaks("minio_init: { c", "minio_unit: { c", "is no service");
    breaks(
        "      minio: { condition: service_healthy }",
        "      dagster_postgres: { condition: service_healthy }",
        "may not start",
    );
    breaks(
        "migrations: { condition: service_completed_successfully }",
        "worker: { condition: service_completed_successfully }",
        "in vain",
    );
    breaks(
        "migrations: { condition: service_completed_successfully }",
        "worker: { condition: service_healthy }",
        "in vain",
    );
    breaks(
        "redpanda:v26.1.14",
        "redpanda:latest",
        "redpanda is not pinned",
    );
    breaks(":RELEASE.2026-08-04T00-00-00Z", "", "minio is not pinned");
    breaks(
        "    command: [\"worker\"]",
        "    command: [\"worker\"]\n    build: { context: ., target: lazaret }",
        "2 services build lazaret:local",
    );
    breaks("target: dagster }", "target: other }", "no stage");
    breaks(
        "  worker:\n",
        "  worker:\n    privileged: true\n",
        "worker has privileged",
    );
    breaks("cap_drop: [ALL]", "cap_drop: []", "lazaret is ours");
    breaks("127.0.0.1:${MINIO_PORT", "${MINIO_PORT", "open to the net");
    breaks(
        "LAZARET_PORT:-3000",
        "LAZARET_PORT:-9000",
        "port 9000, as another",
    );
    breaks(
        "/compose-dagster.yaml",
        "/compose-other.yaml",
        "is not here",
    );
    breaks("\n  spill:\n", "\n  spilt:\n", "declared");
}

/// What one service is told of another is what that one says of itself.
#[test]
fn the_services_find_each_other() {
    let compose = parse(&text());
    let services = services(&compose);
    let environment = |service: &str, name: &str| -> String {
        let value = &services[service]["environment"][name];
        let value = value.as_str();
        value
            .unwrap_or_else(|| panic!("{service} has no {name}"))
            .to_owned()
    };
    // What is said of the inside of a container, where nothing was published.
    let is_served = |service: &str, port: &str| {
        let ports = texts(&services[service]["ports"]);
        ports.iter().any(|p| p.ends_with(&format!(":{port}")))
    };

    for service in ["migrations", "lazaret", "worker", "dagster_daemon"] {
        let (user, database) = (
            environment("metadata_postgres", "POSTGRES_USER"),
            environment("metadata_postgres", "POSTGRES_DB"),
        );
        assert_eq!(
            environment(service, "METADATA_DB_URL"),
            format!("postgres://{user}@metadata_postgres:5432/{database}")
        );
        assert_eq!(
            environment(service, "AWS_ENDPOINT_URL"),
            "http://minio:9000"
        );
        assert_eq!(environment(service, "AWS_ALLOW_HTTP"), "true");
        assert_eq!(environment(service, "OBJECTS_URL"), "s3://health-raw");
        assert_eq!(environment(service, "LAZARET_PROJECT"), "/project");
        let volumes = texts(&services[service]["volumes"]);
        assert!(volumes.iter().any(|v| v.contains(":/project")), "{service}");
    }
    assert!(is_served("metadata_postgres", "5432") && is_served("minio", "9000"));

    let listens = texts(&services["lazaret"]["command"]);
    let port = listens.last().and_then(|listen| listen.rsplit_once(':'));
    let port = port.expect("it listens on an address and a port").1;
    assert!(is_served("lazaret", port), "{port} is published");
    assert_eq!(
        environment("minio", "MINIO_NOTIFY_WEBHOOK_ENDPOINT_LAZARET"),
        format!("http://lazaret:{port}/v1/events/s3")
    );
    assert_eq!(
        environment("minio", "MINIO_NOTIFY_WEBHOOK_ENABLE_LAZARET"),
        "on"
    );

    let init = texts(&services["minio_init"]["command"]).join("\n");
    for said in [
        "http://minio:9000",
        "mb --ignore-existing local/health-raw",
        "local/health-raw arn:minio:sqs::LAZARET:webhook",
    ] {
        assert!(init.contains(said), "`{said}` is not in\n{init}");
    }
}

#[test]
fn the_broker_has_its_topics_and_says_where_it_is() {
    let compose = parse(&text());
    let services = services(&compose);
    let topics = services["redpanda_init"]["environment"]["TOPICS"].as_str();
    let topics: Vec<_> = topics.unwrap_or_default().split_whitespace().collect();
    assert_eq!(
        topics,
        [
            "record.ingested.v1",
            "record.ingested.v2",
            "record.ingested.v1.dlq",
            "record.ingested.v2.dlq"
        ]
    );
    let command = texts(&services["redpanda"]["command"]).join(" ");
    let published = texts(&services["redpanda"]["ports"]);
    let [_, host, inside] = published[0].split(':').collect::<Vec<_>>()[..] else {
        panic!("an address, a port of the host and one of the container: {published:?}");
    };
    assert!(command.contains(&format!("external://0.0.0.0:{inside}")));
    assert!(command.contains(&format!("external://localhost:{host}")));
}

#[test]
fn dagster_keeps_its_own_storage_apart() {
    let compose = parse(&text());
    let services = services(&compose);
    let file = std::fs::read_to_string(root().join("scripts/compose-dagster.yaml"));
    let file: Value = serde_saphyr::from_str(&file.expect("it is mounted")).expect("it is YAML");
    let storage = &file["storage"]["postgres"]["postgres_db"];
    let postgres = &services["dagster_postgres"]["environment"];
    assert_eq!(storage["hostname"], "dagster_postgres");
    assert_eq!(storage["username"], postgres["POSTGRES_USER"]);
    assert_eq!(storage["db_name"], postgres["POSTGRES_DB"]);
    for service in ["dagster_webserver", "dagster_daemon"] {
        let environment = &services[service]["environment"];
        let password = storage["password"]["env"].as_str().expect("by environment");
        assert_eq!(environment[password], postgres["POSTGRES_PASSWORD"]);
        let home = environment["DAGSTER_HOME"].as_str().expect("it has a home");
        let mounted = format!("./scripts/compose-dagster.yaml:{home}/dagster.yaml:ro");
        assert!(texts(&services[service]["volumes"]).contains(&mounted.as_str()));
    }
}
