//! Dates and times whose parts stand at fixed places, as nearly all do: their digits are
//! gathered and read together, not item by item. What is written shorter (`2009-4-1`), and
//! what follows the fixed part, is read by the items.

use crate::moment::{Moment, pairs};
use crate::time_format::{Digits, Item};
use crate::word::copy;

/// A text's fixed part and one spare byte, which is a zero.
const ROOM: usize = 32;
const SPARE: u8 = ROOM as u8 - 1;
const LITERALS_MAX: usize = 8;

/// The start of a format, up to the first item that has no fixed width.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FixedStart {
    length: usize,
    /// How many items it takes.
    items: usize,
    /// Whether no text that is written otherwise can be meant.
    strict: bool,
    /// Where the digits of year, month and day stand.
    date: [u8; 8],
    /// Where those of hour, minute and second do, if it has them.
    time: Option<[u8; 8]>,
    literal_places: [u8; LITERALS_MAX],
    literals: u64,
    /// Where a `T` or a space stands.
    separator: Option<u8>,
}

impl FixedStart {
    /// Nothing where the day is no part of it.
    pub(crate) fn of(items: &[Item]) -> Option<Self> {
        let mut places = [None; 7];
        let mut literals: Vec<(u8, u8)> = Vec::new();
        let (mut separator, mut length, mut strict, mut taken) = (None, 0u8, true, 0);
        for item in items {
            let (part, width) = match item {
                Item::Literal(byte) if literals.len() < LITERALS_MAX => {
                    literals.push((length, *byte));
                    (6, 1)
                }
                Item::Year => (0, 4),
                Item::Month(_) => (1, 2),
                Item::Day(_) => (2, 2),
                Item::Hour(_) => (3, 2),
                Item::Minute(_) => (4, 2),
                Item::Second(_) => (5, 2),
                Item::DateTimeSeparator if separator.is_none() => {
                    separator = Some(length);
                    (6, 1)
                }
                _ => break,
            };
            // An item that comes twice is for the loop over items.
            if part < 6 && places[part].replace(length).is_some() || length + width > SPARE {
                return None;
            }
            strict &= !matches!(
                item,
                Item::Month(Digits::OneOrTwo)
                    | Item::Day(Digits::OneOrTwo)
                    | Item::Hour(Digits::OneOrTwo)
            );
            length += width;
            taken += 1;
        }
        let [year, month, day, hour, minute, second, _] = places;
        let (year, month, day) = (year?, month?, day?);
        let pair = |place: Option<u8>| place.map_or([SPARE; 2], |at| [at, at + 1]);
        let four = |one: [u8; 2], two: [u8; 2]| [one[0], one[1], two[0], two[1]];
        let eight = |one: [u8; 4], two: [u8; 4]| {
            std::array::from_fn(|at| if at < 4 { one[at] } else { two[at - 4] })
        };
        let date = eight(
            [year, year + 1, year + 2, year + 3],
            four(pair(Some(month)), pair(Some(day))),
        );
        let time = eight(
            four(pair(hour), pair(minute)),
            four(pair(second), pair(None)),
        );
        literals.resize(LITERALS_MAX, (SPARE, b'0'));
        let literal = |at: usize| literals[at];
        Some(Self {
            length: usize::from(length),
            items: taken,
            strict,
            date,
            time: (hour.or(minute).or(second)).map(|_| time),
            literal_places: std::array::from_fn(|at| literal(at).0),
            literals: u64::from_le_bytes(std::array::from_fn(|at| literal(at).1)),
            separator,
        })
    }

    /// The moment that all of the text writes, by `items`, of which this is the start.
    #[inline]
    pub(crate) fn parse(&self, items: &[Item], text: &[u8]) -> Option<Moment> {
        let all = self.items == items.len();
        let fixed = match text.split_at_checked(self.length) {
            Some((start, rest)) if !all || rest.is_empty() => {
                self.parse_start(start).map(|moment| (moment, rest))
            }
            _ => None,
        };
        match fixed {
            Some((moment, _)) if all => Some(moment),
            Some((moment, rest)) => moment.parse_rest(&items[self.items..], rest),
            // At full length every digit is there, or the text is wrong either way.
            None if self.strict || all && text.len() == self.length => None,
            None => Moment::parse(items, text),
        }
    }

