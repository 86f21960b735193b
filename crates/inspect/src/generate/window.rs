//! Between which values a column's numbers, days and moments are drawn: within its bounds, and
//! there where data of its kind usually lie.

use contract::Column;

use super::judge::Judge;
use super::typed::{MICROSECONDS_PER_DAY, Typed};
use crate::infer::names;

/// 2015-01-01 to 2024-12-31, in days since 1970-01-01.
pub(super) const USUAL_DAYS: (i128, i128) = (16_436, 20_088);
/// 1940-01-01 to 2009-12-31.
const BIRTH_DAYS: (i128, i128) = (-10_957, 14_609);
/// So many days where the bounds leave none of the usual ones.
const OTHER_DAYS: i128 = 3650;
const WHOLE_NUMBERS: i128 = 99_999;
const SMALLEST_UNITS: i128 = 500_000;

/// The lowest and the highest value.
pub(super) fn of(column: &Column, judge: &Judge, place: Option<usize>) -> (i128, i128) {
    let bounds = judge.bounds;
    match &judge.typed {
        Typed::Integer => numbers(bounds, WHOLE_NUMBERS, place),
        Typed::Decimal { implied, .. } => {
            // The point takes a character.
            let place = place.map(|place| place - usize::from(!implied && place > 1));
            numbers(bounds, SMALLEST_UNITS, place)
        }
        Typed::Timestamp { .. } => {
            let (low, high) = bounds;
            let day = MICROSECONDS_PER_DAY;
            // Whole days, so that any time of theirs will do.
            let first = if low == i128::MIN {
                low
            } else {
                low.div_euclid(day) + 1
            };
            let last = if high == i128::MAX {
                high
            } else {
                high.div_euclid(day) - 1
            };
            if first > last {
                return bounds;
            }
            let (first, last) = days(column, (first, last));
            (first * day, (last + 1) * day - 1)
        }
        _ => days(column, bounds),
    }
}

/// The highest number that the bounds and the place allow.
pub(super) fn widest(judge: &Judge, place: Option<usize>) -> i128 {
    let point = matches!(judge.typed, Typed::Decimal { implied: false, .. });
    let digits = place.map_or(37, |place| place.saturating_sub(usize::from(point)).min(37));
    judge.bounds.1.min(10i128.pow(digits as u32) - 1)
}

fn numbers((low, high): (i128, i128), span: i128, place: Option<usize>) -> (i128, i128) {
    let most = place.map_or(high, |place| 10i128.pow(place.min(37) as u32) - 1);
    let start = if low > 0 {
        low
    } else if high < 0 {
        low.max(high.saturating_sub(span))
    } else {
        0
    };
    (
        start,
        high.min(start.saturating_add(span)).min(most.max(start)),
    )
}

fn days(column: &Column, (low, high): (i128, i128)) -> (i128, i128) {
    let birth = ["birth", "dob"]
        .iter()
        .any(|word| column.name.contains(word))
        && names::is_birth_or_death(&column.name);
    let usual = if birth { BIRTH_DAYS } else { USUAL_DAYS };
    let (first, last) = (low.max(usual.0), high.min(usual.1));
    if first <= last {
        (first, last)
    } else if low > usual.1 {
        (low, high.min(low.saturating_add(OTHER_DAYS)))
    } else {
        (low.max(high.saturating_sub(OTHER_DAYS)), high)
    }
}
