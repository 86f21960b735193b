//! From a field's bytes to a cell's text: quotes, encoding, trimming, null spellings, transforms.
//!
//! On the clean path (a tile without quotes, in ASCII or valid UTF-8, a column without
//! transforms) the text is a slice of the block. Everything else goes through one scratch buffer.

use std::borrow::Cow;

use contract::{Encoding, Transform};
use memchr::memchr;

use crate::encoding::decode_windows_1252;
use crate::plan::ColumnPlan;
use crate::reason::{Broken, CellRule};
use crate::transform;
use crate::word::ShortText;

/// What a field holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    Null,
    /// Valid UTF-8, not empty.
    Text(&'a [u8]),
    /// There is no text to be had.
    Broken(Broken),
}

/// How the bytes of a tile become text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decoding {
    /// Valid UTF-8 without a NUL byte, all of it.
    Clean,
    CheckUtf8,
    Latin1,
    Windows1252,
    /// Each value is UTF-8 where it is valid as such, and Windows-1252 where not.
    EachValue,
}

impl Decoding {
    /// `text`: all of a tile's. `cut_at_ascii`: its fields lie between ASCII characters, so that
    /// they are valid where it is.
    pub(crate) fn of(text: &[u8], encoding: Encoding, cut_at_ascii: bool) -> Self {
        if is_ascii_without_nul(text) {
            return Self::Clean;
        }
        let clean = || cut_at_ascii && memchr(0, text).is_none() && str::from_utf8(text).is_ok();
        match encoding {
            Encoding::Utf8 | Encoding::Auto if clean() => Self::Clean,
            Encoding::Latin1 => Self::Latin1,
            Encoding::Windows1252 => Self::Windows1252,
            Encoding::Auto => Self::EachValue,
            // UTF-16 is UTF-8 by now.
            _ => Self::CheckUtf8,
        }
    }
}

fn is_ascii_without_nul(text: &[u8]) -> bool {
    let (chunks, rest) = text.as_chunks::<64>();
    let positive = |bytes: &[u8]| bytes.iter().fold(true, |all, &byte| all & (byte as i8 > 0));
    chunks.iter().all(|chunk| positive(chunk)) && positive(rest)
}

/// Reads the cells of one column in one tile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CellReader<'p> {
    trim: bool,
    /// One bit for each byte that a null spelling starts with.
    null_starts: [u64; 4],
    nulls: &'p [Box<[u8]>],
    transforms: &'p [Transform],
    /// Zeros fill the text up to so many characters; 0 where the contract does not ask.
    zero_pad: usize,
    quote: Option<u8>,
    doubled: bool,
    decoding: Decoding,
}

/// One bit for each byte that one of them starts with.
pub(crate) fn starts_of(nulls: &[Box<[u8]>]) -> [u64; 4] {
    let mut starts = [0; 4];
    for &first in nulls.iter().filter_map(|null| null.first()) {
        starts[usize::from(first >> 6)] |= 1 << (first & 63);
    }
    starts
}

impl<'p> CellReader<'p> {
    /// `quote`: the quote, where the tile has any, and whether it has doubled ones.
    pub(crate) fn new(
        column: &'p ColumnPlan,
        quote: Option<(u8, bool)>,
        decoding: Decoding,
    ) -> Self {
        Self {
            trim: column.trim,
            null_starts: column.null_starts,
            nulls: &column.nulls,
            transforms: &column.transforms,
            zero_pad: column.zero_pad,
            quote: quote.map(|(quote, _)| quote),
            doubled: quote.is_some_and(|(_, doubled)| doubled),
            decoding,
        }
    }

    /// Whether [`Self::read_quick`] will do: the text, if any, is a slice of the field.
    pub(crate) fn is_quick(&self) -> bool {
        self.decoding == Decoding::Clean && self.keeps_text()
    }

    fn keeps_text(&self) -> bool {
        self.transforms.is_empty() && self.zero_pad == 0
    }

    /// Whether [`Self::read_quick`] would give the field back as it is, or no text where it is
    /// empty. It is short, and ends at `end` in `bytes`.
    #[inline(always)]
    pub(crate) fn is_bare(&self, field: ShortText, bytes: &[u8], end: usize) -> bool {
        let first = field.first();
        if Some(first) == self.quote || !self.nulls.is_empty() && self.may_be_null(first) {
            return false;
        }
        // The byte before an empty field may be any.
        let inked = || is_inked(first) & is_inked(bytes[end.saturating_sub(1)]);
        !self.trim || inked() | field.is_empty()
    }

    #[inline(always)]
    pub(crate) fn read_quick<'a>(&self, field: &'a [u8], scratch: &'a mut Vec<u8>) -> Cell<'a> {
        let text = match field {
            [] => return Cell::Null,
            [first, inner @ .., _] if Some(*first) == self.quote => {
                if self.doubled && memchr(*first, inner).is_some() {
                    return self.read(field, scratch);
                }
                inner
            }
            _ => field,
        };
        self.read_text(text)
    }