    #[inline]
    fn parse_start(&self, text: &[u8]) -> Option<Moment> {
        let mut room = [b'0'; ROOM];
        copy(text, &mut room[..self.length]);
        let gather = |places: &[u8; 8]| {
            u64::from_le_bytes(places.map(|place| room[usize::from(place) % ROOM]))
        };
        if gather(&self.literal_places) != self.literals {
            return None;
        }
        if let Some(place) = self.separator
            && !matches!(room[usize::from(place) % ROOM], b'T' | b't' | b' ')
        {
            return None;
        }
        let time = match &self.time {
            Some(places) => pairs(gather(places))?,
            None => [0; 4],
        };
        Some(Moment::of_pairs(pairs(gather(&self.date))?, time))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time_format::TimeFormat;

    const FORMATS: [&str; 13] = [
        "%m/%d/%Y",
        "%d.%m.%Y",
        "%Y/%m/%d",
        "%m%d%Y",
        "%Y%m%d%H%M%S",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%dT%H:%M:%SZ",
        "%+",
        "%Y-%m-%d %H:%M %p",
        "%Y-%m-%d %I:%M %p",
        "%d-%b-%Y",
        "%d of %m in the year %Y",
    ];

    /// A date and time written in the format, then changed a little or not at all.
    fn written(format: &'static str) -> impl Strategy<Value = Vec<u8>> {
        let moment = (
            1000..4000i32,
            1..14u32,
            1..33u32,
            0..26u32,
            0..62u32,
            any::<bool>(),
        );
        let change = prop::option::of((any::<prop::sample::Index>(), any::<u8>(), 0..3usize));
        (moment, change).prop_map(move |((year, month, day, hour, minute, padded), change)| {
            let two = |n: u32| {
                if padded {
                    format!("{n:02}")
                } else {
                    format!("{n}")
                }
            };
            let text = format
                .replace("%+", "%Y-%m-%dT%H:%M:%S%.fZ")
                .replace("%Y", &year.to_string())
                .replace("%m", &two(month))
                .replace("%d", &two(day))
                .replace("%b", "May")
                .replace("%H", &two(hour))
                .replace("%I", &two(hour % 13))
                .replace("%M", &format!("{minute:02}"))
                .replace("%S", &format!("{:02}", 61 - minute))
                .replace("%.f", if hour % 2 == 0 { "" } else { ".25" })
                .replace("%p", "PM");
            let mut text = text.into_bytes();
            if let Some((at, byte, length)) = change {
                let at = at.index(text.len());
                text.splice(at..(at + length).min(text.len()), [byte % 128]);
            }
            text
        })
    }

    fn format_and_text() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
        prop::sample::select(&FORMATS[..]).prop_flat_map(|format| (Just(format), written(format)))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn the_fixed_part_is_read_as_the_items_read_it((format, text) in format_and_text()) {
            let Some(TimeFormat::Items(items)) = TimeFormat::compile(format) else {
                panic!("{format} is compiled to items");
            };
            let loose = |moment: Option<Moment>| {
                moment.map(|moment| (moment.day(), moment.time_of_day(), moment.offset_seconds))
            };
            let expect = loose(Moment::parse(items.all(), &text));
            if let Some(start) = FixedStart::of(items.all()) {
                prop_assert_eq!(loose(start.parse(items.all(), &text)), expect);
            }
        }
    }

    #[test]
    fn most_formats_have_a_fixed_part() {
        let fixed = |format: &str| match TimeFormat::compile(format) {
            Some(TimeFormat::Items(items)) => FixedStart::of(items.all()).map(|s| s.length),
            _ => None,
        };
        assert_eq!(fixed("%m/%d/%Y"), Some(10));
        assert_eq!(fixed("%Y-%m-%dT%H:%M:%S%.fZ"), Some(19));
        assert_eq!(fixed("%+"), Some(19));
        assert_eq!(fixed("%d-%b-%Y"), None);
        assert_eq!(fixed("%Y %Y-%m-%d"), None);
        assert_eq!(fixed("%Y-%m-%d, to the day"), Some(16));
    }
}
