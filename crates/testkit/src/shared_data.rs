//! The public sets and suites that lie beside the repository and are no part of it.

use std::path::{Path, PathBuf};

/// The folder `part` of the shared data: below what `LAZARET_SHARED_DATA` names, or below
/// `../shared/data` from the repository's root. `None`, said aloud, where neither is there; a
/// folder that is named and lacks the part is a mistake.
#[expect(
    clippy::print_stderr,
    reason = "only tests call it, and say what they leave out"
)]
pub fn folder(part: &str) -> Option<PathBuf> {
    let named = std::env::var_os("LAZARET_SHARED_DATA").map(PathBuf::from);
    if let Some(named) = named {
        let folder = named.join(part);
        assert!(
            folder.is_dir(),
            "LAZARET_SHARED_DATA names a folder without `{part}`"
        );
        return Some(folder);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = root.join("../shared/data").join(part);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("the shared data are not here: name their folder in LAZARET_SHARED_DATA to run this");
    None
}
