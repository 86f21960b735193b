//! Fixed-width files: fields at places in a record, which is a line or a number of characters.
//!
//! * Places are in characters. Where every byte is one (ASCII, or an encoding of single bytes)
//!   they are bytes; otherwise the record's characters are counted.
//! * A line may be shorter than its places: writers cut spaces at its end. Fields that lie beyond
//!   it are empty. A field that ends inside it is not guessed at: `0000123` cut to `000` would
//!   look right, so the row is rejected.
//! * A longer line is one that this contract does not describe, unless only spaces follow.
//! * A record of a number of characters may be followed by a line end, which is not part of it.

use std::ops::Range;

use contract::{Characters, Encoding, FixedWidth};

use crate::encoding::is_single_byte;
use crate::scan::{LineEnd, Record, Step};
use crate::tile::{Misshapen, Tile};

/// Reads the fields of a record.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// By column of the contract, from 0.
    places: Vec<Range<usize>>,
    /// In characters.
    record_length: usize,
    by_lines: bool,
    encoding: Encoding,
}

impl Places {
    pub(crate) fn of(
        format: FixedWidth,
        places: impl Iterator<Item = Option<Characters>>,
        encoding: Encoding,
    ) -> Self {
        // The contract's review asks every column for its place.
        let places: Vec<_> = places.flatten().map(range).collect();
        let last = places.iter().map(|place| place.end).max().unwrap_or(0);
        Self {
            places,
            record_length: format.record_length.unwrap_or(last),
            by_lines: format.record_length.is_none(),
            encoding,
        }
    }

    pub(crate) fn record_length(&self) -> usize {
        self.record_length
    }

    /// Puts the record's fields into the tile, in the order of the columns.
    pub(crate) fn lay_out(
        &self,
        record: &[u8],
        starts: &mut Vec<usize>,
        tile: &mut Tile,
    ) -> Result<(), Misshapen> {
        let length = self.characters(record, starts);
        let byte = |character: usize| starts.get(character).copied().unwrap_or(character);
        let fits = if self.by_lines {
            let expected = byte(self.record_length.min(length));
            record[expected..].iter().all(|&byte| byte == b' ')
        } else {
            length == self.record_length
        };
        if !fits {
            return Err(Misshapen::Length);
        }
        for place in &self.places {
            if place.start >= length {
                tile.push_field(b"");
            } else if place.end <= length {
                tile.push_field(&record[byte(place.start)..byte(place.end)]);
            } else {
                return Err(Misshapen::Length);
            }
        }
        Ok(())
    }

    /// The text at a place; short where the record is.
    pub(crate) fn text<'r>(&self, record: &'r [u8], place: Characters) -> &'r [u8] {
        let mut starts = Vec::new();
        let length = self.characters(record, &mut starts);
        let byte = |character: usize| {
            let character = character.min(length);
            starts.get(character).copied().unwrap_or(character)
        };
        let place = range(place);
        &record[byte(place.start)..byte(place.end)]
    }

    /// How many characters the record has. Where they are not its bytes, `starts` holds where
    /// each starts and where the last one ends; otherwise it is empty.
    fn characters(&self, record: &[u8], starts: &mut Vec<usize>) -> usize {
        starts.clear();
        let auto_is_single = || self.encoding == Encoding::Auto && str::from_utf8(record).is_err();
        if is_single_byte(self.encoding) || record.is_ascii() || auto_is_single() {
            return record.len();
        }
        let mut at = 0;
        while at < record.len() {
            starts.push(at);
            at = character_end(record, at);
        }
        starts.push(at);
        starts.len() - 1
    }
}

fn range(place: Characters) -> Range<usize> {
    let start = place.start.saturating_sub(1);
    start..start + place.length
}

/// Where the character of UTF-8 that starts at `at` ends. Exact where the text is valid; a byte
/// that starts none is a character of its own.
fn character_end(text: &[u8], at: usize) -> usize {
    let longest = text.len().min(at + expected_length(text[at]));
    let continues = |&byte: &u8| byte & 0xC0 == 0x80;
    let continued = text[at + 1..longest].iter().take_while(|b| continues(b));
    at + 1 + continued.count()
}

