//! Opening a project: its configuration, its metadata database, its objects, its documents.

use std::path::Path;
use std::sync::Arc;

use contract::SubmissionId;
use lake::Objects;
use pipeline::{Catalog, Lineage, Observer, Pipeline};
use store::{Store, Submission, SubmissionFilter};

use super::output::short;
use super::registry::problems_table;
use super::{Failure, Globals};
use crate::configuration::{Configuration, process_environment};

/// The fewest characters by which a submission can be named.
const ID_LENGTH_MIN: usize = 6;

pub(crate) fn configuration(globals: &Globals) -> Result<Configuration, Failure> {
    Ok(Configuration::load(&globals.project, &process_environment)?)
}

/// Opens everything, documents included: for commands that work by them.
pub(crate) async fn open(globals: &Globals) -> Result<Pipeline, Failure> {
    let pipeline = open_watched(&configuration(globals)?, nobody()).await?;
    require_mappings(&pipeline)?;
    Ok(pipeline)
}

/// Refuses to work while a mapping does not fit: nothing canonical could be built through it.
pub(crate) fn require_mappings(pipeline: &Pipeline) -> Result<(), Failure> {
    documents_problem(pipeline).map_or(Ok(()), |problem| Err(Failure::Unusable(problem)))
}

/// Why nothing can be done by these documents, if so.
pub(crate) fn documents_problem(pipeline: &Pipeline) -> Option<String> {
    let problems = pipeline.catalog.check_mappings();
    let table = (!problems.is_empty()).then(|| problems_table(&problems))?;
    Some(format!(
        "mappings do not fit their layouts and canonical schemas\n\n{table}"
    ))
}

/// As [`open`], telling the observer what happens.
pub(crate) async fn open_watched(
    configuration: &Configuration,
    observer: Observer,
) -> Result<Pipeline, Failure> {
    let store = open_store(configuration).await?;
    let catalog = Catalog::load(&configuration.project).await?;
    assemble(configuration, store, catalog, observer)
}

/// Opens all but the documents: a mistake in one of them must not keep anybody from reading.
pub(crate) async fn open_to_read(globals: &Globals) -> Result<Pipeline, Failure> {
    let configuration = configuration(globals)?;
    let store = open_store(&configuration).await?;
    assemble(&configuration, store, Catalog::default(), nobody())
}

pub(crate) async fn open_store(configuration: &Configuration) -> Result<Store, Failure> {
    let store = Store::connect(&configuration.metadata_url).await?;
    store.check_schema().await?;
    Ok(store)
}

fn assemble(
    configuration: &Configuration,
    store: Store,
    catalog: Catalog,
    observer: Observer,
) -> Result<Pipeline, Failure> {
    let objects = Objects::connect(&configuration.objects_url)?;
    let settings = configuration.settings.clone();
    let mut pipeline = Pipeline::new(store, objects, catalog, settings, observer);
    pipeline.alerts = configuration.alerts.clone();
    pipeline.lineage = Lineage::new(configuration.lineage.clone()).into();
    Ok(pipeline)
}

pub(crate) fn nobody() -> Observer {
    Arc::new(|_| {})
}

/// The submission that a person means by an id, or by the beginning or the end of one.
pub(crate) async fn find_submission(
    pipeline: &Pipeline,
    named: &str,
) -> Result<Submission, Failure> {
    if let Ok(id) = named.parse::<SubmissionId>() {
        return Ok(pipeline.known_submission(id).await?);
    }
    let named = named.to_lowercase();
    if named.len() < ID_LENGTH_MIN {
        return Err(Failure::refused(format!(
            "`{named}` is too short: give at least {ID_LENGTH_MIN} characters of the submission's id, \
             from its beginning or its end"
        )));
    }
    let all = pipeline
        .store
        .submissions(&SubmissionFilter::default())
        .await?;
    let mut found = all.into_iter().filter(|submission| {
        let id = submission.submission_id.to_string();
        id.starts_with(&named) || id.ends_with(&named)
    });
    match (found.next(), found.next()) {
        (Some(submission), None) => Ok(submission),
        (None, _) => Err(Failure::refused(format!(
            "no submission's id begins or ends with `{named}`: `lazaret submission list` shows them"
        ))),
        (Some(one), Some(two)) => Err(Failure::refused(format!(
            "`{named}` fits several submissions, among them {} and {}: give more characters",
            short(one.submission_id),
            short(two.submission_id)
        ))),
    }
}

/// A path as it is shown: below the current folder, relative to it.
pub(crate) fn shown_path(path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let current = std::env::current_dir().ok();
    let below = current
        .as_deref()
        .and_then(|current| absolute.strip_prefix(current).ok());
    let shown = below.unwrap_or(&absolute).display().to_string();
    if shown.is_empty() {
        ".".to_owned()
    } else {
        shown
    }
}
