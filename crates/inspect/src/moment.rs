//! Reading a date or a time by the items of a compiled format.

use crate::calendar::{MICROSECONDS_PER_SECOND, days_since_epoch};
use crate::time_format::{Digits, ISO_DATE_RELAXED, Item};

/// `20090412`
pub(crate) fn parse_compact(text: &[u8]) -> Option<i32> {
    let text: &[u8; 8] = text.try_into().ok()?;
    let year = two(text[0], text[1])? * 100 + two(text[2], text[3])?;
    days_since_epoch(year, two(text[4], text[5])?, two(text[6], text[7])?)
}

/// `2009-04-12`, `2009-4-12`
pub(crate) fn parse_iso(text: &[u8]) -> Option<i32> {
    let Ok(text) = <&[u8; 10]>::try_from(text) else {
        return Moment::parse(&ISO_DATE_RELAXED, text)?.day();
    };
    if text[4] != b'-' || text[7] != b'-' {
        return None;
    }
    let year = two(text[0], text[1])? * 100 + two(text[2], text[3])?;
    days_since_epoch(year, two(text[5], text[6])?, two(text[8], text[9])?)
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
        let mut moment = Self::default();
        let mut rest = text;
        for item in items {
            rest = moment.take(*item, rest)?;
        }
        rest.is_empty().then_some(moment)
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

fn take_month_name(text: &[u8], long: bool) -> Option<(u32, &[u8])> {
    let (start, rest) = text.split_first_chunk::<3>()?;
    let month = MONTHS
        .iter()
        .position(|name| name[..3].eq_ignore_ascii_case(start))?;
    let tail = &MONTHS[month][3..];
    let rest = match rest.split_at_checked(tail.len()) {
        Some((found, after)) if long && found.eq_ignore_ascii_case(tail) => after,
        _ => rest,
    };
    Some((month as u32 + 1, rest))
}
