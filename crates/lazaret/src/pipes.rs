//! Dagster Pipes: what a process that Dagster started tells it. Dagster names a place for messages
//! and the step's assets in two environment variables; the process appends one JSON message to a
//! line: `opened`, what it did, `closed`. Without the variables nothing is written, so a command
//! reports in the same way whoever called it.
//!
//! The protocol, version 0.1, is that of the `dagster-pipes` package. What an answer becomes in
//! Dagster is decided in `report`, which writes nothing.

mod report;
mod stands;
#[cfg(test)]
mod tests;

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;
use serde_json::{Value, json};
use thiserror::Error;

pub(crate) use self::report::Report;
pub(crate) use self::stands::stands;

const CONTEXT: &str = "DAGSTER_PIPES_CONTEXT";
const MESSAGES: &str = "DAGSTER_PIPES_MESSAGES";
const PROTOCOL_VERSION: &str = "0.1";
/// Far above what Dagster sends: a variable must not fill the memory.
const PARAMETER_BYTES_MAX: u64 = 16 << 20;

#[derive(Debug, Error)]
pub(crate) enum PipesError {
    #[error(
        "{variable} is not what Dagster sends: {what}; unset it where Dagster does not call lazaret"
    )]
    NotPipes {
        variable: &'static str,
        what: String,
    },
    #[error("Dagster cannot be told: {0}")]
    Unwritable(#[from] io::Error),
}

/// The way to the Dagster run that started this process, if one did.
#[derive(Debug)]
pub(crate) struct Pipes {
    channel: Option<Channel>,
    /// In Dagster's escaped form; empty where the step is an op without assets.
    asset_keys: Vec<String>,
    /// The checks that the step has declared, by asset: `{"asset": ["check"]}`. Dagster fails a
    /// step that reports any other.
    checks: Value,
}

#[derive(Debug)]
enum Channel {
    File(PathBuf),
    Stderr,
    Stdout,
}

/// True where Dagster started this process, and so nobody sits at a prompt.
pub(crate) fn is_called() -> bool {
    std::env::var_os(CONTEXT).is_some_and(|context| !context.is_empty())
}

impl Pipes {
    /// As the environment says. Call it before the work, so that Dagster sees the process begin.
    pub(crate) fn open() -> Result<Self, PipesError> {
        let variable = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
        Self::opened(variable(CONTEXT).as_deref(), variable(MESSAGES).as_deref())
    }

    fn opened(context: Option<&str>, messages: Option<&str>) -> Result<Self, PipesError> {
        let (Some(context), Some(messages)) = (context, messages) else {
            return Ok(Self {
                channel: None,
                asset_keys: Vec::new(),
                checks: Value::Null,
            });
        };
        let context = context_data(decoded(CONTEXT, context)?)?;
        let pipes = Self {
            channel: Some(Channel::named_by(&decoded(MESSAGES, messages)?)?),
            asset_keys: texts(&context["asset_keys"]),
            checks: context["extras"]["checks"].clone(),
        };
        pipes.write("opened", &json!({ "extras": {} }))?;
        Ok(pipes)
    }

    /// Tells what was done: the answer as it was printed, and for each asset of the step what
    /// stands now, with its checks.
    pub(crate) fn report(&self, report: &Report) -> Result<(), PipesError> {
        self.write(
            "report_custom_message",
            &json!({ "payload": report.answer }),
        )?;
        for asset_key in &self.asset_keys {
            if let Some(metadata) = &report.stands {
                self.write(
                    "report_asset_materialization",
                    &json!({
                        "asset_key": asset_key,
                        "data_version": report.data_version,
                        "metadata": metadata,
                    }),
                )?;
            }
            let declared = texts(&self.checks[asset_key]);
            let is_declared = |name: &str| declared.iter().any(|check| check == name);
            for check in report.checks.iter().filter(|check| is_declared(check.name)) {
                self.write(
                    "report_asset_check",
                    &json!({
                        "asset_key": asset_key,
                        "check_name": check.name,
                        "passed": check.passed,
                        "severity": "ERROR",
                        "metadata": check.metadata,
                    }),
                )?;
            }
        }
        Ok(())
    }

    /// The last message. `failure` says why the command fails; it holds no value of a row.
    pub(crate) fn close(self, failure: Option<&str>) -> Result<(), PipesError> {
        let exception = |message: &str| {
            json!({ "exception": {
                "message": message, "stack": [], "name": "lazaret", "cause": null, "context": null,
            }})
        };
        self.write("closed", &failure.map_or_else(|| json!({}), exception))
    }

    fn write(&self, method: &str, params: &Value) -> Result<(), PipesError> {
        let Some(channel) = &self.channel else {
            return Ok(());
        };
        let message = json!({
            "__dagster_pipes_version": PROTOCOL_VERSION,
            "method": method,
            "params": params,
        });
        Ok(channel.append(&format!("{message}\n"))?)
    }
}

impl Channel {
    fn named_by(parameters: &Value) -> Result<Self, PipesError> {
        if let Some(path) = parameters["path"].as_str() {
            return Ok(Self::File(path.into()));
        }
        let stream = ["stdio", "buffered_stdio"]
            .iter()
            .find_map(|key| parameters[*key].as_str());
        match stream {
            Some("stderr") => Ok(Self::Stderr),
            Some("stdout") => Ok(Self::Stdout),
            _ => Err(PipesError::NotPipes {
                variable: MESSAGES,
                what: "it names neither a file nor a stream (use PipesTempFileMessageReader)"
                    .to_owned(),
            }),
        }
    }

    /// One write for a line, since Dagster reads while it is written.
    fn append(&self, line: &str) -> io::Result<()> {
        match self {
            Self::File(path) => OpenOptions::new()
                .append(true)
                .create(true)
                .open(path)?
                .write_all(line.as_bytes()),
            Self::Stderr => io::stderr().lock().write_all(line.as_bytes()),
            Self::Stdout => io::stdout().lock().write_all(line.as_bytes()),
        }
    }
}

/// JSON, compressed by zlib, in base64.
fn decoded(variable: &'static str, text: &str) -> Result<Value, PipesError> {
    let wrong = |what: String| PipesError::NotPipes { variable, what };
    let compressed = STANDARD
        .decode(text.trim())
        .map_err(|error| wrong(format!("no base64: {error}")))?;
    let mut plain = Vec::new();
    ZlibDecoder::new(compressed.as_slice())
        .take(PARAMETER_BYTES_MAX)
        .read_to_end(&mut plain)
        .map_err(|error| wrong(format!("not compressed by zlib: {error}")))?;
    serde_json::from_slice(&plain).map_err(|error| wrong(format!("no JSON: {error}")))
}

/// The context itself, or that of the file which it names.
fn context_data(parameters: Value) -> Result<Value, PipesError> {
    let wrong = |what: String| PipesError::NotPipes {
        variable: CONTEXT,
        what,
    };
    if let Some(path) = parameters["path"].as_str() {
        let text = std::fs::read(path).map_err(|error| wrong(format!("its file: {error}")))?;
        return serde_json::from_slice(&text)
            .map_err(|error| wrong(format!("its file holds no JSON: {error}")));
    }
    match parameters {
        Value::Object(mut parameters) => parameters
            .remove("data")
            .ok_or_else(|| wrong("it holds no context and names no file".to_owned())),
        _ => Err(wrong("it is no JSON object".to_owned())),
    }
}

fn texts(list: &Value) -> Vec<String> {
    let listed = list.as_array().into_iter().flatten();
    listed
        .filter_map(|text| text.as_str().map(str::to_owned))
        .collect()
}
