//! What a person who wrote a document is told: file, line, what was expected, what to write.

use std::fmt;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode, SourceSpan};

/// Everything that is wrong with one document. Shown through `miette`, each mistake comes with
/// its line of the document; as plain text, the first with its line number.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", self.summary())]
pub struct DocumentError {
    path: String,
    mistakes: Vec<Mistake>,
}

impl DocumentError {
    /// `mistakes` may not be empty: without one there is no error. They are put in the order of
    /// the document; those in files that it names come last.
    pub(crate) fn new(path: &str, mut mistakes: Vec<Mistake>) -> Self {
        assert!(!mistakes.is_empty(), "an error without a mistake");
        mistakes.sort_by_cached_key(|mistake| {
            let file = mistake.document.name();
            (file != path, file.to_owned(), mistake.span.offset())
        });
        Self {
            path: path.to_owned(),
            mistakes,
        }
    }

    /// The document's path as it was given to the reader.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Never empty.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }

    fn summary(&self) -> String {
        let first = &self.mistakes[0];
        let place = format!("{}, line {}", first.document.name(), first.line);
        match self.mistakes.len() {
            1 => format!("{place}: {first}"),
            count if first.document.name() == self.path => {
                format!("{place}: {first} (the first of {count} mistakes)")
            }
            count => format!(
                "{}: {count} mistakes, the first in {place}: {first}",
                self.path
            ),
        }
    }

    /// A mistake that is alone is shown as the error itself.
    fn only(&self) -> Option<&Mistake> {
        match self.mistakes.as_slice() {
            [mistake] => Some(mistake),
            _ => None,
        }
    }
}

impl Diagnostic for DocumentError {
    fn help(&self) -> Option<Box<dyn fmt::Display + '_>> {
        self.only()?.help()
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.only()?.source_code()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.only()?.labels()
    }

    fn related(&self) -> Option<Box<dyn Iterator<Item = &dyn Diagnostic> + '_>> {
        let all = self
            .mistakes
            .iter()
            .map(|mistake| mistake as &dyn Diagnostic);
        self.only()
            .is_none()
            .then(|| Box::new(all) as Box<dyn Iterator<Item = _>>)
    }
}

/// One thing that is wrong, at one place.
#[derive(Debug, Clone)]
pub struct Mistake {
    message: String,
    expected: String,
    help: String,
    line: usize,
    document: NamedSource<Arc<str>>,
    span: SourceSpan,
}

impl Mistake {
    pub(crate) fn new(
        document: NamedSource<Arc<str>>,
        span: SourceSpan,
        message: impl Into<String>,
        expected: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        let before = document.inner().get(..span.offset()).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let (message, expected, help) = (message.into(), expected.into(), help.into());
        Self {
            message,
            expected,
            help,
            line,
            document,
            span,
        }
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What should have stood there.
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// What to write.
    pub fn remedy(&self) -> &str {
        &self.help
    }

    /// The document, or the file that the document names.
    pub fn file(&self) -> &str {
        self.document.name()
    }

    /// From 1.
    pub fn line(&self) -> usize {
        self.line
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Mistake {}

impl Diagnostic for Mistake {
    fn help(&self) -> Option<Box<dyn fmt::Display + '_>> {
        Some(Box::new(&self.help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.document)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = LabeledSpan::new_with_span(Some(self.expected.clone()), self.span);
        Some(Box::new(std::iter::once(label)))
    }
}
