//! Where a test's objects lie: every case runs on both.

use std::future::Future;

use lake::Objects;
use testkit::s3::S3Server;

/// Runs the case on a folder and on an S3 bucket.
pub(crate) fn on_each_place<F: Future<Output = ()>>(case: impl Fn(Objects) -> F) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let objects = Objects::connect(folder.path().to_str().unwrap()).unwrap();
    runtime.block_on(case(objects));

    let server = S3Server::start();
    let objects =
        Objects::connect_with(&format!("{}/some/prefix", server.url()), server.env()).unwrap();
    runtime.block_on(case(objects));
}
