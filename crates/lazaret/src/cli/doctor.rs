use std::collections::BTreeSet;
use std::path::Path;

use bytes::Bytes;
use lake::Objects;
use pipeline::{Catalog, CatalogError};
use serde::Serialize;
use store::Store;

use super::failure::{diagnostic, with_causes};
use super::output::{Answer, Table, plural, show, size};
use super::{Done, Failure, Globals, project};
use crate::configuration::{Configuration, ShownSetting};

/// Less than this free in a local object store is a fault.
const FREE_BYTES_MIN: u64 = 1_000_000_000;
/// Written, read and deleted to see whether that is allowed.
const PROBE: &str = "lazaret-doctor-probe";

#[derive(Debug, Serialize)]
struct Examined {
    settings: Vec<ShownSetting>,
    checks: Vec<Check>,
}

#[derive(Debug, Serialize)]
struct Check {
    what: &'static str,
    verdict: Verdict,
    found: String,
    remedy: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    /// Works, and is worth a look.
    Note,
    Fault,
}

impl Check {
    fn ok(what: &'static str, found: impl Into<String>) -> Self {
        Self {
            what,
            verdict: Verdict::Ok,
            found: found.into(),
            remedy: None,
        }
    }

    fn note(what: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            what,
            verdict: Verdict::Note,
            found: found.into(),
            remedy: Some(remedy.into()),
        }
    }

    fn fault(what: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            what,
            verdict: Verdict::Fault,
            found: found.into(),
            remedy: Some(remedy.into()),
        }
    }
}

pub(crate) async fn run(globals: &Globals) -> Result<Done, Failure> {
    let configuration = project::configuration(globals)?;
    let mut checks = vec![Check::ok(
        "configuration",
        plural(configuration.shown.len() as u64, "setting"),
    )];
    checks.push(check_store(&configuration).await);
    checks.extend(check_objects(&configuration).await);
    checks.extend(check_documents(&configuration).await);
    let examined = Examined {
        settings: configuration.shown,
        checks,
    };
    show(globals.format, &examined)?;
    let healthy = examined
        .checks
        .iter()
        .all(|check| check.verdict != Verdict::Fault);
    Ok(if healthy {
        Done::Well
    } else {
        Done::WithFaults
    })
}

async fn check_store(configuration: &Configuration) -> Check {
    const WHAT: &str = "metadata database";
    let store = match Store::connect(&configuration.metadata_url).await {
        Ok(store) => store,
        Err(error) => {
            return Check::fault(
                WHAT,
                with_causes(&error.into()),
                "check metadata.url, or METADATA_DB_URL",
            );
        }
    };
    let schema = store.check_schema().await;
    let backend = store.backend().as_str();
    store.close().await;
    match schema {
        Ok(()) => Check::ok(
            WHAT,
            format!("{backend}, reachable, its schema is up to date"),
        ),
        Err(error) => Check::fault(WHAT, with_causes(&error.into()), "run `lazaret migrate`"),
    }
}

async fn check_objects(configuration: &Configuration) -> Vec<Check> {
    const WHAT: &str = "object store";
    let url = &configuration.objects_url;
    let remedy = "check objects.url (OBJECTS_URL), the folder's rights, or the AWS_* variables";
    let objects = match Objects::connect(url) {
        Ok(objects) => objects,
        Err(error) => return vec![Check::fault(WHAT, with_causes(&error.into()), remedy)],
    };
    let mut checks = vec![match probe(&objects).await {
        Ok(()) => Check::ok(WHAT, format!("{url}: written, read and deleted a probe")),
        Err(problem) => Check::fault(WHAT, problem, remedy),
    }];
    if let Ok(folder) = objects.url().to_file_path() {
        checks.extend(check_space(&folder));
    }
    checks
}

async fn probe(objects: &Objects) -> Result<(), String> {
    let content = Bytes::from_static(b"lazaret");
    objects
        .put(PROBE, content.clone())
        .await
        .map_err(|error| with_causes(&error.into()))?;
    let read = objects
        .get(PROBE)
        .await
        .map_err(|error| with_causes(&error.into()))?;
    objects
        .delete(PROBE)
        .await
        .map_err(|error| with_causes(&error.into()))?;
    if read == content {
        Ok(())
    } else {
        Err("what was written is not what was read".to_owned())
    }
}

