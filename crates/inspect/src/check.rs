//! The compiled checks of a cell: bounds of its typed value, length, pattern, domain and form.

use std::collections::HashMap;

use contract::{Domain, Length};

use crate::pattern::Pattern;
use crate::word::{short_word, two_words};

/// Bounds of a typed value, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds<T> {
    pub(crate) min: T,
    pub(crate) max: T,
}

impl<T: PartialOrd + Copy> Bounds<T> {
    #[inline]
    pub(crate) fn contains(&self, value: T) -> bool {
        self.min <= value && value <= self.max
    }
}

/// The typed values that a column takes.
#[derive(Debug)]
pub(crate) struct Allowed<T> {
    pub(crate) range: Bounds<T>,
    /// Values that mean "no value".
    pub(crate) sentinels: Box<[T]>,
}

impl<T> Allowed<T> {
    pub(crate) fn between(min: T, max: T) -> Self {
        Self {
            range: Bounds { min, max },
            sentinels: Box::default(),
        }
    }
}

/// The checks of a cell's text. Those that a contract does not ask for cost one branch.
#[derive(Debug, Clone)]
pub(crate) struct TextChecks {
    pub(crate) length: Option<Length>,
    pub(crate) pattern: Option<Pattern>,
    pub(crate) domain: Option<DomainTable>,
    /// Whether a published form of identifier or code holds.
    pub(crate) form: Option<fn(&[u8]) -> bool>,
}

impl TextChecks {
    pub(crate) fn is_empty(&self) -> bool {
        self.length.is_none()
            && self.pattern.is_none()
            && self.domain.is_none()
            && self.form.is_none()
    }
}

/// In characters; the text is valid UTF-8.
#[inline]
pub(crate) fn length_holds(length: Length, text: &[u8]) -> bool {
    // A text of any bytes has a character, and as many as bytes at most.
    if text.len() <= length.max && length.min <= usize::from(!text.is_empty()) {
        return true;
    }
    let characters = if text.is_ascii() {
        text.len()
    } else {
        text.iter().filter(|&&byte| byte & 0xC0 != 0x80).count()
    };
    length.min <= characters && characters <= length.max
}

/// A code's canonical code. Values of up to sixteen bytes are found as numbers, in a table that
/// is at most half full.
#[derive(Debug, Clone)]
pub(crate) struct DomainTable {
    /// The place in `codes` of the value whose hash is the slot, or of one before it.
    slots: Box<[Option<(ShortValue, u32)>]>,
    codes: Vec<Box<[u8]>>,
    long: HashMap<Box<[u8]>, Box<[u8]>>,
}

/// A value of up to sixteen bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ShortValue {
    first: u64,
    last: u64,
    length: u8,
}

impl ShortValue {
    #[inline(always)]
    fn of(value: &[u8]) -> Option<Self> {
        let (first, last) = match short_word(value) {
            Some(word) => (word, 0),
            None => two_words(value)?,
        };
        let length = value.len() as u8;
        Some(Self {
            first,
            last,
            length,
        })
    }

    /// Fibonacci hashing, into a table of that power of two.
    #[inline(always)]
    fn slot(self, slots: usize) -> usize {
        let mixed = (self.first ^ self.last.rotate_left(23)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> 32) as usize & (slots - 1)
    }
}

impl DomainTable {
    pub(crate) fn compile(domain: &Domain) -> Self {
        let slots = (2 * domain.values.len()).next_power_of_two().max(2);
        let mut table = Self {
            slots: vec![None; slots].into(),
            codes: Vec::new(),
            long: HashMap::new(),
        };
        for (value, code) in &domain.values {
            let code: Box<[u8]> = code.as_bytes().into();
            let Some(short) = ShortValue::of(value.as_bytes()) else {
                table.long.insert(value.as_bytes().into(), code);
                continue;
            };
            let mut slot = short.slot(slots);
            while table.slots[slot].is_some() {
                slot = (slot + 1) % slots;
            }
            table.slots[slot] = Some((short, table.codes.len() as u32));
            table.codes.push(code);
        }
        table
    }

    #[inline]
    pub(crate) fn code(&self, value: &[u8]) -> Option<&[u8]> {
        let Some(short) = ShortValue::of(value) else {
            return self.long.get(value).map(|code| &**code);
        };
        let slots = &*self.slots;
        let mut slot = short.slot(slots.len());
        while let Some((found, at)) = slots[slot] {
            if found == short {
                return Some(&self.codes[at as usize]);
            }
            slot = (slot + 1) & (slots.len() - 1);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_find_their_codes() {
        let pairs = [
            ("1", "male"),
            ("2", "female"),
            ("", "none"),
            ("123456789", "long"),
            ("12345678", "eight"),
            ("1234567890123456", "sixteen"),
            ("12345678901234567", "seventeen"),
        ];
        let values = pairs
            .iter()
            .map(|(v, c)| ((*v).to_owned(), (*c).to_owned()))
            .collect();
        let table = DomainTable::compile(&Domain { values });
        for (value, code) in pairs {
            assert_eq!(
                table.code(value.as_bytes()),
                Some(code.as_bytes()),
                "{value}"
            );
        }
        for absent in [
            "3",
            "12",
            "1234567890",
            "1234567",
            " 1",
            "123456789012345",
            "1234567_90123456",
        ] {
            assert_eq!(table.code(absent.as_bytes()), None, "{absent}");
        }
    }

    #[test]
    fn large_domains_find_all_their_codes() {
        let pairs: Vec<_> = (0..2000)
            .map(|n| (format!("{n}"), format!("c{n}")))
            .collect();
        let values = pairs.iter().cloned().collect();
        let table = DomainTable::compile(&Domain { values });
        for (value, code) in &pairs {
            assert_eq!(table.code(value.as_bytes()), Some(code.as_bytes()));
        }
        assert_eq!(table.code(b"2000"), None);
        let none = DomainTable::compile(&Domain {
            values: [].into_iter().collect(),
        });
        assert_eq!(none.code(b"1"), None);
    }

    #[test]
    fn length_counts_characters() {
        let four = Length { min: 4, max: 4 };
        assert!(length_holds(four, b"abcd"));
        assert!(length_holds(four, "Zoë!".as_bytes()));
        assert!(length_holds(four, "日本国民".as_bytes()));
        assert!(!length_holds(four, "Zoë".as_bytes()));
        assert!(!length_holds(four, b"abcde"));
        let some = Length { min: 1, max: 4 };
        assert!(length_holds(some, b"a") && length_holds(some, "日本国民".as_bytes()));
        assert!(!length_holds(some, b"") && !length_holds(some, b"abcde"));
    }
}
