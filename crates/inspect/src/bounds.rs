//! Where the fields of a run of whole records end: 64 bytes at a time.
//!
//! With quotes, a byte is inside them where the number of quotes before it is odd. That is what
//! RFC 4180 says as long as every quote that opens stands at a field's start (or is the second
//! of a doubled pair) and what follows one that closes ends the field. Both are tested for every
//! quote; a run that fails is split record by record instead.

use crate::masks::{Compare, Scan, prefix_parity, run};

/// Appends where `text`, which starts at `base`, has a delimiter or a line end.
pub(crate) fn find_plain(text: &[u8], base: u32, delimiter: u8, found: &mut Vec<u32>) {
    run(Plain {
        text,
        base,
        delimiter,
        found,
    });
}

/// The same outside quotes: whether any quote is doubled, or nothing where quotes stand
/// elsewhere than around whole fields. `text` starts with a record and ends with one.
pub(crate) fn find_quoted(
    text: &[u8],
    base: u32,
    (delimiter, quote): (u8, u8),
    found: &mut Vec<u32>,
) -> Option<bool> {
    run(Quoted {
        text,
        base,
        delimiter,
        quote,
        found,
    })
}

struct Plain<'t> {
    text: &'t [u8],
    base: u32,
    delimiter: u8,
    found: &'t mut Vec<u32>,
}

impl Scan for Plain<'_> {
    type Found = ();

    #[inline(always)]
    fn with(self, compare: impl Compare) {
        let Self { delimiter, .. } = self;
        let (chunks, rest) = self.text.as_chunks::<64>();
        let mut start = self.base;
        for chunk in chunks {
            append(plain_ends(compare, chunk, delimiter), start, self.found);
            start += 64;
        }
        let (rest, live) = padded(rest);
        let ends = plain_ends(compare, &rest, delimiter) & live;
        append(ends, start, self.found);
    }
}

#[inline(always)]
fn plain_ends(compare: impl Compare, chunk: &[u8; 64], delimiter: u8) -> u64 {
    compare.equal(chunk, delimiter) | compare.equal(chunk, b'\n')
}

struct Quoted<'t> {
    text: &'t [u8],
    base: u32,
    delimiter: u8,
    quote: u8,
    found: &'t mut Vec<u32>,
}

impl Scan for Quoted<'_> {
    type Found = Option<bool>;

    #[inline(always)]
    fn with(self, compare: impl Compare) -> Option<bool> {
        let structure = (self.delimiter, self.quote);
        let (chunks, rest) = self.text.as_chunks::<64>();
        let mut place = Place::at_a_record();
        let mut start = self.base;
        for chunk in chunks {
            append(
                place.pass(Seen::of(compare, chunk, structure, !0), 64),
                start,
                self.found,
            );
            start += 64;
        }
        if !rest.is_empty() {
            let (chunk, live) = padded(rest);
            let seen = Seen::of(compare, &chunk, structure, live);
            let ends = place.pass(seen, rest.len());
            append(ends, start, self.found);
        }
        place.well_formed().then_some(place.doubled != 0)
    }
}

/// What a chunk has where.
struct Seen {
    delimiters: u64,
    newlines: u64,
    returns: u64,
    quotes: u64,
}

impl Seen {
    #[inline(always)]
    fn of(
        compare: impl Compare,
        chunk: &[u8; 64],
        (delimiter, quote): (u8, u8),
        live: u64,
    ) -> Self {
        Self {
            delimiters: compare.equal(chunk, delimiter) & live,
            newlines: compare.equal(chunk, b'\n') & live,
            returns: compare.equal(chunk, b'\r') & live,
            quotes: compare.equal(chunk, quote) & live,
        }
    }
}

/// What one chunk leaves to the next, and what was found out so far. The `after_…` have their
/// lowest bit set where the last byte was such a one.
struct Place {
    /// All bits or none.
    inside: u64,
    after_end: u64,
    after_closing: u64,
    /// After a carriage return that follows a closing quote.
    after_return: u64,
    doubled: u64,
    stray: u64,
}

impl Place {
    fn at_a_record() -> Self {
        Self {
            inside: 0,
            after_end: 1,
            after_closing: 0,
            after_return: 0,
            doubled: 0,
            stray: 0,
        }
    }

    /// The delimiters and line ends outside quotes of a chunk of that many bytes.
    #[inline(always)]
    fn pass(&mut self, seen: Seen, length: usize) -> u64 {
        let ends = seen.delimiters | seen.newlines;
        if seen.quotes | self.inside | self.after_closing | self.after_return == 0 {
            self.after_end = ends >> (length - 1);
            return ends;
        }
        // From an opening quote up to the byte before the closing one.
        let inside = prefix_parity(seen.quotes) ^ self.inside;
        let (opening, closing) = (seen.quotes & inside, seen.quotes & !inside);
        let ends = ends & !inside;
        let after_end = ends << 1 | self.after_end;
        let after_closing = closing << 1 | self.after_closing;
        let returns = seen.returns & after_closing;
        let after_return = returns << 1 | self.after_return;
        let live = u64::MAX >> (64 - length);
        self.doubled |= opening & after_closing;
        self.stray |= opening & !(after_end | after_closing);
        self.stray |= after_closing & !(ends | opening | returns) & live;
        self.stray |= after_return & !(seen.newlines & ends) & live;
        let last = length - 1;
        self.inside = 0u64.wrapping_sub(inside >> last & 1);
        self.after_end = ends >> last;
        self.after_closing = closing >> last;
        self.after_return = returns >> last;
        ends
    }

