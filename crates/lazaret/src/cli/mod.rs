//! The command line: one module for each noun, which asks the floors below and shows what they
//! say. Progress and errors go to stderr, answers to stdout, as a table or as JSON.

pub(crate) mod canonical;
pub(crate) mod contract;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod exchange;
mod failure;
mod findings;
pub(crate) mod heartbeat;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod job;
pub(crate) mod migrate;
mod output;
mod piped;
mod progress;
mod project;
pub(crate) mod quarantine;
pub(crate) mod registry;
pub(crate) mod run;
pub(crate) mod sensor;
pub(crate) mod status;
pub(crate) mod submission;
mod tally;
pub(crate) mod trace;
pub(crate) mod up;
pub(crate) mod winner;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use crate::configuration::process_environment;

use self::failure::Failure;
#[cfg(test)]
pub(crate) use self::failure::configuration_diagnostic;
use self::output::Format;
pub(crate) use self::project::documents_problem;

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  something failed: a step of a run, a check of the doctor, a service
  2  the call, the configuration or a document is wrong
  3  refused: no such thing, or not in the state that this asks for
  4  inspect: the file is usable, and some of its rows were rejected";

/// Inspects health-data files against contracts and builds the statewide canonical tables.
#[derive(Debug, Parser)]
#[command(name = "lazaret", version, after_help = EXIT_CODES)]
pub(crate) struct Call {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
pub(crate) struct Globals {
    /// The project's folder
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "LAZARET_PROJECT",
        default_value = "."
    )]
    pub(crate) project: PathBuf,
    /// How answers are written to stdout
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
    /// Log to stderr what happens inside (RUST_LOG says more exactly what)
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Inspect one file by a contract: no project, no database
    Inspect(inspect::Call),
    /// Make a project folder: configuration, contracts, canonical registry, metadata database
    Init(init::Call),
    /// Bring the metadata database up to this version of lazaret
    Migrate,
    /// Do everything that is due once: discover, register, stage, parse, validate, build gold
    Run(run::Call),
    /// Find and do everything that is due, again and again, and serve HTTP, until stopped
    Up(up::Call),
    /// Do what is due, again and again, until stopped; any number of these share the work
    Worker,
    /// What waits, what was done, what failed
    Status,
    /// The kinds of work and what is due for each: list, preview
    #[command(subcommand)]
    Sensor(sensor::Call),
    /// Runs of work: list, show, launch, retry
    #[command(subcommand)]
    Job(job::Call),
    /// Submissions: list, show, assign, retry
    #[command(subcommand)]
    Submission(submission::Call),
    /// Rejected rows and why: list, show, export
    #[command(subcommand)]
    Quarantine(quarantine::Call),
    /// Contracts and the project's other documents: check, show
    #[command(subcommand)]
    Contract(contract::Call),
    /// The canonical registry: sync
    #[command(subcommand)]
    Registry(registry::Call),
    /// Statewide canonical months: build, rebuild, list
    #[command(subcommand)]
    Canonical(canonical::Call),
    /// Why something is as it is
    #[command(subcommand)]
    Explain(winner::Explain),
    /// Which submission stands for a month: list, pin, unpin
    #[command(subcommand)]
    Winner(winner::Call),
    /// From a row of a silver, quarantine or gold file back to its bytes
    Trace(trace::Call),
    /// Records that clients post: serve, normalize, dead-letters
    #[command(subcommand)]
    Exchange(exchange::Call),
    /// Check configuration, services and documents
    Doctor,
    /// Write a row and an object and read them back
    Heartbeat,
    /// See it all happen on real claim files of three submitters
    Demo(demo::Call),
}

/// How a command that did not fail ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    Well,
    /// It was carried through, and what it found is a fault.
    WithFaults,
    /// It was carried through, and documents are wrong.
    DocumentsWrong,
    /// It was carried through, and some of a file's rows were rejected.
    SomeRejected,
}

pub(crate) async fn run(call: Call) -> Result<Done, Failure> {
    let Call { globals, command } = call;
    match command {
        Command::Inspect(call) => inspect::run(&globals, &call).await,
        Command::Init(call) => init::run(&globals, &call).await,
        Command::Migrate => migrate::run(&globals).await,
        Command::Run(call) => run::run(&globals, &call).await,
        Command::Up(call) => up::up(&globals, &call).await,
        Command::Worker => up::worker(&globals).await,
        Command::Status => status::run(&globals).await,
        Command::Sensor(call) => sensor::run(&globals, call).await,
        Command::Job(call) => job::run(&globals, call).await,
        Command::Submission(call) => submission::run(&globals, call).await,
        Command::Quarantine(call) => quarantine::run(&globals, call).await,
        Command::Contract(call) => contract::run(&globals, call).await,
        Command::Registry(call) => registry::run(&globals, &call).await,
        Command::Canonical(call) => canonical::run(&globals, call).await,
        Command::Explain(call) => winner::explain(&globals, call).await,
        Command::Winner(call) => winner::run(&globals, call).await,
        Command::Trace(call) => trace::run(&globals, &call).await,
        Command::Exchange(call) => exchange::run(&globals, call).await,
        Command::Doctor => doctor::run(&globals).await,
        Command::Heartbeat => heartbeat::run(&globals).await,
        Command::Demo(call) => demo::run(&globals, &call).await,
    }
}

pub(crate) fn exit_code(done: Result<Done, Failure>) -> ExitCode {
    ExitCode::from(match done {
        Ok(Done::Well) => 0,
        Ok(Done::WithFaults) => 1,
        Ok(Done::DocumentsWrong) => 2,
        Ok(Done::SomeRejected) => 4,
        Err(failure) => failure.tell(),
    })
}

/// A panic says where it happened and no more: its own text may hold a cell of a row.
pub(crate) fn keep_panics_private() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        tracing::error!("lazaret failed at {place}; this is a defect, please report it");
    }));
}

/// Logs go to stderr: warnings by default, what happens where nobody watches (`up`, `worker`), more
/// with `--verbose`, `RUST_LOG` over all. `LOG_FORMAT=json` writes a JSON object a line. Delta's
/// kernel reports as errors what its caller goes on to handle, so it is silent.
pub(crate) fn start_logging(call: &Call) {
    let level = match call.command {
        _ if call.globals.verbose => "debug",
        Command::Up(_) | Command::Worker | Command::Exchange(_) => "info",
        _ => "warn",
    };
    let ours = [
        "lazaret", "pipeline", "exchange", "lake", "store", "inspect",
    ];
    let default = ours.map(|name| format!(",{name}={level}")).concat();
    let default = format!("warn,buoyant_kernel=off{default}");
    let wanted = process_environment("RUST_LOG").and_then(|text| text.parse::<Targets>().ok());
    let targets = wanted.or_else(|| default.parse().ok()).unwrap_or_default();
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(true);
    let is_json = process_environment("LOG_FORMAT").is_some_and(|format| format == "json");
    let lines = match is_json {
        true => lines
            .json()
            .flatten_event(true)
            .with_filter(targets)
            .boxed(),
        false => lines.with_filter(targets).boxed(),
    };
    tracing_subscriber::registry().with(lines).init();
}

/// True where a person watches stderr.
fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

/// Who is written into the audit log.
fn actor() -> String {
    let user = ["USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    match user.filter(|user| !user.is_empty()) {
        Some(user) => format!("cli:{user}"),
        None => "cli".to_owned(),
    }
}
