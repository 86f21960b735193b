//! What each setting may be: a pure function from its text to its value, or what is wrong.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pipeline::ClassifierKind;
use url::Url;

use super::{Origin, classifiers};

/// What is wrong with a setting, and what to write. Never repeats what may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    /// Continues "`inbox.prefix` …".
    pub(super) problem: String,
    pub(super) remedy: String,
}

impl Wrong {
    pub(super) fn new(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }
}

const METADATA_EXAMPLES: &str =
    "write `sqlite://lazaret.db` (a file below the project) or `postgres://user@host/database`";
const OBJECTS_EXAMPLES: &str = "write a folder such as `./data`, or `s3://bucket/prefix`";

/// The folders that the program itself writes: an inbox inside them would feed on itself.
const OWN_FOLDERS: [&str; 7] = [
    "raw",
    "silver",
    "quarantine",
    "gold_submitter",
    "gold_canonical",
    "serving",
    "records",
];

/// A URL that the store can open; a relative SQLite path is one below the project.
pub(super) fn metadata_url(project: &Path, text: &str, origin: Origin) -> Result<String, Wrong> {
    let Some((scheme, rest)) = text.split_once(':') else {
        return Err(Wrong::new("has no scheme", METADATA_EXAMPLES));
    };
    match scheme {
        "sqlite" => sqlite_url(project, rest.strip_prefix("//").unwrap_or(rest)),
        "postgres" | "postgresql" => {
            let url = Url::parse(text)
                .map_err(|error| Wrong::new(format!("is not a URL: {error}"), METADATA_EXAMPLES))?;
            if matches!(origin, Origin::File { .. }) && has_password(&url) {
                return Err(Wrong::new(
                    "holds a password, and this file goes into version control",
                    "remove it here and set the whole URL in the environment: \
                     METADATA_DB_URL=postgres://user:password@host/database (or keep the URL \
                     without a password and set PGPASSWORD)",
                ));
            }
            Ok(text.to_owned())
        }
        // Only the scheme is shown: what follows may hold a password.
        other => {
            let problem = format!("starts with `{other}:`, which is no database that is supported");
            Err(Wrong::new(problem, METADATA_EXAMPLES))
        }
    }
}

fn sqlite_url(project: &Path, rest: &str) -> Result<String, Wrong> {
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    if path.is_empty() {
        return Err(Wrong::new("names no file", METADATA_EXAMPLES));
    }
    if path == ":memory:" || query.is_some_and(|query| query.contains("mode=memory")) {
        let problem = "names a database in memory, which would forget every submission";
        return Err(Wrong::new(problem, METADATA_EXAMPLES));
    }
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    if path.starts_with('/') {
        return Ok(format!("sqlite://{path}{query}"));
    }
    // The project's own path is not yet in URL form.
    let folder = project
        .to_string_lossy()
        .replace('%', "%25")
        .replace('?', "%3F")
        .replace('#', "%23");
    Ok(format!("sqlite://{folder}/{path}{query}"))
}

fn has_password(url: &Url) -> bool {
    url.password().is_some() || url.query_pairs().any(|(key, _)| key == "password")
}

/// The text with a password, if there is one, hidden.
pub(super) fn without_password(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else {
        return text.to_owned();
    };
    if !has_password(&url) {
        return text.to_owned();
    }
    if url.password().is_some() && url.set_password(Some("***")).is_err() {
        return format!("{}://***", url.scheme());
    }
    let pairs: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(key, _)| key != "password")
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    url.set_query(None);
    if !pairs.is_empty() {
        url.query_pairs_mut().extend_pairs(pairs);
    }
    url.to_string()
}

/// A place for objects; a relative folder is one below the project.
pub(super) fn objects_url(project: &Path, text: &str, _origin: Origin) -> Result<String, Wrong> {
    if text.is_empty() {
        return Err(Wrong::new("is empty", OBJECTS_EXAMPLES));
    }
    let Some((scheme, _)) = text.split_once("://") else {
        let folder: PathBuf = project.join(text.strip_prefix("./").unwrap_or(text));
        return Ok(folder.to_string_lossy().into_owned());
    };
    let url = Url::parse(text)
        .map_err(|error| Wrong::new(format!("is not a URL: {error}"), OBJECTS_EXAMPLES))?;
    match scheme {
        "file" => Ok(text.to_owned()),
        "s3" if url.password().is_some() || !url.username().is_empty() => Err(Wrong::new(
            "holds credentials",
            "write `s3://bucket/prefix` and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in \
             the environment",
        )),
        "s3" if url.host_str().is_none_or(str::is_empty) => {
            Err(Wrong::new("names no bucket", OBJECTS_EXAMPLES))
        }
        "s3" => Ok(text.to_owned()),
        other => {
            let problem = format!("has the scheme `{other}`, which is not supported");
            Err(Wrong::new(problem, OBJECTS_EXAMPLES))
        }
    }
}

/// A folder of the object store, with its closing `/`.
pub(super) fn inbox_prefix(text: &str) -> Result<String, Wrong> {
    const EXAMPLE: &str = "write a folder of the object store, for example `inbox/`";
    let folder = text.trim_end_matches('/');
    if folder.is_empty() {
        return Err(Wrong::new("is empty", EXAMPLE));
    }
    if folder
        .split('/')
        .any(|part| matches!(part, "" | "." | ".."))
    {
        return Err(Wrong::new(
            "is not a plain path below the object store",
            EXAMPLE,
        ));
    }
    let first = folder.split('/').next().unwrap_or(folder);
    if OWN_FOLDERS.contains(&first) {
        let problem = format!("lies in `{first}/`, which lazaret writes itself");
        return Err(Wrong::new(problem, EXAMPLE));
    }
    Ok(format!("{folder}/"))
}

pub(super) fn whole_number(text: &str, min: u64, max: u64) -> Result<u64, Wrong> {
    let number = text
        .trim()
        .parse::<u64>()
        .ok()
        .filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| {
        let problem = format!("is `{text}`, and a whole number from {min} to {max} is expected");
        Wrong::new(problem, format!("write a number from {min} to {max}"))
    })
}

pub(super) fn minutes(text: &str) -> Result<Duration, Wrong> {
    const MINUTES_PER_YEAR: f64 = 525_600.0;
    let minutes = text.trim().parse::<f64>().ok();
    let minutes = minutes.filter(|minutes| (0.0..=MINUTES_PER_YEAR).contains(minutes));
    minutes
        .map(|minutes| Duration::from_secs_f64(minutes * 60.0))
        .ok_or_else(|| {
            Wrong::new(
                format!(
                    "is `{text}`, and a number of minutes from 0 to {MINUTES_PER_YEAR} is expected"
                ),
                "write for example `15`, `0.5`, or `0` to close a group as soon as it is seen",
            )
        })
}

pub(super) fn classifier(text: &str) -> Result<ClassifierKind, Wrong> {
    text.parse().map_err(|_| {
        let problem = format!("is `{text}`, which is no classifier");
        Wrong::new(problem, format!("write {}", classifiers()))
    })
}

/// A name such as `local`, `staging` or `production`.
pub(super) fn environment(text: &str) -> Result<String, Wrong> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if !text.is_empty() && text.chars().all(plain) {
        return Ok(text.to_owned());
    }
    let problem = "is not a name of a-z, 0-9, `-` and `_`";
    Err(Wrong::new(
        problem,
        "write for example `local`, `staging` or `production`",
    ))
}
