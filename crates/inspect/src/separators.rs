//! Delimited text whose structure is more than single bytes and doubled quotes: separators of
//! several characters, an escape, an extra delimiter at a record's end.
//!
//! The rules are those of `scan`, said for any separators:
//!
//! * Of two separators that could start at the same byte, the record's is tried first; a
//!   separator is the leftmost match after the one before it.
//! * A field that starts with the quote is quoted up to the next quote that is not doubled or, if
//!   the contract names an escape, not escaped. Separators inside are text.
//! * A line end right after a record separator belongs to it: such files are often written with
//!   both, for people to read.
//! * A quote that nothing closes has run away, and takes the records up to the next record end
//!   after it. Neither separator ends with the escape, so what had been searched holds no quote
//!   that could open a second search of the same bytes.

use contract::{Delimited, Encoding};
use memchr::{memchr, memchr2, memmem};

use crate::encoding::encoded;
use crate::scan::LineEnd;
use crate::tile::Misshapen;

/// The structural text of a file, in its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Separators {
    pub(crate) delimiter: Box<[u8]>,
    /// Absent where records are lines.
    record: Option<Box<[u8]>>,
    pub(crate) quote: Option<u8>,
    pub(crate) escape: Option<u8>,
    trailing_delimiter: bool,
}

/// What starts at a byte.
pub(crate) enum Mark {
    Record,
    Delimiter,
    Text,
    /// The bytes that tell have not come.
    Undecided,
}

/// Where a record that is too long ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LongEnd {
    At {
        end: usize,
        next: usize,
        line_end: LineEnd,
    },
    /// Not before there.
    After(usize),
}

impl Separators {
    /// `encoding`: what the contract's text is in the file's bytes.
    pub(crate) fn of(format: &Delimited, encoding: Encoding) -> Self {
        Self {
            delimiter: encoded(&format.delimiter, encoding),
            record: (format.record_separator.as_deref()).map(|text| encoded(text, encoding)),
            quote: format.quote,
            escape: format.escape,
            trailing_delimiter: format.trailing_delimiter,
        }
    }

