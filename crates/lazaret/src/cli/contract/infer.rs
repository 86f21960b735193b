//! `contract infer`: a draft from files that nobody has described.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use inspect::{Sample, infer};

use super::forms::Document;
use crate::cli::output::show;
use crate::cli::project::shown_path;
use crate::cli::{Done, Failure, Globals};

/// How much of a file is read: enough to tell types and codes, and quick on any file.
const SAMPLE_BYTES: u64 = 16 << 20;

pub(super) fn run(globals: &Globals, files: &[PathBuf]) -> Result<Done, Failure> {
    let samples = files
        .iter()
        .map(|file| sample(file))
        .collect::<Result<Vec<_>, _>>()?;
    let draft = infer(&samples).map_err(|unreadable| {
        let named = files.iter().map(|file| shown_path(file));
        let named = named.collect::<Vec<_>>().join(", ");
        Failure::Unusable(format!("{named}: no contract can be drafted: {unreadable}"))
    })?;
    let document = draft.contract.to_yaml(&draft.notes);
    show(globals.format, &Document { document })?;
    Ok(Done::Well)
}

fn sample(path: &Path) -> Result<Sample, Failure> {
    let file = File::open(path)
        .map_err(|error| Failure::Unusable(format!("{}: {error}", shown_path(path))))?;
    let read = || format!("{} cannot be read", shown_path(path));
    let size = file.metadata().with_context(read)?.len();
    let mut bytes = Vec::new();
    file.take(SAMPLE_BYTES)
        .read_to_end(&mut bytes)
        .with_context(read)?;
    Ok(Sample {
        file_name: path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
        is_cut: size > bytes.len() as u64,
        bytes,
    })
}
