//! The command line: one module for each noun, which asks the floors below and shows what they
//! say. Progress and errors go to stderr, answers to stdout, as a table or as JSON.

pub(crate) mod canonical;
pub(crate) mod contract;
pub(crate) mod demo;
pub(crate) mod doctor;
mod failure;
mod findings;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod migrate;
mod output;
mod progress;
mod project;
pub(crate) mod quarantine;
pub(crate) mod registry;
pub(crate) mod run;
pub(crate) mod status;
pub(crate) mod submission;
mod tally;
pub(crate) mod trace;
pub(crate) mod winner;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use self::failure::Failure;
#[cfg(test)]
pub(crate) use self::failure::configuration_diagnostic;
use self::output::Format;

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
    /// Do everything that is due: discover, register, stage, parse, validate, build gold
    Run(run::Call),
    /// What waits, what was done, what failed
    Status,
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
    /// Check configuration, services and documents
    Doctor,
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

/// Logs go to stderr: warnings by default, more with `--verbose`, `RUST_LOG` over both. Delta's
/// kernel reports as errors what its caller goes on to handle, so it is silent.
pub(crate) fn start_logging(verbose: bool) {
    let default = if verbose {
        "warn,buoyant_kernel=off,lazaret=debug,pipeline=debug,lake=debug,store=debug,inspect=debug"
    } else {
        "warn,buoyant_kernel=off"
    };
    let wanted = std::env::var("RUST_LOG")
        .ok()
        .and_then(|text| text.parse::<Targets>().ok());
    let targets = wanted.or_else(|| default.parse().ok()).unwrap_or_default();
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(true);
    tracing_subscriber::registry()
        .with(lines.with_filter(targets))
        .init();
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
