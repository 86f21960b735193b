//! What is shown on stderr while a run goes on: bars where a person watches, plain lines where
//! a log does. Bars come from what the pipeline tells; nothing here decides anything.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use contract::SubmissionId;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pipeline::{BuiltMonth, Event, Observer, StepFailure};

use super::is_watched;
use super::output::{count, plural, short};
use super::tally::Tally;

const BYTES: &str = "{spinner} {msg} [{bar:30}] {bytes}/{total_bytes} {binary_bytes_per_sec}";
const BYTES_SO_FAR: &str = "{spinner} {msg} {bytes} {binary_bytes_per_sec}";
const COUNTS: &str = "{spinner} {msg} {pos}";
const REDRAW: Duration = Duration::from_millis(100);

/// Shared by the pipeline, which tells it what happens, and the command, which asks at the end.
#[derive(Clone)]
pub(crate) struct Progress(Arc<Mutex<Inner>>);

struct Inner {
    tally: Tally,
    screen: Screen,
}

enum Screen {
    /// A log, or nobody: a line for each thing that a person would want to find there.
    Lines,
    Bars {
        bar: ProgressBar,
        what: String,
    },
}

impl Progress {
    pub(crate) fn start() -> Self {
        let screen = if is_watched() {
            Screen::Bars {
                bar: ProgressBar::hidden(),
                what: String::new(),
            }
        } else {
            Screen::Lines
        };
        Self(Arc::new(Mutex::new(Inner {
            tally: Tally::default(),
            screen,
        })))
    }

    pub(crate) fn observer(&self) -> Observer {
        let this = self.clone();
        Arc::new(move |event| this.with(|inner| inner.note(event)))
    }

    /// Clears the screen and returns what happened since the start, or since it was last asked.
    pub(crate) fn take(&self) -> Tally {
        self.with(|inner| {
            inner.screen.clear();
            std::mem::take(&mut inner.tally)
        })
    }

    fn with<T>(&self, action: impl FnOnce(&mut Inner) -> T) -> T {
        // A panic elsewhere leaves counts and a bar, which are whole after every step.
        action(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Inner {
    fn note(&mut self, event: &Event<'_>) {
        self.tally.note(event);
        if let Some(line) = line(event) {
            self.screen.line(&line);
        }
        match event {
            Event::Parsing {
                submission,
                file_name,
                bytes,
                of,
            } => {
                let what = format!("parsing {} {file_name}", short(*submission));
                self.screen.bar(what, Some(*of)).inc(*bytes);
            }
            Event::Parsed { .. } | Event::ParseFailed { .. } => self.screen.clear(),
            Event::SubmitterGoldBuilt { .. } => {
                self.screen
                    .bar("submitter gold, months".into(), None)
                    .inc(1);
            }
            Event::CanonicalBuilt { .. } => {
                self.screen.bar("canonical, months".into(), None).inc(1);
            }
            _ => {}
        }
    }
}

impl Screen {
    fn line(&self, line: &str) {
        match self {
            Self::Bars { bar, .. } if !bar.is_hidden() => bar.println(line),
            Self::Bars { .. } | Self::Lines => write_line(line),
        }
    }

    /// The bar for that piece of work; where another stood, it is replaced. In a log, a hidden one.
    fn bar(&mut self, wanted: String, total: Option<u64>) -> ProgressBar {
        let Self::Bars { bar, what } = self else {
            return ProgressBar::hidden();
        };
        if *what != wanted {
            bar.finish_and_clear();
            let template = if total.is_some() { BYTES } else { COUNTS };
            *bar = drawn(template, wanted.clone(), total);
            *what = wanted;
        }
        bar.clone()
    }

    fn clear(&mut self) {
        if let Self::Bars { bar, what } = self {
            bar.finish_and_clear();
            what.clear();
        }
    }
}

fn drawn(template: &str, what: String, total: Option<u64>) -> ProgressBar {
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
    let bar = bar.with_style(style).with_message(what);
    bar.enable_steady_tick(REDRAW);
    bar
}

/// A bar of bytes for work outside a run; hidden where nobody watches.
pub(crate) fn bytes_bar(what: String, total: Option<u64>) -> ProgressBar {
    match total {
        _ if !is_watched() => ProgressBar::hidden(),
        Some(_) => drawn(BYTES, what, total),
        None => drawn(BYTES_SO_FAR, what, None),
    }
}

fn write_line(line: &str) {
    use std::io::Write;
    // Where stderr is closed there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// What is worth a line while it happens; the rest stands in the summary.
fn line(event: &Event<'_>) -> Option<String> {
    if let Some((submission, said)) = about_submission(event) {
        return Some(format!("{}  {said}", short(submission)));
    }
    match event {
        Event::CanonicalBuilt {
            key,
            built: BuiltMonth::Failed { reason },
        } => Some(format!("canonical {key}  FAILED: {reason}")),
        Event::Failed(failure) => {
            let later = if failure.transient {
                " (the next run tries again)"
            } else {
                ""
            };
            let StepFailure {
                step,
                subject,
                error,
                ..
            } = failure;
            Some(format!("{step} {subject}  failed: {error}{later}"))
        }
        _ => None,
    }
}

fn about_submission(event: &Event<'_>) -> Option<(SubmissionId, String)> {
    Some(match event {
        Event::Registered {
            submission,
            grouping_key,
            method,
            files,
        } => {
            let files = plural(*files as u64, "file");
            let said = format!(
                "registered from {grouping_key}, {files} ({})",
                method.as_str()
            );
            (*submission, said)
        }
        Event::Staged {
            submission,
            classified,
            ..
        } => match classified {
            Ok(layout) => (*submission, format!("staged, {layout}")),
            Err(reason) => (*submission, format!("NEEDS_REVIEW: {reason}")),
        },
        Event::Parsed {
            submission,
            rows_in,
            rows_accepted,
            rows_rejected,
        } => {
            let (accepted, rejected) = (count(*rows_accepted), count(*rows_rejected));
            let rows_in = plural(*rows_in, "row");
            (
                *submission,
                format!("parsed {rows_in}: {accepted} accepted, {rejected} rejected"),
            )
        }
        Event::ParseFailed { submission, reason } => {
            (*submission, format!("PARSE_FAILED: {reason}"))
        }
        Event::Validated {
            submission,
            state,
            reason,
        } => match reason {
            Some(reason) => (*submission, format!("{}: {reason}", state.as_str())),
            None => (*submission, state.as_str().to_owned()),
        },
        _ => return None,
    })
}
