//! Dates and times as records write them: a whole instant, or no more than is known of it.

use chrono::{DateTime, NaiveDate, Utc};

/// An instant: RFC 3339 with its zone.
pub(crate) fn instant(text: &str) -> Option<DateTime<Utc>> {
    // RFC 3339 separates by `T`; chrono would also take a space.
    if text.as_bytes().get(10) != Some(&b'T') {
        return None;
    }
    let time = DateTime::parse_from_rfc3339(text).ok()?;
    Some(time.with_timezone(&Utc))
}

/// A full date, `YYYY-MM-DD`.
pub(crate) fn date(text: &str) -> Option<NaiveDate> {
    let digits =
        |range: std::ops::Range<usize>| text.as_bytes()[range].iter().all(u8::is_ascii_digit);
    let written = text.len() == 10 && digits(0..4) && digits(5..7) && digits(8..10);
    if !written {
        return None;
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}

/// FHIR's `dateTime` (<https://hl7.org/fhir/R4/datatypes.html#dateTime>): a year, a month, a day,
/// or an instant.
pub(crate) fn is_partial(text: &str) -> bool {
    let padded = match text.len() {
        4 => format!("{text}-01-01"),
        7 => format!("{text}-01"),
        _ => return date(text).is_some() || instant(text).is_some(),
    };
    date(&padded).is_some()
}

/// The first instant that a date or an instant can mean. A date without a zone begins in UTC:
/// that is a convention, and the payload keeps what was written.
pub fn start_of(text: &str) -> Option<DateTime<Utc>> {
    let padded = match text.len() {
        4 => format!("{text}-01-01"),
        7 => format!("{text}-01"),
        10 => text.to_owned(),
        _ => return instant(text),
    };
    Some(date(&padded)?.and_hms_opt(0, 0, 0)?.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_has_a_zone() {
        for good in ["2024-02-29T23:59:59Z", "2024-01-01T00:00:00.125+13:45"] {
            assert!(instant(good).is_some(), "{good}");
        }
        for bad in [
            "2024-01-01T00:00:00",
            "2024-01-01",
            "2023-02-29T00:00:00Z",
            "2024-01-01 00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:00Z",
            "",
            "ééééé",
        ] {
            assert!(instant(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn what_is_known_in_part_begins_where_it_can_begin() {
        let cases = [
            ("2024", "2024-01-01T00:00:00+00:00"),
            ("2024-05", "2024-05-01T00:00:00+00:00"),
            ("2024-05-06", "2024-05-06T00:00:00+00:00"),
            ("2024-05-06T01:00:00+02:00", "2024-05-05T23:00:00+00:00"),
        ];
        for (text, start) in cases {
            assert!(is_partial(text), "{text}");
            assert_eq!(start_of(text).unwrap().to_rfc3339(), start);
        }
        for bad in [
            "24",
            "2024-13",
            "2024-1-1",
            "2024-05-6x",
            "+024",
            "2024-05-06T01:00",
            "日本",
        ] {
            assert!(!is_partial(bad), "{bad}");
            assert!(start_of(bad).is_none(), "{bad}");
        }
    }
}
