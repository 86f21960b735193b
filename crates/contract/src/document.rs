//! A document as text: line ends made equal, read through serde, hashed, and pointed into.
//!
//! JSON is read twice: strictly as JSON, so that other programs can read it too, and then as
//! YAML, of which it is a part, because that reader knows where each value stands.

use std::fmt::Write as _;
use std::sync::Arc;

use miette::{NamedSource, SourceSpan};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_saphyr::{Location, Spanned};
use sha2::{Digest, Sha256};

use crate::error::{DocumentError, Mistake};
use crate::wording::{Wording, wording};

/// A document with the path that errors show.
pub(crate) struct Document {
    path: String,
    text: Arc<str>,
}

impl Document {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: normalise(text).into(),
        }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn read_yaml<T: DeserializeOwned>(&self) -> Result<T, DocumentError> {
        let options = serde_saphyr::options! { with_snippet: false, strict_booleans: true };
        serde_saphyr::from_str_with_options(&self.text, options)
            .map_err(|error| self.refuse(self.explain(&error)))
    }

    pub(crate) fn read_json<T: DeserializeOwned>(&self) -> Result<T, DocumentError> {
        serde_json::from_str::<IgnoredAny>(&self.text).map_err(|error| {
            let span = self.span_at(error.line(), error.column());
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or_default();
            let help = "check quotes, commas and brackets here and on the line above";
            self.refuse(self.mistake(span, format!("not JSON: {message}"), "here", help))
        })?;
        self.read_yaml()
    }

    pub(crate) fn mistake(
        &self,
        span: SourceSpan,
        message: impl Into<String>,
        expected: impl Into<String>,
        help: impl Into<String>,
    ) -> Mistake {
        let source = NamedSource::new(&self.path, Arc::clone(&self.text));
        Mistake::new(source, span, message, expected, help)
    }

    /// Where a value stands. A value over several lines is shown by its first.
    pub(crate) fn span(&self, location: Location) -> SourceSpan {
        let span = location.span();
        let (Some(start), Some(length)) = (span.byte_offset(), span.byte_len()) else {
            return self.span_at(location.line() as usize, location.column() as usize);
        };
        let rest = self.text.get(start as usize..).unwrap_or_default();
        let value = rest.get(..length as usize).unwrap_or_default();
        let line = value.lines().next().unwrap_or_default().trim_end();
        (start as usize, line.len()).into()
    }

    fn refuse(&self, mistake: Mistake) -> DocumentError {
        DocumentError::new(&self.path, vec![mistake])
    }

    fn span_at(&self, line: usize, column: usize) -> SourceSpan {
        let mut lines = self.text.split_inclusive('\n');
        let start: usize = lines
            .by_ref()
            .take(line.saturating_sub(1))
            .map(str::len)
            .sum();
        let rest = lines.next().unwrap_or_default();
        let within = rest.char_indices().nth(column.saturating_sub(1));
        (
            start + within.map_or(rest.trim_end().len(), |(offset, _)| offset),
            0,
        )
            .into()
    }

    fn explain(&self, error: &serde_saphyr::Error) -> Mistake {
        let error = error.without_snippet();
        let span = error
            .location()
            .map_or_else(|| (0, 0).into(), |at| self.span(at));
        let Wording {
            message,
            expected,
            help,
        } = wording(error, self.path.ends_with(".json"));
        self.mistake(span, message, expected, help)
    }
}

/// Gathers the mistakes of a document that is well formed, so that all are told at once.
pub(crate) struct Review<'a> {
    document: &'a Document,
    mistakes: Vec<Mistake>,
}

impl<'a> Review<'a> {
    pub(crate) fn new(document: &'a Document) -> Self {
        Self {
            document,
            mistakes: Vec::new(),
        }
    }

    pub(crate) fn document(&self) -> &'a Document {
        self.document
    }

    pub(crate) fn refuse<T>(
        &mut self,
        at: &Spanned<T>,
        message: impl Into<String>,
        expected: impl Into<String>,
        help: impl Into<String>,
    ) {
        let span = self.document.span(at.referenced);
        self.mistakes
            .push(self.document.mistake(span, message, expected, help));
    }

    /// A mistake in another file that this document names.
    pub(crate) fn add(&mut self, mistake: Mistake) {
        self.mistakes.push(mistake);
    }

    /// The value of a mistake-free document. `value` is `None` only where a mistake was told.
    pub(crate) fn conclude<T>(self, value: Option<T>) -> Result<T, DocumentError> {
        match value {
            Some(value) if self.mistakes.is_empty() => Ok(value),
            _ => Err(DocumentError::new(&self.document.path, self.mistakes)),
        }
    }
}

/// Without byte-order mark and with `\n` alone, as the document is read and hashed: a checkout
/// that changes line ends does not change the document.
pub(crate) fn normalise(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// SHA-256 (hex) over the parts, each preceded by its length so that no two lists are alike.
pub(crate) fn content_hash<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hex(&hasher.finalize())
}

/// Bytes as lowercase hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let text = String::with_capacity(bytes.len() * 2);
    bytes.iter().fold(text, |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}
