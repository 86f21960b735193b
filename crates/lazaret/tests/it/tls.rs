//! TLS to both stores, and on our own listener.

use serde_json::json;
use testkit::certificates::Certificates;
use testkit::postgres::PrivatePostgres;
use testkit::python::run_python;
use testkit::tls_front::TlsFront;

use crate::project::{Project, Stack};
use crate::running::Running;

/// What the server at that address answers, and its certificate's number.
const ASK: &str = "
import http.client, ssl, sys
host, port = sys.argv[1].rsplit(':', 1)
trusted = ssl.create_default_context(cafile=sys.argv[2])
connection = http.client.HTTPSConnection(host, int(port), context=trusted, timeout=30)
connection.connect()
number = connection.sock.getpeercert()['serialNumber']
connection.request('GET', '/healthz')
print(connection.getresponse().read().decode().strip(), number)
";

#[test]
fn its_own_listener_takes_in_a_certificate_that_is_renewed() {
    let certificates = Certificates::create();
    let (server, authority) = (certificates.server(), certificates.authority());
    let project = Project::new(Stack::SqliteAndFolder);
    let [certificate, key] = [&server.certificate, &server.key].map(|path| path.display());
    project.write(
        "lazaret.toml",
        &format!("[http]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n"),
    );
    let command = project.command(&["up", "--listen", "127.0.0.1:0"]);
    let up = Running::start(command, "serving at https://");
    let ask = || run_python(ASK, &[up.address(), authority.to_str().unwrap()]);
    let first = ask();
    assert!(first.starts_with("ok "), "{first}");
    certificates.renew();
    up.hear("the certificate has changed and is taken in");
    let second = ask();
    assert!(second.starts_with("ok "), "{second}");
    assert_ne!(first, second);
}

#[test]
fn a_certificate_without_its_key_stops_the_start() {
    let project = Project::new(Stack::SqliteAndFolder);
    project.write("lazaret.toml", "[http]\ncertificate = \"server.pem\"\n");
    let output = project.run(&["up"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("`http.key`"), "{said}");
}

#[test]
fn both_stores_are_spoken_to_over_tls() {
    let certificates = Certificates::create();
    let postgres = PrivatePostgres::start_with_tls(&certificates);
    let mut project = Project::new(Stack::PostgresAndS3);
    let front = TlsFront::start(project.variable("AWS_ENDPOINT_URL"), &certificates.server());
    project.set("METADATA_DB_URL", &postgres.database());
    project.set("AWS_ENDPOINT_URL", &front.url());
    project.set("AWS_ALLOW_HTTP", "false");
    let distrusted = project.run(&["heartbeat"]);
    assert!(
        !distrusted.status.success(),
        "nobody vouches for the server"
    );
    let authority = certificates.authority();
    project.set("SSL_CERT_FILE", authority.to_str().unwrap());
    project.succeeds(&["migrate"]);
    let beat = project.json(&["heartbeat"]);
    assert_eq!(beat["database"], json!("postgres"));
    assert!(front.handshakes() > 0);
}
