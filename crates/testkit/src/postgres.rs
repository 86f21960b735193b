//! A real Postgres for tests: a private cluster made from the installed binaries, or the server
//! that `LAZARET_TEST_POSTGRES_URL` names. Every test has a new, empty database of its own.
//!
//! The cluster listens on a socket in a folder of its own and on no port, so neither another
//! user nor another test can reach it. It is the child of a shell that ends it, and removes its
//! folder, when its standard input closes; the kernel closes that however the test's process
//! ends, so nothing is left behind even by `kill -9`. `initdb` runs once: its outcome is kept in
//! the target folder and copied, because under `cargo nextest` every test is a process.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const INSTALL: &str = "install it (Debian: `apt-get install postgresql`), or set \
                       LAZARET_TEST_POSTGRES_URL to a server that tests may use";
/// A slow machine that runs many tests at once still starts a cluster in this time.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Nothing here outlives its test, so nothing has to survive a crash; and no other host, standby
/// or long-lived table has to be served.
const SETTINGS: &str = "
listen_addresses = ''
max_connections = 60
shared_buffers = 16MB
fsync = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
autovacuum = off
jit = off
";

/// Ends what it started when standard input closes. `$1` is the cluster's folder.
const WATCHED_CLUSTER: &str = r#"
folder=$1; shift
"$@" </dev/null &
cat >/dev/null
kill -QUIT $! 2>/dev/null
wait
rm -rf "$folder"
"#;
/// Drops a database of somebody else's server when standard input closes.
const WATCHED_DATABASE: &str = r#"
cat >/dev/null
exec "$1" --quiet --no-psqlrc --dbname "$2" --command "DROP DATABASE IF EXISTS $3 WITH (FORCE)"
"#;

/// A server with as many empty databases as are asked for. Dropping it ends it.
#[derive(Debug)]
pub struct PrivatePostgres {
    /// The URL of a database, with `{}` for the database's name.
    url: String,
    /// Where databases are made from.
    admin_url: String,
    /// What the cluster has had from `initdb`, until the first test takes it.
    ready_made: AtomicBool,
    psql: PathBuf,
    /// The shells that clean up; the first one holds the cluster.
    watchers: std::sync::Mutex<Vec<Child>>,
    is_ours: bool,
}

impl PrivatePostgres {
    /// Starts a cluster and returns when it answers.
    ///
    /// # Panics
    /// When there is no Postgres, or it does not start: a test without its store has failed.
    pub fn start() -> PrivatePostgres {
        if let Ok(url) = std::env::var("LAZARET_TEST_POSTGRES_URL") {
            return PrivatePostgres::of_somebody_else(&url);
        }
        let binaries = binaries();
        let account = Account::for_postgres();
        let folder = account.folder();
        let data = folder.join("data");
        copy(&template(&binaries, &account), &data);
        fs::write(data.join("postgresql.auto.conf"), SETTINGS).expect("the copy can be written");
        account.give(&folder);

        let watcher = account
            .command("sh")
            .args(["-c", WATCHED_CLUSTER, "postgres of a test"])
            .arg(&folder)
            .arg(binaries.join("postgres"))
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(&folder)
            .current_dir("/")
            // A Ctrl-C ends the test, and only thereby the cluster.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(folder.join("log")).expect("the cluster's folder can be written"))
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start Postgres: {error}"));
        let url = format!(
            "postgres://postgres@localhost/{{}}?host={}",
            folder.display()
        );
        let postgres = PrivatePostgres {
            admin_url: url.replace("{}", "template1"),
            ready_made: AtomicBool::new(true),
            url,
            psql: binaries.join("psql"),
            watchers: vec![watcher].into(),
            is_ours: true,
        };
        await_ready(&folder);
        postgres
    }

