//! A proxy between the program and a service, that fails when it is told to.
//!
//! It passes bytes on unchanged, so a signature over a request's `Host` still holds. Faults are
//! switched while it runs: it refuses or resets connections, cuts them in mid-stream, stalls.
//! Started by [`FaultProxy::start_http`] it also knows where a request ends, and can answer
//! chosen requests in the service's place or cut them in the middle. It counts what it did: a
//! test that asserts that the program bore a fault asserts too that there was one.

mod connection;
mod plan;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{mpsc, watch};

use crate::answer::Answer;
use crate::background::Background;
use crate::upstream::Upstream;
use connection::Connection;
use plan::{Fault, Plan};

pub use plan::Requests;

/// A running proxy. Dropping it ends it and every connection through it.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    orders: mpsc::UnboundedSender<Order>,
    _background: Background,
}

/// What the proxy did since it was started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections that were accepted.
    pub connections: u64,
    /// Requests that were read, in HTTP.
    pub requests: u64,
    /// Bytes from the program to the service.
    pub sent: u64,
    /// Bytes from the service to the program.
    pub received: u64,
    /// Connections that were cut after they had been open.
    pub cut: u64,
    /// Connections that were reset as soon as they were open.
    pub reset: u64,
    /// Requests that were answered in the service's place.
    pub answered: u64,
    /// How often bytes were held up.
    pub stalled: u64,
    /// Requests that were held.
    pub held: u64,
}

#[derive(Debug, Clone, Copy)]
enum Count {
    Connections,
    Requests,
    Sent,
    Received,
    Cut,
    Reset,
    Answered,
    Stalled,
    Held,
}

#[derive(Debug)]
struct Shared {
    upstream: Upstream,
    is_http: bool,
    plan: Mutex<Plan>,
    /// Moves with the plan, for those who wait.
    changed: watch::Sender<()>,
    counts: [AtomicU64; 9],
}

impl Shared {
    fn count(&self, what: Count, by: u64) {
        self.counts[what as usize].fetch_add(by, Ordering::Relaxed);
    }

    fn counted(&self, what: Count) -> u64 {
        self.counts[what as usize].load(Ordering::Relaxed)
    }

