//! Dates as nearly all columns write them, read as numbers: the digits of year, month and day
//! stand at fixed places among sixteen bytes, characters that are always the same between them.
//! A column may take several formats, row by row another, so none is tried before the others:
//! what stands between the digits tells which one it is.

use std::hint::select_unpredictable;

use crate::moment::day_of;
use crate::time_format::{Digits, Item, TimeFormat};
use crate::word::ShortText;

/// The formats of a column, of which each is of one length at most sixteen, or a shorter
/// spelling is left to [`TimeFormat`].
#[derive(Debug, Clone)]
pub(crate) struct FixedDates {
    first: FixedDate,
    /// From the last to the second.
    others: Box<[FixedDate]>,
    /// The day 0, as the first format writes it.
    day_zero: ShortText,
}

#[derive(Debug, Clone, Copy)]
struct FixedDate {
    length: usize,
    /// Whether a text of another length may be meant.
    relaxed: bool,
    literals: u128,
    literal_places: u128,
    year: Place,
    month: Place,
    day: Place,
}

/// Where digits stand among sixteen bytes: in the lower eight, the upper or the middle ones, so
/// that one shift gets them, and that of a number no wider than a register.
#[derive(Debug, Clone, Copy)]
struct Place {
    word: u8,
    shift: u8,
}

impl Place {
    fn of(at: usize, width: usize) -> Self {
        let word = (0..3)
            .find(|word| at + width <= 4 * word + 8)
            .expect("digits stand among sixteen bytes");
        Self {
            word: word as u8,
            shift: 8 * (at - 4 * word) as u8,
        }
    }

    /// The digits in the lowest bytes.
    #[inline(always)]
    fn of_words(self, words: &[u64; 4]) -> u64 {
        words[usize::from(self.word % 4)] >> self.shift
    }

    fn bits_before(self) -> u32 {
        32 * u32::from(self.word) + u32::from(self.shift)
    }
}

impl FixedDates {
    /// Nothing where one of the formats is not fixed so.
    pub(crate) fn of(formats: &[TimeFormat]) -> Option<Self> {
        let fixed = formats.iter().map(|format| FixedDate::of(format.items()?));
        let fixed = fixed.collect::<Option<Vec<_>>>()?;
        let (first, others) = fixed.split_first()?;
        Some(Self {
            first: *first,
            others: others.iter().rev().copied().collect(),
            day_zero: first.written(*b"1970", *b"01", *b"01"),
        })
    }

    pub(crate) fn day_zero(&self) -> ShortText {
        self.day_zero
    }

    /// Days since 1970-01-01; where it gives none, the formats may still know one.
    #[inline(always)]
    pub(crate) fn parse(&self, text: ShortText) -> Option<i32> {
        let wide = text.wide();
        let mut date = &self.first;
        if !self.others.is_empty() {
            // The first one that may be meant.
            date = (self.others.iter()).fold(&self.first, |found, date| {
                select_unpredictable(date.may_be(text, wide), date, found)
            });
            date = select_unpredictable(self.first.may_be(text, wide), &self.first, date);
        }
        date.parse(text, wide)
    }
}

impl FixedDate {
    fn of(items: &[Item]) -> Option<Self> {
        let mut places = [None; 3];
        let (mut length, mut relaxed) = (0, false);
        let (mut literals, mut literal_places) = ([0; 16], [0; 16]);
        for item in items {
            let (part, width) = match item {
                Item::Literal(byte) => {
                    *literals.get_mut(length)? = *byte;
                    literal_places[length] = 0xFF;
                    length += 1;
                    continue;
                }
                Item::Year => (0, 4),
                Item::Month(digits) => {
                    relaxed |= *digits == Digits::OneOrTwo;
                    (1, 2)
                }
                Item::Day(digits) => {
                    relaxed |= *digits == Digits::OneOrTwo;
                    (2, 2)
                }
                _ => return None,
            };
            if length + width > ShortText::BYTES_MAX {
                return None;
            }
            if places[part].replace(Place::of(length, width)).is_some() {
                return None;
            }
            length += width;
        }
        let [Some(year), Some(month), Some(day)] = places else {
            return None;
        };
        Some(Self {
            length,
            relaxed,
            literals: u128::from_le_bytes(literals),
            literal_places: u128::from_le_bytes(literal_places),
            year,
            month,
            day,
        })
    }

