//! `contract infer`: a draft from files that nobody has described.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use inspect::{Sample, Unreadable, infer};

use super::forms::Document;
use crate::cli::output::show;
use crate::cli::project::shown_path;
use crate::cli::{Done, Failure, Globals};

/// How much of a file is read, unpacked: enough to tell types and codes, and quick on any file.
const SAMPLE_BYTES: usize = 16 << 20;

/// Why a file gives no sample.
#[derive(Debug, thiserror::Error)]
enum NoSample {
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error(transparent)]
    Io(#[from] io::Error),
}

pub(super) fn run(
    globals: &Globals,
    files: &[PathBuf],
    members: &[String],
) -> Result<Done, Failure> {
    let mut samples = Vec::new();
    for file in files {
        samples.extend(of_file(file)?);
    }
    if !members.is_empty() {
        if let Some(missing) = members.iter().find(|name| !has(&samples, name)) {
            return Err(Failure::refused(format!(
                "there is no `{missing}` in the archive; it holds {}",
                names(&samples)
            )));
        }
        samples.retain(|sample| members.contains(&sample.file_name));
    }
    let draft = infer(&samples).map_err(|unreadable| {
        let named = files.iter().map(|file| shown_path(file));
        let named = named.collect::<Vec<_>>().join(", ");
        let several = match samples.len() > files.len() {
            true => format!(
                " (name the members of one kind with --member: {})",
                names(&samples)
            ),
            false => String::new(),
        };
        Failure::Unusable(format!(
            "{named}: no contract can be drafted: {unreadable}{several}"
        ))
    })?;
    let document = draft.contract.to_yaml(&draft.notes);
    show(globals.format, &Document { document })?;
    Ok(Done::Well)
}

fn of_file(path: &Path) -> Result<Vec<Sample>, Failure> {
    let unusable = |error: NoSample| Failure::Unusable(format!("{}: {error}", shown_path(path)));
    let mut file = File::open(path).map_err(|error| unusable(error.into()))?;
    let name = path.file_name().map(|name| name.to_string_lossy());
    Sample::read(&name.unwrap_or_default(), &mut file, SAMPLE_BYTES).map_err(unusable)
}

fn has(samples: &[Sample], name: &str) -> bool {
    samples.iter().any(|sample| sample.file_name == name)
}

fn names(samples: &[Sample]) -> String {
    let names: Vec<&str> = samples
        .iter()
        .map(|sample| sample.file_name.as_str())
        .collect();
    names.join(", ")
}
