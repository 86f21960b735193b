//! `lazaret.toml`: compiled-in defaults, the file over them, the environment over both.
//!
//! Everything is checked at start, all mistakes are told at once, and each says where its value
//! came from and what to write. Secrets come from the environment, never from the file.

mod check;
mod daemon;
mod error;
mod exchange;
mod raw;
mod telling;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pipeline::{AlertSettings, ClassifierKind, LineageSettings, RetryPolicy, Settings};
use serde::Serialize;

pub(crate) use self::daemon::{DaemonSettings, Orchestrator, TlsFiles};
pub(crate) use self::error::ConfigurationError;
pub(crate) use self::exchange::ExchangeSettings;
use self::raw::Reader;

pub(crate) const FILE_NAME: &str = "lazaret.toml";

/// What a project is configured to, checked and resolved against its folder.
#[derive(Debug, Clone)]
pub(crate) struct Configuration {
    /// Absolute.
    pub(crate) project: PathBuf,
    /// May hold a password: never shown.
    pub(crate) metadata_url: String,
    pub(crate) objects_url: String,
    pub(crate) settings: Settings,
    pub(crate) daemon: DaemonSettings,
    pub(crate) alerts: AlertSettings,
    pub(crate) lineage: LineageSettings,
    pub(crate) exchange: ExchangeSettings,
    /// Which installation this is, as `ENV` says.
    pub(crate) environment: String,
    /// Every setting as it stands and where it came from, passwords hidden.
    pub(crate) shown: Vec<ShownSetting>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ShownSetting {
    pub(crate) setting: &'static str,
    pub(crate) value: String,
    pub(crate) origin: String,
}

/// One line of `lazaret.toml`, or the environment variable that overlays it.
#[derive(Debug, Clone, Copy)]
struct Setting {
    key: &'static str,
    variable: Option<&'static str>,
    default: &'static str,
    is_number: bool,
    /// Comes from the environment alone and is never shown.
    is_secret: bool,
}

const fn text(key: &'static str, variable: &'static str, default: &'static str) -> Setting {
    Setting {
        key,
        variable: Some(variable),
        default,
        is_number: false,
        is_secret: false,
    }
}

const fn number(
    key: &'static str,
    variable: Option<&'static str>,
    default: &'static str,
) -> Setting {
    Setting {
        key,
        variable,
        default,
        is_number: true,
        is_secret: false,
    }
}

/// A text that has no variable of its own.
const fn in_file(key: &'static str, default: &'static str) -> Setting {
    Setting {
        variable: None,
        ..text(key, "", default)
    }
}

const fn secret(variable: &'static str) -> Setting {
    Setting {
        is_secret: true,
        ..text(variable, variable, "")
    }
}

const METADATA_URL: Setting = text("metadata.url", "METADATA_DB_URL", "sqlite://lazaret.db");
const OBJECTS_URL: Setting = text("objects.url", "OBJECTS_URL", "./data");
const INBOX_PREFIX: Setting = text("inbox.prefix", "INBOX_PREFIX", "inbox/");
const GROUP_BY_DEPTH: Setting = number("inbox.group_by_depth", Some("GROUP_BY_DEPTH"), "3");
const QUIESCENCE_MINUTES: Setting =
    number("inbox.quiescence_minutes", Some("QUIESCENCE_MINUTES"), "15");
const CLASSIFIER: Setting = text("inbox.classifier", "CLASSIFIER_IMPL", "submitter_filename");
const LEASE_SECONDS: Setting = number("work.lease_seconds", None, "60");
const ATTEMPTS: Setting = number("work.attempts", None, "5");
const RETRY_SECONDS: Setting = number("work.retry_seconds", None, "5");
const RETENTION_HOURS: Setting = number("gold.retention_hours", None, "0");
/// Which installation this is. Not in the file: the same file goes through all of them.
const ENVIRONMENT: Setting = text("ENV", "ENV", "local");

/// However often work has failed, it is tried again after this time at the latest.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

/// The variables that would lead a project's commands elsewhere.
pub(crate) const OVERLAYS: [&str; 8] = [
    "METADATA_DB_URL",
    "OBJECTS_URL",
    "INBOX_PREFIX",
    "GROUP_BY_DEPTH",
    "QUIESCENCE_MINUTES",
    "CLASSIFIER_IMPL",
    "ORCHESTRATOR",
    "LISTEN",
];

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Default,
    File { line: usize },
    Variable(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { line } => write!(f, "{FILE_NAME} line {line}"),
            Self::Variable(name) => write!(f, "environment variable {name}"),
        }
    }
}

