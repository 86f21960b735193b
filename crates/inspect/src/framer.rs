//! Where records end, for each kind of file. Sequential: a framer sees the whole file in order.
//!
//! Every decision depends on the bytes up to a place that the bytes determine, never on how many
//! of them happen to have arrived. All positions are relative to the start of a growing buffer.

use contract::{Encoding, FileFormat, FixedWidth, Shape};
use memchr::memchr;

use crate::fixed_width::CharacterCounter;
use crate::json::ArrayScanner;
use crate::plan::Dialect;
use crate::scan::{LineEnd, Scanner, Step};
use crate::separator_scan::SeparatorScanner;
use crate::separators::{LongEnd, Separators};

/// Finds the ends of records.
#[derive(Debug)]
pub(crate) enum Framer {
    /// Records are lines; quotes of one byte may hold line ends.
    Lines { scanner: Scanner, quote: Option<u8> },
    /// Records and fields end with any text.
    Separated(SeparatorScanner),
    /// Records have a number of characters.
    Counted(CharacterCounter),
    /// Records are the elements of a JSON array.
    JsonArray(Box<ArrayScanner>),
}

impl Framer {
    /// `encoding`: that of the text, which is UTF-8 where the file is UTF-16.
    pub(crate) fn of(format: &FileFormat, encoding: Encoding, record_bytes_max: usize) -> Self {
        let lines = |delimiter, quote| Self::Lines {
            scanner: Scanner::new(delimiter, quote, record_bytes_max),
            quote,
        };
        match &format.shape {
            Shape::Delimited(delimited) => match Dialect::of(delimited) {
                Some(dialect) => lines(dialect.delimiter, dialect.quote),
                None => {
                    let separators = Separators::of(delimited, encoding);
                    Self::Separated(SeparatorScanner::new(separators, record_bytes_max))
                }
            },
            Shape::FixedWidth(FixedWidth {
                record_length: Some(record_length),
            }) => Self::Counted(CharacterCounter::new(*record_length, encoding)),
            Shape::FixedWidth(_) | Shape::JsonLines => lines(b'\n', None),
            Shape::JsonArray => Self::JsonArray(Box::new(ArrayScanner::new(record_bytes_max))),
        }
    }

    /// The next record of `bytes`, of which nothing but the end may have changed since the last
    /// call. `NeedMore` where `at_end` says that there is nothing more.
    pub(crate) fn next_record(&mut self, bytes: &[u8], at_end: bool) -> Step {
        match self {
            Self::Lines { scanner, .. } => scanner.next_record(bytes, at_end),
            Self::Separated(scanner) => scanner.next_record(bytes, at_end),
            Self::Counted(counter) => counter.next_record(bytes, at_end),
            Self::JsonArray(scanner) => scanner.next_record(bytes, at_end),
        }
    }

    /// Where the current record starts.
    pub(crate) fn record_start(&self) -> usize {
        match self {
            Self::Lines { scanner, .. } => scanner.record_start(),
            Self::Separated(scanner) => scanner.record_start(),
            Self::Counted(counter) => counter.record_start(),
            Self::JsonArray(scanner) => scanner.idle_until(),
        }
    }

    /// Whether quotes mean anything in the current record, of which nothing was looked at yet.
    pub(crate) fn set_quotes(&mut self, quotes: bool) {
        match self {
            Self::Lines { scanner, quote } => scanner.set_quote(quote.filter(|_| quotes)),
            Self::Separated(scanner) => scanner.set_quotes(quotes),
            Self::Counted(_) | Self::JsonArray(_) => {}
        }
    }

    /// Where a record that is too long, and has no end before `from`, ends.
    pub(crate) fn end_of_long(&self, bytes: &[u8], from: usize, at_end: bool) -> LongEnd {
        match self {
            Self::Separated(scanner) => scanner.end_of_long(bytes, from, at_end),
            Self::Lines { .. } | Self::Counted(_) | Self::JsonArray(_) => {
                match memchr(b'\n', &bytes[from..]) {
                    Some(found) => LongEnd::At {
                        end: from + found,
                        next: from + found + 1,
                        line_end: LineEnd::Lf,
                    },
                    None => LongEnd::After(bytes.len()),
                }
            }
        }
    }

    /// The buffer lost its first `count` bytes, which are no part of the current record.
    pub(crate) fn forget(&mut self, count: usize) {
        match self {
            Self::Lines { scanner, .. } => scanner.forget(count),
            Self::Separated(scanner) => scanner.forget(count),
            Self::Counted(counter) => counter.forget(count),
            Self::JsonArray(scanner) => scanner.forget(count),
        }
    }

    /// The buffer was emptied up to the start of a new record.
    pub(crate) fn restart(&mut self) {
        match self {
            Self::Lines { scanner, .. } => scanner.restart(),
            Self::Separated(scanner) => scanner.restart(),
            Self::Counted(counter) => counter.restart(),
            Self::JsonArray(scanner) => scanner.restart(),
        }
    }

    /// No record that is still to come has bytes before that place.
    pub(crate) fn idle_until(&self) -> usize {
        match self {
            Self::Lines { .. } | Self::Separated(_) | Self::Counted(_) => 0,
            Self::JsonArray(scanner) => scanner.idle_until(),
        }
    }

    /// Whether nothing but space was in the file, of which all was seen and no row was found.
    pub(crate) fn saw_nothing(&self) -> bool {
        match self {
            Self::Lines { .. } | Self::Separated(_) | Self::Counted(_) => true,
            Self::JsonArray(scanner) => scanner.saw_nothing(),
        }
    }

    /// What the file as a whole should have had, once all of it was seen.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        match self {
            Self::Lines { .. } | Self::Separated(_) | Self::Counted(_) => None,
            Self::JsonArray(scanner) => scanner.fault(),
        }
    }
}