fn expected_length(first: u8) -> usize {
    match first {
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF7 => 4,
        _ => 1,
    }
}

/// Finds the ends of records of a number of characters in a growing buffer; all positions are
/// relative to its start.
#[derive(Debug)]
pub(crate) struct CharacterCounter {
    record_length: usize,
    single_byte: bool,
    record_start: usize,
    position: usize,
    /// Characters between the two.
    counted: usize,
}

impl CharacterCounter {
    pub(crate) fn new(record_length: usize, encoding: Encoding) -> Self {
        Self {
            record_length,
            single_byte: is_single_byte(encoding),
            record_start: 0,
            position: 0,
            counted: 0,
        }
    }

    /// As [`crate::framer::Framer::next_record`] promises.
    pub(crate) fn next_record(&mut self, bytes: &[u8], at_end: bool) -> Step {
        let start = self.record_start;
        if self.position == start {
            match line_end_at(bytes, start, at_end) {
                None => return Step::NeedMore,
                Some(None) => {}
                // A blank line between records.
                Some(Some((next, line_end))) => {
                    return self.end_record(start, next, Some(line_end));
                }
            }
        }
        if !self.count(bytes, at_end) {
            return Step::NeedMore;
        }
        let end = self.position;
        if self.counted < self.record_length {
            return if end == start {
                Step::NeedMore
            } else {
                self.end_record(end, end, None)
            };
        }
        match line_end_at(bytes, end, at_end) {
            None => Step::NeedMore,
            Some(None) => self.end_record(end, end, None),
            Some(Some((next, line_end))) => self.end_record(end, next, Some(line_end)),
        }
    }

    /// Counts up to the record's end, or that of the file. False where more bytes are needed.
    fn count(&mut self, bytes: &[u8], at_end: bool) -> bool {
        if self.single_byte {
            let taken = (self.record_length - self.counted).min(bytes.len() - self.position);
            self.position += taken;
            self.counted += taken;
        }
        while !self.single_byte && self.counted < self.record_length {
            let Some(&first) = bytes.get(self.position) else {
                break;
            };
            let end = character_end(bytes, self.position);
            let cut = end == bytes.len() && end < self.position + expected_length(first);
            if cut && !at_end {
                return false;
            }
            self.position = end;
            self.counted += 1;
        }
        self.counted == self.record_length || at_end
    }

    fn end_record(&mut self, end: usize, next: usize, line_end: Option<LineEnd>) -> Step {
        let start = self.record_start;
        self.start_record(next);
        Step::Record(Record {
            start,
            end,
            next,
            line_end,
        })
    }

    fn start_record(&mut self, at: usize) {
        self.record_start = at;
        self.position = at;
        self.counted = 0;
    }

    pub(crate) fn record_start(&self) -> usize {
        self.record_start
    }

    pub(crate) fn forget(&mut self, count: usize) {
        self.record_start -= count;
        self.position -= count;
    }

    pub(crate) fn restart(&mut self) {
        self.start_record(0);
    }
}

/// The line end at a place, if there is one, and what comes after it. Nothing where the bytes
/// that tell have not come.
fn line_end_at(bytes: &[u8], at: usize, at_end: bool) -> Option<Option<(usize, LineEnd)>> {
    match &bytes[at..] {
        [b'\n', ..] => Some(Some((at + 1, LineEnd::Lf))),
        [b'\r', b'\n', ..] => Some(Some((at + 2, LineEnd::CrLf))),
        [] | [b'\r'] if !at_end => None,
        _ => Some(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_end_where_they_should() {
        let check = |text: &[u8], expect: &[usize]| {
            let mut ends = Vec::new();
            let mut at = 0;
            while at < text.len() {
                at = character_end(text, at);
                ends.push(at);
            }
            assert_eq!(ends, expect, "{text:?}");
        };
        check("aé漢😀".as_bytes(), &[1, 3, 6, 10]);
        check(b"\xE9a\x80\x80", &[1, 2, 3, 4]);
        check(b"\xE6\xBC", &[2]);
        check(b"\xFF\xF0\x9F\x98a", &[1, 4, 5]);
    }
}
