//! Which records of a file are rows, and what the others are. Sequential, like framing, which it
//! steers: in the lines before the header and in comments quotes mean nothing.

use contract::{Control, ControlRecord, Encoding, FileFormat, Header, Shape};

use crate::encoding::encoded;
use crate::framer::Framer;
use crate::scan::Step;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Row,
    /// Without a byte.
    Blank,
    /// One of the lines that the contract says to skip.
    Preamble,
    Header,
    /// The header once more, byte for byte.
    RepeatedHeader,
    Comment,
    ControlHeader,
    ControlTrailer,
}

#[derive(Debug)]
pub(crate) struct Records {
    pub(crate) framer: Framer,
    /// Lines of the preamble that are still to come.
    preamble_left: usize,
    comment: Option<Box<[u8]>>,
    control: Option<Markers>,
    header: HeaderState,
}

#[derive(Debug)]
enum HeaderState {
    Absent,
    Awaited,
    Read(Box<[u8]>),
}

/// How control records are recognised.
#[derive(Debug)]
struct Markers {
    header: Option<Box<[u8]>>,
    trailer: Option<Box<[u8]>>,
    /// What ends the marker and may stand around it, in a delimited record.
    field: Option<(Box<[u8]>, Option<u8>)>,
}

impl Records {
    /// `encoding`: that of the text, which is UTF-8 where the file is UTF-16.
    pub(crate) fn of(format: &FileFormat, encoding: Encoding, record_bytes_max: usize) -> Self {
        let has_header = match &format.shape {
            Shape::Delimited(delimited) => delimited.header != Header::Absent,
            Shape::FixedWidth(_) | Shape::JsonLines | Shape::JsonArray => false,
        };
        let comment = format.comment.as_deref();
        let control = format.control.as_ref();
        Self {
            framer: Framer::of(format, encoding, record_bytes_max),
            preamble_left: format.skip_lines,
            comment: comment.map(|text| encoded(text, encoding)),
            control: control.map(|control| Markers::of(control, format, encoding)),
            header: if has_header {
                HeaderState::Awaited
            } else {
                HeaderState::Absent
            },
        }
    }

    /// The next record; see [`Framer::next_record`].
    pub(crate) fn next(&mut self, bytes: &[u8], at_end: bool) -> Step {
        if self.preamble_left > 0 || self.comment.is_some() {
            let start = self.framer.record_start();
            match self.may_have_quotes(&bytes[start..], at_end) {
                Some(quotes) => self.framer.set_quotes(quotes),
                None => return Step::NeedMore,
            }
        }
        self.framer.next_record(bytes, at_end)
    }

    /// Whether quotes mean anything in the record that starts so, if that can be told yet.
    fn may_have_quotes(&self, start: &[u8], at_end: bool) -> Option<bool> {
        if self.preamble_left > 0 {
            return Some(false);
        }
        match &self.comment {
            Some(comment) if start.starts_with(comment) => Some(false),
            Some(comment) if !at_end && comment.starts_with(start) => None,
            _ => Some(true),
        }
    }

    /// What a record is, given its text; to be asked once for each, in the file's order.
    pub(crate) fn kind_of(&mut self, record: &[u8]) -> Kind {
        if self.preamble_left > 0 {
            self.preamble_left -= 1;
            if self.preamble_left == 0 {
                // From here on quotes mean what they mean.
                self.framer.set_quotes(true);
            }
            return Kind::Preamble;
        }
        if record.is_empty() {
            return Kind::Blank;
        }
        let is_comment = |comment: &[u8]| record.starts_with(comment);
        if self.comment.as_deref().is_some_and(is_comment) {
            return Kind::Comment;
        }
        if let Some(kind) = self
            .control
            .as_ref()
            .and_then(|control| control.kind_of(record))
        {
            return kind;
        }
        match &self.header {
            HeaderState::Absent => Kind::Row,
            HeaderState::Awaited => {
                self.header = HeaderState::Read(record.into());
                Kind::Header
            }
            HeaderState::Read(header) if **header == *record => Kind::RepeatedHeader,
            HeaderState::Read(_) => Kind::Row,
        }
    }
}

impl Markers {
    fn of(control: &Control, format: &FileFormat, encoding: Encoding) -> Self {
        let marker = |record: &Option<ControlRecord>| {
            let marker = record.as_ref().map(|record| record.marker.as_str());
            marker.map(|text| encoded(text, encoding))
        };
        let delimited = format.as_delimited();
        Self {
            header: marker(&control.header),
            trailer: marker(&control.trailer),
            field: delimited.map(|format| (encoded(&format.delimiter, encoding), format.quote)),
        }
    }

    fn kind_of(&self, record: &[u8]) -> Option<Kind> {
        let marks = |marker: &Option<Box<[u8]>>| {
            marker
                .as_ref()
                .is_some_and(|marker| self.starts(marker, record))
        };
        if marks(&self.header) {
            Some(Kind::ControlHeader)
        } else if marks(&self.trailer) {
            Some(Kind::ControlTrailer)
        } else {
            None
        }
    }

    /// Whether the record starts with the marker: as its whole first field, in a delimited file.
    fn starts(&self, marker: &[u8], record: &[u8]) -> bool {
        let Some((delimiter, quote)) = &self.field else {
            return record.starts_with(marker);
        };
        let ends_field = |rest: &[u8]| rest.is_empty() || rest.starts_with(delimiter);
        if let Some(rest) = record.strip_prefix(marker) {
            return ends_field(rest);
        }
        let quoted = || {
            let quote = quote.as_ref()?;
            let inner = record.strip_prefix(&[*quote][..])?;
            let rest = inner.strip_prefix(marker)?.strip_prefix(&[*quote][..])?;
            Some(ends_field(rest))
        };
        quoted().unwrap_or(false)
    }
}
