//! Where records end. Sequential, and cheap: only quotes and line ends are looked at.
//!
//! * `\n` and `\r\n` end a record, mixed as they come. A lone `\r` is an ordinary character.
//! * A field that starts with the quote is quoted (RFC 4180): delimiters and line ends inside
//!   are text, a doubled quote is a quote. Any other quote is an ordinary character.
//! * A quote that nothing closes before the file or the largest record ends would swallow good
//!   rows. So it is held to have run away: its record ends with the line that the quote stands
//!   in (and is rejected), and splitting starts anew with the next line. What had been searched
//!   holds doubled quotes only, so no quote opens a second search of the same bytes: each byte
//!   is looked at three times at most.
//! * A record of more than `record_bytes_max` in which no line ends is too long; it goes on to
//!   the next line end, which is not the scanner's to find.
//!
//! Every decision depends on the bytes up to a place that the bytes determine, never on how many
//! of them happen to have arrived.

use memchr::{memchr, memchr2};

use crate::skim::skim;

/// Finds the ends of records in a growing buffer; all positions are relative to its start.
#[derive(Debug)]
pub(crate) struct Scanner {
    delimiter: u8,
    quote: Option<u8>,
    record_bytes_max: usize,
    record_start: usize,
    position: usize,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Plain,
    Quoted { opened: usize },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineEnd {
    Lf,
    CrLf,
    /// The contract's own.
    Separator,
}

/// A record without its line end, and where the next one starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) next: usize,
    /// Absent at the end of the file.
    pub(crate) line_end: Option<LineEnd>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Record(Record),
    /// The record starts at `start` and has no line end before `searched`.
    TooLong {
        start: usize,
        searched: usize,
    },
    NeedMore,
    /// The file should be a JSON array and is something else.
    NotAnArray {
        /// An object, or something that begins so.
        object: bool,
    },
}

impl Scanner {
    pub(crate) fn new(delimiter: u8, quote: Option<u8>, record_bytes_max: usize) -> Self {
        Self {
            delimiter,
            quote,
            record_bytes_max,
            record_start: 0,
            position: 0,
            state: State::Plain,
        }
    }

