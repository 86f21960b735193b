//! Dates and timestamps: a contract's `strftime` format compiled once into a small program that
//! runs over the bytes. Years have four digits; month, day and hour may drop a leading zero
//! where the next character is not a digit's place; month names compare without case; a
//! fraction of a second is cut at microseconds. What is rarer than that is left to chrono.

use chrono::format::{Item as ChronoItem, StrftimeItems};
use chrono::{DateTime, NaiveDate, NaiveDateTime};

use crate::calendar::{MICROSECONDS_PER_DAY, MICROSECONDS_PER_SECOND, days_since_epoch};

/// One accepted input format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TimeFormat {
    /// `%Y%m%d`
    CompactDate,
    /// `%Y-%m-%d`
    IsoDate,
    Items(Box<[Item]>),
    Chrono(Box<str>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    Literal(u8),
    Year,
    Month(Digits),
    Day(Digits),
    Hour(Digits),
    Hour12(Digits),
    Minute(Digits),
    Second(Digits),
    MonthName {
        long: bool,
    },
    AmPm,
    /// `.` and digits, or nothing.
    Fraction,
    /// `Z`, `+01:00` or `+0100`.
    Offset,
    /// `T` or a space (RFC 3339).
    DateTimeSeparator,
}

/// Whether a two-digit field may be written with one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Digits {
    Two,
    OneOrTwo,
}

impl TimeFormat {
    /// The compiled format; nothing where the format is not one, or names no complete day.
    pub(crate) fn compile(format: &str) -> Option<Self> {
        let known = StrftimeItems::new(format).all(|item| !matches!(item, ChronoItem::Error));
        if !known {
            return None;
        }
        match format {
            "%Y%m%d" => return Some(Self::CompactDate),
            "%Y-%m-%d" | "%F" => return Some(Self::IsoDate),
            _ => {}
        }
        let Some(items) = compile_items(format) else {
            return Some(Self::Chrono(format.into()));
        };
        let has = |wanted: fn(&Item) -> bool| items.iter().any(wanted);
        let complete = has(|i| matches!(i, Item::Year))
            && has(|i| matches!(i, Item::Month(_) | Item::MonthName { .. }))
            && has(|i| matches!(i, Item::Day(_)));
        complete.then(|| Self::Items(items.into()))
    }

    pub(crate) fn has_offset(&self) -> bool {
        match self {
            Self::CompactDate | Self::IsoDate => false,
            Self::Items(items) => items.contains(&Item::Offset),
            Self::Chrono(format) => format.contains('z') || format.contains("%s"),
        }
    }

    /// Days since 1970-01-01.
    #[inline]
    pub(crate) fn parse_date(&self, text: &[u8]) -> Option<i32> {
        match self {
            Self::CompactDate => parse_compact(text),
            Self::IsoDate => parse_iso(text),
            Self::Items(items) => {
                let moment = Moment::parse(items, text)?;
                moment.time_of_day()?;
                moment.day()
            }
            Self::Chrono(format) => {
                let date = NaiveDate::parse_from_str(str::from_utf8(text).ok()?, format).ok()?;
                let days = date.signed_duration_since(NaiveDate::default()).num_days();
                i32::try_from(days).ok()
            }
        }
    }

    /// Microseconds since 1970-01-01 00:00: of the time as written, or in UTC where `zoned`.
    pub(crate) fn parse_timestamp(&self, text: &[u8], zoned: bool) -> Option<i64> {
        match self {
            Self::CompactDate | Self::IsoDate => {
                Some(i64::from(self.parse_date(text)?) * MICROSECONDS_PER_DAY)
            }
            Self::Items(items) => {
                let moment = Moment::parse(items, text)?;
                let local =
                    i64::from(moment.day()?) * MICROSECONDS_PER_DAY + moment.time_of_day()?;
                if zoned {
                    let offset = i64::from(moment.offset_seconds?);
                    Some(local - offset * MICROSECONDS_PER_SECOND)
                } else {
                    Some(local)
                }
            }
            Self::Chrono(format) => {
                let text = str::from_utf8(text).ok()?;
                if zoned {
                    let instant = DateTime::parse_from_str(text, format).ok()?;
                    Some(instant.timestamp_micros())
                } else {
                    let local = NaiveDateTime::parse_from_str(text, format).ok()?;
                    Some(local.and_utc().timestamp_micros())
                }
            }
        }
    }
}

