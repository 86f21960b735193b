//! Whole numbers and decimals by hand: exact, no exponent, no thousands separator.
//! Up to sixteen characters are read as one number, those of up to eight as a smaller one.

use crate::masks::zero_bytes;
use crate::word::{ShortText, eight_digits, find, sixteen_digits};

/// A 64-bit signed integer: an optional sign and digits.
pub(crate) fn parse_integer(text: &[u8]) -> Option<i64> {
    if let Some(short) = ShortText::of(text) {
        return short_integer(short);
    }
    let (negative, digits) = split_sign(text);
    // 18 digits cannot overflow.
    if digits.len() <= 18 {
        let magnitude = accumulate(0, digits)? as i64;
        return Some(if negative { -magnitude } else { magnitude });
    }
    let magnitude = accumulate_wide(0, digits)?;
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

/// The same of a short text.
#[inline(always)]
pub(crate) fn short_integer(text: ShortText) -> Option<i64> {
    let (negative, digits) = split_short_sign(text);
    let magnitude = match digits.length {
        0 => return None,
        1..=8 => eight_digits(digits.behind_zeros())?,
        _ => sixteen_digits(digits.behind_many_zeros())?,
    } as i64;
    Some(if negative { -magnitude } else { magnitude })
}

/// A decimal of at most `precision` digits, `scale` of them after the point, as the integer
/// that counts its smallest unit. Digits beyond the scale must be zeros: nothing is rounded.
pub(crate) fn parse_decimal(text: &[u8], precision: u8, scale: u8) -> Option<i128> {
    let short = ShortText::of(text).and_then(|short| short_decimal(short, precision, scale));
    if short.is_some() {
        return short;
    }
    let (negative, digits) = split_sign(text);
    let magnitude = parse_any_decimal(digits, scale)?;
    if magnitude > largest(precision) {
        return None;
    }
    Some(if negative { -magnitude } else { magnitude })
}

/// One of a short text that has no more than `scale` digits after the point; where it gives
/// none, [`parse_decimal`] may still know one.
#[inline(always)]
pub(crate) fn short_decimal(text: ShortText, precision: u8, scale: u8) -> Option<i128> {
    let (negative, digits) = split_short_sign(text);
    let magnitude = match digits.length {
        0 => return None,
        1..=8 => eight_character_decimal(digits, scale)?,
        _ => sixteen_character_decimal(digits.behind_many_zeros(), scale)?,
    };
    let magnitude = i128::from(magnitude);
    if magnitude > largest(precision) {
        return None;
    }
    Some(if negative { -magnitude } else { magnitude })
}

#[inline(always)]
fn eight_character_decimal(digits: ShortText, scale: u8) -> Option<u64> {
    const POINTS: u64 = u64::from_ne_bytes([b'.'; 8]);
    let word = digits.behind_zeros();
    let point = zero_bytes(word ^ POINTS);
    if point == 0 {
        return Some(eight_digits(word)? * small_power(scale)?);
    }
    if digits.length == 1 {
        return None;
    }
    // What stands before the point moves up by one place, over it.
    let places_below = point.trailing_zeros() / 8;
    let whole = word & ((1 << (8 * places_below)) - 1);
    let fraction = word & (u64::MAX << 8 << (8 * places_below));
    let missing = u32::from(scale).checked_sub(7 - places_below)?;
    let unscaled = eight_digits(fraction | whole << 8 | u64::from(b'0'))?;
    Some(unscaled * small_power(missing as u8)?)
}

/// The same in a number twice as wide.
#[inline(always)]
fn sixteen_character_decimal(wide: u128, scale: u8) -> Option<u64> {
    let (unscaled, missing) = match find(wide, b'.') {
        None => (sixteen_digits(wide)?, u32::from(scale)),
        Some(places_below) => {
            let whole = wide & ((1 << (8 * places_below)) - 1);
            let fraction = wide & (u128::MAX << 8 << (8 * places_below));
            let missing = u32::from(scale).checked_sub(15 - places_below)?;
            let unscaled = sixteen_digits(fraction | whole << 8 | u128::from(b'0'))?;
            (unscaled, missing)
        }
    };
    unscaled.checked_mul(small_power(missing as u8)?)
}

/// A power of ten that eight digits may be multiplied with.
#[inline(always)]
fn small_power(exponent: u8) -> Option<u64> {
    const POWERS: [u64; 11] = {
        let mut powers = [1; 11];
        let mut at = 1;
        while at < powers.len() {
            powers[at] = powers[at - 1] * 10;
            at += 1;
        }
        powers
    };
    POWERS.get(usize::from(exponent)).copied()
}

fn parse_any_decimal(digits: &[u8], scale: u8) -> Option<i128> {
    let point = digits.iter().position(|&b| b == b'.');
    let (whole, fraction) = match point {
        Some(at) => (&digits[..at], &digits[at + 1..]),
        None => (digits, &digits[..0]),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let scale = usize::from(scale);
    let (kept, beyond) = fraction.split_at(fraction.len().min(scale));
    if beyond.iter().any(|&b| b != b'0') {
        return None;
    }
    let missing = scale - kept.len();
    if whole.len() + scale <= 18 {
        let unscaled = accumulate(accumulate(0, whole)?, kept)?;
        Some(i128::from(unscaled * 10u64.pow(missing as u32)))
    } else {
        accumulate_wide(accumulate_wide(0, whole)?, kept)?
            .checked_mul(10i128.checked_pow(missing as u32)?)
    }
}

/// A decimal that is sent without its point: a sign and digits that count its smallest unit.
pub(crate) fn parse_implied_decimal(text: &[u8], precision: u8) -> Option<i128> {
    let (negative, digits) = split_sign(text);
    if digits.is_empty() {
        return None;
    }
    let magnitude = if digits.len() <= 18 {
        i128::from(accumulate(0, digits)?)
    } else {
        accumulate_wide(0, digits)?
    };
    if magnitude > largest(precision) {
        return None;
    }
    Some(if negative { -magnitude } else { magnitude })
}

/// The same of a short text.
#[inline(always)]
pub(crate) fn short_implied_decimal(text: ShortText, precision: u8) -> Option<i128> {
    let units = i128::from(short_integer(text)?);
    (units.abs() <= largest(precision)).then_some(units)
}

/// The largest magnitude of a decimal with that many digits.
pub(crate) fn largest(precision: u8) -> i128 {
    const LARGEST: [i128; 39] = {
        let mut largest = [0; 39];
        let mut at = 1;
        while at < largest.len() {
            largest[at] = largest[at - 1] * 10 + 9;
            at += 1;
        }
        largest
    };
    LARGEST[usize::from(precision)]
}

#[inline(always)]
fn split_short_sign(text: ShortText) -> (bool, ShortText) {
    match text.first() {
        b'-' => (true, text.without_first()),
        b'+' => (false, text.without_first()),
        _ => (false, text),
    }
}

fn split_sign(text: &[u8]) -> (bool, &[u8]) {
    match text.first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    }
}

#[inline]
fn accumulate(start: u64, digits: &[u8]) -> Option<u64> {
    let mut value = start;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit);
    }
    Some(value)
}

