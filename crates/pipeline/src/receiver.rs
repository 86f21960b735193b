//! A local HTTP service for tests: keeps what it is sent, answers as it is told.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

pub(crate) struct Receiver {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) body: Vec<u8>,
}

#[derive(Default)]
struct State {
    received: Vec<Received>,
    answers: VecDeque<&'static str>,
    ended: bool,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.lock().expect("no test panics in it").ended {
                    return;
                }
                // Whoever breaks off was not heard.
                let _ = stream.and_then(|stream| attend(stream, &shared));
            }
        });
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next answers, one each; then 200.
    pub(crate) fn answer(&self, answers: impl IntoIterator<Item = &'static str>) {
        let mut state = self.state.lock().expect("no test panics in it");
        state.answers.extend(answers);
    }

    /// What came since the last call.
    pub(crate) fn take(&self) -> Vec<Received> {
        let mut state = self.state.lock().expect("no test panics in it");
        std::mem::take(&mut state.received)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.state.lock().expect("no test panics in it").ended = true;
        // Wakes the thread; the port is closed when it sees its end.
        let _ = TcpStream::connect(self.address);
    }
}

fn attend(stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(&stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        match line.trim_end().to_ascii_lowercase().split_once(": ") {
            Some(("content-length", value)) => length = value.parse().unwrap_or_default(),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let status = {
        let mut state = state.lock().expect("no test panics in it");
        state.received.push(Received { path, body });
        state.answers.pop_front().unwrap_or("200")
    };
    let (status, headers) = status.split_once("\r\n").unwrap_or((status, ""));
    let headers = if headers.is_empty() {
        String::new()
    } else {
        format!("{headers}\r\n")
    };
    let answer = format!(
        "HTTP/1.1 {status} said\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n"
    );
    (&stream).write_all(answer.as_bytes())
}
