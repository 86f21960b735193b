//! `Dockerfile` and `.dockerignore`, as far as they can be checked without Docker: the stages, who
//! runs in them, what they copy, and the health check, which is run for real.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::workspace::root;

/// One `FROM`, with the instructions that follow it: word and rest, continued lines joined.
#[derive(Debug)]
pub(crate) struct Stage {
    image: String,
    name: String,
    instructions: Vec<(String, String)>,
}

impl Stage {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn all(&self, word: &str) -> Vec<&str> {
        let found = self.instructions.iter().filter(|(w, _)| w == word);
        found.map(|(_, rest)| rest.as_str()).collect()
    }

    fn last(&self, word: &str) -> &str {
        let all = self.all(word);
        all.last()
            .unwrap_or_else(|| panic!("the stage {} has no {word}", self.name))
    }

    /// What it copies from here, not from another stage.
    fn sources(&self) -> Vec<&str> {
        let ours = self.all("COPY").into_iter();
        let ours = ours.filter(|rest| !rest.starts_with("--from="));
        ours.flat_map(|rest| {
            let words: Vec<_> = rest.split_whitespace().collect();
            words[..words.len() - 1].to_vec()
        })
        .collect()
    }
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(crate) fn stages() -> Vec<Stage> {
    let text = read("Dockerfile").replace("\\\n", " ");
    let lines = text.lines().map(str::trim);
    let mut stages: Vec<Stage> = Vec::new();
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (word, rest) = line
            .split_once(' ')
            .expect("an instruction and what it says");
        if word == "FROM" {
            let (image, name) = rest.split_once(" AS ").expect("every stage has a name");
            stages.push(Stage {
                image: image.to_owned(),
                name: name.to_owned(),
                instructions: Vec::new(),
            });
        } else {
            let stage = stages.last_mut().expect("FROM comes first");
            stage
                .instructions
                .push((word.to_owned(), rest.trim().to_owned()));
        }
    }
    stages
}

fn stage(name: &str) -> Stage {
    let found = stages().into_iter().find(|stage| stage.name == name);
    found.unwrap_or_else(|| panic!("there is no stage {name}"))
}

/// The value of a `key = "…"` line in the root's `Cargo.toml`.
fn of_cargo(key: &str) -> String {
    let manifest = read("Cargo.toml");
    let line = manifest.lines().find_map(|line| line.strip_prefix(key));
    let value = line.and_then(|rest| rest.split('"').nth(1));
    value.expect("Cargo.toml says it").to_owned()
}

