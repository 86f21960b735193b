//! `dev_up.sh`, the start without Docker, with the built program and in a folder of the test's own.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::compose::free_port;
use crate::project::repository;

const PATIENCE: Duration = Duration::from_secs(60);

/// `dev_up.sh` as from an empty environment, but for what it needs to find programs.
fn dev_up(folder: &Path, listen: &str) -> Command {
    let mut command = Command::new(repository().join("dev_up.sh"));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("LAZARET_BIN", env!("CARGO_BIN_EXE_lazaret"))
        .env("LAZARET_DEV_DIR", folder)
        .env("LISTEN", listen)
        .stdin(Stdio::null());
    command
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_second_run_finds_what_the_first_has_made() {
    let folder = tempfile::tempdir().unwrap();
    let listen = format!("127.0.0.1:{}", free_port());
    let first = dev_up(folder.path(), &listen)
        .arg("--check")
        .output()
        .unwrap();
    assert!(first.status.success(), "{}", told(&first));
    assert!(
        told(&first).contains("making a project"),
        "{}",
        told(&first)
    );
    let settings = fs::read(folder.path().join("dev.env")).unwrap();
    assert!(folder.path().join("project/lazaret.toml").exists());
    assert!(folder.path().join("project/data/inbox").is_dir());

    let second = dev_up(folder.path(), &listen)
        .arg("--check")
        .output()
        .unwrap();
    assert!(second.status.success(), "{}", told(&second));
    assert!(
        !told(&second).contains("making a project"),
        "{}",
        told(&second)
    );
    assert_eq!(fs::read(folder.path().join("dev.env")).unwrap(), settings);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let somebody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = somebody.local_addr().unwrap().port();
    // Whoever connects is hung up on, as by a program that speaks something else.
    std::thread::spawn(move || somebody.incoming().for_each(drop));
    let listen = format!("127.0.0.1:{port}");
    let output = dev_up(folder.path(), &listen)
        .arg("--check")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let expected = format!("port {port} is taken");
    assert!(told(&output).contains(&expected), "{}", told(&output));
}

/// Starts all, and a Ctrl-C, which the terminal sends to everything that was started, ends all.
#[test]
fn ctrl_c_ends_what_was_started() {
    let folder = tempfile::tempdir().unwrap();
    let listen = format!("127.0.0.1:{}", free_port());
    let log = folder.path().join("log");
    let mut child = dev_up(folder.path(), &listen)
        .process_group(0)
        .stdout(Stdio::null())
        .stderr(File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let started = Instant::now();
    let told = || fs::read_to_string(&log).unwrap();
    while !told().contains("Ctrl-C stops all of it") {
        assert_eq!(child.try_wait().unwrap(), None, "{}", told());
        assert!(started.elapsed() < PATIENCE, "{}", told());
        std::thread::sleep(Duration::from_millis(50));
    }
    let again = dev_up(folder.path(), &listen).output().unwrap();
    assert!(
        self::told(&again).contains("is up already"),
        "{}",
        self::told(&again)
    );

    let interrupt = Command::new("kill")
        .args(["-INT", "--", &format!("-{}", child.id())])
        .status();
    assert!(interrupt.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130), "{}", told());
    std::net::TcpListener::bind(&listen).expect("the port is free again");
}
