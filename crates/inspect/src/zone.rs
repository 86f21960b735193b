//! Which instant a timestamp's text means: by its own offset, by the zone that the contract
//! names, or none at all.
//!
//! Where clocks are set back a local time comes twice: the first is meant. Where they are set
//! forward some local times do not come at all: such a text is no timestamp.

use chrono::{DateTime, TimeZone};
use chrono_tz::Tz;

use crate::time_format::TimeFormat;

/// How a timestamp column's text is placed in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ZoneReading {
    /// As written; the column knows no zone.
    Local,
    /// By the offset that every text carries.
    Offset,
    /// By its offset where the format has one, and by this zone's clocks where not.
    Zone(Tz),
}

impl ZoneReading {
    /// Microseconds since 1970-01-01 00:00: of the time as written, or in UTC.
    #[inline]
    pub(crate) fn timestamp(self, format: &TimeFormat, text: &[u8]) -> Option<i64> {
        match self {
            Self::Local => format.parse_timestamp(text, false),
            Self::Offset => format.parse_timestamp(text, true),
            Self::Zone(_) if format.has_offset() => format.parse_timestamp(text, true),
            Self::Zone(zone) => instant_in(zone, format.parse_timestamp(text, false)?),
        }
    }
}

/// The instant at which the zone's clocks first show that local time.
pub(crate) fn instant_in(zone: Tz, local_microseconds: i64) -> Option<i64> {
    let local = DateTime::from_timestamp_micros(local_microseconds)?.naive_utc();
    let instant = zone.from_local_datetime(&local).earliest()?;
    Some(instant.timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The instant in UTC of a local time in that zone.
    fn utc(zone: &str, text: &str) -> Option<String> {
        let format = TimeFormat::compile("%Y-%m-%d %H:%M").expect("a format");
        let reading = ZoneReading::Zone(zone.parse().expect("a zone"));
        let instant = reading.timestamp(&format, text.as_bytes())?;
        let instant = DateTime::from_timestamp_micros(instant).expect("a date");
        Some(instant.format("%Y-%m-%d %H:%M").to_string())
    }

    #[test]
    fn local_times_become_instants() {
        for (zone, local, expected) in [
            ("UTC", "2024-07-01 12:00", Some("2024-07-01 12:00")),
            (
                "America/New_York",
                "2024-01-15 12:00",
                Some("2024-01-15 17:00"),
            ),
            (
                "America/New_York",
                "2024-07-15 12:00",
                Some("2024-07-15 16:00"),
            ),
            (
                "Pacific/Auckland",
                "2024-01-15 12:00",
                Some("2024-01-14 23:00"),
            ),
            ("Asia/Kolkata", "1970-01-01 05:30", Some("1970-01-01 00:00")),
            // Clocks went forward from 02:00 to 03:00.
            (
                "America/New_York",
                "2024-03-10 01:59",
                Some("2024-03-10 06:59"),
            ),
            ("America/New_York", "2024-03-10 02:00", None),
            ("America/New_York", "2024-03-10 02:59", None),
            (
                "America/New_York",
                "2024-03-10 03:00",
                Some("2024-03-10 07:00"),
            ),
            // Clocks went back from 02:00 to 01:00: the first 01:30 is meant.
            (
                "America/New_York",
                "2024-11-03 01:30",
                Some("2024-11-03 05:30"),
            ),
            (
                "America/New_York",
                "2024-11-03 02:00",
                Some("2024-11-03 07:00"),
            ),
            ("UTC", "no time", None),
        ] {
            assert_eq!(utc(zone, local).as_deref(), expected, "{local} in {zone}");
        }
    }

    #[test]
    fn an_offset_in_the_text_goes_before_the_zone() {
        let format = TimeFormat::compile("%+").expect("a format");
        let reading = ZoneReading::Zone(chrono_tz::America::New_York);
        assert_eq!(reading.timestamp(&format, b"1970-01-01T00:00:00Z"), Some(0));
    }
}
