//! An HTTP service of a test's own, that keeps what it is sent and answers as it is told.

use std::collections::VecDeque;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::answer::Answer;
use crate::background::Background;
use crate::http::{Head, find_header, next_head, next_piece};

/// A running service. Dropping it ends it.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    _background: Background,
}

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub method: String,
    /// With the query.
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub at: Instant,
}

impl Received {
    /// A header's value, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        find_header(&self.headers, name)
    }

    /// # Panics
    /// When the body is no text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct State {
    received: Vec<Received>,
    answers: VecDeque<Answer>,
}

impl Receiver {
    /// A service on a free port, which answers 200 as long as nothing else is said.
    ///
    /// # Panics
    /// When no port of this machine can be had.
    pub fn start() -> Receiver {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port of this machine");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let shared = Arc::new(Shared::default());
        let serving = shared.clone();
        let background = Background::run(move || serve(listener, serving));
        Receiver {
            address,
            shared,
            _background: background,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:40123`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What the next requests are answered, one each, after what was said before; then 200.
    pub fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        self.shared.with(|state| state.answers.extend(answers));
    }

    /// All that came until now, in order.
    pub fn received(&self) -> Vec<Received> {
        self.shared.with(|state| state.received.clone())
    }

    /// All that came since the last such call.
    pub fn take(&self) -> Vec<Received> {
        self.shared
            .with(|state| std::mem::take(&mut state.received))
    }

    /// All that came, as soon as that is so many.
    ///
    /// # Panics
    /// When it takes longer than that.
    pub fn wait_for(&self, requests: usize, at_most: Duration) -> Vec<Received> {
        let state = self.shared.state.lock();
        let state = state.unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .shared
            .arrived
            .wait_timeout_while(state, at_most, |state| state.received.len() < requests);
        let (state, ended) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(
            !ended.timed_out(),
            "{} of {requests} requests came in {at_most:?}",
            state.received.len()
        );
        state.received.clone()
    }
}

impl Shared {
    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        // A state is whole after every statement: a panic elsewhere does not spoil it.
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps the request; returns what to say.
    fn keep(&self, request: Received) -> Answer {
        let answer = self.with(|state| {
            state.received.push(request);
            state.answers.pop_front()
        });
        self.arrived.notify_all();
        answer.unwrap_or_else(|| Answer::status(200))
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    listener.set_nonblocking(true).expect("a socket of ours");
    let listener = tokio::net::TcpListener::from_std(listener).expect("a socket of ours");
    loop {
        // Whoever has gone away again needs no service.
        let Ok((client, _)) = listener.accept().await else {
            continue;
        };
        let shared = shared.clone();
        tokio::spawn(async move {
            // A request that breaks off is none; a test misses it where it waits for it.
            let _ = attend(client, &shared).await;
        });
    }
}

async fn attend(mut client: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut buffer = BytesMut::new();
    while let Some(head) = next_head(&mut client, &mut buffer).await? {
        buffer.advance(head.length);
        if head.awaits_continue() {
            client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let body = content(&head, &mut client, &mut buffer).await?;
        let to_head = head.method == "HEAD";
        let answer = shared.keep(Received {
            method: head.method,
            path: head.target,
            headers: head.headers,
            body,
            at: Instant::now(),
        });
        client.write_all(&answer.to_bytes(to_head, false)).await?;
    }
    Ok(())
}

async fn content(
    head: &Head,
    client: &mut TcpStream,
    buffer: &mut BytesMut,
) -> std::io::Result<Vec<u8>> {
    let mut body = head.body()?;
    let mut content = Vec::new();
    let mut keep = |bytes: &[u8]| content.extend_from_slice(bytes);
    while let Some(length) = next_piece(client, buffer, &mut body, &mut keep).await? {
        buffer.advance(length);
    }
    Ok(content)
}