    fn well_formed(&self) -> bool {
        self.stray | self.inside | self.after_return == 0
    }
}

/// Up to 64 bytes as a chunk, and one bit for each of them.
#[inline(always)]
fn padded(rest: &[u8]) -> ([u8; 64], u64) {
    let mut chunk = [0; 64];
    chunk[..rest.len()].copy_from_slice(rest);
    (chunk, (1 << rest.len()) - 1)
}

/// So many places are written at a time, those that are none taken back: how many a chunk has
/// cannot be predicted, and few have more.
const AT_ONCE: usize = 16;

#[inline(always)]
fn append(mut places: u64, start: u32, found: &mut Vec<u32>) {
    let length = found.len() + places.count_ones() as usize;
    loop {
        let mut some = [0; AT_ONCE];
        for place in &mut some {
            *place = start + places.trailing_zeros();
            places &= places.wrapping_sub(1);
        }
        found.extend_from_slice(&some);
        if places == 0 {
            break;
        }
    }
    found.truncate(length);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::masks::tests::run_each;

    fn find_each(text: &[u8], base: u32) -> Vec<(Option<bool>, Vec<u32>)> {
        let mut each = run_each(|| Recording { text, base });
        let mut found = Vec::new();
        let doubled = find_quoted(text, base, (b',', b'"'), &mut found);
        each.push((doubled, found));
        each
    }

    struct Recording<'t> {
        text: &'t [u8],
        base: u32,
    }

    impl Scan for Recording<'_> {
        type Found = (Option<bool>, Vec<u32>);
        #[inline(always)]
        fn with(self, compare: impl Compare) -> Self::Found {
            let mut found = Vec::new();
            let scan = Quoted {
                text: self.text,
                base: self.base,
                delimiter: b',',
                quote: b'"',
                found: &mut found,
            };
            (scan.with(compare), found)
        }
    }

    /// Byte by byte.
    fn expected(text: &[u8]) -> Option<(bool, Vec<u32>)> {
        let (mut ends, mut doubled) = (Vec::new(), false);
        let mut at = 0;
        loop {
            if text.get(at) == Some(&b'"') {
                at += 1;
                loop {
                    at += text[at..].iter().position(|&byte| byte == b'"')? + 1;
                    if text.get(at) != Some(&b'"') {
                        break;
                    }
                    doubled = true;
                    at += 1;
                }
                match text[at..] {
                    [] | [b',' | b'\n', ..] => {}
                    [b'\r', b'\n', ..] => at += 1,
                    _ => return None,
                }
            } else {
                let field = text[at..].iter().take_while(|&byte| !b",\n".contains(byte));
                let length = field.count();
                if text[at..at + length].contains(&b'"') {
                    return None;
                }
                at += length;
            }
            if at == text.len() {
                return Some((doubled, ends));
            }
            ends.push(at as u32);
            at += 1;
        }
    }

    fn quoted_text() -> impl Strategy<Value = String> {
        let field = prop_oneof![
            4 => "[a-z]{0,9}",
            4 => "\"([a-z,\n\r]|\"\"){0,12}\"",
            1 => "[a-z]{60,70}",
            1 => "\"[a-z,]{60,70}\"",
            1 => "\"(\"\"){30,34}\"",
        ];
        let end = prop_oneof![6 => Just(","), 2 => Just("\n"), 1 => Just("\r\n")];
        prop::collection::vec((field, end), 0..60)
            .prop_map(|fields| fields.into_iter().map(|(field, end)| field + end).collect())
    }

    proptest! {
        #[test]
        fn quotes_around_whole_fields(text in quoted_text()) {
            let expect = expected(text.as_bytes());
            prop_assert!(expect.is_some());
            for (doubled, found) in find_each(text.as_bytes(), 0) {
                prop_assert_eq!(doubled.map(|doubled| (doubled, found)), expect.clone());
            }
        }

        #[test]
        fn quotes_anywhere(
            before in quoted_text(),
            noise in "[\"\",\n\ra]{0,9}",
            after in quoted_text(),
        ) {
            let text = before + &noise + &after;
            let expect = expected(text.as_bytes());
            for (doubled, found) in find_each(text.as_bytes(), 0) {
                prop_assert_eq!(doubled.map(|doubled| (doubled, found)), expect.clone());
            }
        }

        #[test]
        fn plain_text(text in "[a-z,\n|é]{0,200}", base in 0u32..9) {
            let mut found = Vec::new();
            find_plain(text.as_bytes(), base, b'|', &mut found);
            let ends = text.bytes().zip(base..).filter(|(byte, _)| b"|\n".contains(byte));
            let expect: Vec<u32> = ends.map(|(_, at)| at).collect();
            prop_assert_eq!(found, expect);
        }
    }
}