    fn plan<T>(&self, work: impl FnOnce(&mut Plan) -> T) -> T {
        // A plan is whole after every statement: a panic elsewhere does not spoil it.
        work(&mut self.plan.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What becomes of who knocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Open,
    Closed,
    Resets,
}

/// A new state of the door, and whom to tell that it holds.
type Order = (Door, std::sync::mpsc::Sender<()>);

impl FaultProxy {
    /// A proxy that knows nothing of what passes: for databases, and below TLS.
    ///
    /// # Panics
    /// When no port of this machine can be had.
    pub fn start(upstream: impl Into<Upstream>) -> FaultProxy {
        FaultProxy::start_as(upstream.into(), false)
    }

    /// A proxy that follows the requests of HTTP/1.1.
    ///
    /// # Panics
    /// When no port of this machine can be had.
    pub fn start_http(upstream: impl Into<Upstream>) -> FaultProxy {
        FaultProxy::start_as(upstream.into(), true)
    }

    fn start_as(upstream: Upstream, is_http: bool) -> FaultProxy {
        // It never listens: it keeps the port ours while nobody does.
        let holder = socket(SocketAddr::from(([127, 0, 0, 1], 0)));
        let address = holder.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            upstream,
            is_http,
            plan: Mutex::default(),
            changed: watch::Sender::new(()),
            counts: Default::default(),
        });
        let (orders, incoming) = mpsc::unbounded_channel();
        let of_the_door = shared.clone();
        let background = Background::run(move || async move {
            attend(of_the_door, address, incoming).await;
            drop(holder);
        });
        let proxy = FaultProxy {
            address,
            shared,
            orders,
            _background: background,
        };
        proxy.turn(Door::Open);
        proxy
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:40123`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Nobody listens any more, and what was open is cut: the service is gone. The port stays
    /// ours.
    pub fn refuse(&self) {
        self.turn(Door::Closed);
        self.sever();
    }

    /// Who connects is let in and reset at once; what was open is cut.
    pub fn reset(&self) {
        self.turn(Door::Resets);
        self.sever();
    }

    /// Cuts all connections that are open now, once.
    pub fn sever(&self) {
        self.change(Plan::sever);
    }

    /// Resets every connection once so many bytes, of both directions, have passed through it from
    /// now on.
    pub fn cut_after(&self, bytes: u64) {
        self.change(|plan| plan.cut_after(bytes, u32::MAX));
    }

    /// The same so many times, by any connections.
    pub fn cut_next(&self, times: u32, bytes: u64) {
        self.change(|plan| plan.cut_after(bytes, times));
    }

    /// Holds every byte up from now on for so long. Connections are still accepted.
    pub fn stall(&self, duration: Duration) {
        let until = Instant::now() + duration;
        self.change(|plan| plan.stall(until));
    }

    /// Answers the next so many of these requests in the service's place, which never sees them.
    pub fn answer(&self, requests: Requests, answer: Answer, times: u32) {
        self.fault(requests, Fault::Answer(answer), times);
    }

    /// Resets the connections of the next so many of these requests when so many bytes of request
    /// and answer, heads included, have passed.
    pub fn cut_request(&self, requests: Requests, bytes: u64, times: u32) {
        self.fault(requests, Fault::Cut(bytes), times);
    }

    /// Holds the next of these requests until [`FaultProxy::release`]: who sent it is at a known
    /// point until then.
    pub fn hold(&self, requests: Requests) {
        self.fault(requests, Fault::Hold, 1);
    }

    /// Lets go what is held, and ends no other fault.
    pub fn release(&self) {
        self.change(Plan::release);
    }

    /// Returns when so many requests were held since the start.
    ///
    /// # Panics
    /// When it takes longer than that.
    pub fn wait_until_held(&self, requests: u64, at_most: Duration) {
        let started = Instant::now();
        while self.counters().held < requests {
            assert!(
                started.elapsed() < at_most,
                "no such request came in {at_most:?}"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn fault(&self, requests: Requests, fault: Fault, times: u32) {
        assert!(
            self.shared.is_http,
            "requests are known only to a proxy that was started by `start_http`"
        );
        self.change(|plan| plan.fault(requests, fault, times));
    }

    /// Ends every fault.
    pub fn heal(&self) {
        self.change(Plan::heal);
        self.turn(Door::Open);
    }

    pub fn counters(&self) -> Counters {
        let of = |what| self.shared.counted(what);
        Counters {
            connections: of(Count::Connections),
            requests: of(Count::Requests),
            sent: of(Count::Sent),
            received: of(Count::Received),
            cut: of(Count::Cut),
            reset: of(Count::Reset),
            answered: of(Count::Answered),
            stalled: of(Count::Stalled),
            held: of(Count::Held),
        }
    }

    fn change(&self, work: impl FnOnce(&mut Plan)) {
        self.shared.plan(work);
        self.shared.changed.send_replace(());
    }

    /// Returns when the door is as it should be.
    fn turn(&self, door: Door) {
        let (told, done) = std::sync::mpsc::channel();
        self.orders
            .send((door, told))
            .expect("the proxy runs until it is dropped");
        done.recv().expect("the proxy can listen on its own port");
    }
}

fn socket(address: SocketAddr) -> TcpSocket {
    let bound = || {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseport(true)?;
        socket.bind(address)?;
        Ok::<_, std::io::Error>(socket)
    };
    bound().expect("a port of this machine can be had")
}

/// Stands at the door, and at everybody's side who came in.
async fn attend(
    shared: Arc<Shared>,
    address: SocketAddr,
    mut orders: mpsc::UnboundedReceiver<Order>,
) {
    const BACKLOG: u32 = 1024;
    let mut door = Door::Closed;
    let mut listener: Option<TcpListener> = None;
    loop {
        let knock = async {
            match &listener {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            order = orders.recv() => {
                let Some((now, told)) = order else { return };
                door = now;
                if door == Door::Closed {
                    listener = None;
                } else if listener.is_none() {
                    let listening = socket(address).listen(BACKLOG);
                    listener = Some(listening.expect("the port is held for this"));
                }
                // A test that has ended does not wait for it.
                let _ = told.send(());
            }
            knocked = knock => {
                // Whoever has gone away again needs no service.
                let Ok((client, _)) = knocked else { continue };
                if door == Door::Resets {
                    shared.count(Count::Reset, 1);
                    connection::reset(client);
                } else {
                    shared.count(Count::Connections, 1);
                    tokio::spawn(Connection::new(shared.clone()).serve(client));
                }
            }
        }
    }
}
