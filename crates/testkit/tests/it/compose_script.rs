//! `scripts/compose.sh`, in a copy of the files that it needs. Docker is not here: in its place
//! stands a program that takes every call and does nothing. What is checked is what the script does
//! itself: the settings that it writes, the ports that it looks at, what it asks Docker for.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::workspace::root;

const FILES: [&str; 5] = [
    "scripts/compose.sh",
    "scripts/dev-settings.sh",
    "scripts/env.sh",
    "docker-compose.yml",
    ".env.example",
];
/// Writes down each call. `$RUNNING` is what it says of containers that are there.
const DOCKER: &str = "#!/bin/sh\n\
    printf '%s\\n' \"$*\" >>calls\n\
    case $* in 'compose ps --all --quiet') printf '%s' \"$RUNNING\" ;; esac\n";

struct Copy(TempDir);

impl Copy {
    fn new() -> Copy {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir_all(folder.path().join("scripts")).expect("it can be written");
        for file in FILES {
            fs::copy(root().join(file), folder.path().join(file))
                .unwrap_or_else(|error| panic!("{file}: {error}"));
        }
        // First on the path of the project's scripts.
        let tools = folder.path().join(".local/tools/bin");
        fs::create_dir_all(&tools).expect("it can be written");
        let docker = tools.join("docker");
        fs::write(&docker, DOCKER).expect("it can be written");
        fs::set_permissions(&docker, fs::Permissions::from_mode(0o755)).expect("it is ours");
        Copy(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn up(&self, arguments: &[&str], running: &str, port: u16) -> Output {
        Command::new(self.path().join("scripts/compose.sh"))
            .arg("up")
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").expect("there is a path"))
            .env("RUNNING", running)
            .env("LAZARET_PORT", port.to_string())
            .stdin(Stdio::null())
            .output()
            .expect("the script starts")
    }

    fn settings(&self) -> String {
        fs::read_to_string(self.path().join(".env")).expect("it was written")
    }

    fn calls(&self) -> String {
        fs::read_to_string(self.path().join("calls")).expect("it was called")
    }
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A port where `lazaret` seems to be, ready.
fn ready() -> u16 {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = server.local_addr().expect("it is bound").port();
    std::thread::spawn(move || {
        for mut connection in server.incoming().flatten() {
            // Who only looks whether somebody listens asks nothing, and hears nothing.
            let mut asked = [0; 1024];
            if connection.read(&mut asked).is_ok_and(|bytes| bytes > 0) {
                let _ = connection.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            }
        }
    });
    port
}

#[test]
fn the_first_start_writes_secrets_that_stay() {
    let copy = Copy::new();
    let output = copy.up(&[], "started before", ready());
    assert!(output.status.success(), "{}", told(&output));
    let settings = copy.settings();
    let secrets: BTreeSet<_> = settings
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .filter(|(name, _)| name.contains("PASSWORD") || name.contains("TOKEN"))
        .map(|(_, secret)| secret)
        .collect();
    assert_eq!(secrets.len(), 4, "each another one");
    assert!(secrets.iter().all(|secret| secret.len() == 48));
    let about = fs::metadata(copy.path().join(".env")).expect("it was written");
    assert_eq!(about.permissions().mode() & 0o777, 0o600);
    assert!(copy.calls().contains("compose up --detach"));

    let output = copy.up(&[], "started before", ready());
    assert!(output.status.success(), "{}", told(&output));
    assert_eq!(copy.settings(), settings);
}

#[test]
fn dagster_drives_from_then_on() {
    let copy = Copy::new();
    let output = copy.up(&["--dagster"], "started before", ready());
    assert!(output.status.success(), "{}", told(&output));
    let settings = copy.settings();
    for line in [
        "ORCHESTRATOR=dagster",
        "COMPOSE_PROFILES=dagster",
        "WORKERS=0",
    ] {
        assert!(settings.lines().any(|found| found == line), "{line}");
    }
}

#[test]
fn a_port_that_is_taken_is_named_before_anything_is_built() {
    let copy = Copy::new();
    let port = ready();
    let output = copy.up(&[], "", port);
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let expected = format!("port {port} is taken");
    assert!(told(&output).contains(&expected), "{}", told(&output));
    assert!(told(&output).contains("LAZARET_PORT"), "{}", told(&output));
    assert!(!copy.calls().contains("compose build"), "{}", copy.calls());
}
