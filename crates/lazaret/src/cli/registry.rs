use clap::Subcommand;
use pipeline::{RegistryChange, RegistryProblem};
use serde::Serialize;
use serde_json::json;

use super::output::{Answer, Table, plural, show};
use super::piped::{Told, telling};
use super::{Done, Failure, Globals, project};
use crate::pipes::Report;

#[derive(Debug, Subcommand)]
pub(crate) enum Call {
    /// Check every mapping against both sides and take the project's documents into the store
    Sync,
}

#[derive(Debug, Serialize)]
struct Synced {
    changes: Vec<RegistryChange>,
    problems: Vec<RegistryProblem>,
}

pub(crate) async fn run(globals: &Globals, call: &Call) -> Result<Done, Failure> {
    let Call::Sync = call;
    telling(sync(globals)).await
}

async fn sync(globals: &Globals) -> Result<Told, Failure> {
    let configuration = project::configuration(globals)?;
    let pipeline = project::open_watched(&configuration, project::nobody()).await?;
    let problems = pipeline.catalog.check_mappings();
    let changes = if problems.is_empty() {
        pipeline.sync_registry().await?
    } else {
        Vec::new()
    };
    let synced = Synced { changes, problems };
    show(globals.format, &synced)?;
    let report = Report::of_registry(json!(synced));
    let (done, failure) = match synced.problems.is_empty() {
        true => (Done::Well, None),
        false => (Done::DocumentsWrong, Some(synced.text())),
    };
    Ok(Told {
        done,
        report,
        failure,
    })
}

impl Answer for Synced {
    fn text(&self) -> String {
        if !self.problems.is_empty() {
            return format!(
                "nothing was taken in: mappings do not fit\n\n{}",
                problems_table(&self.problems)
            );
        }
        if self.changes.is_empty() {
            return "the registry is up to date".into();
        }
        let mut table = Table::new(["document", "change"]);
        for change in &self.changes {
            table.row([change.document.clone(), change.change.to_owned()]);
        }
        let changes = plural(self.changes.len() as u64, "change");
        format!("{table}\n\n{changes}; months that rest on them are due for a rebuild")
    }
}

pub(super) fn problems_table(problems: &[RegistryProblem]) -> Table {
    let mut table = Table::new(["mapping", "problem"]);
    for wrong in problems {
        for problem in &wrong.problems {
            table.row([wrong.mapping.clone(), problem.clone()]);
        }
    }
    table
}
