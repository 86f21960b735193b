use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use pipeline::{Catalog, Pipeline, PipelineError};

use crate::cli::documents_problem;

/// The project's folders of documents.
const FOLDERS: [&str; 3] = ["contracts", "feeds", "canonical"];

/// The pipeline as the project's documents make it now. A changed document is taken in without a
/// restart; one that is wrong changes nothing, and is told until it is mended.
pub(crate) struct Documents {
    project: PathBuf,
    now: Mutex<Now>,
}

struct Now {
    pipeline: Pipeline,
    /// Every document's path, size and time.
    seen: Vec<(PathBuf, u64, SystemTime)>,
    problem: Option<String>,
}

impl Documents {
    pub(crate) fn new(project: &Path, pipeline: Pipeline) -> Self {
        let now = Now {
            pipeline,
            seen: look(project),
            problem: None,
        };
        Self {
            project: project.to_owned(),
            now: Mutex::new(now),
        }
    }

    pub(crate) fn pipeline(&self) -> Pipeline {
        self.with(|now| now.pipeline.clone())
    }

    /// Why the documents as they are now are not those that are worked by.
    pub(crate) fn problem(&self) -> Option<String> {
        self.with(|now| now.problem.clone())
    }

    /// Takes in documents that have changed. `true`: they are worked by from now on, and whatever
    /// failed by the old ones is tried again.
    pub(super) async fn renew(&self) -> Result<bool, PipelineError> {
        let seen = look(&self.project);
        if self.with(|now| now.seen == seen) {
            return Ok(false);
        }
        let pipeline = match Catalog::load(&self.project).await {
            Ok(catalog) => self.pipeline().with_catalog(catalog),
            Err(error) => {
                self.keep_old(seen, error.to_string());
                return Ok(false);
            }
        };
        if let Some(problem) = documents_problem(&pipeline) {
            self.keep_old(seen, problem);
            return Ok(false);
        }
        pipeline.sync_registry().await?;
        let owner = pipeline.owner().to_string();
        pipeline.store.try_all_again(&owner).await?;
        tracing::info!("the documents have changed and are taken in");
        self.with(|now| {
            now.pipeline = pipeline.clone();
            now.seen = seen;
            now.problem = None;
        });
        Ok(true)
    }

    fn keep_old(&self, seen: Vec<(PathBuf, u64, SystemTime)>, problem: String) {
        tracing::error!(
            "the changed documents cannot be used, the old ones are worked by: {problem}"
        );
        self.with(|now| {
            now.seen = seen;
            now.problem = Some(problem);
        });
    }

    fn with<T>(&self, f: impl FnOnce(&mut Now) -> T) -> T {
        f(&mut self.now.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What tells whether a document has changed. A folder that cannot be read looks empty; loading
/// it says why.
fn look(project: &Path) -> Vec<(PathBuf, u64, SystemTime)> {
    let mut seen = Vec::new();
    let mut folders: Vec<PathBuf> = FOLDERS.map(|folder| project.join(folder)).into();
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        for entry in entries {
            let Ok(about) = entry.metadata() else {
                continue;
            };
            if about.is_dir() {
                folders.push(entry.path());
            } else {
                let modified = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                seen.push((entry.path(), about.len(), modified));
            }
        }
    }
    seen.sort();
    seen
}
