//! Being told by the file system, where the object store is a folder.

use std::path::{Path, PathBuf};

use anyhow::Context;
use notify::event::{CreateKind, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use pipeline::Pipeline;
use tokio::sync::mpsc;

use super::Tidings;

/// A name that stands for whatever lies in a folder.
const ANYTHING: &str = "_";

/// Tells of what changes in the inbox for as long as the watcher lives. `None` where the object
/// store is no folder.
pub(super) fn watch(
    pipeline: &Pipeline,
    tell: mpsc::Sender<Tidings>,
) -> anyhow::Result<Option<RecommendedWatcher>> {
    let Some(root) = pipeline.objects.folder() else {
        return Ok(None);
    };
    let inbox = root.join(&pipeline.settings.inbox_prefix);
    std::fs::create_dir_all(&inbox)
        .with_context(|| format!("the inbox {} cannot be made", inbox.display()))?;
    let heard = move |event: notify::Result<notify::Event>| {
        let tidings = match event {
            Ok(event) => told_by(&root, &event),
            Err(error) => {
                tracing::warn!(%error, "the file system could not tell of a change");
                Some(Tidings::Everywhere)
            }
        };
        // Where too many wait, the next listing finds what this one would have told.
        if let Some(tidings) = tidings
            && tell.try_send(tidings).is_err()
        {
            tracing::debug!("tidings were dropped: the next listing finds what they told of");
        }
    };
    let mut watcher = notify::recommended_watcher(heard).context("the inbox cannot be watched")?;
    match watcher.watch(&inbox, RecursiveMode::Recursive) {
        Ok(()) => Ok(Some(watcher)),
        Err(error) => {
            tracing::warn!(
                %error,
                "the inbox cannot be watched; new files are found when it is listed"
            );
            Ok(None)
        }
    }
}

fn told_by(root: &Path, event: &notify::Event) -> Option<Tidings> {
    if event.need_rescan() {
        return Some(Tidings::Everywhere);
    }
    let is_folder = match event.kind {
        EventKind::Create(CreateKind::Folder) => true,
        EventKind::Create(_) | EventKind::Modify(_) | EventKind::Any => false,
        EventKind::Access(notify::event::AccessKind::Close(_)) => false,
        EventKind::Access(_) | EventKind::Remove(_) | EventKind::Other => return None,
    };
    let key = |path: &PathBuf| {
        let below = path.strip_prefix(root).ok()?.to_str()?;
        // What was put into a new folder before it was watched is told by nobody.
        let is_folder = is_folder || path.is_dir();
        Some(if is_folder {
            format!("{below}/{ANYTHING}")
        } else {
            below.to_owned()
        })
    };
    let keys: Vec<String> = event.paths.iter().filter_map(key).collect();
    (!keys.is_empty()).then_some(Tidings::At(keys))
}
