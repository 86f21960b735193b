//! The proxy passes what it is given and fails as it is told, as a socket sees it.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use testkit::answer::Answer;
use testkit::proxy::{FaultProxy, Requests};
use testkit::receiver::Receiver;

/// Nothing here takes so long, unless it hangs.
const HANGS: Duration = Duration::from_secs(20);
const BLOCK: usize = 1 << 20;

fn connect(proxy: &FaultProxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address()).expect("the proxy listens");
    stream.set_read_timeout(Some(HANGS)).expect("a socket");
    stream
}

/// A service for one connection: sends back what it gets until that ends.
fn echo() -> (String, JoinHandle<u64>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let serving = std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("somebody comes");
        let mut back = stream.try_clone().expect("a socket");
        let mut from = stream;
        std::io::copy(&mut from, &mut back).unwrap_or(u64::MAX)
    });
    (address, serving)
}

fn block() -> Vec<u8> {
    (0..BLOCK).map(|at| (at * 31 % 251) as u8).collect()
}

/// Sends the block and reads until the end or the first error.
fn exchange(stream: &TcpStream) -> (Vec<u8>, Option<ErrorKind>) {
    let mut to = stream.try_clone().expect("a socket");
    let sending = std::thread::spawn(move || {
        // It may be cut meanwhile; the reader says what came of it.
        let _ = to.write_all(&block());
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
    let mut read = Vec::new();
    let mut from = stream;
    let error = from.read_to_end(&mut read).err().map(|error| error.kind());
    sending.join().expect("it does not panic");
    (read, error)
}

#[test]
fn bytes_pass_unchanged_and_an_end_is_passed_on() {
    let (service, serving) = echo();
    let proxy = FaultProxy::start(service);
    let (read, error) = exchange(&connect(&proxy));
    assert_eq!(error, None);
    assert!(read == block(), "every byte came back");
    assert_eq!(serving.join().unwrap(), BLOCK as u64);
    let counters = proxy.counters();
    assert_eq!((counters.connections, counters.cut), (1, 0));
    assert_eq!(
        (counters.sent, counters.received),
        (BLOCK as u64, BLOCK as u64)
    );
}

#[test]
fn a_cut_resets_both_sides_after_its_bytes() {
    let (service, serving) = echo();
    let proxy = FaultProxy::start(service);
    proxy.cut_next(1, 300_000);
    let (read, error) = exchange(&connect(&proxy));
    assert_eq!(error, Some(ErrorKind::ConnectionReset));
    let counters = proxy.counters();
    assert_eq!(counters.sent + counters.received, 300_000);
    assert_eq!(counters.cut, 1);
    assert!(read.len() <= 300_000 && read[..] == block()[..read.len()]);
    // The service learns of it: it does not wait for ever.
    serving.join().unwrap();
}

#[test]
fn nobody_listens_while_it_refuses_and_its_port_stays_its_own() {
    let receiver = Receiver::start();
    let proxy = FaultProxy::start(receiver.address());
    let mut open = connect(&proxy);
    open.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    open.read_exact(&mut [0; 10]).unwrap();

    for _ in 0..3 {
        proxy.refuse();
        let refused = TcpStream::connect(proxy.address()).expect_err("nobody listens");
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        TcpListener::bind(proxy.address()).expect_err("the port is not to be had");
        proxy.heal();
        connect(&proxy);
    }
    let mut rest = Vec::new();
    let cut = open.read_to_end(&mut rest).expect_err("it was cut");
    assert_eq!(cut.kind(), ErrorKind::ConnectionReset);
    // Those that were closed a moment before may count too.
    assert!(proxy.counters().cut >= 1);
}

#[test]
fn who_connects_is_reset_at_once() {
    let receiver = Receiver::start();
    let proxy = FaultProxy::start(receiver.address());
    proxy.reset();
    for _ in 0..3 {
        let ended = connect(&proxy).read(&mut [0; 1]).expect_err("it is reset");
        assert_eq!(ended.kind(), ErrorKind::ConnectionReset);
    }
    assert_eq!(
        (proxy.counters().reset, proxy.counters().connections),
        (3, 0)
    );
    proxy.heal();
    let mut stream = connect(&proxy);
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert!(answer(&mut stream).starts_with("HTTP/1.1 200 "));
}

#[test]
fn a_stall_holds_bytes_up_until_it_ends() {
    let receiver = Receiver::start();
    let proxy = FaultProxy::start(receiver.address());
    let ask = |stalled: Duration, heal: bool| {
        proxy.stall(stalled);
        let mut stream = connect(&proxy);
        let started = Instant::now();
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        if heal {
            while proxy.counters().stalled < 2 {
                assert!(started.elapsed() < HANGS, "nothing is held up");
                std::thread::yield_now();
            }
            proxy.heal();
        }
        assert!(answer(&mut stream).starts_with("HTTP/1.1 200 "));
        started.elapsed()
    };
    let stalled = Duration::from_millis(300);
    assert!(ask(stalled, false) >= stalled - Duration::from_millis(50));
    assert_eq!(proxy.counters().stalled, 1);
    assert!(ask(HANGS, true) < HANGS, "healed before its time");
}

/// One answer, whose length is told.
fn answer(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let length = loop {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer");
        text.push(byte[0]);
        if text.ends_with(b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&text).to_ascii_lowercase();
            let length = head.split("content-length: ").nth(1);
            let length = length.and_then(|rest| rest.lines().next()?.parse().ok());
            break length.expect("its length");
        }
    };
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("the whole answer");
    String::from_utf8([text, body].concat()).expect("it is text")
}

#[test]
fn requests_of_one_connection_pass_or_are_answered() {
    let receiver = Receiver::start();
    receiver.answer([Answer::status(200).with_body("first")]);
    let proxy = FaultProxy::start_http(receiver.url());
    proxy.answer(
        Requests::of("PUT").below("/bucket/"),
        Answer::slow_down(),
        2,
    );
    let mut stream = connect(&proxy);
    let mut ask = |request: &str| {
        stream.write_all(request.as_bytes()).unwrap();
        answer(&mut stream)
    };
    let get = "GET /bucket/a HTTP/1.1\r\nHost: as.it:1 \r\nx-Odd-CASE:  kept\r\n\r\n";
    assert!(ask(get).ends_with("\r\n\r\nfirst"));
    let put = "PUT /bucket/a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
    let chunked = "PUT /bucket/b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
                   5\r\nhello\r\n0\r\n\r\n";
    for request in [put, chunked] {
        let answered = ask(request);
        assert!(answered.starts_with("HTTP/1.1 503 "), "{answered}");
        assert!(answered.contains("<Code>SlowDown</Code>"), "{answered}");
    }
    for request in [put, chunked] {
        assert!(ask(request).starts_with("HTTP/1.1 200 "));
    }
    let received = receiver.wait_for(3, HANGS);
    let seen: Vec<_> = received.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(seen, ["/bucket/a", "/bucket/a", "/bucket/b"]);
    assert_eq!(received[0].header("host"), Some("as.it:1"));
    assert_eq!(received[0].headers[1].0, "x-Odd-CASE");
    assert!(received[1..].iter().all(|one| one.text() == "hello"));
    let counters = proxy.counters();
    assert_eq!(
        (counters.connections, counters.requests, counters.answered),
        (1, 5, 2)
    );
}

#[test]
fn who_waits_for_a_word_before_the_body_is_told_at_once() {
    let receiver = Receiver::start();
    let proxy = FaultProxy::start_http(receiver.url());
    let head = b"PUT / HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    proxy.answer(Requests::of("PUT"), Answer::expired_token(), 1);
    let mut stream = connect(&proxy);
    stream.write_all(head).unwrap();
    let told = answer(&mut stream);
    assert!(
        told.starts_with("HTTP/1.1 400 ") && told.contains("Connection: close"),
        "{told}"
    );
    assert_eq!(stream.read(&mut [0]).unwrap(), 0, "nothing comes after it");

    let mut stream = connect(&proxy);
    stream.write_all(head).unwrap();
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"hello").unwrap();
    assert!(answer(&mut stream).starts_with("HTTP/1.1 200 "));
    assert_eq!(receiver.received().len(), 1);
}

#[test]
fn a_request_is_held_until_it_is_let_go() {
    let receiver = Receiver::start();
    let proxy = FaultProxy::start_http(receiver.url());
    proxy.hold(Requests::of("GET"));
    let mut held = connect(&proxy);
    held.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    proxy.wait_until_held(1, HANGS);
    let mut other = connect(&proxy);
    other.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert!(answer(&mut other).starts_with("HTTP/1.1 200 "), "only one");
    assert_eq!(receiver.received().len(), 1);
    proxy.release();
    assert!(answer(&mut held).starts_with("HTTP/1.1 200 "));
    assert_eq!(receiver.received().len(), 2);
}

#[test]
#[should_panic(expected = "requests are known only to a proxy")]
fn bytes_have_no_requests() {
    FaultProxy::start("127.0.0.1:1").answer(Requests::all(), Answer::status(500), 1);
}
