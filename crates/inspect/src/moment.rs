//! Reading a date or a time by the items of a compiled format.

use crate::calendar::{MICROSECONDS_PER_SECOND, days_since_epoch};
use crate::time_format::{Digits, ISO_DATE_RELAXED, Item};
use crate::word::digit_pairs;

/// `20090412`
pub(crate) fn parse_compact(text: &[u8]) -> Option<i32> {
    day_of(u64::from_le_bytes(text.try_into().ok()?))
}

/// `2009-04-12`, `2009-4-12`
pub(crate) fn parse_iso(text: &[u8]) -> Option<i32> {
    const HYPHENS: u64 = u64::from_le_bytes(*b"\0\0\0\0-\0\0-");
    const HYPHEN_PLACES: u64 = 0xFF00_00FF_0000_0000;
    let (Some(start), Some(end), 10) = (text.first_chunk(), text.last_chunk(), text.len()) else {
        return Moment::parse(&ISO_DATE_RELAXED, text)?.day();
    };
    let (start, end) = (u64::from_le_bytes(*start), u64::from_le_bytes(*end));
    if start & HYPHEN_PLACES != HYPHENS {
        return None;
    }
    let year = start & 0x0000_0000_FFFF_FFFF;
    let month = start >> 8 & 0x0000_FFFF_0000_0000;
    let day = end & 0xFFFF_0000_0000_0000;
    day_of(year | month | day)
}

/// The day that eight digits write: year, month, day.
#[inline(always)]
pub(crate) fn day_of(digits: u64) -> Option<i32> {
    let [century, year, month, day] = pairs(digits)?;
    days_since_epoch(century * 100 + year, month, day)
}

#[inline(always)]
pub(crate) fn pairs(digits: u64) -> Option<[u32; 4]> {
    let pairs = digit_pairs(digits)?;
    Some([0, 16, 32, 48].map(|shift| (pairs >> shift) as u32 & 0xFF))
}

#[inline]
fn digit(byte: u8) -> Option<u32> {
    let digit = byte.wrapping_sub(b'0');
    (digit <= 9).then_some(u32::from(digit))
}

#[inline]
fn two(tens: u8, units: u8) -> Option<u32> {
    Some(digit(tens)? * 10 + digit(units)?)
}

/// The fields that a text named, not yet checked together.
#[derive(Default)]
pub(crate) struct Moment {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    hour12: Option<u32>,
    afternoon: Option<bool>,
    minute: u32,
    second: u32,
    microsecond: u32,
    pub(crate) offset_seconds: Option<i32>,
}

impl Moment {
    pub(crate) fn parse(items: &[Item], text: &[u8]) -> Option<Self> {
        Self::default().parse_rest(items, text)
    }

    /// Reads what is left of a text by what is left of the items.
    pub(crate) fn parse_rest(mut self, items: &[Item], text: &[u8]) -> Option<Self> {
        let mut rest = text;
        for item in items {
            rest = self.take(*item, rest)?;
        }
        rest.is_empty().then_some(self)
    }

    /// Of digit pairs: two of the year, month, day; hour, minute, second.
    pub(crate) fn of_pairs(
        [century, year, month, day]: [u32; 4],
        [hour, minute, second, _]: [u32; 4],
    ) -> Self {
        Self {
            year: century * 100 + year,
            month,
            day,
            hour,
            minute,
            second,
            ..Self::default()
        }
    }