    #[inline(always)]
    fn read_text<'a>(&self, text: &'a [u8]) -> Cell<'a> {
        let text = if self.trim { trim(text) } else { text };
        if text.is_empty() || self.is_null(text) {
            Cell::Null
        } else {
            Cell::Text(text)
        }
    }

    #[inline(never)]
    pub(crate) fn read<'a>(&self, field: &'a [u8], scratch: &'a mut Vec<u8>) -> Cell<'a> {
        let unquoted = unquoted(field, self.quote);
        if let Cow::Borrowed(text) = unquoted
            && self.decoding == Decoding::Clean
            && self.keeps_text()
        {
            return self.read_text(text);
        }
        if self.decoding != Decoding::Clean && memchr(0, &unquoted).is_some() {
            return Cell::Broken(Broken::one(CellRule::NulByte));
        }
        if self.decoding == Decoding::CheckUtf8 && str::from_utf8(&unquoted).is_err() {
            return Cell::Broken(Broken::one(CellRule::Encoding));
        }
        scratch.clear();
        match (self.decoding, self.trim) {
            (Decoding::Latin1, true) => decode_latin1(trim_latin1(&unquoted), scratch),
            (Decoding::Latin1, false) => decode_latin1(&unquoted, scratch),
            (Decoding::Windows1252 | Decoding::EachValue, trimmed) => {
                if self.decoding == Decoding::EachValue && str::from_utf8(&unquoted).is_ok() {
                    scratch.extend_from_slice(&unquoted);
                } else {
                    decode_windows_1252(&unquoted, scratch);
                }
                if trimmed {
                    trim_in_place(scratch);
                }
            }
            (_, true) => scratch.extend_from_slice(trim(&unquoted)),
            (_, false) => scratch.extend_from_slice(&unquoted),
        }
        if scratch.is_empty() || self.is_null(scratch) {
            return Cell::Null;
        }
        transform::apply(self.transforms, scratch);
        transform::zero_pad(self.zero_pad, scratch);
        if scratch.is_empty() {
            Cell::Null
        } else {
            Cell::Text(scratch)
        }
    }

    #[inline(always)]
    fn may_be_null(&self, first: u8) -> bool {
        self.null_starts[usize::from(first >> 6)] >> (first & 63) & 1 != 0
    }

    #[inline(always)]
    fn is_null(&self, text: &[u8]) -> bool {
        let &[first, ..] = text else { return false };
        self.may_be_null(first) && self.nulls.iter().any(|null| &**null == text)
    }
}

/// A field without its quotes, doubled ones undone. A quoted field is known to be well formed.
pub(crate) fn unquoted(field: &[u8], quote: Option<u8>) -> Cow<'_, [u8]> {
    let inner = match (field, quote) {
        ([first, inner @ .., last], Some(quote)) if *first == quote && *last == quote => inner,
        _ => return Cow::Borrowed(field),
    };
    let quote = field[0];
    if memchr(quote, inner).is_none() {
        return Cow::Borrowed(inner);
    }
    let mut text = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(&byte) = bytes.next() {
        text.push(byte);
        if byte == quote {
            // The second of the pair.
            bytes.next();
        }
    }
    Cow::Owned(text)
}

fn decode_latin1(bytes: &[u8], text: &mut Vec<u8>) {
    for &byte in bytes {
        let mut encoded = [0; 2];
        text.extend_from_slice(char::from(byte).encode_utf8(&mut encoded).as_bytes());
    }
}

fn trim_in_place(text: &mut Vec<u8>) {
    let Ok(whole) = str::from_utf8(text) else {
        return;
    };
    let end = whole.trim_end().len();
    let start = end - whole[..end].trim_start().len();
    text.truncate(end);
    text.drain(..start);
}

fn trim_latin1(bytes: &[u8]) -> &[u8] {
    let inked = |&byte: &u8| !char::from(byte).is_whitespace();
    let start = bytes.iter().position(inked).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(inked).map_or(start, |last| last + 1);
    &bytes[start..end]
}

/// Without surrounding white space, that of Unicode included.
#[inline(always)]
fn trim(text: &[u8]) -> &[u8] {
    match text {
        [first, .., last] if is_inked(*first) && is_inked(*last) => text,
        [only] if is_inked(*only) => text,
        _ => trim_with_care(text),
    }
}

/// Whether it is an ASCII character that is seen.
#[inline(always)]
fn is_inked(byte: u8) -> bool {
    byte.wrapping_sub(b'!') < 0x7F - b'!'
}

