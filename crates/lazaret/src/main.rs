//! `lazaret`: from dropped files to the statewide canonical month. Parses the call, chooses the
//! command, returns its exit code.

mod cli;
mod configuration;
mod shipped;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Call, Command};

#[tokio::main]
async fn main() -> ExitCode {
    let Call { globals, command } = Call::parse();
    cli::start_logging(globals.verbose);
    cli::keep_panics_private();
    let done = match command {
        Command::Inspect(call) => cli::inspect::run(&globals, &call).await,
        Command::Init(call) => cli::init::run(&globals, &call).await,
        Command::Migrate => cli::migrate::run(&globals).await,
        Command::Run(call) => cli::run::run(&globals, &call).await,
        Command::Status => cli::status::run(&globals).await,
        Command::Submission(call) => cli::submission::run(&globals, call).await,
        Command::Quarantine(call) => cli::quarantine::run(&globals, call).await,
        Command::Contract(call) => cli::contract::run(&globals, call).await,
        Command::Registry(call) => cli::registry::run(&globals, &call).await,
        Command::Canonical(call) => cli::canonical::run(&globals, call).await,
        Command::Explain(call) => cli::winner::explain(&globals, call).await,
        Command::Winner(call) => cli::winner::run(&globals, call).await,
        Command::Trace(call) => cli::trace::run(&globals, &call).await,
        Command::Doctor => cli::doctor::run(&globals).await,
        Command::Demo(call) => cli::demo::run(&globals, &call).await,
    };
    cli::exit_code(done)
}