/// The value of an environment variable; `None` where it is absent.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The environment of this process. An empty variable counts as absent.
pub(crate) fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Configuration {
    /// Reads the project in that folder.
    pub(crate) fn load(
        project: &Path,
        environment: Environment<'_>,
    ) -> Result<Self, ConfigurationError> {
        let file = project.join(FILE_NAME);
        let text = std::fs::read_to_string(&file).map_err(|source| {
            if source.kind() == std::io::ErrorKind::NotFound {
                ConfigurationError::NoProject {
                    folder: std::path::absolute(project).unwrap_or_else(|_| project.to_owned()),
                }
            } else {
                ConfigurationError::Unreadable { file, source }
            }
        })?;
        Self::parse(project, &text, environment)
    }

    /// As if `lazaret.toml` in that folder held this text.
    pub(crate) fn parse(
        project: &Path,
        text: &str,
        environment: Environment<'_>,
    ) -> Result<Self, ConfigurationError> {
        let project =
            std::path::absolute(project).map_err(|source| ConfigurationError::Unreadable {
                file: project.to_owned(),
                source,
            })?;
        let mut reader = Reader::new(text, environment)?;
        let metadata_url = reader.read(METADATA_URL, |text, origin| {
            check::metadata_url(&project, text, origin)
        });
        let objects_url = reader.read(OBJECTS_URL, |text, origin| {
            check::objects_url(&project, text, origin)
        });
        let inbox_prefix = reader.read(INBOX_PREFIX, |text, _| check::inbox_prefix(text));
        let group_by_depth =
            reader.read(GROUP_BY_DEPTH, |text, _| check::whole_number(text, 1, 16));
        let quiescence = reader.read(QUIESCENCE_MINUTES, |text, _| check::minutes(text));
        let classifier = reader.read(CLASSIFIER, |text, _| check::classifier(text));
        let lease_seconds =
            reader.read(LEASE_SECONDS, |text, _| check::whole_number(text, 1, 3_600));
        let attempts = reader.read(ATTEMPTS, |text, _| check::whole_number(text, 1, 1_000));
        let retry_seconds = reader.read(RETRY_SECONDS, |text, _| {
            check::whole_number(text, 1, LONGEST_PAUSE.as_secs())
        });
        let daemon = DaemonSettings::read(&project, &mut reader);
        let retention_hours = reader.read(RETENTION_HOURS, |text, _| {
            check::whole_number(text, 0, 87_600)
        });
        let environment = reader.read(ENVIRONMENT, |text, _| check::environment(text));
        let alerts = telling::alerts(&mut reader, environment.as_ref());
        let lineage = telling::lineage(&project, &mut reader);
        let exchange = exchange::exchange(&mut reader);
        let shown = reader.finish()?;
        let read = "a setting that was not read is a mistake, and mistakes end the reading above";
        Ok(Self {
            project,
            metadata_url: metadata_url.expect(read),
            objects_url: objects_url.expect(read),
            settings: Settings {
                inbox_prefix: inbox_prefix.expect(read),
                group_by_depth: group_by_depth.expect(read) as usize,
                quiescence: quiescence.expect(read),
                classifier: classifier.expect(read),
                lease: Duration::from_secs(lease_seconds.expect(read)),
                retry: RetryPolicy {
                    attempts: attempts.expect(read) as u32,
                    first_pause: Duration::from_secs(retry_seconds.expect(read)),
                    longest_pause: LONGEST_PAUSE,
                },
                gold_retention: Duration::from_secs(3_600 * retention_hours.expect(read)),
            },
            daemon: daemon.expect(read),
            alerts: alerts.expect(read),
            lineage: lineage.expect(read),
            exchange: exchange.expect(read),
            environment: environment.expect(read),
            shown,
        })
    }
}

/// The kinds of classifier, for messages.
fn classifiers() -> String {
    ClassifierKind::ALL
        .map(|kind| format!("`{kind}`"))
        .join(" or ")
}

#[cfg(test)]
mod tests;
