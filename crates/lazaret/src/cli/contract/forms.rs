//! `contract show`, `diff`, `export`, `import`.

use std::path::Path;

use contract::{Change, Compatibility, Contract, Outline};
use serde::Serialize;

use super::{Form, load, read};
use crate::cli::failure::diagnostic;
use crate::cli::output::{Answer, Table, plural, show};
use crate::cli::project::shown_path;
use crate::cli::{Done, Failure, Globals};

pub(super) fn outline(globals: &Globals, named: &str) -> Result<Done, Failure> {
    show(globals.format, &load(globals, named)?.outline())?;
    Ok(Done::Well)
}

impl Answer for Outline {
    fn text(&self) -> String {
        self.to_string()
    }
}

#[derive(Debug, Serialize)]
struct Difference {
    old: String,
    new: String,
    compatible: bool,
    changes: Vec<Change>,
}

pub(super) fn diff(globals: &Globals, old: &str, new: &str) -> Result<Done, Failure> {
    let (old, new) = (load(globals, old)?, load(globals, new)?);
    let changes = old.changes(&new);
    let breaks = |change: &Change| change.compatibility == Compatibility::Breaking;
    let difference = Difference {
        old: old.layout.to_string(),
        new: new.layout.to_string(),
        compatible: !changes.iter().any(breaks),
        changes,
    };
    show(globals.format, &difference)?;
    Ok(if difference.compatible {
        Done::Well
    } else {
        Done::WithFaults
    })
}

impl Answer for Difference {
    fn text(&self) -> String {
        if self.changes.is_empty() {
            return format!("{} and {} ask for the same", self.old, self.new);
        }
        let mut table = Table::new(["column", "change", "is", "which means"]);
        for change in &self.changes {
            let word = match change.compatibility {
                Compatibility::Compatible => "compatible",
                Compatibility::Breaking => "BREAKING",
            };
            let column = change.column.as_deref().unwrap_or("(contract)");
            table.row([column, &change.what, word, &change.meaning].map(str::to_owned));
        }
        let count = plural(self.changes.len() as u64, "change");
        let verdict = if self.compatible {
            "all compatible: the version can be replaced or raised, and stored data stays as it is"
        } else {
            "some breaking: give it a version of its own, with its own mapping"
        };
        format!("{table}\n\n{} → {}: {count}, {verdict}", self.old, self.new)
    }
}

/// A document as it is; under `--format json`, as text within JSON.
#[derive(Debug, Serialize)]
pub(super) struct Document {
    pub(super) document: String,
}

impl Answer for Document {
    fn text(&self) -> String {
        self.document.clone()
    }
}

pub(super) fn export(globals: &Globals, named: &str, to: Form) -> Result<Done, Failure> {
    let contract = load(globals, named)?;
    let document = match to {
        Form::Odcs => contract.to_odcs(),
        Form::JsonSchema => contract.to_json_schema(),
        Form::Sql => contract.to_sql(),
        Form::Markdown => contract.to_markdown(),
    };
    show(globals.format, &Document { document })?;
    Ok(Done::Well)
}

pub(super) fn import(
    globals: &Globals,
    file: &Path,
    object: Option<&str>,
) -> Result<Done, Failure> {
    let imported = Contract::from_odcs(&shown_path(file), &read(file)?, object)
        .map_err(|error| Failure::Unusable(diagnostic(&error)))?;
    let document = imported.contract.to_yaml(&imported.notes);
    show(globals.format, &Document { document })?;
    Ok(Done::Well)
}
