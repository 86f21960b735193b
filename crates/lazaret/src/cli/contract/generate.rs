//! `contract generate`: a synthetic file of a layout with defects that are known beforehand.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use contract::{Contract, Shape};
use inspect::{Defects, Twin, TwinError};
use serde::Serialize;

use super::load;
use crate::cli::output::{Answer, plural, show};
use crate::cli::project::shown_path;
use crate::cli::{Done, Failure, Globals};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A layout of the project such as medical_claim@v1, or a contract's file
    contract: String,
    /// How many rows, those with a defect among them
    #[arg(long)]
    rows: u64,
    /// Which defects: RULE=COUNT or RULE:COLUMN=COUNT, with commas between; a count may be a
    /// percentage of the rows, and the rule `all` is every kind that the contract can have:
    /// required:paid_amount=5,domain=1%,too_few_fields=3
    #[arg(long, default_value = "")]
    defects: String,
    /// The same seed gives the same file
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the file goes; without it, a name made of the layout in the current folder
    #[arg(long)]
    out: Option<PathBuf>,
    /// Where the rejects that an inspection must find go, as JSON lines; without it, beside the
    /// file
    #[arg(long)]
    expected: Option<PathBuf>,
    /// Replace files that are there
    #[arg(long)]
    overwrite: bool,
}

/// What was written.
#[derive(Debug, Serialize)]
struct Generated {
    file: String,
    expected: String,
    rows: u64,
    rejects: BTreeMap<&'static str, u64>,
    next: String,
}

/// One line of the list.
#[derive(Debug, Serialize)]
struct Line<'r> {
    row: u64,
    column: Option<&'r str>,
    rule: &'static str,
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Done, Failure> {
    let contract = load(globals, &arguments.contract)?;
    let defects: Defects = arguments.defects.parse().map_err(failure)?;
    let twin = Twin::new(&contract, arguments.rows, &defects, arguments.seed).map_err(failure)?;
    let out = arguments.out.clone().unwrap_or_else(|| name(&contract));
    let expected = arguments.expected.clone().unwrap_or_else(|| {
        let mut name = out.clone().into_os_string();
        name.push(".expected.jsonl");
        name.into()
    });
    if out == expected {
        return Err(Failure::refused(
            "the file and its list of rejects need two names",
        ));
    }
    let file = create(&out, arguments.overwrite)?;
    let written = create(&expected, arguments.overwrite).and_then(|list| write(&twin, file, list));
    if let Err(failure) = written {
        // Half a file would be taken for one. Where it cannot be removed, the failure is told.
        let _ = fs::remove_file(&out);
        return Err(failure);
    }
    let generated = Generated {
        next: format!(
            "lazaret inspect {} --contract {}",
            shown_path(&out),
            arguments.contract
        ),
        file: shown_path(&out),
        expected: shown_path(&expected),
        rows: twin.rows(),
        rejects: twin.rejects(),
    };
    show(globals.format, &generated)?;
    Ok(Done::Well)
}

fn write(twin: &Twin, mut file: impl Write, mut list: impl Write) -> Result<(), Failure> {
    twin.write(&mut file, |reject| {
        let line = Line {
            row: reject.row,
            column: reject.column.as_deref(),
            rule: reject.rule,
        };
        serde_json::to_writer(&mut list, &line)?;
        list.write_all(b"\n")
    })
    .map_err(failure)?;
    list.flush()
        .map_err(|error| failure(TwinError::Write(error)))
}

impl Answer for Generated {
    fn text(&self) -> String {
        let rejected: u64 = self.rejects.values().sum();
        let rules = self.rejects.iter();
        let rules: Vec<String> = rules.map(|(rule, rows)| format!("{rule} {rows}")).collect();
        let which = match rules.is_empty() {
            true => String::new(),
            false => format!(" ({})", rules.join(", ")),
        };
        format!(
            "{}: {}, of which {rejected} must be rejected{which}\n{}: which, and why\nnext: {}",
            self.file,
            plural(i128::from(self.rows), "row"),
            self.expected,
            self.next
        )
    }
}

/// `medical_claim_v1.twin.csv`
fn name(contract: &Contract) -> PathBuf {
    let ending = match contract.format.shape {
        Shape::Delimited(_) => "csv",
        Shape::FixedWidth(_) => "txt",
        Shape::JsonLines => "ndjson",
        Shape::JsonArray => "json",
    };
    let layout = &contract.layout;
    format!("{}_v{}.twin.{ending}", layout.file_type, layout.version).into()
}

fn create(path: &Path, overwrite: bool) -> Result<BufWriter<File>, Failure> {
    let mut options = OpenOptions::new();
    options.write(true);
    if overwrite {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    match options.open(path) {
        Ok(file) => Ok(BufWriter::new(file)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(Failure::refused(format!(
            "{} is there already: choose another name, or add --overwrite",
            shown_path(path)
        ))),
        Err(error) => Err(Failure::Unusable(format!("{}: {error}", shown_path(path)))),
    }
}

fn failure(error: TwinError) -> Failure {
    match error {
        TwinError::Write(error) => Failure::Failed(error.into()),
        other => Failure::Unusable(other.to_string()),
    }
}
