//! Dates and timestamps: a contract's `strftime` format compiled once into a small program that
//! runs over the bytes. Years have four digits; month, day and hour may drop a leading zero
//! where the next character is not a digit's place; month names compare without case; a
//! fraction of a second is cut at microseconds. What is rarer than that is left to chrono.

use chrono::format::{Item as ChronoItem, StrftimeItems};
use chrono::{DateTime, NaiveDate, NaiveDateTime};

use crate::calendar::{MICROSECONDS_PER_DAY, MICROSECONDS_PER_SECOND};
use crate::fixed_time::FixedStart;
use crate::moment::{Moment, parse_compact, parse_iso};

/// One accepted input format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TimeFormat {
    /// `%Y%m%d`
    CompactDate,
    /// `%Y-%m-%d`
    IsoDate,
    Items(Items),
    Chrono(Box<str>),
}

/// What is read one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Items {
    items: Box<[Item]>,
    start: Option<FixedStart>,
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
        complete.then(|| {
            Self::Items(Items {
                start: FixedStart::of(&items),
                items: items.into(),
            })
        })
    }

    /// What it reads, one after the other, where that is known.
    pub(crate) fn items(&self) -> Option<&[Item]> {
        match self {
            Self::CompactDate => Some(&COMPACT_DATE),
            Self::IsoDate => Some(&ISO_DATE_RELAXED),
            Self::Items(items) => Some(&items.items),
            Self::Chrono(_) => None,
        }
    }

    pub(crate) fn has_offset(&self) -> bool {
        match self {
            Self::CompactDate | Self::IsoDate => false,
            Self::Items(items) => items.items.contains(&Item::Offset),
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
                let moment = items.parse(text)?;
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
                let moment = items.parse(text)?;
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

impl Items {
    #[cfg(test)]
    pub(crate) fn all(&self) -> &[Item] {
        &self.items
    }

    #[inline]
    fn parse(&self, text: &[u8]) -> Option<Moment> {
        match &self.start {
            Some(start) => start.parse(&self.items, text),
            None => Moment::parse(&self.items, text),
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

const COMPACT_DATE: [Item; 3] = [Item::Year, Item::Month(Digits::Two), Item::Day(Digits::Two)];
const ISO_DATE: [Item; 5] = [
    Item::Year,
    Item::Literal(b'-'),
    Item::Month(Digits::Two),
    Item::Literal(b'-'),
    Item::Day(Digits::Two),
];
pub(crate) const ISO_DATE_RELAXED: [Item; 5] = [
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
        let check = |format: &str, text: &str, expect: &str| {
            let read = timestamp(format, false, text);
            assert_eq!(read.as_deref(), Some(expect), "{format} {text}");
        };
        let plain = "%Y-%m-%dT%H:%M:%S%.f";
        check(plain, "2010-01-02T03:04:05", "2010-01-02 03:04:05.000000");
        check(
            plain,
            "2010-01-02T03:04:05.25",
            "2010-01-02 03:04:05.250000",
        );
        check(
            plain,
            "1969-12-31T23:59:59.999999999",
            "1969-12-31 23:59:59.999999",
        );
        let half_day = "%m/%d/%Y %I:%M %p";
        check(half_day, "1/2/2010 12:30 am", "2010-01-02 00:30:00.000000");
        check(half_day, "1/2/2010 12:30 PM", "2010-01-02 12:30:00.000000");
        let marked = "%Y-%m-%dT%H:%M:%SZ";
        check(marked, "2010-01-02T03:04:05Z", "2010-01-02 03:04:05.000000");
        check("%Y-%m-%d", "2010-01-02", "2010-01-02 00:00:00.000000");
        let weekday = "%a %Y-%m-%d %H:%M:%S";
        check(
            weekday,
            "Sat 2010-01-02 03:04:05",
            "2010-01-02 03:04:05.000000",
        );
    }

    #[test]
    fn timestamps_with_an_offset_are_in_utc() {
        let check = |format: &str, text: &str, expect: &str| {
            let read = timestamp(format, true, text);
            assert_eq!(read.as_deref(), Some(expect), "{format} {text}");
        };
        check("%+", "2010-01-02T03:04:05Z", "2010-01-02 03:04:05.000000");
        check(
            "%+",
            "2010-01-02 03:04:05.5+02:00",
            "2010-01-02 01:04:05.500000",
        );
        check(
            "%+",
            "2010-01-01T23:30:00-0130",
            "2010-01-02 01:00:00.000000",
        );
        let spaced = "%Y-%m-%d %H:%M:%S %z";
        check(
            spaced,
            "2010-01-02 03:04:05 +0200",
            "2010-01-02 01:04:05.000000",
        );
        let weekday = "%a %Y-%m-%d %H:%M:%S %z";
        check(
            weekday,
            "Sat 2010-01-02 03:04:05 +0200",
            "2010-01-02 01:04:05.000000",
        );
    }

    #[test]
    fn texts_that_are_no_timestamps() {
        let plain = "%Y-%m-%dT%H:%M:%S%.f";
        for (format, zoned, text) in [
            (plain, false, "2010-01-02T03:04:05."),
            (plain, false, "2010-01-02T03:04:05.1234567890"),
            (plain, false, "2010-01-02T03:04:60"),
            (plain, false, "2010-01-02T24:00:00"),
            (plain, false, "2010-01-02T03:60:00"),
            (plain, false, "2010-01-02T03:04:05Z"),
            (plain, false, "2010-01-02"),
            ("%m/%d/%Y %I:%M %p", false, "1/2/2010 13:30 PM"),
            ("%m/%d/%Y %I:%M %p", false, "1/2/2010 1:30 XM"),
            ("%+", true, "2010-01-02T03:04:05"),
            ("%+", true, "2010-01-02T03:04:05+24:00"),
        ] {
            assert_eq!(timestamp(format, zoned, text), None, "{format} {text}");
        }
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
