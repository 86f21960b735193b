//! The compiled checks of a cell: bounds of its typed value, length, pattern and domain.

use std::collections::HashMap;

use contract::{Domain, Length};
use regex::bytes::Regex;

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

/// The checks of a cell's text. Those that a contract does not ask for cost one branch.
#[derive(Debug, Clone)]
pub(crate) struct TextChecks {
    pub(crate) length: Option<Length>,
    pub(crate) pattern: Option<Regex>,
    pub(crate) domain: Option<DomainTable>,
}

impl TextChecks {
    pub(crate) fn is_empty(&self) -> bool {
        self.length.is_none() && self.pattern.is_none() && self.domain.is_none()
    }
}

/// In characters; the text is valid UTF-8.
#[inline]
pub(crate) fn length_holds(length: Length, text: &[u8]) -> bool {
    let characters = if text.is_ascii() {
        text.len()
    } else {
        text.iter().filter(|&&byte| byte & 0xC0 != 0x80).count()
    };
    length.min <= characters && characters <= length.max
}

/// A pattern that the whole value must match.
pub(crate) fn whole_value(pattern: &str) -> Result<Regex, regex::Error> {
    Regex::new(&format!(r"\A(?:{pattern})\z"))
}

/// A code's canonical code. Codes of up to eight bytes are compared as one number.
#[derive(Debug, Clone)]
pub(crate) struct DomainTable {
    /// Sorted; zero-padded codes (a value with NUL bytes never gets this far).
    short: Vec<u64>,
    short_codes: Vec<Box<[u8]>>,
    long: HashMap<Box<[u8]>, Box<[u8]>>,
}

impl DomainTable {
    pub(crate) fn compile(domain: &Domain) -> Self {
        let mut short = Vec::new();
        let mut long = HashMap::new();
        for (value, code) in &domain.values {
            let code: Box<[u8]> = code.as_bytes().into();
            match pack(value.as_bytes()) {
                Some(packed) => short.push((packed, code)),
                None => {
                    long.insert(value.as_bytes().into(), code);
                }
            }
        }
        short.sort_unstable();
        let (short, short_codes) = short.into_iter().unzip();
        Self {
            short,
            short_codes,
            long,
        }
    }

    #[inline]
    pub(crate) fn code(&self, value: &[u8]) -> Option<&[u8]> {
        match pack(value) {
            Some(packed) => self
                .short
                .binary_search(&packed)
                .ok()
                .map(|at| &*self.short_codes[at]),
            None => self.long.get(value).map(|code| &**code),
        }
    }
}

#[inline]
fn pack(value: &[u8]) -> Option<u64> {
    let mut bytes = [0; 8];
    bytes.get_mut(..value.len())?.copy_from_slice(value);
    Some(u64::from_le_bytes(bytes))
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
        for absent in ["3", "12", "1234567890", "1234567", " 1"] {
            assert_eq!(table.code(absent.as_bytes()), None, "{absent}");
        }
    }

    #[test]
    fn length_counts_characters() {
        let four = Length { min: 4, max: 4 };
        assert!(length_holds(four, b"abcd"));
        assert!(length_holds(four, "Zoë!".as_bytes()));
        assert!(length_holds(four, "日本国民".as_bytes()));
        assert!(!length_holds(four, "Zoë".as_bytes()));
        assert!(!length_holds(four, b"abcde"));
    }

    #[test]
    fn a_pattern_matches_the_whole_value() {
        let pattern = whole_value("a|bc").unwrap();
        assert!(pattern.is_match(b"a") && pattern.is_match(b"bc"));
        assert!(!pattern.is_match(b"abc") && !pattern.is_match(b"a\n"));
    }
}
