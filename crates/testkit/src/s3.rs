//! A real S3 protocol for tests: a server of the test's own, or the one that
//! `LAZARET_TEST_S3_ENDPOINT` names (MinIO, say; credentials from `AWS_ACCESS_KEY_ID` and
//! `AWS_SECRET_ACCESS_KEY`). Either way each `S3Server` has a new, empty bucket.
//!
//! The server is a child that ends when its standard input closes. The kernel closes it however
//! the test's process ends, so nothing is left behind even by `kill -9`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::python::python;

const SCRIPT: &str = include_str!("s3_server.py");
const REGION: &str = "us-east-1";

/// A running server with one empty bucket. Dropping it ends the server and what it holds.
#[derive(Debug)]
pub struct S3Server {
    child: Child,
    endpoint: String,
    bucket: String,
    credentials: Credentials,
}

#[derive(Debug)]
struct Credentials {
    access_key_id: String,
    secret_access_key: String,
}

impl Credentials {
    /// A server of our own believes anybody; one from outside has its own keys.
    fn for_endpoint(endpoint: Option<&str>) -> Credentials {
        let from_environment = |name: &str| match endpoint {
            None => "lazaret-test".to_owned(),
            Some(_) => std::env::var(name)
                .unwrap_or_else(|_| panic!("LAZARET_TEST_S3_ENDPOINT is set: set {name} too")),
        };
        Credentials {
            access_key_id: from_environment("AWS_ACCESS_KEY_ID"),
            secret_access_key: from_environment("AWS_SECRET_ACCESS_KEY"),
        }
    }
}

impl S3Server {
    /// Starts the server, makes the bucket and returns when both answer.
    ///
    /// # Panics
    /// When the server does not come up: a test without its store has failed.
    pub fn start() -> S3Server {
        let external = std::env::var("LAZARET_TEST_S3_ENDPOINT").ok();
        let credentials = Credentials::for_endpoint(external.as_deref());
        let mut child = Command::new(python())
            .args(["-c", SCRIPT])
            .args(&external)
            .env("AWS_ACCESS_KEY_ID", &credentials.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key)
            .env("AWS_DEFAULT_REGION", REGION)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", python().display()));

        let stdout = child.stdout.take().expect("standard output is piped");
        let mut line = String::new();
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("the server's first line can be read");
        let Some((endpoint, bucket)) = line.trim_end().split_once(' ') else {
            // Its traceback stands on standard error, above this message.
            let status = child.wait().expect("the server has ended");
            panic!("the S3 server did not start ({status}); `scripts/setup.sh test` installs it");
        };
        S3Server {
            endpoint: endpoint.to_owned(),
            bucket: bucket.to_owned(),
            child,
            credentials,
        }
    }

    /// The base URL, without the bucket: `http://127.0.0.1:40123`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// `s3://{bucket}`
    pub fn url(&self) -> String {
        format!("s3://{}", self.bucket)
    }

    /// What a program needs in its environment to reach the bucket.
    pub fn env(&self) -> [(&'static str, String); 6] {
        [
            ("AWS_ENDPOINT_URL", self.endpoint.clone()),
            ("AWS_ACCESS_KEY_ID", self.credentials.access_key_id.clone()),
            (
                "AWS_SECRET_ACCESS_KEY",
                self.credentials.secret_access_key.clone(),
            ),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_DEFAULT_REGION", REGION.to_owned()),
            (
                "AWS_ALLOW_HTTP",
                self.endpoint.starts_with("http://").to_string(),
            ),
        ]
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // It ends at once; were it to fail, its own message says so, and a panic while
        // dropping would hide the test's.
        let _ = self.child.wait();
    }
}
