//! Days and microseconds since 1970-01-01 in the proleptic Gregorian calendar.

pub(crate) const MICROSECONDS_PER_SECOND: i64 = 1_000_000;
pub(crate) const MICROSECONDS_PER_DAY: i64 = 86_400 * MICROSECONDS_PER_SECOND;

#[derive(Debug, Clone, Copy)]
struct Month {
    /// Of the same year.
    days_before: u32,
    /// 0 where there is no such month.
    days: u32,
}

/// By month, of common years and of leap years.
const MONTHS: [[Month; 16]; 2] = [months(28), months(29)];

const fn months(february: u32) -> [Month; 16] {
    const NONE: Month = Month {
        days_before: 0,
        days: 0,
    };
    let days = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut months = [NONE; 16];
    let (mut month, mut days_before) = (0, 0);
    while month < days.len() {
        months[month + 1] = Month {
            days_before,
            days: days[month],
        };
        days_before += days[month];
        month += 1;
    }
    months
}

/// From 0001-01-01 to 1970-01-01, both included.
const DAYS_UP_TO_EPOCH: i32 = 719_163;

/// Days since 1970-01-01, or nothing where there is no such day or the year is not 1 to 9999.
#[inline]
pub(crate) fn days_since_epoch(year: u32, month: u32, day: u32) -> Option<i32> {
    // No branch depends on what a good date is: neither years nor months can be predicted.
    let leap = year.is_multiple_of(4) & (!year.is_multiple_of(100) | year.is_multiple_of(400));
    let of_year = &MONTHS[usize::from(leap)];
    let Month { days_before, days } = of_year[month as usize % of_year.len()];
    let is_month = (month as usize) < of_year.len();
    if !((1..=9999).contains(&year) & is_month & (day.wrapping_sub(1) < days)) {
        return None;
    }
    let years = year - 1;
    let leap_days = years / 4 - years / 100 + years / 400;
    Some((years * 365 + leap_days + days_before + day) as i32 - DAYS_UP_TO_EPOCH)
}

/// Year and month of a day since 1970-01-01, or nothing where the year is not 1 to 9999.
#[inline]
pub(crate) fn month_of_days(days: i32) -> Option<(u32, u32)> {
    // The way back of the same algorithms.
    let days = u32::try_from(i64::from(days) + 719_468).ok()?;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = (shifted_month + 2) % 12 + 1;
    let year = era * 400 + year_of_era + u32::from(month <= 2);
    (1..=9999).contains(&year).then_some((year, month))
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, NaiveDate};

    use super::*;

    #[test]
    fn every_day_agrees_with_chrono() {
        let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
        let mut date = NaiveDate::from_ymd_opt(1, 1, 1).unwrap();
        while date.year() <= 9999 {
            let expect = date.signed_duration_since(epoch).num_days() as i32;
            assert_eq!(
                days_since_epoch(date.year() as u32, date.month(), date.day()),
                Some(expect),
                "{date}"
            );
            assert_eq!(
                month_of_days(expect),
                Some((date.year() as u32, date.month())),
                "{date}"
            );
            date = date.succ_opt().unwrap();
        }
    }

    #[test]
    fn days_that_do_not_exist() {
        for (year, month, day) in [
            (2023, 2, 29),
            (1900, 2, 29),
            (2024, 2, 30),
            (2024, 4, 31),
            (2024, 0, 1),
            (2024, 13, 1),
            (2024, 1, 0),
            (2024, 1, 32),
            (0, 1, 1),
            (10_000, 1, 1),
        ] {
            assert_eq!(
                days_since_epoch(year, month, day),
                None,
                "{year}-{month}-{day}"
            );
        }
        assert!(days_since_epoch(2000, 2, 29).is_some());
        let first = days_since_epoch(1, 1, 1).unwrap();
        let last = days_since_epoch(9999, 12, 31).unwrap();
        for days in [i32::MIN, first - 1, last + 1, i32::MAX] {
            assert_eq!(month_of_days(days), None, "{days}");
        }
    }
}
