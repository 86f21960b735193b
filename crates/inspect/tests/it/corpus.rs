//! What fuzzing found or was given, replayed: every file of `fuzz/corpus` through the check of
//! its target.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::Index;

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

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// A little of what fuzzing does, at every run of the tests: bytes changed, cut out and doubled.
    #[test]
    fn inputs_like_those_of_the_corpora_pass(
        target in any::<Index>(), input in any::<Index>(),
        changes in prop::collection::vec((any::<Index>(), any::<u8>(), 0..4u8), 1..6),
    ) {
        let (name, check) = TARGETS[target.index(TARGETS.len())];
        let inputs = entries(&corpora().join(name));
        let mut bytes = std::fs::read(&inputs[input.index(inputs.len())]).expect("an input");
        for (at, byte, how) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => drop(bytes.remove(at)),
                _ => {
                    let end = (at + usize::from(byte)).min(bytes.len());
                    let again = bytes[at..end].to_vec();
                    bytes.splice(at..at, again);
                }
            }
        }
        check(&bytes);
    }
}

#[test]
fn every_corpus_passes_its_check() {
    let corpora = corpora();
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
