//! Numbers. One without fraction and exponent is an integer and keeps every digit, or is refused;
//! any other is the nearest double, unless that would be infinite, or zero where the text is not.

use serde_json::Number;

use super::FaultRule;

/// The number at the beginning of `text`, and its length in bytes.
pub(super) fn read(text: &str) -> Result<(Number, usize), FaultRule> {
    let bytes = text.as_bytes();
    let negative = bytes.first() == Some(&b'-');
    let whole = usize::from(negative);
    let mut end = digits(bytes, whole)?;
    if bytes[whole] == b'0' && end > whole + 1 {
        return Err(FaultRule::Syntax);
    }
    let mut mantissa_end = end;
    let mut is_integer = true;
    if bytes.get(end) == Some(&b'.') {
        is_integer = false;
        end = digits(bytes, end + 1)?;
        mantissa_end = end;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        is_integer = false;
        let signed = matches!(bytes.get(end + 1), Some(b'+' | b'-'));
        end = digits(bytes, end + 1 + usize::from(signed))?;
    }
    let written = &text[..end];
    // `-0` is no integer: only a double keeps its sign.
    let number = if is_integer && written != "-0" {
        integer(written, negative)
    } else {
        double(written, &bytes[..mantissa_end])
    };
    Ok((number.ok_or(FaultRule::NumberRange)?, end))
}

/// Where the digits that begin at `start` end; there must be one.
fn digits(bytes: &[u8], start: usize) -> Result<usize, FaultRule> {
    let rest = bytes.get(start..).unwrap_or_default();
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return Err(FaultRule::Syntax);
    }
    Ok(start + count)
}

fn integer(written: &str, negative: bool) -> Option<Number> {
    if negative {
        written.parse::<i64>().ok().map(Number::from)
    } else {
        written.parse::<u64>().ok().map(Number::from)
    }
}

fn double(written: &str, mantissa: &[u8]) -> Option<Number> {
    let double: f64 = written.parse().ok()?;
    let vanished = double == 0.0 && mantissa.iter().any(|byte| matches!(byte, b'1'..=b'9'));
    if vanished {
        return None;
    }
    Number::from_f64(double)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_number_holds_is_kept() {
        let cases = [
            ("0", "0"),
            ("-0", "-0.0"),
            ("18446744073709551615", "18446744073709551615"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("1.50", "1.5"),
            ("0e400", "0.0"),
            ("4.9e-324", "5e-324"),
            ("12,", "12"),
        ];
        for (text, number) in cases {
            assert_eq!(read(text).unwrap().0.to_string(), number, "{text}");
        }
    }

    #[test]
    fn what_a_number_cannot_hold_is_refused() {
        for text in [
            "18446744073709551616",
            "-9223372036854775809",
            "1e400",
            "-1E+309",
            "1e-400",
            "0.1e-999999999999999999999",
        ] {
            assert_eq!(read(text), Err(FaultRule::NumberRange), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["-", "01", "-012", "1.", "1.e1", "1e", "1e+", "-x", "-.5"] {
            assert_eq!(read(text), Err(FaultRule::Syntax), "{text}");
        }
    }
}
