//! A JSON number as whole and decimal columns read it: without exponent, without a fraction of
//! zeros in a whole one. By its digits alone, so that nothing is rounded.

/// Zeros that an exponent may ask for; no column holds a number with as many.
const ZEROS_MAX: i64 = 64;

/// Appends the number in plain notation; a `whole` one without its fraction, where that is all
/// zeros. What no column could hold stays as it is, for the typing to refuse.
pub(crate) fn write_plain(number: &[u8], whole: bool, out: &mut Vec<u8>) {
    if try_write_plain(number, whole, out).is_none() {
        out.extend_from_slice(number);
    }
}

/// Writes nothing where it gives `None`.
fn try_write_plain(number: &[u8], whole: bool, out: &mut Vec<u8>) -> Option<()> {
    let split = number.iter().position(|byte| matches!(byte, b'e' | b'E'));
    let (mantissa, exponent) = match split {
        Some(at) => (&number[..at], exponent_of(&number[at + 1..])?),
        None => (number, 0),
    };
    let (sign, mantissa) = match mantissa.strip_prefix(b"-") {
        Some(rest) => (&b"-"[..], rest),
        None => (&b""[..], mantissa),
    };
    let point = mantissa.iter().position(|&byte| byte == b'.');
    let (before, after) = match point {
        Some(at) => (&mantissa[..at], &mantissa[at + 1..]),
        None => (mantissa, &b""[..]),
    };
    // The digits, and how many of them stand before the point.
    let digits = || before.iter().chain(after).copied();
    let count = (before.len() + after.len()) as i64;
    let place = before.len() as i64 + exponent;
    if place > count + ZEROS_MAX || place < -ZEROS_MAX {
        return None;
    }
    let fraction_is_zero = digits()
        .skip(usize::try_from(place).unwrap_or(0))
        .all(|digit| digit == b'0');
    out.extend_from_slice(sign);
    if place <= 0 {
        out.push(b'0');
    }
    out.extend(digits().take(usize::try_from(place).unwrap_or(0)));
    out.extend((count..place).map(|_| b'0'));
    if place < count && !(whole && fraction_is_zero) {
        out.push(b'.');
        out.extend((place..0).map(|_| b'0'));
        out.extend(digits().skip(usize::try_from(place).unwrap_or(0)));
    }
    Some(())
}

fn exponent_of(text: &[u8]) -> Option<i64> {
    let exponent: i64 = str::from_utf8(text).ok()?.parse().ok()?;
    (exponent.abs() < i64::from(i32::MAX)).then_some(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents() {
        let check = |number: &str, whole: bool, expect: &str| {
            let mut out = b"before ".to_vec();
            write_plain(number.as_bytes(), whole, &mut out);
            let expect = format!("before {expect}");
            assert_eq!(String::from_utf8(out).unwrap(), expect, "{number}");
        };
        check("1e3", false, "1000");
        check("1E-2", false, "0.01");
        check("-12.5e-1", false, "-1.25");
        check("1.5e1", true, "15");
        check("1.50e1", true, "15");
        check("1.50e1", false, "15.0");
        check("1.234e+2", false, "123.4");
        check("0e0", true, "0");
        check("-0.0", true, "-0");
        check("0.00e5", true, "000000");
        check("12.000", true, "12");
        check("12.000", false, "12.000");
        check("12.010", true, "12.010");
        check("5e-1", true, "0.5");
        check("0e-3", true, "0");
        check("100e-2", true, "1");
        check("1e64", true, &format!("1{}", "0".repeat(64)));
        check("1e65", true, "1e65");
        check("1e-400", false, "1e-400");
        check("1e99999999999999999999", false, "1e99999999999999999999");
        check("9007199254740993.0", true, "9007199254740993");
    }
}
