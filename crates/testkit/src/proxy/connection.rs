//! One connection through the proxy: two directions that end together.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::plan::{Plan, Track, Turn, Verdict};
use super::{Count, Shared};
use crate::answer::Answer;
use crate::http::{Head, next_head, next_piece};

const BUFFER_BYTES: usize = 64 * 1024;

pub(super) struct Connection {
    shared: Arc<Shared>,
    track: Mutex<Track>,
}

/// Closes it in the way of a machine that died: the other side has an error, not an end.
pub(super) fn reset(client: TcpStream) {
    // Where it is gone already, it needs no reset.
    let _ = client.set_zero_linger();
}

/// The proxy cut the connection, or one of its two sides failed: the other one learns of it by a
/// reset too.
struct Broken;

impl From<io::Error> for Broken {
    fn from(_: io::Error) -> Broken {
        Broken
    }
}

impl Connection {
    pub(super) fn new(shared: Arc<Shared>) -> Connection {
        let track = shared.plan(|plan| plan.track()).into();
        Connection { shared, track }
    }

    pub(super) async fn serve(self, mut client: TcpStream) {
        if self.join(&mut client).await.is_err() {
            reset(client);
        }
    }

    async fn join(&self, client: &mut TcpStream) -> Result<(), Broken> {
        client.set_nodelay(true)?;
        let (from_service, to_service) = tokio::io::split(self.shared.upstream.connect().await?);
        let (from_client, to_client) = client.split();
        // Answers of the proxy's own go the same way; a client that waits for one has had all
        // of those before.
        let to_client = tokio::sync::Mutex::new(to_client);
        let there = async {
            if self.shared.is_http {
                self.requests(from_client, to_service, &to_client).await
            } else {
                self.bytes(from_client, to_service).await
            }
        };
        let back = self.answers(from_service, &to_client);
        tokio::select! {
            ended = async { tokio::try_join!(there, back) } => ended.map(drop),
            () = self.severed() => Err(self.cut()),
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Plan, &mut Track) -> T) -> T {
        self.shared.plan(|plan| {
            let mut track = self.track.lock().unwrap_or_else(PoisonError::into_inner);
            work(plan, &mut track)
        })
    }

    fn cut(&self) -> Broken {
        self.shared.count(Count::Cut, 1);
        Broken
    }

    /// Returns when all that was open is to be cut.
    async fn severed(&self) {
        let mut changed = self.shared.changed.subscribe();
        while !self.with(|plan, track| plan.is_severed(track)) {
            // The sender lives as long as what is shared.
            let _ = changed.changed().await;
        }
    }

    /// Passes these bytes on as the plan wants it.
    async fn pass(
        &self,
        bytes: &[u8],
        to: &mut (impl AsyncWrite + Unpin),
        direction: Count,
    ) -> Result<(), Broken> {
        let mut changed = self.shared.changed.subscribe();
        let mut has_waited = false;
        let (allowed, is_cut) = loop {
            let verdict = self.with(|plan, track| plan.bytes(track, bytes.len(), Instant::now()));
            match verdict {
                Verdict::Pass => break (bytes.len(), false),
                Verdict::Cut(allowed) => break (allowed, true),
                Verdict::Wait(until) => {
                    if !has_waited {
                        self.shared.count(Count::Stalled, 1);
                    }
                    has_waited = true;
                    tokio::select! {
                        () = tokio::time::sleep_until(until.into()) => {}
                        _ = changed.changed() => {}
                    }
                }
            }
        };
        to.write_all(&bytes[..allowed]).await?;
        to.flush().await?;
        self.shared.count(direction, allowed as u64);
        if is_cut { Err(self.cut()) } else { Ok(()) }
    }

    async fn bytes(
        &self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
    ) -> Result<(), Broken> {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let read = from.read(&mut buffer).await?;
            if read == 0 {
                return Ok(to.shutdown().await?);
            }
            self.pass(&buffer[..read], &mut to, Count::Sent).await?;
        }
    }

    async fn answers(
        &self,
        mut from: impl AsyncRead + Unpin,
        to: &tokio::sync::Mutex<impl AsyncWrite + Unpin>,
    ) -> Result<(), Broken> {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let read = from.read(&mut buffer).await?;
            let mut to = to.lock().await;
            if read == 0 {
                return Ok(to.shutdown().await?);
            }
            self.pass(&buffer[..read], &mut *to, Count::Received)
                .await?;
        }
    }

    /// Passes one request after another, or answers it.
    async fn requests(
        &self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
        client: &tokio::sync::Mutex<impl AsyncWrite + Unpin>,
    ) -> Result<(), Broken> {
        let mut buffer = BytesMut::with_capacity(BUFFER_BYTES);
        loop {
            let Some(head) = next_head(&mut from, &mut buffer).await? else {
                return Ok(to.shutdown().await?);
            };
            self.shared.count(Count::Requests, 1);
            let mut body = head.body()?;
            let turn = self.with(|plan, track| plan.request(track, &head));
            if let Turn::Wait(releases) = turn {
                self.wait(releases).await;
            }
            let Turn::Answer(answer) = turn else {
                self.pass(&buffer[..head.length], &mut to, Count::Sent)
                    .await?;
                buffer.advance(head.length);
                while let Some(length) =
                    next_piece(&mut from, &mut buffer, &mut body, |_| ()).await?
                {
                    self.pass(&buffer[..length], &mut to, Count::Sent).await?;
                    buffer.advance(length);
                }
                continue;
            };
            buffer.advance(head.length);
            // Who waits for a word before the body gets it now, and never sends the body.
            let is_last = head.awaits_continue();
            if !is_last {
                while let Some(length) =
                    next_piece(&mut from, &mut buffer, &mut body, |_| ()).await?
                {
                    buffer.advance(length);
                }
            }
            self.reply(&answer, &head, is_last, client).await?;
            if is_last {
                return Ok(to.shutdown().await?);
            }
        }
    }

    /// Returns when what is held is let go.
    async fn wait(&self, releases: u64) {
        let mut changed = self.shared.changed.subscribe();
        self.shared.count(Count::Held, 1);
        while self.shared.plan(|plan| plan.releases()) == releases {
            // The sender lives as long as what is shared.
            let _ = changed.changed().await;
        }
    }

    async fn reply(
        &self,
        answer: &Answer,
        head: &Head,
        is_last: bool,
        client: &tokio::sync::Mutex<impl AsyncWrite + Unpin>,
    ) -> Result<(), Broken> {
        self.shared.count(Count::Answered, 1);
        let bytes = answer.to_bytes(head.method == "HEAD", is_last);
        let mut client = client.lock().await;
        self.pass(&bytes, &mut *client, Count::Received).await
    }
}