fn compile_items(format: &str) -> Option<Vec<Item>> {
    let mut items = Vec::new();
    let mut rest = format;
    while let Some(character) = rest.chars().next() {
        if character != '%' {
            let mut buffer = [0; 4];
            let encoded = character.encode_utf8(&mut buffer);
            items.extend(encoded.bytes().map(Item::Literal));
            rest = &rest[character.len_utf8()..];
            continue;
        }
        let specifiers: [(&str, &[Item]); 17] = [
            ("%.f", &[Item::Fraction]),
            ("%:z", &[Item::Offset]),
            ("%z", &[Item::Offset]),
            ("%Y", &[Item::Year]),
            ("%m", &[Item::Month(Digits::Two)]),
            ("%d", &[Item::Day(Digits::Two)]),
            ("%H", &[Item::Hour(Digits::Two)]),
            ("%I", &[Item::Hour12(Digits::Two)]),
            ("%M", &[Item::Minute(Digits::Two)]),
            ("%S", &[Item::Second(Digits::Two)]),
            ("%b", &[Item::MonthName { long: false }]),
            ("%B", &[Item::MonthName { long: true }]),
            ("%p", &[Item::AmPm]),
            ("%F", &ISO_DATE),
            ("%T", &CLOCK),
            ("%R", &CLOCK[..3]),
            ("%%", &[Item::Literal(b'%')]),
        ];
        if let Some(after) = rest.strip_prefix("%+") {
            items.extend(ISO_DATE);
            items.push(Item::DateTimeSeparator);
            items.extend(CLOCK);
            items.extend([Item::Fraction, Item::Offset]);
            rest = after;
        } else {
            let (name, expansion) = specifiers.iter().find(|(name, _)| rest.starts_with(name))?;
            items.extend(*expansion);
            rest = &rest[name.len()..];
        }
    }
    relax_digits(&mut items);
    Some(items)
}

const ISO_DATE: [Item; 5] = [
    Item::Year,
    Item::Literal(b'-'),
    Item::Month(Digits::Two),
    Item::Literal(b'-'),
    Item::Day(Digits::Two),
];
const ISO_DATE_RELAXED: [Item; 5] = [
    Item::Year,
    Item::Literal(b'-'),
    Item::Month(Digits::OneOrTwo),
    Item::Literal(b'-'),
    Item::Day(Digits::OneOrTwo),
];
const CLOCK: [Item; 5] = [
    Item::Hour(Digits::Two),
    Item::Literal(b':'),
    Item::Minute(Digits::Two),
    Item::Literal(b':'),
    Item::Second(Digits::Two),
];

/// A field between two that are not digits can be told apart with one digit as well.
fn relax_digits(items: &mut [Item]) {
    let numeric = |item: Option<&Item>| match item {
        Some(Item::Literal(byte)) => byte.is_ascii_digit(),
        Some(
            Item::Year
            | Item::Month(_)
            | Item::Day(_)
            | Item::Hour(_)
            | Item::Hour12(_)
            | Item::Minute(_)
            | Item::Second(_),
        ) => true,
        _ => false,
    };
    for at in 0..items.len() {
        let before = at.checked_sub(1).and_then(|before| items.get(before));
        if numeric(before) || numeric(items.get(at + 1)) {
            continue;
        }
        // Minutes and seconds keep their two digits: `7:5` is more likely a fault.
        if let Item::Month(digits) | Item::Day(digits) | Item::Hour(digits) | Item::Hour12(digits) =
            &mut items[at]
        {
            *digits = Digits::OneOrTwo;
        }
    }
}

fn parse_compact(text: &[u8]) -> Option<i32> {
    let text: &[u8; 8] = text.try_into().ok()?;
    let year = two(text[0], text[1])? * 100 + two(text[2], text[3])?;
    days_since_epoch(year, two(text[4], text[5])?, two(text[6], text[7])?)
}

