use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{INSTALL, output, run};

/// Who runs the cluster: Postgres refuses to run as root.
pub(super) struct Account {
    as_other_user: bool,
}

impl Account {
    const NAME: &str = "postgres";

    pub(super) fn for_postgres() -> Account {
        let is_root = output(Command::new("id").arg("-u")).trim() == "0";
        if is_root {
            let known = Command::new("id").arg(Account::NAME).output();
            assert!(
                known.is_ok_and(|output| output.status.success()),
                "Postgres does not run as root, and there is no user `{}`; {INSTALL}",
                Account::NAME
            );
        }
        Account {
            as_other_user: is_root,
        }
    }

    pub(super) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        if !self.as_other_user {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        command.args([
            "--reuid",
            Account::NAME,
            "--regid",
            Account::NAME,
            "--init-groups",
        ]);
        command.arg("--").arg(program);
        command
    }

    /// A folder of the account's own, which whoever uses it removes.
    pub(super) fn folder(&self) -> PathBuf {
        let folder = TempDir::with_prefix_in("lazaret-postgres-", scratch_folder())
            .expect("a temporary folder");
        self.give(folder.path());
        folder.keep()
    }

    pub(super) fn give(&self, folder: &Path) {
        if self.as_other_user {
            let owner = format!("{0}:{0}", Account::NAME);
            run(Command::new("chown").args(["-R", &owner]).arg(folder));
        }
    }
}

/// Memory, where there is plenty: a cluster is 30 MB that no test needs to find on a disk. (A
/// container often has 64 MB of it, which would not do.)
fn scratch_folder() -> PathBuf {
    const ENOUGH_KILOBYTES: u64 = 1 << 20;
    const MEMORY: &str = "/dev/shm";
    let report = Command::new("df").args(["-Pk", MEMORY]).output();
    let report = report.map_or_else(
        |_| String::new(),
        |df| String::from_utf8_lossy(&df.stdout).into_owned(),
    );
    // df(1), POSIX format: a heading, then blocks, used and available from the second column on.
    let available = report
        .lines()
        .nth(1)
        .and_then(|line| line.split_whitespace().nth(3)?.parse().ok());
    let is_plenty = available.is_some_and(|kilobytes: u64| kilobytes >= ENOUGH_KILOBYTES);
    if is_plenty && std::env::var_os("TMPDIR").is_none() {
        MEMORY.into()
    } else {
        std::env::temp_dir()
    }
}