fn trim_with_care(text: &[u8]) -> &[u8] {
    match str::from_utf8(text) {
        Ok(text) => text.trim().as_bytes(),
        // Never: only valid text gets here.
        Err(_) => text.trim_ascii(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader<'p>(
        nulls: &'p [Box<[u8]>],
        transforms: &'p [Transform],
        decoding: Decoding,
    ) -> CellReader<'p> {
        CellReader {
            trim: true,
            null_starts: starts_of(nulls),
            nulls,
            transforms,
            zero_pad: 0,
            quote: Some(b'"'),
            doubled: true,
            decoding,
        }
    }

    #[test]
    fn cells() {
        let nulls: [Box<[u8]>; 2] = [b"~"[..].into(), b"NA"[..].into()];
        let check = |field: &[u8], transforms: &[Transform], decoding, expect: Cell<'_>| {
            let mut scratch = Vec::new();
            let cell = reader(&nulls, transforms, decoding).read(field, &mut scratch);
            assert_eq!(cell, expect, "{field:?}");
            let reader = reader(&nulls, transforms, decoding);
            if reader.is_quick() {
                assert_eq!(reader.read_quick(field, &mut scratch), expect, "{field:?}");
                if let Some(short) = ShortText::of(field)
                    && reader.is_bare(short, &[field, b"x"].concat(), field.len())
                {
                    let text = Some(Cell::Text(field)).filter(|_| !field.is_empty());
                    assert_eq!(text.unwrap_or(Cell::Null), expect, "{field:?}");
                }
            }
        };
        use Decoding::{CheckUtf8, Clean, EachValue, Latin1, Windows1252};
        let text = |text: &'static str| Cell::Text(text.as_bytes());
        check(b"", &[], Clean, Cell::Null);
        check(b"  ", &[], Clean, Cell::Null);
        check(b"\"\"", &[], Clean, Cell::Null);
        check(b"\" ~ \"", &[], Clean, Cell::Null);
        check(b"NA", &[], Clean, Cell::Null);
        check(b"na", &[], Clean, text("na"));
        check(b"~", &[Transform::Uppercase], Clean, Cell::Null);
        check(b"none", &[Transform::DigitsOnly], Clean, Cell::Null);
        check(b" a b\r", &[], Clean, text("a b"));
        check(b"\" a, b\"", &[], Clean, text("a, b"));
        check(b"\"say \"\"a\"\"\"", &[], Clean, text("say \"a\""));
        check(b"\"\"\"\"", &[], Clean, text("\""));
        check(b"a\"b", &[], Clean, text("a\"b"));
        check("\u{a0}é\u{a0}".as_bytes(), &[], Clean, text("é"));
        check("é".as_bytes(), &[], CheckUtf8, text("é"));
        check(
            b"\xE9",
            &[],
            CheckUtf8,
            Cell::Broken(Broken::one(CellRule::Encoding)),
        );
        check(
            b"a\0",
            &[],
            CheckUtf8,
            Cell::Broken(Broken::one(CellRule::NulByte)),
        );
        check(
            b"a\0",
            &[],
            Latin1,
            Cell::Broken(Broken::one(CellRule::NulByte)),
        );
        check(
            b"\xA0Jos\xE9",
            &[Transform::Uppercase],
            Latin1,
            text("JOSÉ"),
        );
        check(b"\xA0\x80\x85 ", &[], Windows1252, text("€…"));
        check(b" \x80 ", &[Transform::Lowercase], EachValue, text("€"));
        check(" é ".as_bytes(), &[], EachValue, text("é"));
        check(b"\xA0", &[], EachValue, Cell::Null);
    }

    #[test]
    fn decodings() {
        let check = |text: &[u8], encoding, expect| {
            assert_eq!(Decoding::of(text, encoding, true), expect, "{text:?}");
        };
        check("é".as_bytes(), Encoding::Utf8, Decoding::Clean);
        check(b"\xE9", Encoding::Utf8, Decoding::CheckUtf8);
        check(b"a\0", Encoding::Utf8, Decoding::CheckUtf8);
        check(b"abc", Encoding::Latin1, Decoding::Clean);
        check(b"a\0", Encoding::Latin1, Decoding::Latin1);
        check("é".as_bytes(), Encoding::Latin1, Decoding::Latin1);
        // Either half of it might be a field.
        let cut = Decoding::of("é".as_bytes(), Encoding::Utf8, false);
        assert_eq!(cut, Decoding::CheckUtf8);
        let long = [b'a'; 200];
        for at in 0..long.len() {
            for (byte, expect) in [
                (0, Decoding::CheckUtf8),
                (0x80, Decoding::CheckUtf8),
                (1, Decoding::Clean),
            ] {
                let mut text = long;
                text[at] = byte;
                check(&text, Encoding::Utf8, expect);
            }
        }
    }
}