    /// The one cluster of this process, started at the first call.
    pub fn shared() -> &'static PrivatePostgres {
        static SHARED: OnceLock<PrivatePostgres> = OnceLock::new();
        SHARED.get_or_init(PrivatePostgres::start)
    }

    /// The URL of a new, empty database.
    ///
    /// # Panics
    /// When the database cannot be made.
    pub fn database(&self) -> String {
        if self.ready_made.swap(false, Ordering::Relaxed) {
            return self.url.replace("{}", "postgres");
        }
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("lazaret_test_{}_{count}", std::process::id());
        let create = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'");
        run(Command::new(&self.psql).args([
            "--quiet",
            "--no-psqlrc",
            "--dbname",
            &self.admin_url,
            "--command",
            &create,
        ]));
        if !self.is_ours {
            let watcher = Command::new("sh")
                .args(["-c", WATCHED_DATABASE, "database of a test"])
                .arg(&self.psql)
                .args([&self.admin_url, &name])
                .process_group(0)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap_or_else(|error| panic!("cannot start a shell: {error}"));
            self.watchers
                .lock()
                .expect("nothing panics under this lock")
                .push(watcher);
        }
        self.url.replace("{}", &name)
    }

    fn of_somebody_else(url: &str) -> PrivatePostgres {
        let Some((scheme, rest)) = url.split_once("://") else {
            panic!("LAZARET_TEST_POSTGRES_URL is not a postgres:// URL");
        };
        let (authority, rest) = rest.split_once('/').unwrap_or((rest, ""));
        let options = rest
            .split_once('?')
            .map(|(_, options)| format!("?{options}"));
        let psql = find_on_path("psql").map_or_else(|| binaries().join("psql"), |f| f.join("psql"));
        PrivatePostgres {
            admin_url: url.to_owned(),
            ready_made: AtomicBool::new(false),
            url: format!("{scheme}://{authority}/{{}}{}", options.unwrap_or_default()),
            psql,
            watchers: Vec::new().into(),
            is_ours: false,
        }
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        // A poisoned lock still holds the shells that have to end.
        let watchers = self
            .watchers
            .get_mut()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        for watcher in watchers {
            drop(watcher.stdin.take());
            // Its end is all that is waited for; a cluster that failed has said so before.
            let _ = watcher.wait();
        }
    }
}

/// Who runs the cluster: Postgres refuses to run as root.
struct Account {
    as_other_user: bool,
}

impl Account {
    const NAME: &str = "postgres";

    fn for_postgres() -> Account {
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

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
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
    fn folder(&self) -> PathBuf {
        let folder = TempDir::with_prefix_in("lazaret-postgres-", scratch_folder())
            .expect("a temporary folder");
        self.give(folder.path());
        folder.keep()
    }

    fn give(&self, folder: &Path) {
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

/// The folder of `initdb`, `postgres` and `psql`: the newest of Debian's, else by `PATH`.
fn binaries() -> PathBuf {
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

fn find_on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find(|folder| folder.join(program).exists())
}

/// A cluster as `initdb` leaves it, made by the first test that needs it.
fn template(binaries: &Path, account: &Account) -> PathBuf {
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

fn copy(from: &Path, to: &Path) {
    // `initdb` keeps others out, and Postgres insists on it; a copy has the modes of its source.
    run(Command::new("cp").arg("-R").arg(from).arg(to));
}

/// Waits until the cluster has said in its `postmaster.pid` that it accepts connections.
fn await_ready(folder: &Path) {
    let started = Instant::now();
    loop {
        // https://www.postgresql.org/docs/current/storage-file-layout.html; line 8 is the status.
        let status = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap_or_default();
        if status
            .lines()
            .nth(7)
            .is_some_and(|line| line.trim() == "ready")
        {
            return;
        }
        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert!(
            !log.contains("FATAL") && started.elapsed() < START_TIMEOUT,
            "the private Postgres did not start:\n{log}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn run(command: &mut Command) {
    output(command);
}

fn output(command: &mut Command) -> String {
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| {
            panic!("cannot start {}: {error}", command.get_program().display())
        });
    assert!(
        output.status.success(),
        "{} failed ({})\n{}",
        command.get_program().display(),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(url: &str, sql: &str) -> String {
        let psql = binaries().join("psql");
        output(Command::new(psql).args(["-XAt", "--dbname", url, "--command", sql]))
    }

    #[test]
    fn databases_are_new_and_apart() {
        let postgres = PrivatePostgres::shared();
        let (one, other) = (postgres.database(), postgres.database());
        assert_ne!(one, other);
        answer(&one, "CREATE TABLE only_here (id int)");
        let tables = "SELECT count(*) FROM pg_tables WHERE tablename = 'only_here'";
        assert_eq!(answer(&one, tables).trim(), "1");
        assert_eq!(answer(&other, tables).trim(), "0");
    }

    #[test]
    fn dropping_it_ends_the_server_and_removes_its_folder() {
        if std::env::var_os("LAZARET_TEST_POSTGRES_URL").is_some() {
            eprintln!("not applicable: the server of LAZARET_TEST_POSTGRES_URL is not ours to end");
            return;
        }
        let postgres = PrivatePostgres::start();
        let url = postgres.database();
        let folder = PathBuf::from(url.split_once("?host=").unwrap().1);
        let pid = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
        let server = Path::new("/proc").join(pid.lines().next().unwrap());
        assert!(server.exists());
        drop(postgres);
        assert!(!folder.exists());
        assert!(!server.exists());
    }
}