    /// The next record of `bytes`, of which nothing but the end may have changed since the last
    /// call. `NeedMore` where `at_end` says that there is nothing more.
    pub(crate) fn next_record(&mut self, bytes: &[u8], at_end: bool) -> Step {
        // A record of the largest size has its line end within one byte more.
        let cap = self.record_start + self.record_bytes_max + 1;
        let horizon = bytes.len().min(cap);
        let complete = at_end && horizon < cap;
        if let Some(newline) = self.find_line_end(&bytes[..horizon], complete) {
            return Step::Record(self.end_record_at(bytes, newline));
        }
        if horizon < cap && !at_end {
            return Step::NeedMore;
        }
        if let State::Quoted { opened } = self.state
            && let Some(newline) = memchr(b'\n', &bytes[opened..horizon])
        {
            return Step::Record(self.end_record_at(bytes, opened + newline));
        }
        if horizon == cap {
            return Step::TooLong {
                start: self.record_start,
                searched: horizon,
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

    /// Where the current record starts.
    pub(crate) fn record_start(&self) -> usize {
        self.record_start
    }

    /// Whether the current record, of which nothing was looked at yet, may have quotes.
    pub(crate) fn set_quote(&mut self, quote: Option<u8>) {
        self.quote = quote;
    }

    /// The buffer lost its first `count` bytes, which are no part of the current record.
    pub(crate) fn forget(&mut self, count: usize) {
        self.record_start -= count;
        self.position -= count;
        if let State::Quoted { opened } = &mut self.state {
            *opened -= count;
        }
    }

    /// The buffer was emptied up to the start of a new record.
    pub(crate) fn restart(&mut self) {
        self.start_record(0);
    }

    fn start_record(&mut self, at: usize) {
        self.record_start = at;
        self.position = at;
        self.state = State::Plain;
    }

    fn end_record_at(&mut self, bytes: &[u8], newline: usize) -> Record {
        let start = self.record_start;
        let crlf = newline > start && bytes[newline - 1] == b'\r';
        let next = newline + 1;
        self.start_record(next);
        Record {
            start,
            end: newline - usize::from(crlf),
            next,
            line_end: Some(if crlf { LineEnd::CrLf } else { LineEnd::Lf }),
        }
    }

    /// The line end that ends the current record, if `window` has it. `complete`: the file ends
    /// where the window does.
    fn find_line_end(&mut self, window: &[u8], complete: bool) -> Option<usize> {
        let Some(quote) = self.quote else {
            let found = memchr(b'\n', &window[self.position..]);
            let newline = found.map(|at| self.position + at);
            self.position = window.len();
            return newline;
        };
        loop {
            match self.state {
                State::Plain => {
                    let Some(at) = memchr2(b'\n', quote, &window[self.position..]) else {
                        self.position = window.len();
                        return None;
                    };
                    let at = self.position + at;
                    if window[at] == b'\n' {
                        return Some(at);
                    }
                    self.position = at + 1;
                    if at == self.record_start || window[at - 1] == self.delimiter {
                        let skimmed = skim(window, at, (self.delimiter, quote));
                        if skimmed.newline.is_some() {
                            return skimmed.newline;
                        }
                        if skimmed.position == at {
                            self.state = State::Quoted { opened: at };
                        } else {
                            self.position = skimmed.position;
                            if let Some(opened) = skimmed.opened {
                                self.state = State::Quoted { opened };
                            }
                        }
                    }
                }
                State::Quoted { .. } => {
                    let Some(at) = memchr(quote, &window[self.position..]) else {
                        self.position = window.len();
                        return None;
                    };
                    let at = self.position + at;
                    match window.get(at + 1) {
                        Some(&next) if next == quote => self.position = at + 2,
                        None if !complete => {
                            // Doubled or closing: the next byte tells.
                            self.position = at;
                            return None;
                        }
                        Some(&next)
                            if next == self.delimiter && window.get(at + 2) == Some(&quote) =>
                        {
                            // Quoted field after quoted field: the opening need not be searched.
                            self.state = State::Quoted { opened: at + 2 };
                            self.position = at + 3;
                        }
                        _ => {
                            self.state = State::Plain;
                            self.position = at + 1;
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All records of bytes that come `step` at a time.
    fn records_in_steps(bytes: &[u8], step: usize, record_bytes_max: usize) -> Vec<Record> {
        let mut scanner = Scanner::new(b',', Some(b'"'), record_bytes_max);
        let mut found = Vec::new();
        let mut arrived = 0;
        loop {
            match scanner.next_record(&bytes[..arrived], arrived == bytes.len()) {
                Step::Record(record) => found.push(record),
                Step::TooLong { .. } | Step::NotAnArray { .. } => return found,
                Step::NeedMore if arrived == bytes.len() => return found,
                Step::NeedMore => arrived = (arrived + step).min(bytes.len()),
            }
        }
    }

    fn mostly_quoted() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            6 => "\"([a-z,\n]|\"\"){0,15}\"[,,\n]",
            1 => "\"(\"\"){28,36}\",",
            1 => "\"[a-z,]{55,70}\",",
            2 => "[a-z]{0,9},",
            1 => "[\",\n\ra]{1,4}",
        ];
        prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// A byte at a time nothing can be skimmed.
        #[test]
        fn skimming_changes_nothing(text in mostly_quoted(), max in 20..2000usize, step in 60..200usize) {
            let expect = records_in_steps(text.as_bytes(), 1, max);
            prop_assert_eq!(&records_in_steps(text.as_bytes(), text.len().max(1), max), &expect);
            prop_assert_eq!(&records_in_steps(text.as_bytes(), step, max), &expect);
        }
    }

    /// Each record as text, its line end shown.
    fn records(text: &str, record_bytes_max: usize) -> Vec<String> {
        let mut scanner = Scanner::new(b',', Some(b'"'), record_bytes_max);
        let bytes = text.as_bytes();
        let mut found = Vec::new();
        loop {
            match scanner.next_record(bytes, true) {
                Step::Record(Record {
                    start,
                    end,
                    line_end,
                    ..
                }) => {
                    let end_shown = match line_end {
                        Some(LineEnd::Lf) => "$",
                        Some(LineEnd::CrLf) => "%",
                        Some(LineEnd::Separator) => "¦",
                        None => "",
                    };
                    found.push(format!("{}{end_shown}", &text[start..end]));
                }
                Step::TooLong { .. } => {
                    found.push("too long".to_owned());
                    return found;
                }
                Step::NeedMore | Step::NotAnArray { .. } => return found,
            }
        }
    }

    fn check(text: &str, expect: &[&str]) {
        assert_eq!(records(text, 1000), expect, "{text:?}");
    }

    #[test]
    fn records_end_at_line_ends_outside_quotes() {
        check("", &[]);
        check("a,b\nc,d\r\ne,f", &["a,b$", "c,d%", "e,f"]);
        check("a\n\n\r\nb\n", &["a$", "$", "%", "b$"]);
        check("a\rb\nc\r", &["a\rb$", "c\r"]);
        check("\"a\nb\",c\nd\n", &["\"a\nb\",c$", "d$"]);
        check("\"a\"\"\nb\"\nd\n", &["\"a\"\"\nb\"$", "d$"]);
        check("x\"y\nz\n", &["x\"y$", "z$"]);
        check("a,\"b\nc\"\n", &["a,\"b\nc\"$"]);
        check("\"a\"b\"\nc\n", &["\"a\"b\"$", "c$"]);
        check("\"\"\n\"\",\"\"\n", &["\"\"$", "\"\",\"\"$"]);
    }

    #[test]
    fn a_runaway_quote_takes_its_line_only() {
        check("1,\"x\n2,y\n3,z\n", &["1,\"x$", "2,y$", "3,z$"]);
        check("1,\"x", &["1,\"x"]);
        check("1,\"x\r\n2,y", &["1,\"x%", "2,y"]);
        // A quoted line end before the one that runs away stays inside its record.
        check("\"p\nq\",\"x\n2,y\n", &["\"p\nq\",\"x$", "2,y$"]);
        check(
            "1,\"x\n2,\"\"\n\"\"\"\"\nb\n",
            &["1,\"x$", "2,\"\"$", "\"\"\"\"$", "b$"],
        );
        // A quote that starts the next line closes it, wrongly, and the splitting is in step again.
        check("1,\"x\n\"a\",2\nb\n", &["1,\"x\n\"a\",2$", "b$"]);
    }

    #[test]
    fn the_largest_record_bounds_the_search() {
        assert_eq!(records("12345\n1\n", 5), ["12345$", "1$"]);
        assert_eq!(records("12345", 5), ["12345"]);
        assert_eq!(records("1\n123456\n", 5), ["1$", "too long"]);
        assert_eq!(records("123456", 5), ["too long"]);
        assert_eq!(
            records("\"a\nb\nc\nd\"\n1\n", 5),
            ["\"a$", "b$", "c$", "d\"$", "1$"]
        );
        assert_eq!(records("\"a\nbcdefghij\n", 5), ["\"a$", "too long"]);
    }

    #[test]
    fn runaways_do_not_cost_a_search_each() {
        let started = std::time::Instant::now();
        let doubled = format!("1,\"x\n{}", "2,\"\"\n".repeat(200_000));
        assert_eq!(records(&doubled, 1 << 24).len(), 200_001);
        // Every line leaves a quote open, whether it starts inside quotes or outside.
        let open = "x\",\"\n".repeat(200_000);
        assert_eq!(records(&open, 1 << 24).len(), 1);
        assert_eq!(records(&open, 4_999).len(), 200);
        assert!(
            started.elapsed().as_secs() < 5,
            "a search for each line would take minutes"
        );
    }
}
