//! `lazaret demo`: a project folder, real claim files of several submitters in several layouts,
//! the corridor and gold, and what happened. It goes the way that every delivery goes: objects
//! are put into the inbox and `run_once` does the rest.

mod drops;
mod next;
mod outcome;
mod text;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use clap::Args;
use pipeline::{Pipeline, StepFailure};
use store::{Store, WinnerFilter};

use self::drops::{Content, Drop};
use self::outcome::Waves;
use super::init::make_folder;
use super::output::show;
use super::progress::Progress;
use super::project::{open_watched, shown_path};
use super::{Done, Failure, Globals};
use crate::configuration::{Configuration, FILE_NAME};
use crate::shipped;

#[derive(Debug, Args)]
pub(crate) struct Call {
    /// The folder to make
    #[arg(long, value_name = "DIR", default_value = "lazaret-demo")]
    dir: PathBuf,
    /// Take the full published sets from this folder (laid out as demo/README.md says) instead of
    /// the samples
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

pub(crate) async fn run(globals: &Globals, call: &Call) -> Result<Done, Failure> {
    refuse_what_is_there(&call.dir)?;
    let drops = match &call.data {
        Some(data) => drops::published(data)?,
        None => drops::samples(),
    };
    let text = configuration_text();
    // The environment may lead elsewhere, perhaps to a real installation: the demo stays in its
    // own folder.
    let configuration = Configuration::parse(&call.dir, &text, &|_| None)?;
    make_folder(&call.dir, &text, true)?;
    shipped::write_demo_feeds(&call.dir)?;
    let store = Store::connect(&configuration.metadata_url).await?;
    store.migrate().await?;
    store.close().await;

    let progress = Progress::start();
    let pipeline = open_watched(&configuration, progress.observer()).await?;
    let mut waves = Waves::default();
    for wave in [drops.first, drops.second] {
        waves.winners_before = pipeline.store.winners(&WinnerFilter::default()).await?;
        put(&pipeline, &wave).await?;
        let (failures, took) = run_wave(&pipeline).await?;
        waves.failures.extend(failures);
        waves.elapsed += took;
        waves.bytes_read += progress.take().bytes_read;
    }
    let outcome = outcome::gather(&pipeline, &configuration.project, waves).await?;
    pipeline.store.close().await;
    show(globals.format, &outcome)?;
    Ok(if outcome.is_sound() {
        Done::Well
    } else {
        Done::WithFaults
    })
}

fn refuse_what_is_there(folder: &Path) -> Result<(), Failure> {
    let is_empty = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => {
            return Err(anyhow::Error::from(error)
                .context(shown_path(folder))
                .into());
        }
    };
    if is_empty {
        return Ok(());
    }
    let shown = shown_path(folder);
    let is_demo =
        folder.join(FILE_NAME).is_file() && folder.join("feeds/evergreen_claims.yaml").is_file();
    Err(Failure::refused(if is_demo {
        format!(
            "{shown} holds an earlier demo: look at it with `lazaret --project {shown} status`, remove it with \
             `rm -r {shown}` to start anew, or name another folder with --dir"
        )
    } else {
        format!("{shown} is not empty: name another folder with --dir")
    }))
}

/// A new project's configuration, except that a group without a marker closes at once.
fn configuration_text() -> String {
    shipped::CONFIGURATION.replace("quiescence_minutes = 15", "quiescence_minutes = 0")
}

async fn put(pipeline: &Pipeline, wave: &[Drop]) -> Result<(), Failure> {
    let prefix = &pipeline.settings.inbox_prefix;
    for drop in wave {
        let bytes = match &drop.content {
            Content::Shipped(bytes) => Bytes::from_static(bytes),
            Content::File(path) => Bytes::from(fs::read(path).with_context(|| shown_path(path))?),
        };
        pipeline
            .objects
            .put(&format!("{prefix}{}", drop.key), bytes)
            .await?;
    }
    Ok(())
}

async fn run_wave(pipeline: &Pipeline) -> Result<(Vec<StepFailure>, Duration), Failure> {
    let started = Instant::now();
    let summary = pipeline.run_once().await?;
    Ok((summary.failures, started.elapsed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_does_not_wait() {
        let configuration =
            Configuration::parse(Path::new("/p"), &configuration_text(), &|_| None).unwrap();
        assert_eq!(configuration.settings.quiescence, Duration::ZERO);
    }

    #[test]
    fn what_is_there_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        refuse_what_is_there(&folder.path().join("new")).unwrap();
        refuse_what_is_there(folder.path()).unwrap();
        fs::write(folder.path().join("thesis.doc"), "x").unwrap();
        assert!(
            matches!(refuse_what_is_there(folder.path()), Err(Failure::Refused(text)) if text.contains("not empty"))
        );
        make_folder(folder.path(), &configuration_text(), true).unwrap();
        shipped::write_demo_feeds(folder.path()).unwrap();
        assert!(
            matches!(refuse_what_is_there(folder.path()), Err(Failure::Refused(text)) if text.contains("earlier demo"))
        );
    }
}
