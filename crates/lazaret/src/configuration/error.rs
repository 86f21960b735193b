//! What a person who wrote the configuration is told.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use miette::{Diagnostic, LabeledSpan, NamedSource};

use super::check::Wrong;
use super::raw::line;
use super::{FILE_NAME, Origin};

#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigurationError {
    #[error(
        "there is no {FILE_NAME} in {}: `lazaret init` makes a project there, `--project DIR` \
         (or LAZARET_PROJECT) names another folder",
        folder.display()
    )]
    NoProject { folder: PathBuf },
    #[error("{} cannot be read: {source}", file.display())]
    Unreadable {
        file: PathBuf,
        source: std::io::Error,
    },
    #[error("{}", summary(.0))]
    Mistakes(Vec<Mistake>),
}

fn summary(mistakes: &[Mistake]) -> String {
    let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    format!("the configuration cannot be used: {}", told.join("; "))
}

/// One setting that cannot be used.
#[derive(Debug)]
pub(crate) struct Mistake {
    message: String,
    remedy: String,
    /// Where in `lazaret.toml`; `None` where the value came from the environment.
    place: Option<(NamedSource<String>, Range<usize>)>,
}

impl Mistake {
    pub(super) fn new(
        text: &str,
        key: &str,
        origin: Origin,
        span: Option<Range<usize>>,
        wrong: Wrong,
    ) -> Self {
        // The value's own line may hold a secret; the message says which line it is.
        let hides_value =
            wrong.problem.contains("password") || wrong.problem.contains("credentials");
        let message = match origin {
            Origin::Variable(name) if name == key => format!("{name} {}", wrong.problem),
            _ => format!("`{key}` ({origin}) {}", wrong.problem),
        };
        let place = span.filter(|_| !hides_value);
        Self {
            message,
            remedy: wrong.remedy,
            place: place.map(|span| (NamedSource::new(FILE_NAME, text.to_owned()), span)),
        }
    }

    /// What the TOML parser refused: its syntax, an unknown key.
    pub(super) fn in_toml(text: &str, error: &toml::de::Error) -> Self {
        let span = error.span().unwrap_or(0..0);
        let shown = text.get(whole_line(text, &span)).unwrap_or_default();
        let may_hold_secret = shown.contains("://") && shown.contains('@');
        let told = error.message().trim();
        let (problem, remedy) = match told
            .strip_prefix("unknown field `")
            .and_then(|rest| rest.split_once('`'))
        {
            Some((key, rest)) => {
                let known = rest
                    .trim_start_matches(", ")
                    .trim_start_matches("expected ");
                let known = known.trim_start_matches("one of ");
                (
                    format!("`{key}` is not a setting"),
                    format!("remove it, or write one of: {known}"),
                )
            }
            None => (
                told.lines().next().unwrap_or("not TOML").to_owned(),
                "write TOML: `[section]` lines, and below them `key = value` with texts in quotes"
                    .to_owned(),
            ),
        };
        Self {
            message: format!("{FILE_NAME} line {}: {problem}", line(text, &span)),
            remedy,
            place: (!may_hold_secret).then(|| (NamedSource::new(FILE_NAME, text.to_owned()), span)),
        }
    }
}

/// The line where a span begins: it is shown whole, and no line beside it, which may hold another
/// setting's secret.
fn whole_line(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = text
        .get(..span.start)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |at| at + 1);
    let end = text
        .get(start..)
        .and_then(|rest| rest.find('\n'))
        .map_or(text.len(), |at| start + at);
    start..end
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Mistake {}

impl Diagnostic for Mistake {
    fn help(&self) -> Option<Box<dyn fmt::Display + '_>> {
        Some(Box::new(&self.remedy))
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.place
            .as_ref()
            .map(|(source, _)| source as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (source, span) = self.place.as_ref()?;
        let span = whole_line(source.inner(), span);
        Some(Box::new(std::iter::once(LabeledSpan::new(
            Some("here".into()),
            span.start,
            span.len(),
        ))))
    }
}
