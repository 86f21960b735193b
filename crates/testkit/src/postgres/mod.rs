//! A real Postgres for tests: a private cluster made from the installed binaries, or the server
//! that `LAZARET_TEST_POSTGRES_URL` names. Every test has a new, empty database of its own.
//!
//! The cluster listens on a socket in a folder of its own and on no port, so neither another
//! user nor another test can reach it (but for one that is started with TLS: that asks for a
//! password). It is the child of a shell that ends it, and removes its
//! folder, when its standard input closes; the kernel closes that however the test's process
//! ends, so nothing is left behind even by `kill -9`. `initdb` runs once: its outcome is kept in
//! the target folder and copied, because under `cargo nextest` every test is a process.

mod account;
mod address;
mod cluster;
mod tls;

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::certificates::Certificates;
use account::Account;
use cluster::{binaries, copy, find_on_path, template};

pub use address::{through, upstream};

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
        PrivatePostgres::launch(None).unwrap_or_else(|problem| panic!("{problem}"))
    }

    /// Starts a cluster that also listens on a port of this machine, for those who come by TLS and
    /// with a password. Its databases' URLs name the authority and have the certificate checked.
    /// It is always a cluster of our own.
    ///
    /// # Panics
    /// As [`PrivatePostgres::start`].
    pub fn start_with_tls(certificates: &Certificates) -> PrivatePostgres {
        // A free port is known to be free only until somebody else takes it.
        const TRIES: u32 = 5;
        let mut problems = Vec::new();
        for _ in 0..TRIES {
            match PrivatePostgres::launch(Some(certificates)) {
                Ok(postgres) => return postgres,
                Err(problem) => problems.push(problem),
            }
        }
        panic!("{}", problems.join("\n"));
    }

    fn launch(certificates: Option<&Certificates>) -> Result<PrivatePostgres, String> {
        let binaries = binaries();
        let account = Account::for_postgres();
        let folder = account.folder();
        let data = folder.join("data");
        copy(&template(&binaries, &account), &data);
        let tls = certificates.map(|certificates| tls::prepare(&data, certificates));
        let more = tls.as_ref().map_or("", |tls| tls.settings.as_str());
        fs::write(
            data.join("postgresql.auto.conf"),
            format!("{SETTINGS}{more}"),
        )
        .expect("the copy can be written");
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
        let by_socket = format!(
            "postgres://postgres@localhost/{{}}?host={}",
            folder.display()
        );
        let admin_url = by_socket.replace("{}", "template1");
        let postgres = PrivatePostgres {
            admin_url: tls.as_ref().map_or(admin_url.clone(), |tls| {
                format!("{admin_url}&port={}", tls.port)
            }),
            ready_made: AtomicBool::new(true),
            url: tls.as_ref().map_or(by_socket, |tls| tls.url.clone()),
            psql: binaries.join("psql"),
            watchers: vec![watcher].into(),
            is_ours: true,
        };
        await_ready(&folder)?;
        if tls.is_some() {
            postgres.administer(tls::SET_PASSWORD);
        }
        Ok(postgres)
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
        self.administer(&create);
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

    /// Everything that one of its databases holds, as text.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn dump(&self, url: &str) -> String {
        self.dumped(&["--dbname", url])
    }

    /// The same without the rows of a table.
    ///
    /// # Panics
    /// As [`PrivatePostgres::dump`].
    pub fn dump_without(&self, url: &str, table: &str) -> String {
        self.dumped(&["--dbname", url, "--exclude-table-data", table])
    }

    fn dumped(&self, arguments: &[&str]) -> String {
        let dumped = Command::new(self.psql.with_file_name("pg_dump"))
            .args(arguments)
            .output()
            .unwrap_or_else(|error| panic!("cannot start pg_dump: {error}"));
        let said = String::from_utf8_lossy(&dumped.stderr);
        assert!(dumped.status.success(), "pg_dump: {said}");
        String::from_utf8_lossy(&dumped.stdout).into_owned()
    }

    fn administer(&self, sql: &str) {
        run(Command::new(&self.psql)
            .args(["--quiet", "--no-psqlrc", "--dbname", &self.admin_url])
            .args(["--command", sql]));
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

/// Waits until the cluster has said in its `postmaster.pid` that it accepts connections.
fn await_ready(folder: &Path) -> Result<(), String> {
    let started = Instant::now();
    loop {
        // https://www.postgresql.org/docs/current/storage-file-layout.html; line 8 is the status.
        let status = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap_or_default();
        if status
            .lines()
            .nth(7)
            .is_some_and(|line| line.trim() == "ready")
        {
            return Ok(());
        }
        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        if log.contains("FATAL") || started.elapsed() > START_TIMEOUT {
            return Err(format!("the private Postgres did not start:\n{log}"));
        }
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
