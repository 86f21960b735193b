//! `contract check`: every document by itself, then how a project's documents fit together.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use contract::{CanonicalSchema, Contract, DocumentError, Feed, Mapping};
use pipeline::{Catalog, Layout, RegistryProblem};
use serde::Serialize;

use super::{parse, read};
use crate::cli::failure::diagnostic;
use crate::cli::output::{Answer, plural, show};
use crate::cli::project::shown_path;
use crate::cli::registry::problems_table;
use crate::cli::{Done, Failure, Globals};
use crate::configuration::FILE_NAME;

#[derive(Debug, Serialize)]
struct Checked {
    documents: Vec<CheckedDocument>,
    /// What is wrong between documents that are right by themselves.
    problems: Vec<String>,
    mappings: Vec<RegistryProblem>,
}

#[derive(Debug, Serialize)]
struct CheckedDocument {
    path: String,
    kind: &'static str,
    /// What it says it is: `medical_claim@v1`, a feed's name.
    document: Option<String>,
    summary: Option<String>,
    mistakes: Vec<CheckedMistake>,
    #[serde(skip)]
    told: String,
}

#[derive(Debug, Serialize)]
struct CheckedMistake {
    line: Option<usize>,
    message: String,
    expected: Option<String>,
    remedy: Option<String>,
}

pub(super) async fn check(globals: &Globals, paths: &[PathBuf]) -> Result<Done, Failure> {
    let (base, files) = if paths.is_empty() {
        let project = &globals.project;
        if !project.join(FILE_NAME).is_file() {
            return Err(Failure::Unusable(format!(
                "{} is no project: name files or folders, or the project by --project DIR",
                shown_path(project)
            )));
        }
        (Some(project.as_path()), project_documents(project)?)
    } else {
        let mut files = Vec::new();
        for path in paths {
            documents_below(path, &mut files)?;
        }
        (None, files)
    };
    let mut checked = Checked {
        documents: Vec::new(),
        problems: Vec::new(),
        mappings: Vec::new(),
    };
    for file in files {
        checked.documents.push(check_document(base, &file).await?);
    }
    if let Some(project) = base.filter(|_| checked.is_right()) {
        match Catalog::load(project).await {
            Ok(catalog) => checked.mappings = catalog.check_mappings(),
            Err(error) => checked.problems.push(error.to_string()),
        }
    }
    show(globals.format, &checked)?;
    Ok(if checked.is_right() {
        Done::Well
    } else {
        Done::DocumentsWrong
    })
}

/// Every document that a project's folder holds, sorted.
fn project_documents(project: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for folder in ["contracts", "feeds", "canonical"] {
        let folder = project.join(folder);
        if folder.is_dir() {
            documents_below(&folder, &mut files)?;
        }
    }
    Ok(files)
}

