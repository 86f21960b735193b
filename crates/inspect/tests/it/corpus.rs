//! What fuzzing found or was given, replayed: every file of `fuzz/corpus` through the check of
//! its target.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::checks::TARGETS;

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder of the corpus");
    let mut entries: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    entries
}

fn name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .expect("a name in ASCII")
}

#[test]
fn every_corpus_passes_its_check() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let folders = entries(&corpora);
    let folders: BTreeSet<_> = folders.iter().map(|folder| name(folder)).collect();
    assert_eq!(folders, TARGETS.into_iter().map(|(name, _)| name).collect());
    for (target, check) in TARGETS {
        let inputs = entries(&corpora.join(target));
        assert!(inputs.len() >= 10, "{target} has {} inputs", inputs.len());
        for input in inputs {
            // Named before it is run, so that a panic is known to be its own.
            println!("{target}: {}", name(&input));
            check(&std::fs::read(&input).expect("an input"));
        }
    }
}
