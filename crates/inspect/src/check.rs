//! The compiled checks of a cell: bounds of its typed value, length, pattern, domain and form.

use std::collections::HashMap;

use contract::{Domain, Length};

use crate::pattern::Pattern;
use crate::word::ShortText;

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

/// Whether [`length_holds`] for a short text; where not, that decides.
#[inline(always)]
pub(crate) fn short_length_holds(length: Length, text: ShortText) -> bool {
    let long_enough = length.min <= 1 || text.is_ascii() && length.min <= text.length;
    text.length <= length.max && long_enough && !text.is_empty()
}

/// A code's canonical code. Values of up to sixteen bytes are found as numbers, in a table that
/// is at most half full.
#[derive(Debug, Clone)]
pub(crate) struct DomainTable {
    /// Each value in the slot of its hash, or in one behind it.
    slots: Box<[Slot]>,
    /// What hashes are made with: chosen so that few values, and of few none, lie behind.
    multiplier: u64,
    codes: Vec<Box<[u8]>>,
    /// Whether all codes of short values are short too.
    short_codes: bool,
    long: HashMap<Box<[u8]>, Box<[u8]>>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    value: ShortText,
    /// Its code, where that is short.
    code: ShortText,
    /// The code's place in `codes`.
    at: usize,
}

/// Of no length that a text has.
const NO_TEXT: ShortText = ShortText {
    low: 0,
    high: 0,
    length: usize::MAX,
};

const FREE: Slot = Slot {
    value: NO_TEXT,
    code: NO_TEXT,
    at: 0,
};

/// How often another multiplier is tried for each size of the table.
const TRIES: u64 = 64;

/// Multiplicative hashing, into a table of that power of two.
#[inline(always)]
fn slot_of(value: ShortText, multiplier: u64, slots: usize) -> usize {
    let mixed = (value.low ^ value.high.rotate_left(23)).wrapping_mul(multiplier);
    (mixed >> 32) as usize & (slots - 1)
}

/// A table's size and multiplier by which each value has a slot of its own, or the last tried.
fn spread(values: &[ShortText]) -> (usize, u64) {
    let smallest = (2 * values.len()).next_power_of_two().max(2);
    let mut chosen = (smallest, 0);
    // Larger ones would not stay in the nearest cache, and many values are never spread so.
    let largest = if values.len() <= 64 { 8 } else { 1 } * smallest;
    let mut slots = smallest;
    while slots <= largest {
        for tried in 0..TRIES {
            let multiplier = 0x9E37_79B9_7F4A_7C15u64.wrapping_mul(2 * tried + 1);
            chosen = (slots, multiplier);
            let mut taken = vec![false; slots];
            let is_free = |value: &ShortText| {
                !std::mem::replace(&mut taken[slot_of(*value, multiplier, slots)], true)
            };
            if values.iter().all(is_free) {
                return chosen;
            }
        }
        slots *= 2;
    }
    chosen
}

impl DomainTable {
    pub(crate) fn compile(domain: &Domain) -> Self {
        let short_values: Vec<ShortText> = (domain.values.keys())
            .filter_map(|value| ShortText::of(value.as_bytes()))
            .collect();
        let (slots, multiplier) = spread(&short_values);
        let mut table = Self {
            slots: vec![FREE; slots].into(),
            multiplier,
            codes: Vec::new(),
            short_codes: true,
            long: HashMap::new(),
        };
        for (value, code) in &domain.values {
            let code: Box<[u8]> = code.as_bytes().into();
            let Some(short) = ShortText::of(value.as_bytes()) else {
                table.long.insert(value.as_bytes().into(), code);
                continue;
            };
            let mut slot = slot_of(short, multiplier, slots);
            while table.slots[slot].value != NO_TEXT {
                slot = (slot + 1) % slots;
            }
            let short_code = ShortText::of(&code);
            table.short_codes &= short_code.is_some();
            table.slots[slot] = Slot {
                value: short,
                code: short_code.unwrap_or(NO_TEXT),
                at: table.codes.len(),
            };
            table.codes.push(code);
        }
        table
    }

    pub(crate) fn code(&self, value: &[u8]) -> Option<&[u8]> {
        let Some(short) = ShortText::of(value) else {
            return self.long.get(value).map(|code| &**code);
        };
        let slots = &*self.slots;
        let mut slot = slot_of(short, self.multiplier, slots.len());
        while slots[slot].value != NO_TEXT {
            if slots[slot].value == short {
                return Some(&self.codes[slots[slot].at]);
            }
            slot = (slot + 1) & (slots.len() - 1);
        }
        None
    }

    pub(crate) fn has_short_codes(&self) -> bool {
        self.short_codes
    }

    /// Of what is in the value's own slot: the code, and whether it is that value's. For tables
    /// that have short codes only.
    #[inline(always)]
    pub(crate) fn short_code(&self, value: ShortText) -> (ShortText, bool) {
        let slot = &self.slots[slot_of(value, self.multiplier, self.slots.len())];
        (slot.code, slot.value == value)
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
            if let Some(short) = ShortText::of(value.as_bytes()) {
                let (found, known) = table.short_code(short);
                assert!(known, "{value}: few values have a slot each");
                assert_eq!(Some(found), ShortText::of(code.as_bytes()), "{value}");
            }
        }
        assert!(table.has_short_codes());
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