/// The file itself, or every YAML and JSON file below the folder, sorted.
fn documents_below(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let read = || format!("{} cannot be read", shown_path(path));
    let mut entries = Vec::new();
    for entry in fs::read_dir(path).with_context(read)? {
        entries.push(entry.with_context(read)?.path());
    }
    entries.sort();
    for entry in entries {
        let is_document = entry
            .extension()
            .is_some_and(|ending| ending == "yaml" || ending == "yml" || ending == "json");
        if entry.is_dir() || is_document {
            documents_below(&entry, files)?;
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Kind {
    Contract,
    Feed,
    Schema,
    Mapping,
}

impl Kind {
    /// By the folder that a document lies in; a file elsewhere is taken for a contract.
    fn of(path: &Path) -> Self {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let folders: Vec<&str> = absolute.iter().filter_map(|part| part.to_str()).collect();
        let nearest = folders.iter().rev().find_map(|folder| match *folder {
            "feeds" => Some(Self::Feed),
            "schemas" => Some(Self::Schema),
            "mappings" => Some(Self::Mapping),
            "contracts" => Some(Self::Contract),
            _ => None,
        });
        nearest.unwrap_or(Self::Contract)
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Contract => "contract",
            Self::Feed => "feed",
            Self::Schema => "canonical schema",
            Self::Mapping => "mapping",
        }
    }
}

/// What a right document is, and how large.
struct Found {
    document: String,
    summary: String,
}

async fn check_document(base: Option<&Path>, path: &Path) -> Result<CheckedDocument, Failure> {
    let shown = base
        .and_then(|base| path.strip_prefix(base).ok())
        .unwrap_or(path)
        .display()
        .to_string();
    let text = read(path)?;
    let kind = Kind::of(path);
    let mut checked = CheckedDocument {
        path: shown.clone(),
        kind: kind.as_str(),
        document: None,
        summary: None,
        mistakes: Vec::new(),
        told: String::new(),
    };
    let parsed = match kind {
        Kind::Contract => match parse(&shown, path, &text) {
            Ok(contract) => {
                let found = Found {
                    document: contract.layout.to_string(),
                    summary: format!(
                        "{}, {}",
                        plural(contract.columns.len() as u64, "column"),
                        plural(contract.rules.len() as u64, "rule")
                    ),
                };
                // Its SQL is planned over its columns.
                if let Some(mistake) = sql_mistake(contract, &text).await {
                    let line = mistake
                        .line
                        .map_or_else(String::new, |line| format!("line {line}: "));
                    checked.told = format!("{line}{}", mistake.message);
                    checked.mistakes.push(mistake);
                }
                Ok(found)
            }
            Err(error) => Err(error),
        },
        Kind::Feed => Feed::parse(&shown, &text).map(|feed| Found {
            document: feed.name.to_string(),
            summary: format!("submitter {}, state {}", feed.submitter_id, feed.state),
        }),
        Kind::Schema => CanonicalSchema::parse(&shown, &text).map(|schema| Found {
            document: format!("{} v{}", schema.file_type, schema.version),
            summary: plural(schema.columns.len() as u64, "column"),
        }),
        Kind::Mapping => Mapping::parse(&shown, &text).map(|mapping| Found {
            document: format!("{} v{}", mapping.layout, mapping.version),
            summary: format!(
                "{} of canonical schema v{}",
                plural(mapping.columns.len() as u64, "column"),
                mapping.canonical_schema_version
            ),
        }),
    };
    match parsed {
        Ok(found) => {
            checked.document = Some(found.document);
            checked.summary = Some(found.summary);
        }
        Err(error) => {
            checked.told = diagnostic(&error);
            checked.mistakes = mistakes(&error);
        }
    }
    Ok(checked)
}

/// What is wrong with the SQL of a contract's rules, and the line of the rule.
async fn sql_mistake(contract: Contract, text: &str) -> Option<CheckedMistake> {
    let rules: Vec<String> = contract.rules.iter().map(|rule| rule.id.clone()).collect();
    let message = Layout::compile(contract, text.to_owned())
        .await
        .err()?
        .to_string();
    let rule = rules
        .into_iter()
        .find(|id| message.contains(&format!("rule `{id}`")));
    let line = rule.and_then(|id| {
        text.lines()
            .position(|line| line.contains(&format!("id: {id}")))
    });
    Some(CheckedMistake {
        line: line.map(|index| index + 1),
        message,
        expected: None,
        remedy: None,
    })
}

fn mistakes(error: &DocumentError) -> Vec<CheckedMistake> {
    let told = error.mistakes().iter().map(|mistake| CheckedMistake {
        line: Some(mistake.line()),
        message: mistake.message().to_owned(),
        expected: Some(mistake.expected().to_owned()),
        remedy: Some(mistake.remedy().to_owned()),
    });
    told.collect()
}

impl Checked {
    fn is_right(&self) -> bool {
        let documents = self
            .documents
            .iter()
            .all(|document| document.mistakes.is_empty());
        documents && self.problems.is_empty() && self.mappings.is_empty()
    }
}

impl Answer for Checked {
    fn text(&self) -> String {
        let mut text = String::new();
        for checked in &self.documents {
            match (&checked.document, &checked.summary) {
                (Some(document), Some(summary)) if checked.mistakes.is_empty() => {
                    text += &format!(
                        "ok     {}  {} {document}, {summary}\n",
                        checked.path, checked.kind
                    );
                }
                _ => {
                    text += &format!("WRONG  {}\n", checked.path);
                    for line in checked.told.trim_end().lines() {
                        text += &format!("       {line}\n");
                    }
                }
            }
        }
        for problem in &self.problems {
            text += &format!("WRONG  {problem}\n");
        }
        if !self.mappings.is_empty() {
            text += &format!(
                "\nmappings that do not fit:\n\n{}\n",
                problems_table(&self.mappings)
            );
        }
        let wrong = self
            .documents
            .iter()
            .filter(|document| !document.mistakes.is_empty())
            .count();
        let all = plural(self.documents.len() as u64, "document");
        let said = match (wrong, self.problems.len() + self.mappings.len()) {
            (0, 0) if self.documents.is_empty() => "there are no documents".to_owned(),
            (0, 0) => format!("{all}, all right"),
            (0, _) => format!("{all}, right by themselves, that do not fit together"),
            (wrong, _) => format!("{all}, {wrong} wrong"),
        };
        text + &said
    }
}
