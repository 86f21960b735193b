//! What holds for the workspace as a whole, and that the servers which tests start behave.

mod compose;
mod compose_script;
mod compose_settings;
mod dockerfile;
mod floors;
mod proxy;
mod proxy_postgres;
mod proxy_s3;
mod receiver;
mod s3;
mod sources;
mod tls;
mod workspace;
