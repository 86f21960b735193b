//! What holds for the workspace as a whole, and that the servers which tests start behave.

mod floors;
mod proxy;
mod proxy_postgres;
mod proxy_s3;
mod receiver;
mod s3;
mod sources;
mod tls;
mod workspace;
