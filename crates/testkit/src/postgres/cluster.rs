//! The installed binaries, and a cluster as they leave it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::account::Account;
use super::{INSTALL, output, run};

/// The folder of `initdb`, `postgres` and `psql`: the newest of Debian's, else by `PATH`.
pub(super) fn binaries() -> PathBuf {
    let version = |folder: &PathBuf| {
        let name = folder
            .parent()
            .and_then(Path::file_name)
            .map(|n| n.to_string_lossy().into_owned());
        name.and_then(|name| name.parse::<u32>().ok())
    };
    let installed = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    installed
        .map(|entry| entry.path().join("bin"))
        .filter(|folder| folder.join("initdb").exists() && folder.join("psql").exists())
        .max_by_key(version)
        .or_else(|| find_on_path("initdb"))
        .unwrap_or_else(|| panic!("Postgres is not installed; {INSTALL}"))
}

pub(super) fn find_on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find(|folder| folder.join(program).exists())
}

/// A cluster as `initdb` leaves it, made by the first test that needs it.
pub(super) fn template(binaries: &Path, account: &Account) -> PathBuf {
    let version = output(Command::new(binaries.join("postgres")).arg("--version"));
    let version = version
        .split_whitespace()
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let cache = cache_folder();
    let template = cache.join(format!("postgres-{}", version.unwrap_or("unknown")));
    fs::create_dir_all(&cache).unwrap_or_else(|error| panic!("{}: {error}", cache.display()));
    let lock = File::create(cache.join("postgres.lock")).expect("the target folder can be written");
    lock.lock().expect("a lock in the target folder");
    if template.exists() {
        return template;
    }
    let folder = account.folder();
    run(account
        .command(binaries.join("initdb"))
        .arg("-D")
        .arg(folder.join("data"))
        .args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
            // The first segment is most of what would be copied.
            "--wal-segsize=1",
        ])
        .current_dir("/"));
    // Whole or not there: a copy that was cut short is never taken for a template.
    let partial = cache.join("postgres.partial");
    if partial.exists() {
        fs::remove_dir_all(&partial).expect("the target folder can be written");
    }
    copy(&folder.join("data"), &partial);
    fs::rename(&partial, &template).expect("the target folder can be written");
    fs::remove_dir_all(&folder).expect("our own temporary folder can be removed");
    template
}

/// `target/tmp`, found from the running test: `target/{profile}/deps/{test}`.
fn cache_folder() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let target = test
        .ancestors()
        .find(|folder| folder.ends_with("deps"))
        .and_then(|deps| deps.ancestors().nth(2));
    target.map_or_else(std::env::temp_dir, |target| target.join("tmp"))
}

pub(super) fn copy(from: &Path, to: &Path) {
    // `initdb` keeps others out, and Postgres insists on it; a copy has the modes of its source.
    run(Command::new("cp").arg("-R").arg(from).arg(to));
}