#[cfg(unix)]
fn check_space(folder: &Path) -> Option<Check> {
    const WHAT: &str = "disk space";
    let space = match rustix::fs::statvfs(folder) {
        Ok(space) => space,
        Err(error) => {
            return Some(Check::note(
                WHAT,
                format!("unknown: {error}"),
                "look at it with `df`",
            ));
        }
    };
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let found = format!("{} free", size(free));
    Some(if free >= FREE_BYTES_MIN {
        Check::ok(WHAT, found)
    } else {
        Check::fault(
            WHAT,
            found,
            "make room, or move objects.url to a larger disk",
        )
    })
}

#[cfg(not(unix))]
fn check_space(_: &Path) -> Option<Check> {
    None
}

async fn check_documents(configuration: &Configuration) -> Vec<Check> {
    const WHAT: &str = "documents";
    const REMEDY: &str = "`lazaret contract check` shows each mistake with its line";
    let catalog = match Catalog::load(&configuration.project).await {
        Ok(catalog) => catalog,
        Err(CatalogError::Documents(wrong)) => {
            let told: Vec<String> = wrong.iter().map(|error| diagnostic(error)).collect();
            return vec![Check::fault(WHAT, told.join("\n"), REMEDY)];
        }
        Err(error) => return vec![Check::fault(WHAT, with_causes(&error.into()), REMEDY)],
    };
    let mut checks = vec![Check::ok(
        WHAT,
        format!(
            "{}, {}, {}, {}",
            plural(catalog.layouts.len() as u64, "contract"),
            plural(catalog.feeds.len() as u64, "feed"),
            plural(catalog.schemas.len() as u64, "canonical schema"),
            plural(catalog.mappings.len() as u64, "mapping")
        ),
    )];
    if catalog.feeds.is_empty() {
        checks.push(Check::note(
            "feeds",
            "none: everything that is dropped will need review",
            "copy feeds/example.yaml.sample to feeds/FEED.yaml and fill it in",
        ));
    }
    checks.push(check_mappings(&catalog));
    checks
}

fn check_mappings(catalog: &Catalog) -> Check {
    const WHAT: &str = "mappings";
    let wrong = catalog.check_mappings();
    if !wrong.is_empty() {
        let told: Vec<String> = wrong
            .iter()
            .map(|wrong| format!("{}: {}", wrong.mapping, wrong.problems.join("; ")))
            .collect();
        return Check::fault(
            WHAT,
            told.join("\n"),
            "mend canonical/mappings/…, then `lazaret registry sync`",
        );
    }
    // A layout that somebody sends and that cannot reach the statewide table.
    let sent: BTreeSet<_> = catalog
        .feeds
        .values()
        .flat_map(|feed| &feed.contracts)
        .collect();
    let unmapped: Vec<String> = sent
        .into_iter()
        .filter(|layout| {
            let schema = catalog.schema(&layout.file_type);
            schema.is_some_and(|schema| catalog.mapping(layout, schema.version).is_none())
        })
        .map(ToString::to_string)
        .collect();
    if unmapped.is_empty() {
        return Check::ok(WHAT, "all fit their layouts and canonical schemas");
    }
    Check::fault(
        WHAT,
        format!(
            "{} can be sent and has no mapping to the newest canonical schema",
            unmapped.join(", ")
        ),
        "write canonical/mappings/{file_type}/{layout_version}/v1.json for it",
    )
}

impl Answer for Examined {
    fn text(&self) -> String {
        let mut settings = Table::new(["setting", "value", "from"]);
        for shown in &self.settings {
            settings.row([
                shown.setting.to_owned(),
                shown.value.clone(),
                shown.origin.clone(),
            ]);
        }
        let mut text = format!("{settings}\n\n");
        for check in &self.checks {
            let verdict = match check.verdict {
                Verdict::Ok => "ok   ",
                Verdict::Note => "note ",
                Verdict::Fault => "FAULT",
            };
            let found = check.found.trim_end().replace('\n', "\n       ");
            text += &format!("{verdict}  {}: {found}\n", check.what);
            if let Some(remedy) = &check.remedy {
                text += &format!("       remedy: {remedy}\n");
            }
        }
        text
    }
}
