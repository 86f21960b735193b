//! What holds for the workspace as a whole, and that the servers which tests start behave.

mod compose;
mod compose_script;
mod compose_settings;
mod dockerfile;
mod floors;
mod s3;
mod sources;
mod workspace;
