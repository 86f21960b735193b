//! The receiver keeps what is sent and answers as it is told, to a client that is not ours.

use std::time::Duration;

use testkit::answer::Answer;
use testkit::python::run_python;
use testkit::receiver::Receiver;

const SECONDS: Duration = Duration::from_secs(20);

/// Three requests over one connection, the last one in chunks and without a body's length.
const SEND: &str = r#"
import http.client, sys
connection = http.client.HTTPConnection(sys.argv[1])
def ask(*call, **more):
    connection.request(*call, **more)
    answer = connection.getresponse()
    print(answer.status, answer.getheader("Retry-After"), answer.read().decode())
ask("POST", "/alerts?k=1", body='{"alert": "é"}'.encode(), headers={"X-Key": "value"})
ask("HEAD", "/")
ask("PUT", "/lineage", body=iter([b"in ", b"pieces"]), encode_chunked=True,
    headers={"Transfer-Encoding": "chunked"})
"#;

#[test]
fn requests_are_kept_and_answered_in_turn() {
    let receiver = Receiver::start();
    receiver.answer([
        Answer::status(500).with_body("broken"),
        Answer::status(429)
            .with_header("Retry-After", "2")
            .with_body("later"),
    ]);
    let told = run_python(SEND, &[receiver.address().to_string()]);
    assert_eq!(told, "500 None broken\n429 2 \n200 None \n");
    let received = receiver.wait_for(3, SECONDS);
    let lines: Vec<String> = received
        .iter()
        .map(|request| format!("{} {} {}", request.method, request.path, request.text()))
        .collect();
    assert_eq!(
        lines,
        [
            "POST /alerts?k=1 {\"alert\": \"é\"}",
            "HEAD / ",
            "PUT /lineage in pieces"
        ]
    );
    assert_eq!(received[0].header("x-key"), Some("value"));
    assert!(received.windows(2).all(|two| two[0].at <= two[1].at));
}

#[test]
fn waiting_ends_when_the_request_comes() {
    let receiver = Receiver::start();
    let address = receiver.address().to_string();
    let sender = std::thread::spawn(move || run_python(SEND, &[address]));
    assert_eq!(receiver.wait_for(3, SECONDS).len(), 3);
    sender.join().expect("the client was answered");
}

#[test]
#[should_panic(expected = "0 of 1 requests came")]
fn waiting_for_what_does_not_come_fails() {
    Receiver::start().wait_for(1, Duration::from_millis(1));
}