    /// Why a file cannot be split so, if it cannot.
    pub(crate) fn fault(format: &Delimited) -> Option<&'static str> {
        let texts = [Some(&format.delimiter), format.record_separator.as_ref()];
        let texts: Vec<&[u8]> = (texts.into_iter().flatten())
            .map(String::as_bytes)
            .collect();
        let holds = |byte: Option<u8>| {
            byte.is_some_and(|byte| texts.iter().any(|text| text.contains(&byte)))
        };
        if texts.iter().any(|text| text.is_empty()) {
            Some("a separator is empty")
        } else if holds(format.quote) {
            Some("a separator holds the quote")
        } else if holds(format.escape) {
            Some("a separator holds the escape")
        } else {
            None
        }
    }

    pub(crate) fn has_escape(&self) -> bool {
        self.escape.is_some()
    }

    pub(crate) fn mark_at(&self, rest: &[u8], complete: bool) -> Mark {
        let cut = |mark: &[u8]| !complete && rest.len() < mark.len() && mark.starts_with(rest);
        let record = self.record_mark();
        if rest.starts_with(record) {
            Mark::Record
        } else if cut(record) {
            Mark::Undecided
        } else if rest.starts_with(&self.delimiter) {
            Mark::Delimiter
        } else if cut(&self.delimiter) {
            Mark::Undecided
        } else {
            Mark::Text
        }
    }

    /// The next byte at which a separator may start.
    pub(crate) fn candidate(&self, bytes: &[u8]) -> Option<usize> {
        memchr2(self.delimiter[0], self.record_mark()[0], bytes)
    }

    /// What ends a record, but for the carriage return of a line.
    pub(crate) fn record_mark(&self) -> &[u8] {
        self.record.as_deref().unwrap_or(b"\n")
    }

    /// The next record end, quoted or not.
    pub(crate) fn find(&self, bytes: &[u8]) -> Option<usize> {
        memmem::find(bytes, self.record_mark())
    }

    /// The record end that starts at `at`: where the text before it ends, and the next record
    /// starts. Nothing where the bytes that tell have not come.
    pub(crate) fn record_end(
        &self,
        bytes: &[u8],
        start: usize,
        at: usize,
        at_end: bool,
    ) -> Option<(usize, usize, LineEnd)> {
        let Some(separator) = &self.record else {
            return Some(if at > start && bytes[at - 1] == b'\r' {
                (at - 1, at + 1, LineEnd::CrLf)
            } else {
                (at, at + 1, LineEnd::Lf)
            });
        };
        let after = at + separator.len();
        if separator.ends_with(b"\n") {
            return Some((at, after, LineEnd::Separator));
        }
        let next = match &bytes[after..] {
            [b'\n', ..] => after + 1,
            [b'\r', b'\n', ..] => after + 2,
            [] | [b'\r'] if !at_end => return None,
            _ => after,
        };
        Some((at, next, LineEnd::Separator))
    }

    /// Where a record that is too long, and has no end before `from`, ends.
    pub(crate) fn end_of_long(&self, bytes: &[u8], from: usize, at_end: bool) -> LongEnd {
        let Some(found) = self.find(&bytes[from..]) else {
            let kept = if at_end {
                0
            } else {
                self.record_mark().len() - 1
            };
            return LongEnd::After(from.max(bytes.len().saturating_sub(kept)));
        };
        let at = from + found;
        match self.record_end(bytes, at, at, at_end) {
            Some((end, next, line_end)) => LongEnd::At {
                end,
                next,
                line_end,
            },
            None => LongEnd::After(at),
        }
    }

    /// Gives `take` the first `width` fields of the record, without quotes and escapes; the number
    /// of all.
    pub(crate) fn split(
        &self,
        record: &[u8],
        width: usize,
        scratch: &mut Vec<u8>,
        mut take: impl FnMut(&[u8]),
    ) -> Result<usize, Misshapen> {
        let mut take_within = |field: &[u8], at: usize| {
            if at < width {
                take(field);
            }
        };
        let mut at = 0;
        let mut fields = 0;
        loop {
            if self.trailing_delimiter && fields > 0 && fields == width && at == record.len() {
                return Ok(fields);
            }
            let quoted = self.quote.is_some() && record.get(at) == self.quote.as_ref();
            let end = if quoted {
                let after = self
                    .unquote(record, at + 1, scratch)
                    .filter(|&after| self.ends_field(record, after));
                let after = after.ok_or(Misshapen::Quote { field: fields })?;
                take_within(scratch, fields);
                after
            } else {
                let end = self.field_end(record, at);
                take_within(&record[at..end], fields);
                end
            };
            fields += 1;
            if end == record.len() {
                return Ok(fields);
            }
            at = end + self.delimiter.len();
        }
    }

    fn ends_field(&self, record: &[u8], at: usize) -> bool {
        at == record.len() || record[at..].starts_with(&self.delimiter)
    }

    fn field_end(&self, record: &[u8], from: usize) -> usize {
        match *self.delimiter {
            [delimiter] => memchr(delimiter, &record[from..]),
            _ => memmem::find(&record[from..], &self.delimiter),
        }
        .map_or(record.len(), |found| from + found)
    }

    /// Puts a quoted field's text into `text`; where the field ends, if its quote is closed.
    fn unquote(&self, record: &[u8], from: usize, text: &mut Vec<u8>) -> Option<usize> {
        let quote = self.quote?;
        text.clear();
        let mut at = from;
        loop {
            let found = match self.escape {
                Some(escape) => memchr2(quote, escape, &record[at..]),
                None => memchr(quote, &record[at..]),
            };
            let special = at + found?;
            text.extend_from_slice(&record[at..special]);
            let next = record.get(special + 1).copied();
            match self.escape {
                Some(escape) if record[special] == escape => {
                    if next == Some(quote) || next == Some(escape) {
                        text.extend(next);
                        at = special + 2;
                    } else {
                        text.push(escape);
                        at = special + 1;
                    }
                }
                None if next == Some(quote) => {
                    text.push(quote);
                    at = special + 2;
                }
                _ => return Some(special + 1),
            }
        }
    }
}
