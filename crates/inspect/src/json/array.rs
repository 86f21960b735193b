//! Where the elements of a JSON array begin and end, when the array is the whole file.
//!
//! An element ends with the bracket that closes its own, brackets in strings aside, provided
//! that what follows can follow an element. Commas between elements are not insisted on: no row
//! depends on them. A damaged element is rejected with no more of the file than must be:
//!
//! * Strings hold no line ends, so a string that is still open at one is broken, and is closed.
//! * A bracket that closes another kind closes the innermost of its own, and what is in it.
//! * What stands between elements and is none (a number, the rest of an element that was closed
//!   too early) is a record too, which ends before the next `{` after a comma.
//! * An element that never ends would swallow good ones. Where elements stand on lines of their
//!   own, indented alike, it ends before the next such line. Whether they do is learned from the
//!   good elements: if one has such a line inside, lines tell nothing in this file.
//! * What follows the closing bracket of the array is no record: the file's end reports it.
//!
//! Every decision depends on the bytes up to a place that the bytes determine.

use memchr::memchr3;

use super::brackets::{Bracket, Brackets};
use crate::scan::{Record, Step};

/// Finds the elements in a growing buffer; all positions are relative to its start.
#[derive(Debug)]
pub(crate) struct ArrayScanner {
    record_bytes_max: usize,
    position: usize,
    /// Where the current element begins; no further than `position`.
    record_start: usize,
    place: Place,
    element: Element,
    line: Line,
    /// A good element has a line inside that looks like an element's: lines tell nothing.
    lines_tell_nothing: bool,
    /// An element never ended before: the next line that begins one is believed at once.
    distrust: bool,
    /// Something stands behind the array.
    trailing: bool,
}

/// What looking at the bytes came to.
enum Found {
    Step(Step),
    /// The scanner is at another place now.
    Place,
    /// The bytes end before anything is known.
    End,
}

/// Where the scanner is in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    BeforeArray,
    BetweenElements,
    InElement,
    /// After the bracket that closes an element: what follows tells whether it has ended.
    AfterElement {
        comma: bool,
    },
    AfterArray,
}

/// The element that is being read.
#[derive(Debug, Default)]
struct Element {
    open: Brackets,
    in_string: bool,
    damaged: bool,
    /// At its outermost level stands what is no object.
    garbage: bool,
    /// In garbage, the last byte at the outermost level that is no space.
    last: u8,
    /// It was closed by a bracket of the array's kind, which no bracket of its own had opened.
    closed_by_array: bool,
    indent: usize,
    /// Where the first line begins that looks like the next element's.
    next_line: Option<usize>,
}

/// The line that is being read, as far as its beginning goes.
#[derive(Debug, Default)]
struct Line {
    indent: usize,
    /// Nothing but space has been seen on it, and perhaps one comma.
    fresh: bool,
    comma: bool,
}

impl Line {
    fn begin(&mut self) {
        *self = Self {
            fresh: true,
            ..Self::default()
        };
    }

    /// Takes the next byte, which is no line end; true where an element's `{` begins the line.
    #[inline(always)]
    fn take(&mut self, byte: u8) -> bool {
        if !self.fresh {
            return false;
        }
        match byte {
            b' ' | b'\t' | b'\r' => self.indent += usize::from(!self.comma),
            b',' if !self.comma => self.comma = true,
            _ => {
                self.fresh = false;
                return byte == b'{';
            }
        }
        false
    }
}

impl ArrayScanner {
    pub(crate) fn new(record_bytes_max: usize) -> Self {
        let mut line = Line::default();
        line.begin();
        Self {
            record_bytes_max,
            position: 0,
            record_start: 0,
            place: Place::BeforeArray,
            element: Element::default(),
            line,
            lines_tell_nothing: false,
            distrust: false,
            trailing: false,
        }
    }

    /// As [`crate::scan::Scanner::next_record`].
    pub(crate) fn next_record(&mut self, bytes: &[u8], at_end: bool) -> Step {
        loop {
            let cap = self.record_start + self.record_bytes_max + 1;
            let horizon = bytes.len().min(cap);
            let window = &bytes[..horizon];
            let complete = at_end && horizon < cap;
            let found = match self.place {
                Place::BeforeArray => self.find_array(bytes),
                Place::BetweenElements => self.find_element(bytes),
                Place::InElement => self.find_end(window),
                Place::AfterElement { comma } => self.look_ahead(window, comma, complete),
                Place::AfterArray => self.pass_trailing(bytes),
            };
            match found {
                Found::Step(step) => return step,
                Found::Place => {}
                Found::End => return self.run_out(window, horizon == cap, complete),
            }
        }
    }