#[cold]
fn accumulate_wide(start: i128, digits: &[u8]) -> Option<i128> {
    digits.iter().try_fold(start, |value, &byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value.checked_mul(10)?.checked_add(i128::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Like a number, and like none.
    fn number_like() -> impl Strategy<Value = String> {
        let digits = "[-+]?[0-9]{0,17}(\\.[0-9]{0,9})?";
        prop_oneof![4 => digits, 1 => "[-+.,0-9 :/a]{0,17}"]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5000))]

        #[test]
        fn short_numbers_are_read_as_long_ones_are(text in number_like(), scale in 0u8..14) {
            let zeros = "00000000000000000000";
            let (sign, digits) = split_sign(text.as_bytes());
            // As many zeros in front change nothing but the way it is read.
            let long = [if sign { b"-" } else { &b""[..] }, zeros.as_bytes(), digits].concat();
            let expect = parse_integer(&long).filter(|_| !digits.is_empty());
            prop_assert_eq!(parse_integer(text.as_bytes()), expect);
            let parsed = parse_decimal(text.as_bytes(), 38, scale);
            let expect = parse_any_decimal(digits, scale);
            prop_assert_eq!(parsed, expect.map(|value| if sign { -value } else { value }));
            let implied = parse_implied_decimal(text.as_bytes(), 12);
            if let Some(short) = ShortText::of(text.as_bytes()) {
                prop_assert_eq!(short_implied_decimal(short, 12), implied);
            }
        }
    }

    #[test]
    fn integers() {
        let check = |text: &str, expect: Option<i64>| {
            assert_eq!(parse_integer(text.as_bytes()), expect, "{text}");
        };
        check("0", Some(0));
        check("-0", Some(0));
        check("+7", Some(7));
        check("000123", Some(123));
        check("-42", Some(-42));
        check("999999999999999999", Some(999_999_999_999_999_999));
        check("9223372036854775807", Some(i64::MAX));
        check("-9223372036854775808", Some(i64::MIN));
        check("00000000000000000000000000000000000001", Some(1));
        check("9223372036854775808", None);
        check("-9223372036854775809", None);
        check(&"9".repeat(60), None);
        for bad in [
            "", "-", "+", "1.0", "1e3", "1,000", " 1", "1 ", "--1", "0x1", "½", "１",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn decimals() {
        let check = |text: &str, precision: u8, scale: u8, expect: Option<i128>| {
            assert_eq!(
                parse_decimal(text.as_bytes(), precision, scale),
                expect,
                "{text}"
            );
        };
        check("12.34", 12, 2, Some(1234));
        check("-12.3", 12, 2, Some(-1230));
        check("+12", 12, 2, Some(1200));
        check(".5", 12, 2, Some(50));
        check("5.", 12, 2, Some(500));
        check("-.05", 12, 2, Some(-5));
        check("26000.00", 12, 2, Some(2_600_000));
        check("1.2300000", 12, 2, Some(123));
        check("1.235", 12, 2, None);
        check("7", 5, 0, Some(7));
        check("7.0", 5, 0, Some(7));
        check("7.1", 5, 0, None);
        check("9999999999.99", 12, 2, Some(999_999_999_999));
        check("10000000000.00", 12, 2, None);
        check("00000000000000010.00", 12, 2, Some(1000));
        check(&"9".repeat(38), 38, 0, Some(largest(38)));
        check(&format!("1{}", "0".repeat(38)), 38, 0, None);
        check(&"9".repeat(60), 38, 0, None);
        check("0.00000000000000000000000000000000000001", 38, 38, Some(1));
        for bad in [
            "", ".", "-", "-.", "1.2.3", "1,5", "1e2", "NaN", "$1", "1 ", "1.0x", "x.00",
        ] {
            check(bad, 12, 2, None);
        }
    }

    #[test]
    fn decimals_without_their_point() {
        let check = |text: &str, precision: u8, expect: Option<i128>| {
            let read = parse_implied_decimal(text.as_bytes(), precision);
            assert_eq!(read, expect, "{text}");
        };
        check("1234", 12, Some(1234));
        check("-000000000000000000005", 12, Some(-5));
        check("+0", 12, Some(0));
        check("99999", 5, Some(99_999));
        check("100000", 5, None);
        check(&"9".repeat(38), 38, Some(largest(38)));
        check(&"9".repeat(39), 38, None);
        for bad in ["", "-", "12.34", "1 ", "1e2", "1,000"] {
            check(bad, 12, None);
        }
    }
}