    fn written(&self, year: [u8; 4], month: [u8; 2], day: [u8; 2]) -> ShortText {
        let wide = self.literals
            | u128::from(u32::from_le_bytes(year)) << self.year.bits_before()
            | u128::from(u16::from_le_bytes(month)) << self.month.bits_before()
            | u128::from(u16::from_le_bytes(day)) << self.day.bits_before();
        ShortText {
            low: wide as u64,
            high: (wide >> 64) as u64,
            length: self.length,
        }
    }

    #[inline(always)]
    fn fits(&self, text: ShortText, wide: u128) -> bool {
        (text.length == self.length) & (wide & self.literal_places == self.literals)
    }

    /// False only where the format can read nothing from the text.
    #[inline(always)]
    fn may_be(&self, text: ShortText, wide: u128) -> bool {
        self.fits(text, wide) | (self.relaxed & (text.length != self.length))
    }

    #[inline(always)]
    fn parse(&self, text: ShortText, wide: u128) -> Option<i32> {
        if !self.fits(text, wide) {
            return None;
        }
        let words = [text.low, (wide >> 32) as u64, text.high, 0];
        let year = u64::from(self.year.of_words(&words) as u32);
        let month = u64::from(self.month.of_words(&words) as u16);
        let day = self.day.of_words(&words);
        day_of(year | month << 32 | day << 48)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FORMATS: [&str; 9] = [
        "%Y-%m-%d",
        "%m/%d/%Y",
        "%d/%m/%Y",
        "%Y%m%d",
        "%m%d%Y",
        "%d.%m.%Y",
        "%Y on %m-%d",
        "y%Y m%m d%d.",
        "%d%m-%Y",
    ];

    fn day(formats: &[TimeFormat], text: &[u8]) -> Option<i32> {
        formats.iter().find_map(|format| format.parse_date(text))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        /// Of texts that a format wrote, changed a little or not at all.
        #[test]
        fn dates_are_read_as_the_formats_read_them(
            formats in prop::sample::subsequence(FORMATS.to_vec(), 1..5).prop_shuffle(),
            (year, month, date) in (1800..2200u32, 0..14u32, 0..33u32),
            padded in prop::bool::weighted(0.8),
            format in prop::sample::select(FORMATS.to_vec()),
            change in prop::option::weighted(0.3, (0..16usize, any::<u8>(), 0..2usize)),
        ) {
            let two = |n: u32| if padded { format!("{n:02}") } else { n.to_string() };
            let text = format.replace("%Y", &year.to_string());
            let mut text = text.replace("%m", &two(month)).replace("%d", &two(date)).into_bytes();
            if let Some((at, byte, length)) = change {
                let at = at % text.len();
                text.splice(at..at + length, [byte]);
            }
            let compile = |format: &&str| TimeFormat::compile(format).expect("it is a format");
            let formats: Vec<_> = formats.iter().map(compile).collect();
            let fixed = FixedDates::of(&formats).expect("all of them are fixed");
            let expect = day(&formats, &text);
            if let Some(short) = ShortText::of(&text) {
                let found = fixed.parse(short);
                prop_assert!(found.is_none() || found == expect);
                // Who writes two digits, and one format alone, is always understood.
                let sure = padded && formats.len() == 1;
                prop_assert!(found == expect || !sure || change.is_some());
            }
            prop_assert_eq!(fixed.parse(fixed.day_zero()), Some(0));
        }
    }

    #[test]
    fn formats_of_fixed_places() {
        let fixed = |format: &str| {
            let format = TimeFormat::compile(format).expect("it is a format");
            FixedDates::of(&[format]).is_some()
        };
        assert!(FORMATS.into_iter().all(fixed));
        for other in [
            "%d-%b-%Y",
            "%Y-%m-%d %H",
            "%j %Y-%m-%d",
            "%Y of the years %m %d",
        ] {
            assert!(!fixed(other), "{other}");
        }
    }
}
