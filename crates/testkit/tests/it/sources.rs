//! Sources that can be read in one sitting: no file over its limit, a `main` that is
//! a match, and no example that nobody runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::workspace::root;

const FILE_LINES_MAX: usize = 500;
const MAIN_LINES_MAX: usize = 40;

/// Every Rust source of the workspace, by path from the root.
fn sources() -> BTreeMap<PathBuf, String> {
    let root = root();
    let mut found = BTreeMap::new();
    let mut folders = vec![root.join("crates")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the workspace can be listed") {
            let path = entry.expect("its entries can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source is text");
                let path = path.strip_prefix(&root).expect("it lies below the root");
                found.insert(path.to_owned(), text);
            }
        }
    }
    found
}

#[test]
fn no_source_is_too_long() {
    let sources = sources();
    assert!(sources.len() > 10, "the sources are found");
    let too_long: Vec<String> = sources
        .iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > FILE_LINES_MAX)
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(
        too_long.is_empty(),
        "a file over {FILE_LINES_MAX} lines holds two subjects; split it by subject:\n  {}",
        too_long.join("\n  ")
    );
}

#[test]
fn main_is_a_match() {
    let main = Path::new("crates/lazaret/src/main.rs");
    let sources = sources();
    let text = sources
        .get(main)
        .expect("the binary has its main in crates/lazaret/src/main.rs");
    let lines = text.lines().count();
    assert!(
        lines < MAIN_LINES_MAX,
        "{} has {lines} lines; under {MAIN_LINES_MAX} it only chooses the command",
        main.display()
    );
}

/// The line numbers of the fences that open a doc test: no word, or one that makes rustdoc run it.
fn doc_tests(text: &str) -> Vec<usize> {
    let mut open = false;
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start();
        let Some(doc) = line
            .strip_prefix("//!")
            .or_else(|| line.strip_prefix("///"))
        else {
            open = false;
            continue;
        };
        let Some(word) = doc.trim().strip_prefix("```") else {
            continue;
        };
        if !open && ["", "rust", "no_run", "should_panic", "ignore"].contains(&word) {
            found.push(number + 1);
        }
        open = !open;
    }
    found
}

#[test]
fn no_example_goes_unrun() {
    let found: Vec<String> = sources()
        .iter()
        .flat_map(|(path, text)| {
            let at = |line| format!("{}:{line}", path.display());
            doc_tests(text).into_iter().map(at).collect::<Vec<_>>()
        })
        .collect();
    assert!(
        found.is_empty(),
        "nextest runs no doc tests: make the example a test, or fence it as ```text:\n  {}",
        found.join("\n  ")
    );
}

#[test]
fn doc_tests_are_told_from_text() {
    assert_eq!(doc_tests("/// ```\n/// let x = 1;\n/// ```\n"), [1]);
    assert_eq!(
        doc_tests("//! ```text\n//! a,b\n//! ```\n//! ```rust\n//! ```"),
        [4]
    );
    assert_eq!(doc_tests("/// `x`\nlet fence = \"```\";\n"), [0; 0]);
}
