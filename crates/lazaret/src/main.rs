//! `lazaret`: from dropped files to the statewide canonical month. Parses the call, runs the
//! command, returns its exit code.

mod cli;
mod configuration;
mod daemon;
mod exchange;
mod http;
mod pipes;
mod shipped;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Call;

#[tokio::main]
async fn main() -> ExitCode {
    let call = Call::parse();
    cli::start_logging(&call);
    cli::keep_panics_private();
    cli::exit_code(cli::run(call).await)
}
