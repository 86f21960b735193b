//! The workspace as cargo sees it: every crate of ours with what it imports.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// One crate of ours.
#[derive(Clone, Debug)]
pub(crate) struct Crate {
    pub(crate) name: String,
    pub(crate) imports: Vec<Import>,
    /// The text of its `Cargo.toml`.
    pub(crate) manifest: String,
}

/// One line of a dependency table, under the package's own name even where it is renamed.
#[derive(Clone, Debug)]
pub(crate) struct Import {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Normal,
    Build,
    Dev,
}

pub(crate) fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize()
        .expect("the workspace is two folders above this crate")
}

pub(crate) fn crates() -> Vec<Crate> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo runs, since it runs this test");
    assert!(
        output.status.success(),
        "cargo metadata failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value =
        serde_json::from_slice(&output.stdout).expect("cargo metadata writes JSON");
    array(&metadata, "packages").iter().map(read).collect()
}

fn read(package: &Value) -> Crate {
    let manifest = text(package, "manifest_path");
    Crate {
        name: text(package, "name").to_owned(),
        imports: array(package, "dependencies").iter().map(import).collect(),
        manifest: std::fs::read_to_string(manifest)
            .unwrap_or_else(|error| panic!("cannot read {manifest}: {error}")),
    }
}

fn import(dependency: &Value) -> Import {
    Import {
        name: text(dependency, "name").to_owned(),
        kind: match dependency["kind"].as_str() {
            None => Kind::Normal,
            Some("build") => Kind::Build,
            Some("dev") => Kind::Dev,
            Some(other) => panic!("cargo metadata has an unknown kind of dependency: {other}"),
        },
    }
}

fn array<'a>(value: &'a Value, key: &str) -> &'a Vec<Value> {
    value[key]
        .as_array()
        .unwrap_or_else(|| panic!("cargo metadata has no list `{key}`"))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("cargo metadata has no text `{key}`"))
}
