//! What the binary carries: the library of contracts and mappings, the demo's feeds and samples,
//! and the files of a new project.

use std::fs;
use std::path::Path;

use anyhow::Context;
use include_dir::{Dir, DirEntry, File, include_dir};

static LIBRARY: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../library");
static DEMO_FEEDS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../demo/feeds");
static DEMO_INBOX: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../demo/inbox");

pub(crate) const CONFIGURATION: &str = include_str!("../templates/lazaret.toml");
pub(crate) const EXAMPLE_FEED: &str = include_str!("../templates/example_feed.yaml");
pub(crate) const GITIGNORE: &str = include_str!("../templates/gitignore");

/// Writes `contracts/` and `canonical/` into a project.
pub(crate) fn write_library(project: &Path) -> anyhow::Result<()> {
    for folder in ["contracts", "canonical"] {
        let shipped = LIBRARY
            .get_dir(folder)
            .with_context(|| format!("the library has no {folder}/"))?;
        write(shipped, project)?;
    }
    Ok(())
}

/// A document of the library by its path in a project.
pub(crate) fn document(path: &str) -> Option<&'static str> {
    LIBRARY.get_file(path)?.contents_utf8()
}

/// Writes the demo's feeds into a project's `feeds/`.
pub(crate) fn write_demo_feeds(project: &Path) -> anyhow::Result<()> {
    write(&DEMO_FEEDS, &project.join("feeds"))
}

/// The demo's samples by their key below the inbox, sorted.
pub(crate) fn demo_inbox() -> Vec<(String, &'static [u8])> {
    let mut files: Vec<_> = files(&DEMO_INBOX)
        .into_iter()
        .map(|file| {
            (
                file.path().to_string_lossy().replace('\\', "/"),
                file.contents(),
            )
        })
        .collect();
    files.sort();
    files
}

fn write(dir: &Dir<'_>, to: &Path) -> anyhow::Result<()> {
    for file in files(dir) {
        let path = to.join(file.path());
        let parent = path.parent().unwrap_or(to);
        fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
        fs::write(&path, file.contents()).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

fn files<'a>(dir: &'a Dir<'a>) -> Vec<&'a File<'a>> {
    let of_entry = |entry: &'a DirEntry<'a>| match entry {
        DirEntry::Dir(dir) => files(dir),
        DirEntry::File(file) => vec![file],
    };
    dir.entries().iter().flat_map(of_entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_and_the_demo_are_on_board() {
        let library: Vec<_> = files(&LIBRARY)
            .iter()
            .map(|file| file.path().to_owned())
            .collect();
        for path in [
            "contracts/medical_claim/v1.yaml",
            "canonical/schemas/medical_claim/v1.json",
        ] {
            assert!(
                library.iter().any(|found| found == Path::new(path)),
                "{path} is missing"
            );
        }
        assert!(!files(&DEMO_FEEDS).is_empty());
        let inbox = demo_inbox();
        assert!(
            inbox.iter().any(|(key, _)| key.ends_with("/_SUCCESS")),
            "one group has a marker"
        );
        // A key groups by submitter, file type and drop.
        assert!(
            inbox.iter().all(|(key, _)| key.split('/').count() == 4),
            "{inbox:?}"
        );
    }

    #[test]
    fn a_project_can_be_written() {
        let project = tempfile::tempdir().unwrap();
        write_library(project.path()).unwrap();
        write_demo_feeds(project.path()).unwrap();
        assert!(
            project
                .path()
                .join("contracts/medical_claim/v1.yaml")
                .is_file()
        );
        assert!(project.path().join("feeds/evergreen_claims.yaml").is_file());
    }
}
