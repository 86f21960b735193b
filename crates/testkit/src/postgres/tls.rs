use std::fs;
use std::net::TcpListener;
use std::path::Path;

use crate::certificates::Certificates;

pub(super) const SET_PASSWORD: &str = "ALTER ROLE postgres PASSWORD 'of-a-test'";

/// Who comes by the socket is us; from elsewhere, nobody without TLS and the password.
const WHO_MAY: &str = "
local   all all              trust
hostssl all all 127.0.0.1/32 scram-sha-256
";

/// A cluster that is to listen on a port, with TLS.
pub(super) struct Tls {
    pub(super) port: u16,
    pub(super) settings: String,
    /// The URL of a database, with `{}` for its name.
    pub(super) url: String,
}

/// Puts certificate and key into the cluster's folder. Whoever gives the folder to the server's
/// account gives it these too, and nobody else may read the key: Postgres insists on both.
pub(super) fn prepare(data: &Path, certificates: &Certificates) -> Tls {
    let pair = certificates.server();
    for (from, name) in [
        (&pair.certificate, "server.crt"),
        // A copy has the mode of its source.
        (&pair.key, "server.key"),
    ] {
        fs::copy(from, data.join(name)).expect("the cluster's folder can be written");
    }
    fs::write(data.join("pg_hba.conf"), WHO_MAY).expect("the cluster's folder can be written");
    let port = free_port();
    Tls {
        port,
        settings: format!("listen_addresses = '127.0.0.1'\nport = {port}\nssl = on\n"),
        url: format!(
            "postgres://postgres:of-a-test@127.0.0.1:{port}/{{}}?sslmode=verify-full&sslrootcert={}",
            certificates.authority().display()
        ),
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port of this machine");
    let address = listener
        .local_addr()
        .expect("a bound socket has an address");
    address.port()
}
