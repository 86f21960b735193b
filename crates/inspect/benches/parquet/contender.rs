//! One of those that do the work: a process of its own, which reports seconds and peak memory.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

pub(crate) struct Contender {
    /// As `--rivals` names it.
    pub(crate) key: &'static str,
    /// As the table names it.
    pub(crate) name: &'static str,
    pub(crate) engine: Engine,
    /// Gets the smaller file and fewer runs.
    pub(crate) slow: bool,
    /// Its own counts can be held against what is known, but it writes no Parquet to look into.
    pub(crate) counts_alone: bool,
}

#[derive(Clone, Copy)]
pub(crate) enum Engine {
    /// This program's command `ours`.
    Ours,
    /// A script in `benches/rivals`.
    Python(&'static str),
}

pub(crate) const OURS: Contender = Contender {
    key: "ours",
    name: "**Lazaret**",
    engine: Engine::Ours,
    slow: false,
    counts_alone: false,
};

pub(crate) const RIVALS: [Contender; 5] = [
    Contender {
        key: "duckdb",
        name: "DuckDB",
        engine: Engine::Python("with_duckdb.py"),
        slow: false,
        counts_alone: false,
    },
    Contender {
        key: "polars",
        name: "Polars",
        engine: Engine::Python("with_polars.py"),
        slow: false,
        counts_alone: false,
    },
    Contender {
        key: "pandera-polars",
        name: "Pandera on Polars",
        engine: Engine::Python("with_pandera_polars.py"),
        slow: false,
        counts_alone: false,
    },
    Contender {
        key: "pandera-pandas",
        name: "Pandera on pandas",
        engine: Engine::Python("with_pandera_pandas.py"),
        slow: true,
        counts_alone: false,
    },
    Contender {
        key: "qsv",
        name: "qsv validate",
        engine: Engine::Python("with_qsv.py"),
        slow: true,
        counts_alone: true,
    },
];

/// What a process said that it did.
pub(crate) struct Passage {
    pub(crate) seconds: f64,
    /// Of all its threads; absent where the system does not tell.
    pub(crate) cpu_seconds: Option<f64>,
    /// Absent where the system does not tell.
    pub(crate) peak_bytes: Option<u64>,
    pub(crate) accepted: u64,
    pub(crate) rejected: u64,
    /// `polars 2.1.0`, where it is a rival.
    pub(crate) version: Option<String>,
}

impl Contender {
    /// Does the work once; a rival that fails says why.
    pub(crate) fn run(&self, file: &Path, target: &Path) -> Result<Passage, String> {
        let mut command = match self.engine {
            Engine::Ours => {
                let program = std::env::current_exe().expect("this program lies somewhere");
                let mut command = Command::new(program);
                command.arg("ours").args([file, target]);
                command
            }
            Engine::Python(script) => {
                let mut command = python(script);
                command.args([file, target, &contract_file()]);
                command
            }
        };
        let answer = ask(&mut command)?;
        let number = |key: &str| {
            answer[key]
                .as_u64()
                .ok_or_else(|| format!("it gave no {key}"))
        };
        Ok(Passage {
            seconds: answer["seconds"].as_f64().ok_or("it gave no seconds")?,
            cpu_seconds: answer["cpu_seconds"].as_f64(),
            peak_bytes: answer["peak_bytes"].as_u64(),
            accepted: number("accepted")?,
            rejected: number("rejected")?,
            version: answer["version"].as_str().map(str::to_owned),
        })
    }
}

/// What DuckDB finds in the Parquet files below the target.
pub(crate) fn look_into(target: &Path) -> Result<Value, String> {
    ask(python("verify.py").arg(target))
}

/// What this program's command `scan` finds.
pub(crate) fn scan(file: &Path, runs: usize) -> Result<Value, String> {
    let program = std::env::current_exe().expect("this program lies somewhere");
    ask(Command::new(program)
        .arg("scan")
        .arg(file)
        .arg(runs.to_string()))
}

/// The highest number of bytes that this process has had in memory.
pub(crate) fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes << 10)
}

/// The time that this process's threads have worked.
pub(crate) fn cpu_seconds() -> Option<f64> {
    /// What a clock tick is to programs on Linux, whatever the kernel's own is.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The program's name, in parentheses, may hold spaces.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11);
    let mut ticks = || times.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS_PER_SECOND)
}

fn benches() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches")
}

fn contract_file() -> PathBuf {
    benches().join("parquet/claims.yaml")
}

/// The interpreter that `scripts/bench.sh` names.
fn python(script: &str) -> Command {
    let named = std::env::var_os("LAZARET_BENCH_PYTHON");
    let python = named.map_or_else(
        || benches().join("../../../.venv-bench/bin/python"),
        PathBuf::from,
    );
    let mut command = Command::new(python);
    command.arg("-B").arg(benches().join("rivals").join(script));
    command
}

/// The JSON of the last line that a process prints.
fn ask(command: &mut Command) -> Result<Value, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        eprintln!("{said}");
        let last = said.trim().lines().last().unwrap_or("it said nothing");
        return Err(format!("{}: {last}", output.status));
    }
    let printed = String::from_utf8_lossy(&output.stdout);
    let line = printed.trim().lines().last().unwrap_or_default();
    serde_json::from_str(line).map_err(|error| format!("it printed no JSON: {error}"))
}