    /// The buffer lost its first `count` bytes, which are no part of the current record.
    pub(crate) fn forget(&mut self, count: usize) {
        self.record_start -= count;
        self.position -= count;
        if let Some(next_line) = &mut self.element.next_line {
            *next_line = next_line.saturating_sub(count);
        }
    }

    /// The buffer was emptied in the middle of an element that is too long. What follows is the
    /// rest of that element, as far as can be told.
    pub(crate) fn restart(&mut self) {
        let mut open = Brackets::default();
        open.push(Bracket::Object);
        self.element = Element {
            open,
            damaged: true,
            garbage: true,
            indent: self.element.indent,
            ..Element::default()
        };
        self.line.begin();
        self.position = 0;
        self.record_start = 0;
        self.place = Place::InElement;
        self.distrust = true;
    }

    /// No record that is still to come has bytes before that place.
    pub(crate) fn idle_until(&self) -> usize {
        self.record_start
    }

    /// Whether there was nothing but space.
    pub(crate) fn saw_nothing(&self) -> bool {
        self.place == Place::BeforeArray
    }

    /// What is wrong with the array as a whole, once all of the file was seen.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        if self.place != Place::AfterArray {
            return Some("a closing bracket after the last element: the file was cut off");
        }
        let expected = "nothing after the closing bracket of the array: what follows is not read";
        self.trailing.then_some(expected)
    }

    fn find_array(&mut self, bytes: &[u8]) -> Found {
        while let Some(&byte) = bytes.get(self.position) {
            match byte {
                b'\n' => self.line.begin(),
                b' ' | b'\t' | b'\r' => {
                    self.line.take(byte);
                }
                b'[' => {
                    self.position += 1;
                    self.place = Place::BetweenElements;
                    return Found::Place;
                }
                other => {
                    let object = other == b'{';
                    return Found::Step(Step::NotAnArray { object });
                }
            }
            self.position += 1;
        }
        self.record_start = self.position;
        Found::End
    }

    fn find_element(&mut self, bytes: &[u8]) -> Found {
        while let Some(&byte) = bytes.get(self.position) {
            match byte {
                b'\n' => self.line.begin(),
                b' ' | b'\t' | b'\r' | b',' => {
                    self.line.take(byte);
                }
                b']' => {
                    self.position += 1;
                    self.place = Place::AfterArray;
                    return Found::Place;
                }
                first => {
                    self.line.take(first);
                    self.record_start = self.position;
                    self.element = Element {
                        garbage: first != b'{',
                        indent: self.line.indent,
                        ..Element::default()
                    };
                    self.place = Place::InElement;
                    return Found::Place;
                }
            }
            self.position += 1;
        }
        self.record_start = self.position;
        Found::End
    }

    fn pass_trailing(&mut self, bytes: &[u8]) -> Found {
        let space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        self.trailing |= !bytes[self.position..].iter().all(space);
        self.position = bytes.len();
        self.record_start = self.position;
        Found::End
    }

    fn find_end(&mut self, window: &[u8]) -> Found {
        while let Some(&byte) = window.get(self.position) {
            if self.element.in_string {
                if let Some(found) = self.pass_string(window) {
                    return found;
                }
            } else if self.line.take(byte) && self.begins_element() {
                return self.cut(window, self.position);
            } else if let Some(found) = self.take_byte(window, byte) {
                return found;
            } else {
                self.position += 1;
            }
        }
        Found::End
    }

    /// To the end of the string, or of what there is of it.
    fn pass_string(&mut self, window: &[u8]) -> Option<Found> {
        let Some(at) = memchr3(b'"', b'\\', b'\n', &window[self.position..]) else {
            self.position = window.len();
            return None;
        };
        self.position += at;
        match window[self.position] {
            b'"' => self.element.in_string = false,
            b'\\' => match window.get(self.position + 1) {
                // What is escaped is still to come.
                None => return Some(Found::End),
                Some(b'\n') => {}
                Some(_) => self.position += 1,
            },
            _ => {
                self.element.in_string = false;
                self.line.begin();
                if let Some(next_line) = self.damage() {
                    return Some(self.cut(window, next_line));
                }
            }
        }
        self.position += 1;
        None
    }

    /// A byte of the element, outside of strings.
    #[inline(always)]
    fn take_byte(&mut self, window: &[u8], byte: u8) -> Option<Found> {
        let outermost = self.element.open.is_empty();
        match byte {
            b' ' | b'\t' | b'\r' => return None,
            b'\n' => {
                self.line.begin();
                return None;
            }
            b'"' => self.element.in_string = true,
            b'{' if outermost && matches!(self.element.last, b',' | b'}') => {
                return Some(self.cut(window, self.position));
            }
            b'{' => {
                self.element.open.push(Bracket::Object);
            }
            b'[' => {
                self.element.open.push(Bracket::Array);
            }
            b']' if outermost => return Some(self.cut(window, self.position)),
            b'}' if outermost => {}
            b'}' => return self.close(window, Bracket::Object),
            b']' => return self.close(window, Bracket::Array),
            _ => {}
        }
        if outermost {
            self.element.last = byte;
        }
        None
    }

    fn close(&mut self, window: &[u8], bracket: Bracket) -> Option<Found> {
        let open = &mut self.element.open;
        if open
            .innermost()
            .is_none_or(|innermost| innermost == bracket)
        {
            open.pop();
        } else {
            if !open.close_through(bracket) {
                open.clear();
                self.element.closed_by_array = bracket == Bracket::Array;
            }
            if let Some(next_line) = self.damage() {
                return Some(self.cut(window, next_line));
            }
        }
        if !self.element.open.is_empty() {
            return None;
        }
        self.element.last = b'}';
        if self.element.garbage {
            return None;
        }
        self.position += 1;
        self.place = Place::AfterElement { comma: false };
        Some(Found::Place)
    }

    /// The element is damaged for sure; gives the line before which it should have ended.
    fn damage(&mut self) -> Option<usize> {
        self.element.damaged = true;
        self.believed_line()
    }

    fn believed_line(&self) -> Option<usize> {
        self.element.next_line.filter(|_| !self.lines_tell_nothing)
    }

    /// A line begins with the `{` at the position: whether it is an element's beyond doubt.
    fn begins_element(&mut self) -> bool {
        if self.element.open.is_empty() || self.line.indent != self.element.indent {
            return false;
        }
        self.element.next_line.get_or_insert(self.position);
        (self.element.damaged || self.distrust) && !self.lines_tell_nothing
    }

    /// Ends an element before `at`, without the space and commas there, since what stands there
    /// is no part of it.
    fn cut(&mut self, window: &[u8], at: usize) -> Found {
        self.distrust |= !self.element.open.is_empty();
        if at < self.position {
            self.line = Line {
                indent: self.element.indent,
                ..Line::default()
            };
        }
        let end = self.inked_end(&window[..at]);
        self.end_element(end, at)
    }

    /// Where the element ends in that text, if space and commas at its end are no part of it.
    fn inked_end(&self, text: &[u8]) -> usize {
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',');
        let element = &text[self.record_start..];
        let last = element.iter().rposition(|byte| !blank(byte));
        self.record_start + last.map_or(0, |last| last + 1)
    }

    fn end_element(&mut self, end: usize, next: usize) -> Found {
        let start = self.record_start;
        self.position = next;
        self.record_start = next;
        self.place = Place::BetweenElements;
        Found::Step(Step::Record(Record {
            start,
            end,
            next,
            line_end: None,
        }))
    }

    /// Whether the element ended with its bracket, by what follows it.
    fn look_ahead(&mut self, window: &[u8], mut comma: bool, complete: bool) -> Found {
        let too_early = loop {
            match window.get(self.position) {
                Some(b' ' | b'\t' | b'\r' | b'\n') => {}
                Some(b',') => comma = true,
                Some(b'{' | b']') => break false,
                Some(b'"') => break true,
                Some(_) => break !comma,
                None if complete => break false,
                None => {
                    self.place = Place::AfterElement { comma };
                    return Found::End;
                }
            }
            self.position += 1;
        };
        let end = self.inked_end(&window[..self.position]);
        if too_early {
            // What follows belongs to it.
            self.element.damaged = true;
            self.element.garbage = true;
            self.element.closed_by_array = false;
            self.position = end;
            self.place = Place::InElement;
            return Found::Place;
        }
        if self.element.closed_by_array && self.position == window.len() {
            // That bracket is the array's.
            let inked = self.inked_end(&window[..end - 1]);
            return self.end_element(inked, end - 1);
        }
        let good = !self.element.damaged;
        self.lines_tell_nothing |= good && self.element.next_line.is_some();
        self.end_element(end, end)
    }

    /// The bytes end, or the element has become too long, before its end was found.
    fn run_out(&mut self, window: &[u8], too_long: bool, complete: bool) -> Step {
        let in_element = matches!(self.place, Place::InElement | Place::AfterElement { .. });
        if !in_element || !(too_long || complete) {
            return Step::NeedMore;
        }
        let found = match self.believed_line() {
            Some(next_line) => self.cut(window, next_line),
            None if too_long => {
                return Step::TooLong {
                    start: self.record_start,
                    searched: window.len(),
                };
            }
            None => {
                self.position = window.len();
                let end = self.inked_end(window);
                self.end_element(end, window.len())
            }
        };
        match found {
            Found::Step(step) => step,
            Found::Place | Found::End => unreachable!("an element was ended"),
        }
    }
}
