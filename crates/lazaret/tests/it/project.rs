//! A project folder of a test's own, on one of the two sets of services.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;
use testkit::postgres::PrivatePostgres;
use testkit::s3::S3Server;

/// Which services stand behind the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stack {
    SqliteAndFolder,
    PostgresAndS3,
}

/// Each named function, which is given its [`Stack`], as a test on SQLite and a folder and as one
/// on Postgres and S3.
macro_rules! on_both_stacks {
    ($($scenario:ident),+ $(,)?) => {$(
        mod $scenario {
            use crate::project::Stack;

            #[test]
            fn on_sqlite_and_a_folder() {
                super::$scenario(Stack::SqliteAndFolder);
            }

            #[test]
            fn on_postgres_and_s3() {
                super::$scenario(Stack::PostgresAndS3);
            }
        }
    )+};
}

pub(crate) struct Project {
    folder: TempDir,
    /// What the binary finds in its environment.
    environment: Vec<(String, String)>,
    s3: Option<S3Server>,
}

/// The repository's root, where the library and the demo lie.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

impl Project {
    /// A project with the shipped library and the demo's feeds, whose groups close at once.
    pub(crate) fn new(stack: Stack) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut environment = vec![("QUIESCENCE_MINUTES".to_owned(), "0".to_owned())];
        let mut s3 = None;
        if stack == Stack::PostgresAndS3 {
            environment.push((
                "METADATA_DB_URL".into(),
                PrivatePostgres::shared().database(),
            ));
            let server = S3Server::start();
            environment.push(("OBJECTS_URL".into(), format!("{}/lake", server.url())));
            environment.extend(server.env().map(|(name, value)| (name.to_owned(), value)));
            s3 = Some(server);
        }
        let project = Self {
            folder,
            environment,
            s3,
        };
        project.succeeds(&["init", project.root().to_str().unwrap()]);
        copy_folder(
            &repository().join("demo/feeds"),
            &project.root().join("feeds"),
        );
        project
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// Writes a file of the project, at a path relative to its folder.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Sets a variable for every later call.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// What the program finds in a variable that the services set.
    pub(crate) fn variable(&self, name: &str) -> &str {
        let mut known = self.environment.iter();
        let found = known.find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("{name} is not set")).1
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lazaret"));
        command.args(arguments).current_dir(self.folder.path());
        for name in [
            "METADATA_DB_URL",
            "OBJECTS_URL",
            "INBOX_PREFIX",
            "GROUP_BY_DEPTH",
            "CLASSIFIER_IMPL",
            "RUST_LOG",
        ] {
            command.env_remove(name);
        }
        command
            .env("LAZARET_PROJECT", self.root())
            .envs(self.environment.iter().cloned());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed and returns what it printed.
    pub(crate) fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(
            output.status.success(),
            "lazaret {}: {}\n{}\n{}",
            arguments.join(" "),
            output.status,
            text(&output.stdout),
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    /// The same with JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let text = self.succeeds(&[arguments, &["--format", "json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}\n{text}"))
    }

    pub(crate) fn run_once(&self) -> Value {
        self.json(&["run", "--once"])
    }

    /// Every submission's grouping key, its last folder, and state.
    pub(crate) fn submissions(&self) -> Vec<Value> {
        let listed = self.json(&["submission", "list", "--limit", "1000"]);
        listed["submissions"].as_array().unwrap().clone()
    }

    /// The submission that came from that group.
    pub(crate) fn submission(&self, grouping_key: &str) -> Value {
        let found = self
            .submissions()
            .into_iter()
            .find(|submission| submission["grouping_key"] == grouping_key);
        found.unwrap_or_else(|| panic!("no submission came from {grouping_key}"))
    }

    /// The place of objects, as the program sees it.
    pub(crate) fn objects(&self) -> lake::Objects {
        let location = match &self.s3 {
            Some(server) => format!("{}/lake", server.url()),
            None => self.root().join("data").to_str().unwrap().to_owned(),
        };
        lake::Objects::connect_with(&location, self.environment.iter().cloned()).unwrap()
    }

    pub(crate) fn metadata_url(&self) -> String {
        match self.s3 {
            Some(_) => self.variable("METADATA_DB_URL").to_owned(),
            None => format!("sqlite://{}", self.root().join("lazaret.db").display()),
        }
    }

    /// Everything that the metadata database holds, as far as it can be read as text.
    pub(crate) fn metadata(&self) -> String {
        if self.s3.is_some() {
            return PrivatePostgres::shared().dump(self.variable("METADATA_DB_URL"));
        }
        let files = ["lazaret.db", "lazaret.db-wal"].map(|name| self.root().join(name));
        let kept = files.iter().filter(|file| file.exists());
        let texts =
            kept.map(|file| String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned());
        texts.collect()
    }

    /// Puts a file into the inbox.
    pub(crate) fn drop_bytes(&self, key: &str, bytes: Vec<u8>) {
        let put = async {
            self.objects()
                .put(&format!("inbox/{key}"), bytes.into())
                .await
        };
        runtime().block_on(put).unwrap();
    }

    /// Puts every file of a folder into the inbox, its sub-folders' names kept.
    pub(crate) fn drop_folder(&self, folder: &Path, below: &str) {
        for path in files_below(folder) {
            let name = path
                .strip_prefix(folder)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            self.drop_bytes(&format!("{below}/{name}"), std::fs::read(&path).unwrap());
        }
    }
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().unwrap()
}

pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for path in files_below(from) {
        let target = to.join(path.strip_prefix(from).unwrap());
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(&path, target).unwrap();
    }
}
