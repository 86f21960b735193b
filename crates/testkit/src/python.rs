//! Python for tests: outside readers (DuckDB, the `deltalake` package) that check what we wrote,
//! and the S3 server. `scripts/setup.sh test` makes the environment.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The interpreter: `LAZARET_TEST_PYTHON`, else the project's `.venv`, else `python3`.
pub fn python() -> PathBuf {
    if let Some(named) = std::env::var_os("LAZARET_TEST_PYTHON") {
        return named.into();
    }
    let of_the_project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.venv/bin/python");
    if of_the_project.exists() {
        of_the_project
    } else {
        "python3".into()
    }
}

/// Runs the Python text with these arguments (`sys.argv[1:]`) and returns what it printed.
///
/// # Panics
/// When it cannot be started or fails: with its standard error, and how to install what it needs.
pub fn run_python<A: AsRef<str>>(script: &str, args: &[A]) -> String {
    let python = python();
    let output = Command::new(&python)
        .args(["-c", script])
        .args(args.iter().map(AsRef::as_ref))
        .output()
        .unwrap_or_else(|error| panic!("cannot start {}: {error}", python.display()));
    assert!(
        output.status.success(),
        "the Python script failed under {} ({}); where a package is missing, \
         `scripts/setup.sh test` installs it\n{}",
        python.display(),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("Python prints UTF-8")
}
