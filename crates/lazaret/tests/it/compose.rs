//! What `docker-compose.yml` and `Dockerfile` say of the program, held against the program: its
//! commands, its settings, where it listens, how it is asked whether it is ready, how it ends.
//! What they say of each other is checked in `testkit`.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::project::{Project, Stack, repository};

/// A slow machine that runs many tests at once still starts and stops in this time.
const PATIENCE: Duration = Duration::from_secs(60);

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap()
}

fn service(name: &str) -> Value {
    let compose: Value = serde_saphyr::from_str(&read("docker-compose.yml")).unwrap();
    compose["services"][name].clone()
}

fn words(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap().iter();
    list.map(|word| word.as_str().unwrap().to_owned()).collect()
}

/// The calls of `lazaret` in a service: its command, or those in its lines of shell.
fn calls(service: &Value) -> Vec<Vec<String>> {
    let command = words(&service["command"]);
    if service["entrypoint"].is_null() {
        return vec![command];
    }
    let shell = command.join("\n");
    let calls = shell.lines().filter_map(|line| {
        let at = line
            .find("lazaret ")
            .filter(|at| !line[..*at].ends_with('/'))?;
        Some(
            line[at..]
                .split_whitespace()
                .skip(1)
                .map(str::to_owned)
                .collect(),
        )
    });
    calls.collect()
}

/// Whether the program understands that call: it reads what stands before `--help`, then helps.
fn is_understood(call: &[String]) -> bool {
    let output = Command::new(env!("CARGO_BIN_EXE_lazaret"))
        .args(call)
        .arg("--help")
        .output()
        .unwrap();
    output.status.success()
}

#[test]
fn the_program_understands_every_call_of_the_services() {
    let mut found = Vec::new();
    for name in ["migrations", "lazaret", "worker"] {
        for call in calls(&service(name)) {
            assert!(is_understood(&call), "{name}: lazaret {}", call.join(" "));
            found.push(call[0].clone());
        }
    }
    assert_eq!(found, ["init", "migrate", "up", "worker"]);
    let unknown = ["up".to_owned(), "--no-such-option".to_owned()];
    assert!(!is_understood(&unknown), "help does not hide a mistake");
}

/// The settings that the services hand over are settings of the program, and reach it.
#[test]
fn the_program_takes_its_settings_from_the_services() {
    let environment = service("lazaret")["environment"].clone();
    let project = Project::new(Stack::SqliteAndFolder);
    let values = [
        ("ENV", "staging"),
        ("INBOX_PREFIX", "dropped/"),
        ("GROUP_BY_DEPTH", "2"),
        ("QUIESCENCE_MINUTES", "7"),
        ("CLASSIFIER_IMPL", "header"),
        ("ORCHESTRATOR", "dagster"),
    ];
    let mut command = project.command(&["doctor", "--format", "json"]);
    for (name, value) in values {
        assert!(!environment[name].is_null(), "the service has no {name}");
        command.env(name, value);
    }
    let doctor: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    let doctor = doctor.to_string();
    for (name, _) in values {
        let origin = format!("environment variable {name}");
        assert!(doctor.contains(&origin), "{name} does not count: {doctor}");
    }
}

/// `lazaret up` of a test's own, ended with it.
struct Up {
    child: Child,
    port: String,
}

impl Drop for Up {
    fn drop(&mut self) {
        // It has ended already where the test got so far.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Up {
    fn start(project: &Project, token: &str) -> Self {
        let port = free_port();
        let child = project
            .command(&["up", "--listen", &format!("127.0.0.1:{port}")])
            .env("EVENTS_TOKEN", token)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, port }
    }

    /// The image's health check, asking here.
    fn is_healthy(&self) -> bool {
        let dockerfile = read("Dockerfile");
        let check = dockerfile.split("HEALTHCHECK").nth(1).unwrap();
        let check = check.split("CMD ").nth(1).unwrap().lines().next().unwrap();
        assert!(check.contains("/127.0.0.1/3000 "), "{check}");
        let check = check.replace("/3000 ", &format!("/{} ", self.port));
        let check: Vec<String> = serde_json::from_str(&check).unwrap();
        let mut command = Command::new(&check[0]);
        command.args(&check[1..]).stderr(Stdio::null());
        command.status().unwrap().success()
    }

    fn await_healthy(&mut self) {
        let started = Instant::now();
        while !self.is_healthy() {
            assert_eq!(self.child.try_wait().unwrap(), None, "it has ended");
            assert!(started.elapsed() < PATIENCE, "it does not become healthy");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The status that answers a POST.
    fn post(&self, path: &str, token: &str, body: &str) -> u16 {
        let mut connection = TcpStream::connect(format!("127.0.0.1:{}", self.port)).unwrap();
        write!(
            connection,
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: \
             application/json\r\nAuthorization: {token}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

pub(crate) fn free_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port().to_string()
}

/// What MinIO sends for a file that was put into the inbox.
const EVENT: &str = r#"{"EventName":"s3:ObjectCreated:Put","Key":"health-raw/inbox/a/b/c/d.csv","Records":[{"eventVersion":"2.0","eventSource":"minio:s3","awsRegion":"","eventTime":"2026-11-21T12:00:00.000Z","eventName":"s3:ObjectCreated:Put","s3":{"s3SchemaVersion":"1.0","configurationId":"Config","bucket":{"name":"health-raw","arn":"arn:aws:s3:::health-raw"},"object":{"key":"inbox%2Fa%2Fb%2Fc%2Fd.csv","size":4,"eTag":"d41d8cd98f00b204e9800998ecf8427e","sequencer":"1"}}}]}"#;

#[test]
fn it_is_healthy_hears_minio_and_ends_when_docker_asks() {
    let project = Project::new(Stack::SqliteAndFolder);
    let mut up = Up::start(&project, "a-token-of-this-test");
    up.await_healthy();

    // Where and as whom MinIO calls.
    let minio = service("minio")["environment"].clone();
    let endpoint = minio["MINIO_NOTIFY_WEBHOOK_ENDPOINT_LAZARET"].as_str();
    let (_, path) = endpoint.unwrap().split_once(":3000").unwrap();
    let token = minio["MINIO_NOTIFY_WEBHOOK_AUTH_TOKEN_LAZARET"].as_str();
    let (scheme, _) = token.unwrap().split_once("${EVENTS_TOKEN").unwrap();
    let status = up.post(path, &format!("{scheme}a-token-of-this-test"), EVENT);
    assert!((200..300).contains(&status), "{path} answers {status}");
    let status = up.post(path, &format!("{scheme}another"), EVENT);
    assert!(
        matches!(status, 401 | 403),
        "a stranger is answered {status}"
    );

    // As `docker stop` does.
    let signal = Command::new("kill")
        .args(["-TERM", &up.child.id().to_string()])
        .status();
    assert!(signal.unwrap().success());
    let asked = Instant::now();
    let ended = loop {
        if let Some(status) = up.child.try_wait().unwrap() {
            break status;
        }
        assert!(asked.elapsed() < PATIENCE, "it goes on after SIGTERM");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(ended.success(), "{ended}");
}
