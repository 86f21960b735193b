use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use serde::Serialize;
use store::Store;

use super::output::{Answer, show};
use super::project::shown_path;
use super::{Done, Failure, Globals};
use crate::configuration::{Configuration, FILE_NAME, process_environment};
use crate::shipped;

#[derive(Debug, Args)]
pub(crate) struct Call {
    /// The folder to make [default: the project's folder]
    dir: Option<PathBuf>,
    /// Without the contracts and canonical mappings that come with lazaret
    #[arg(long)]
    empty: bool,
}

#[derive(Debug, Serialize)]
struct Made {
    project: PathBuf,
    library: bool,
    migrations: Vec<String>,
    next: Vec<String>,
}

pub(crate) async fn run(globals: &Globals, call: &Call) -> Result<Done, Failure> {
    let folder = call.dir.as_deref().unwrap_or(&globals.project);
    // Before anything is written: a mistake in the environment would spoil the project.
    let configuration = Configuration::parse(folder, shipped::CONFIGURATION, &process_environment)?;
    refuse_to_overwrite(folder)?;
    make_folder(folder, shipped::CONFIGURATION, !call.empty)?;
    let store = Store::connect(&configuration.metadata_url).await?;
    let migrations = store.migrate().await?;
    store.close().await;
    let next = next_steps(&configuration);
    let made = Made {
        project: configuration.project,
        library: !call.empty,
        migrations,
        next,
    };
    show(globals.format, &made)?;
    Ok(Done::Well)
}

fn refuse_to_overwrite(folder: &Path) -> Result<(), Failure> {
    let ours = [FILE_NAME, "contracts", "canonical", "feeds", "derived"];
    match ours.iter().find(|name| folder.join(name).exists()) {
        None => Ok(()),
        Some(name) => Err(Failure::refused(format!(
            "{} has `{name}` already, and init overwrites nothing: choose another folder, or remove it",
            shown_path(folder)
        ))),
    }
}

/// Writes a project's files. Nothing that is there is overwritten, except that an existing
/// `.gitignore` is kept as it is.
pub(super) fn make_folder(
    folder: &Path,
    configuration: &str,
    library: bool,
) -> Result<(), Failure> {
    let write = |name: &str, text: &str| -> Result<(), Failure> {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| shown_path(parent))?;
        }
        Ok(fs::write(&path, text).with_context(|| shown_path(&path))?)
    };
    for name in [
        "contracts",
        "canonical/schemas",
        "canonical/mappings",
        "feeds",
        "derived",
    ] {
        let path = folder.join(name);
        fs::create_dir_all(&path).with_context(|| shown_path(&path))?;
    }
    if library {
        shipped::write_library(folder)?;
    }
    write("feeds/example.yaml.sample", shipped::EXAMPLE_FEED)?;
    write("derived/.gitkeep", "")?;
    if !folder.join(".gitignore").exists() {
        write(".gitignore", shipped::GITIGNORE)?;
    }
    // Last: a folder with a configuration is a whole project.
    write(FILE_NAME, configuration)
}

/// What is to be done in the new project, from inside it.
fn next_steps(configuration: &Configuration) -> Vec<String> {
    let objects = Path::new(&configuration.objects_url);
    let place = objects
        .strip_prefix(&configuration.project)
        .unwrap_or(objects)
        .display();
    let inbox = &configuration.settings.inbox_prefix;
    let mut steps = Vec::new();
    let project = shown_path(&configuration.project);
    if project != "." {
        steps.push(format!("cd {project}"));
    }
    steps.extend([
        "cp feeds/example.yaml.sample feeds/FEED.yaml, and say in it who sends what".to_owned(),
        "lazaret contract check".to_owned(),
        format!(
            "drop files into {place}/{inbox}SUBMITTER/FILE_TYPE/DROP_ID/, then an empty _SUCCESS"
        ),
        "lazaret run --once".to_owned(),
    ]);
    steps
}

impl Answer for Made {
    fn text(&self) -> String {
        let library = if self.library {
            "contracts/, canonical/ and "
        } else {
            ""
        };
        let mut text = format!(
            "made {} with {FILE_NAME}, {library}an example of a feed; the metadata database is ready\n\nnext:\n",
            shown_path(&self.project)
        );
        for (index, step) in self.next.iter().enumerate() {
            text += &format!("  {}. {step}\n", index + 1);
        }
        text
    }
}