fn parse_iso(text: &[u8]) -> Option<i32> {
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
struct Moment {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    hour12: Option<u32>,
    afternoon: Option<bool>,
    minute: u32,
    second: u32,
    microsecond: u32,
    offset_seconds: Option<i32>,
}

impl Moment {
    fn parse(items: &[Item], text: &[u8]) -> Option<Self> {
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

    fn day(&self) -> Option<i32> {
        days_since_epoch(self.year, self.month, self.day)
    }

    /// Microseconds since midnight.
    fn time_of_day(&self) -> Option<i64> {
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

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDate};

    use super::*;

    fn date(format: &str, text: &str) -> Option<String> {
        let format = TimeFormat::compile(format).expect("a format");
        let days = format.parse_date(text.as_bytes())?;
        Some((NaiveDate::default() + chrono::TimeDelta::days(days.into())).to_string())
    }

    fn timestamp(format: &str, zoned: bool, text: &str) -> Option<String> {
        let format = TimeFormat::compile(format).expect("a format");
        let micros = format.parse_timestamp(text.as_bytes(), zoned)?;
        DateTime::from_timestamp_micros(micros).map(|t| t.format("%F %T%.6f").to_string())
    }

    #[test]
    fn dates() {
        let check = |format: &str, text: &str, expect: &str| {
            assert_eq!(
                date(format, text).as_deref(),
                Some(expect),
                "{format} {text}"
            );
        };
        check("%Y%m%d", "20090412", "2009-04-12");
        check("%Y-%m-%d", "2009-04-12", "2009-04-12");
        check("%F", "2009-04-12", "2009-04-12");
        check("%Y-%m-%d", "2009-4-1", "2009-04-01");
        check("%d-%b-%Y", "30-May-2015", "2015-05-30");
        check("%d-%b-%Y", "15-JAN-2016", "2016-01-15");
        check("%d-%b-%Y", "5-sep-2016", "2016-09-05");
        check("%B %d, %Y", "September 7, 2016", "2016-09-07");
        check("%B %d, %Y", "Sep 7, 2016", "2016-09-07");
        check("%m/%d/%Y", "1/5/2015", "2015-01-05");
        check("%m/%d/%Y", "12/31/9999", "9999-12-31");
        check("%d.%m.%Y", "29.02.2000", "2000-02-29");
        check("%Y-%m-%d %H:%M:%S", "2015-01-05 23:59:59", "2015-01-05");
        check("%m/%d/%y", "01/05/15", "2015-01-05");
        check("%Y-%j", "2024-060", "2024-02-29");
    }

    #[test]
    fn texts_that_are_no_dates() {
        for (format, text) in [
            ("%Y%m%d", "20090431"),
            ("%Y%m%d", "2009041"),
            ("%Y%m%d", "200904120"),
            ("%Y%m%d", "2009-4-1"),
            ("%Y%m%d", "00000000"),
            ("%Y-%m-%d", "2009/04/12"),
            ("%Y-%m-%d", "2009-13-12"),
            ("%Y-%m-%d", ""),
            ("%d-%b-%Y", "30-Mai-2015"),
            ("%d-%b-%Y", "31-Jun-2015"),
            ("%d-%b-%Y", "30-May-15"),
            ("%d-%b-%Y", "30-May-2015x"),
            ("%m/%d/%Y", "001/05/2015"),
            ("%m/%d/%Y", "/05/2015"),
            ("%Y%m%d%H", "2015010524"),
            ("%Y%m%d%H", "201501057"),
            ("%Y-%m-%d", "２００９-04-12"),
        ] {
            assert_eq!(date(format, text), None, "{format} {text}");
        }
    }

    #[test]
    fn timestamps() {
        let check = |format: &str, zoned, text: &str, expect: Option<&str>| {
            assert_eq!(
                timestamp(format, zoned, text).as_deref(),
                expect,
                "{format} {text}"
            );
        };
        let plain = "%Y-%m-%dT%H:%M:%S%.f";
        check(
            plain,
            false,
            "2010-01-02T03:04:05",
            Some("2010-01-02 03:04:05.000000"),
        );
        check(
            plain,
            false,
            "2010-01-02T03:04:05.25",
            Some("2010-01-02 03:04:05.250000"),
        );
        check(
            plain,
            false,
            "1969-12-31T23:59:59.999999999",
            Some("1969-12-31 23:59:59.999999"),
        );
        check(plain, false, "2010-01-02T03:04:05.", None);
        check(plain, false, "2010-01-02T03:04:60", None);
        check(plain, false, "2010-01-02T24:00:00", None);
        check(plain, false, "2010-01-02T03:04:05Z", None);
        check(
            "%Y-%m-%dT%H:%M:%SZ",
            false,
            "2010-01-02T03:04:05Z",
            Some("2010-01-02 03:04:05.000000"),
        );
        check(
            "%Y-%m-%d",
            false,
            "2010-01-02",
            Some("2010-01-02 00:00:00.000000"),
        );
        check(
            "%m/%d/%Y %I:%M %p",
            false,
            "1/2/2010 12:30 am",
            Some("2010-01-02 00:30:00.000000"),
        );
        check(
            "%m/%d/%Y %I:%M %p",
            false,
            "1/2/2010 12:30 PM",
            Some("2010-01-02 12:30:00.000000"),
        );
        check("%m/%d/%Y %I:%M %p", false, "1/2/2010 13:30 PM", None);
        check(
            "%+",
            true,
            "2010-01-02T03:04:05Z",
            Some("2010-01-02 03:04:05.000000"),
        );
        check(
            "%+",
            true,
            "2010-01-02 03:04:05.5+02:00",
            Some("2010-01-02 01:04:05.500000"),
        );
        check(
            "%+",
            true,
            "2010-01-01T23:30:00-0130",
            Some("2010-01-02 01:00:00.000000"),
        );
        check("%+", true, "2010-01-02T03:04:05", None);
        check("%+", true, "2010-01-02T03:04:05+24:00", None);
        check(
            "%Y-%m-%d %H:%M:%S %z",
            true,
            "2010-01-02 03:04:05 +0200",
            Some("2010-01-02 01:04:05.000000"),
        );
        check(
            "%a %Y-%m-%d %H:%M:%S",
            false,
            "Sat 2010-01-02 03:04:05",
            Some("2010-01-02 03:04:05.000000"),
        );
    }

    #[test]
    fn formats_that_are_none() {
        for format in ["%Y%m", "%Q", "", "%H:%M", "%b %d"] {
            assert_eq!(TimeFormat::compile(format), None, "{format}");
        }
        assert!(TimeFormat::compile("%+").is_some_and(|f| f.has_offset()));
        assert!(TimeFormat::compile("%Y-%m-%d").is_some_and(|f| !f.has_offset()));
    }
}