    /// Reads one item and gives back what is left.
    #[inline]
    fn take<'a>(&mut self, item: Item, text: &'a [u8]) -> Option<&'a [u8]> {
        match item {
            Item::Literal(expected) => text
                .split_first()
                .filter(|(byte, _)| **byte == expected)
                .map(|(_, rest)| rest),
            Item::Year => {
                let (year, rest) = text.split_first_chunk::<4>()?;
                self.year = two(year[0], year[1])? * 100 + two(year[2], year[3])?;
                Some(rest)
            }
            Item::Month(digits) => take_number(digits, text, &mut self.month),
            Item::Day(digits) => take_number(digits, text, &mut self.day),
            Item::Hour(digits) => take_number(digits, text, &mut self.hour),
            Item::Hour12(digits) => take_number(digits, text, self.hour12.insert(0)),
            Item::Minute(digits) => take_number(digits, text, &mut self.minute),
            Item::Second(digits) => take_number(digits, text, &mut self.second),
            Item::MonthName { long } => {
                let (month, rest) = take_month_name(text, long)?;
                self.month = month;
                Some(rest)
            }
            Item::AmPm => {
                let (marker, rest) = text.split_first_chunk::<2>()?;
                self.afternoon = Some(match &marker.to_ascii_lowercase()[..] {
                    b"am" => false,
                    b"pm" => true,
                    _ => return None,
                });
                Some(rest)
            }
            Item::Fraction => self.take_fraction(text),
            Item::Offset => self.take_offset(text),
            Item::DateTimeSeparator => text
                .split_first()
                .filter(|(byte, _)| matches!(byte, b'T' | b't' | b' '))
                .map(|(_, rest)| rest),
        }
    }

    fn take_fraction<'a>(&mut self, text: &'a [u8]) -> Option<&'a [u8]> {
        let Some((b'.', digits)) = text.split_first() else {
            return Some(text);
        };
        let length = digits.iter().take_while(|b| b.is_ascii_digit()).count();
        if !(1..=9).contains(&length) {
            return None;
        }
        let (fraction, rest) = digits.split_at(length);
        self.microsecond = (0..6).fold(0, |value, at| {
            value * 10 + fraction.get(at).map_or(0, |byte| u32::from(byte - b'0'))
        });
        Some(rest)
    }

    fn take_offset<'a>(&mut self, text: &'a [u8]) -> Option<&'a [u8]> {
        let (sign, rest) = text.split_first()?;
        let sign = match sign {
            b'Z' | b'z' => {
                self.offset_seconds = Some(0);
                return Some(rest);
            }
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let (hours, rest) = rest.split_first_chunk::<2>()?;
        let rest = rest.strip_prefix(b":").unwrap_or(rest);
        let (minutes, rest) = rest.split_first_chunk::<2>()?;
        let (hours, minutes) = (two(hours[0], hours[1])?, two(minutes[0], minutes[1])?);
        if hours > 23 || minutes > 59 {
            return None;
        }
        self.offset_seconds = Some(sign * (hours * 3600 + minutes * 60) as i32);
        Some(rest)
    }

    /// Days since 1970-01-01.
    pub(crate) fn day(&self) -> Option<i32> {
        days_since_epoch(self.year, self.month, self.day)
    }

    /// Microseconds since midnight.
    pub(crate) fn time_of_day(&self) -> Option<i64> {
        let hour = match (self.hour12, self.afternoon) {
            (None, _) => self.hour,
            (Some(hour @ 1..=12), Some(afternoon)) => hour % 12 + if afternoon { 12 } else { 0 },
            (Some(_), _) => return None,
        };
        // A leap second (60) has no place on the scale of microseconds: it is refused.
        if hour > 23 || self.minute > 59 || self.second > 59 {
            return None;
        }
        let seconds = hour * 3600 + self.minute * 60 + self.second;
        Some(i64::from(seconds) * MICROSECONDS_PER_SECOND + i64::from(self.microsecond))
    }
}

#[inline]
fn take_number<'a>(digits: Digits, text: &'a [u8], value: &mut u32) -> Option<&'a [u8]> {
    let (&first, rest) = text.split_first()?;
    let first = digit(first)?;
    match (
        rest.split_first()
            .and_then(|(&b, rest)| Some((digit(b)?, rest))),
        digits,
    ) {
        (Some((second, rest)), _) => {
            *value = first * 10 + second;
            Some(rest)
        }
        (None, Digits::OneOrTwo) => {
            *value = first;
            Some(rest)
        }
        (None, Digits::Two) => None,
    }
}

const MONTHS: [&[u8]; 12] = [
    b"january",
    b"february",
    b"march",
    b"april",
    b"may",
    b"june",
    b"july",
    b"august",
    b"september",
    b"october",
    b"november",
    b"december",
];

/// Three letters in lower case as a number; other characters give none that letters give.
#[inline(always)]
const fn letters(text: &[u8; 3]) -> u32 {
    u32::from_le_bytes([text[0] | 0x20, text[1] | 0x20, text[2] | 0x20, 0])
}

fn take_month_name(text: &[u8], long: bool) -> Option<(u32, &[u8])> {
    const STARTS: [u32; 12] = {
        let mut starts = [0; 12];
        let mut at = 0;
        while at < 12 {
            starts[at] = letters(&[MONTHS[at][0], MONTHS[at][1], MONTHS[at][2]]);
            at += 1;
        }
        starts
    };
    let (start, rest) = text.split_first_chunk::<3>()?;
    let start = letters(start);
    let month = STARTS.iter().position(|&month| month == start)?;
    let tail = &MONTHS[month][3..];
    let rest = match rest.split_at_checked(tail.len()) {
        Some((found, after)) if long && found.eq_ignore_ascii_case(tail) => after,
        _ => rest,
    };
    Some((month as u32 + 1, rest))
}
