//! Where records end that have any separators: the rules are those of `separators`.
//!
//! A quote that nothing closes has run away, and takes the records up to the next record end
//! after it. Neither separator holds the escape, so what had been searched holds no quote that
//! could open a second search of the same bytes.

use memchr::{memchr, memchr2};

use crate::scan::{Record, Step};
use crate::separators::{LongEnd, Mark, Separators};

/// Finds the ends of records in a growing buffer; all positions are relative to its start.
#[derive(Debug)]
pub(crate) struct SeparatorScanner {
    separators: Separators,
    /// Whether the current record may have quotes.
    quotes: bool,
    record_bytes_max: usize,
    record_start: usize,
    position: usize,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    FieldStart,
    Plain,
    Quoted { opened: usize },
}

impl SeparatorScanner {
    pub(crate) fn new(separators: Separators, record_bytes_max: usize) -> Self {
        Self {
            separators,
            quotes: true,
            record_bytes_max,
            record_start: 0,
            position: 0,
            state: State::FieldStart,
        }
    }

    /// As [`crate::framer::Framer::next_record`] promises.
    pub(crate) fn next_record(&mut self, bytes: &[u8], at_end: bool) -> Step {
        let separator_length = self.separators.record_mark().len();
        let cap = self.record_start + self.record_bytes_max + separator_length;
        let horizon = bytes.len().min(cap);
        let complete = at_end && horizon < cap;
        if let Some(at) = self.find_record_end(&bytes[..horizon], complete) {
            return self.end_record_at(bytes, at, at_end);
        }
        if horizon < cap && !at_end {
            return Step::NeedMore;
        }
        if let State::Quoted { opened } = self.state
            && let Some(found) = self.separators.find(&bytes[opened..horizon])
        {
            return self.end_record_at(bytes, opened + found, at_end);
        }
        if horizon == cap {
            return Step::TooLong {
                start: self.record_start,
                searched: cap - separator_length,
            };
        }
        if self.record_start == bytes.len() {
            return Step::NeedMore;
        }
        let (start, end) = (self.record_start, bytes.len());
        self.start_record(end);
        Step::Record(Record {
            start,
            end,
            next: end,
            line_end: None,
        })
    }

    fn end_record_at(&mut self, bytes: &[u8], at: usize, at_end: bool) -> Step {
        let start = self.record_start;
        let Some((end, next, line_end)) = self.separators.record_end(bytes, start, at, at_end)
        else {
            return Step::NeedMore;
        };
        self.start_record(next);
        Step::Record(Record {
            start,
            end,
            next,
            line_end: Some(line_end),
        })
    }

    /// Where the separator that ends the current record starts, if `window` has it. `complete`:
    /// the file ends where the window does. Found again until a record is started.
    fn find_record_end(&mut self, window: &[u8], complete: bool) -> Option<usize> {
        let separators = &self.separators;
        let quote = separators.quote.filter(|_| self.quotes);
        loop {
            match self.state {
                State::FieldStart => {
                    let first = *window.get(self.position)?;
                    if Some(first) == quote {
                        self.state = State::Quoted {
                            opened: self.position,
                        };
                        self.position += 1;
                    } else {
                        self.state = State::Plain;
                    }
                }
                State::Plain => {
                    let Some(found) = separators.candidate(&window[self.position..]) else {
                        self.position = window.len();
                        return None;
                    };
                    self.position += found;
                    match separators.mark_at(&window[self.position..], complete) {
                        Mark::Record => return Some(self.position),
                        Mark::Undecided => return None,
                        Mark::Text => self.position += 1,
                        Mark::Delimiter => {
                            self.position += separators.delimiter.len();
                            self.state = State::FieldStart;
                        }
                    }
                }
                State::Quoted { .. } => {
                    self.position = match inside_quotes(
                        window,
                        self.position,
                        (quote?, separators.escape),
                        complete,
                    ) {
                        Inside::Closed(after) => {
                            self.state = State::Plain;
                            after
                        }
                        Inside::Open(searched) => {
                            self.position = searched;
                            return None;
                        }
                    };
                }
            }
        }
    }

    fn start_record(&mut self, at: usize) {
        self.record_start = at;
        self.position = at;
        self.state = State::FieldStart;
    }

    pub(crate) fn record_start(&self) -> usize {
        self.record_start
    }

    pub(crate) fn set_quotes(&mut self, quotes: bool) {
        self.quotes = quotes;
    }

    pub(crate) fn end_of_long(&self, bytes: &[u8], from: usize, at_end: bool) -> LongEnd {
        self.separators.end_of_long(bytes, from, at_end)
    }

    pub(crate) fn forget(&mut self, count: usize) {
        self.record_start -= count;
        self.position -= count;
        if let State::Quoted { opened } = &mut self.state {
            *opened -= count;
        }
    }

    pub(crate) fn restart(&mut self) {
        self.start_record(0);
    }
}

enum Inside {
    /// The closing quote stands before there.
    Closed(usize),
    /// None before there.
    Open(usize),
}

fn inside_quotes(
    window: &[u8],
    mut at: usize,
    (quote, escape): (u8, Option<u8>),
    complete: bool,
) -> Inside {
    loop {
        let found = match escape {
            Some(escape) => memchr2(quote, escape, &window[at..]),
            None => memchr(quote, &window[at..]),
        };
        let Some(found) = found else {
            return Inside::Open(window.len());
        };
        at += found;
        let escaping = escape == Some(window[at]);
        match window.get(at + 1) {
            None if !complete && (escaping || escape.is_none()) => return Inside::Open(at),
            Some(&next) if escaping => {
                at += 1 + usize::from(next == quote || Some(next) == escape);
            }
            None if escaping => return Inside::Open(window.len()),
            Some(&next) if escape.is_none() && next == quote => at += 2,
            _ => return Inside::Closed(at + 1),
        }
    }
}
