//! `lazaret up` or `lazaret worker` as a process beside the test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::project::Project;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// Ends with the test, however that ends.
pub(crate) struct Running {
    child: Child,
    /// Where it serves; empty for a worker.
    address: String,
    log: mpsc::Receiver<String>,
}

impl Running {
    /// `lazaret up` at a free port, once it serves.
    pub(crate) fn up(project: &Project) -> Self {
        Self::start(
            project.command(&["up", "--listen", "127.0.0.1:0"]),
            "serving at http://",
        )
    }

    pub(crate) fn start(mut command: Command, awaited: &str) -> Self {
        let mut child = command
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("lazaret starts");
        let stderr = child.stderr.take().expect("stderr is piped");
        let (tell, log) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                // The test may be over.
                let _ = tell.send(line);
            }
        });
        let mut running = Self {
            child,
            address: String::new(),
            log,
        };
        running.address = running.hear(awaited);
        running
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn worker(project: &Project) -> Self {
        Self::start(project.command(&["worker"]), "working")
    }

    /// Waits for a line of its log; returns what follows the text up to the next blank or quote.
    pub(crate) fn hear(&self, text: &str) -> String {
        let until = Instant::now() + PATIENCE;
        let mut heard = Vec::new();
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            let Ok(line) = self.log.recv_timeout(left) else {
                break;
            };
            if let Some((_, rest)) = line.split_once(text) {
                let end = rest.find([' ', '"']).unwrap_or(rest.len());
                return rest[..end].to_owned();
            }
            heard.push(line);
        }
        panic!("`{text}` was not said:\n{}", heard.join("\n"))
    }

    /// What it has logged since it was last heard.
    pub(crate) fn said(&self) -> String {
        self.log.try_iter().collect::<Vec<_>>().join("\n")
    }

    /// Status and body of its answer.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        self.ask(&format!("GET {path} HTTP/1.1"), "", "")
    }

    pub(crate) fn post(&self, path: &str, headers: &str, body: &str) -> (u16, String) {
        self.ask(&format!("POST {path} HTTP/1.1"), headers, body)
    }

    fn ask(&self, line: &str, headers: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).expect("it serves");
        let length = body.len();
        write!(
            stream,
            "{line}\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        )
        .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
        let (_, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        (status.expect("a status"), body.to_owned())
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it has ended");
    }

    /// Asks it to end, as a service manager does; how it ended and how long that took.
    pub(crate) fn terminate(&mut self) -> (ExitStatus, Duration) {
        let started = Instant::now();
        let asked = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status();
        assert!(asked.expect("kill is there").success());
        let status = self.child.wait().expect("it ends");
        (status, started.elapsed())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks again and again until it holds.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "it never came about: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