/// The words of an instruction in JSON: `["up", "--listen", "0.0.0.0:3000"]`.
fn words(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

#[test]
fn the_program_is_built_in_one_stage_and_runs_in_another() {
    let stages = stages();
    let names: Vec<_> = stages.iter().map(Stage::name).collect();
    assert_eq!(
        names,
        ["build", "dagster", "lazaret"],
        "the last is the default"
    );
    for stage in &stages {
        let (_, tag) = stage.image.split_once(':').expect("a tag");
        assert!(!tag.contains("latest"), "{}", stage.image);
    }
    let rust = stages[0]
        .image
        .strip_prefix("rust:")
        .expect("built by Rust");
    let toolchain = rust.split('-').next();
    assert_eq!(toolchain, Some(of_cargo("rust-version").as_str()));
    // One C library: what is built in Debian's release runs in the same.
    for stage in &stages {
        assert!(stage.image.contains("bookworm"), "{}", stage.image);
    }
}

#[test]
fn nobody_is_root_where_something_runs() {
    let dagster = stage("dagster");
    let lazaret = stage("lazaret");
    for stage in [&dagster, &lazaret] {
        let (user, group) = stage.last("USER").split_once(':').expect("user and group");
        for id in [user, group] {
            let id: u32 = id
                .parse()
                .expect("by number: Kubernetes cannot look names up");
            assert!(id >= 10_000, "{id} could be somebody on the host");
        }
        assert!(
            stage
                .all("RUN")
                .iter()
                .any(|run| run.contains("--uid 10001"))
        );
        let user_comes_last = stage.instructions.iter().rev();
        let after: Vec<_> = user_comes_last
            .take_while(|(word, _)| word != "USER")
            .filter(|(word, _)| word == "RUN" || word == "COPY")
            .collect();
        assert!(after.is_empty(), "{after:?} belong before USER");
    }
}

#[test]
fn the_builder_has_what_a_developer_installs() {
    let setup = read("scripts/setup.sh");
    let function = setup
        .split("need_c_compiler() {")
        .nth(1)
        .expect("setup.sh installs one");
    let function = function.split("\n}").next().unwrap_or_default();
    let packages = function
        .rsplit('"')
        .next()
        .expect("after the reason")
        .trim();
    assert!(!packages.is_empty(), "{function}");
    let build = stage("build");
    for package in packages.split_whitespace() {
        let is_there = build.all("RUN").iter().any(|run| run.contains(package));
        assert!(is_there, "{package} is not installed in the stage `build`");
    }
    let runs = build.all("RUN").join("\n");
    assert!(
        runs.contains("--locked"),
        "what Cargo.lock says, and nothing newer"
    );
}

/// Whether the build sees a path: `.dockerignore` keeps all away but what it names.
fn is_sent(path: &str, ignore: &str) -> bool {
    let mut lines = ignore
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    assert_eq!(lines.next(), Some("*"), "nothing goes in by itself");
    lines
        .filter_map(|line| line.strip_prefix('!'))
        .any(|kept| Path::new(path).starts_with(kept))
}

#[test]
fn what_is_copied_is_here_and_nothing_else_is_sent() {
    let ignore = read(".dockerignore");
    let stages = stages();
    let sources: BTreeSet<_> = stages.iter().flat_map(Stage::sources).collect();
    for source in &sources {
        assert!(
            root().join(source).exists(),
            "{source} is copied, and not here"
        );
        assert!(
            is_sent(source, &ignore),
            ".dockerignore keeps {source} away"
        );
    }
    for kept in ignore.lines().filter_map(|line| line.strip_prefix('!')) {
        assert!(sources.contains(kept), "{kept} is sent, and not copied");
    }
    assert!(!is_sent(".env", &ignore) && !is_sent(".local/project", &ignore));
}

/// The folders outside `crates/` that the program includes while it is compiled.
#[test]
fn what_the_program_carries_is_copied() {
    let shipped = read("crates/lazaret/src/shipped.rs");
    let carried = shipped
        .split("include_dir!(\"$CARGO_MANIFEST_DIR/../../")
        .skip(1);
    let carried: Vec<_> = carried.filter_map(|rest| rest.split('"').next()).collect();
    assert!(carried.contains(&"library"), "{carried:?}");
    let build = stage("build");
    for folder in carried {
        assert!(build.sources().contains(&folder), "{folder} is not copied");
    }
}

#[test]
fn it_listens_where_it_says_and_is_asked_there() {
    let lazaret = stage("lazaret");
    let port = lazaret.last("EXPOSE");
    assert_eq!(words(lazaret.last("ENTRYPOINT")), ["lazaret"]);
    let address = format!("0.0.0.0:{port}");
    assert_eq!(words(lazaret.last("CMD")), ["up", "--listen", &address]);
    assert!(
        health_check()
            .join(" ")
            .contains(&format!("/127.0.0.1/{port} "))
    );
}

fn health_check() -> Vec<String> {
    let lazaret = stage("lazaret");
    let (_, command) = lazaret
        .last("HEALTHCHECK")
        .split_once("CMD ")
        .expect("a command");
    words(command)
}

/// Runs the health check against a server that answers so; returns whether it was content, and
/// what it had asked for.
fn ask(answer: &'static str) -> (bool, String) {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = server.local_addr().expect("it is bound").port().to_string();
    let served = std::thread::spawn(move || {
        let (mut connection, _) = server.accept().expect("somebody asks");
        // What stays unread when the connection is closed would cut off the answer.
        let request: Vec<String> = BufReader::new(&connection)
            .lines()
            .map(|line| line.expect("a line comes"))
            .take_while(|line| !line.is_empty())
            .collect();
        connection.write_all(answer.as_bytes()).expect("it listens");
        request[0].clone()
    });
    let command: Vec<_> = health_check()
        .iter()
        .map(|word| word.replace("/3000 ", &format!("/{port} ")))
        .collect();
    let status = Command::new(&command[0])
        .args(&command[1..])
        .stdout(Stdio::null())
        .status()
        .expect("bash is there, as in Debian's image");
    (status.success(), served.join().expect("it answered"))
}

#[test]
fn the_health_check_tells_ready_from_not() {
    let (content, asked) = ask("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert!(content);
    assert_eq!(asked, "GET /readyz HTTP/1.0");
    let (content, _) = ask("HTTP/1.1 503 Service Unavailable\r\n\r\n");
    assert!(!content, "not ready is not healthy");
    let (content, _) = ask("");
    assert!(!content, "no answer is not healthy");
}
