//! Contracts as documents: checked, shown, compared, and turned into other forms and back.

mod check;
mod forms;
mod generate;
mod infer;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use contract::{Contract, DocumentError, LayoutId};

use super::failure::diagnostic;
use super::project::shown_path;
use super::{Done, Failure, Globals};
use crate::shipped;

#[derive(Debug, Subcommand)]
pub(crate) enum Call {
    /// Check documents: contracts, feeds, canonical schemas, mappings
    Check {
        /// Files or folders; none: the whole project, and how its documents fit together
        paths: Vec<PathBuf>,
    },
    /// A contract at a glance: columns, checks, rules
    Show {
        /// A layout of the project or the library such as medical_claim@v1, or a contract's file
        contract: String,
    },
    /// Draft a contract from files of one kind: dialect, types, formats, keys, codes
    ///
    /// Prints it with comments that say what was seen, in counts; save it, then check every line.
    Infer {
        /// Delimited, fixed-width or JSON files with the same columns, packed or not; the first
        /// 16 MB of each are read
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Of a ZIP archive, the member to read; may be given again. Without it, all of them
        #[arg(long = "member", value_name = "NAME")]
        members: Vec<String>,
    },
    /// Write a synthetic file of a layout, with defects, and the rejects that they must cause
    ///
    /// Its rows hold all that the contract asks of cells and records, and mean nothing. They are
    /// not made to satisfy rules in SQL.
    Generate(generate::Arguments),
    /// What a newer version changes, and what that means for files and stored data
    ///
    /// Exit code 0: nothing or only compatible changes; 1: some are breaking.
    Diff {
        /// A layout of the project or the library such as medical_claim@v1, or a contract's file
        old: String,
        /// The same, newer
        new: String,
    },
    /// Print a contract in another form
    Export {
        /// A layout of the project or the library such as medical_claim@v1, or a contract's file
        contract: String,
        #[arg(long, value_enum)]
        to: Form,
    },
    /// Print a contract made from one in the Open Data Contract Standard v3
    Import {
        /// The `.odcs.yaml` file
        file: PathBuf,
        /// Which of its schema objects, where it has several
        #[arg(long)]
        object: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Form {
    /// Open Data Contract Standard v3.1.0 (YAML)
    Odcs,
    /// JSON Schema, draft 2020-12, of one row
    JsonSchema,
    /// CREATE TABLE, for Postgres
    Sql,
    /// A page for the submitter
    Markdown,
}

pub(crate) async fn run(globals: &Globals, call: Call) -> Result<Done, Failure> {
    match call {
        Call::Check { paths } => check::check(globals, &paths).await,
        Call::Show { contract } => forms::outline(globals, &contract),
        Call::Infer { files, members } => infer::run(globals, &files, &members),
        Call::Generate(arguments) => generate::run(globals, &arguments),
        Call::Diff { old, new } => forms::diff(globals, &old, &new),
        Call::Export { contract, to } => forms::export(globals, &contract, to),
        Call::Import { file, object } => forms::import(globals, &file, object.as_deref()),
    }
}

/// The contract of that layout, in the project or else in the library, or in that file.
pub(crate) fn load(globals: &Globals, named: &str) -> Result<Contract, Failure> {
    Ok(load_documented(globals, named)?.0)
}

/// The same with the text that it was read from.
pub(crate) fn load_documented(
    globals: &Globals,
    named: &str,
) -> Result<(Contract, String), Failure> {
    let layout = named.parse::<LayoutId>().ok();
    let relative = layout
        .as_ref()
        .map(|id| format!("contracts/{}/v{}.yaml", id.file_type, id.version));
    let path = match &relative {
        Some(relative) => globals.project.join(relative),
        None => PathBuf::from(named),
    };
    if !path.is_file() {
        let of_library = relative.as_deref().and_then(load_from_library);
        return of_library.unwrap_or_else(|| {
            Err(Failure::refused(match layout {
                Some(id) => format!(
                    "there is no contract {id}: it is not in the library, and {} does not exist",
                    shown_path(&path)
                ),
                None => format!(
                    "`{named}` is neither a layout such as medical_claim@v1 nor a contract's file"
                ),
            }))
        });
    }
    let shown = path
        .strip_prefix(&globals.project)
        .unwrap_or(&path)
        .display()
        .to_string();
    let text = read(&path)?;
    let contract = parse(&shown, &path, &text);
    let contract = contract.map_err(|error| Failure::Unusable(diagnostic(&error)))?;
    Ok((contract, text))
}

fn load_from_library(path: &str) -> Option<Result<(Contract, String), Failure>> {
    let text = shipped::document(path)?;
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let domain = |name: &str| {
        let found = shipped::document(&format!("{folder}/{name}")).map(str::to_owned);
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    };
    let contract = Contract::parse(path, text, &domain);
    let contract = contract.map_err(|error| Failure::Unusable(diagnostic(&error)));
    Some(contract.map(|contract| (contract, text.to_owned())))
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path)
        .map_err(|error| Failure::Unusable(format!("{}: {error}", shown_path(path))))
}

fn parse(shown: &str, path: &Path, text: &str) -> Result<Contract, DocumentError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    Contract::parse(shown, text, &|domain| {
        fs::read_to_string(folder.join(domain))
    })
}
