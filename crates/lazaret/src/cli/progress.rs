//! What is shown on stderr while a run goes on: bars where a person watches, plain lines where
//! a log does. Bars come from what the pipeline tells; nothing here decides anything.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pipeline::{BuiltMonth, Event, Observer};

use super::is_watched;
use super::output::{count, plural, short};
use super::tally::Tally;

const BYTES: &str = "{spinner} {msg} [{bar:30}] {bytes}/{total_bytes} {binary_bytes_per_sec}";
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
            let style = ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            let next = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
            *bar = next.with_style(style).with_message(wanted.clone());
            bar.enable_steady_tick(REDRAW);
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

fn write_line(line: &str) {
    use std::io::Write;
    // Where stderr is closed there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// What is worth a line while it happens; the rest stands in the summary.
fn line(event: &Event<'_>) -> Option<String> {
    Some(match event {
        Event::Registered {
            submission,
            grouping_key,
            method,
            files,
        } => format!(
            "{}  registered from {grouping_key}, {} ({})",
            short(*submission),
            plural(*files as u64, "file"),
            method.as_str()
        ),
        Event::Staged {
            submission,
            classified: Ok(layout),
            ..
        } => {
            format!("{}  staged, {layout}", short(*submission))
        }
        Event::Staged {
            submission,
            classified: Err(reason),
            ..
        } => {
            format!("{}  NEEDS_REVIEW: {reason}", short(*submission))
        }
        Event::Parsed {
            submission,
            rows_in,
            rows_accepted,
            rows_rejected,
        } => format!(
            "{}  parsed {}: {} accepted, {} rejected",
            short(*submission),
            plural(*rows_in, "row"),
            count(*rows_accepted),
            count(*rows_rejected)
        ),
        Event::ParseFailed { submission, reason } => {
            format!("{}  PARSE_FAILED: {reason}", short(*submission))
        }
        Event::Validated {
            submission,
            state,
            reason,
        } => match reason {
            Some(reason) => format!("{}  {}: {reason}", short(*submission), state.as_str()),
            None => format!("{}  {}", short(*submission), state.as_str()),
        },
        Event::CanonicalBuilt {
            key,
            built: BuiltMonth::Failed { reason },
        } => {
            format!("canonical {key}  FAILED: {reason}")
        }
        Event::Failed(failure) => {
            let later = if failure.transient {
                " (the next run tries again)"
            } else {
                ""
            };
            format!(
                "{} {}  failed: {}{later}",
                failure.step, failure.subject, failure.error
            )
        }
        Event::Discovered(_)
        | Event::GroupWaits { .. }
        | Event::Parsing { .. }
        | Event::Competed { .. }
        | Event::SubmitterGoldBuilt { .. }
        | Event::CanonicalBuilt { .. } => return None,
    })
}
