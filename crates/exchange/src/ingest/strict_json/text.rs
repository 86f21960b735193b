//! Strings, with their escapes resolved.

use super::FaultRule;

/// The string whose opening quote stands just before `text`, and its length in bytes with the
/// closing quote. A fault comes with its offset in `text`.
pub(super) fn read(text: &str) -> Result<(String, usize), (FaultRule, usize)> {
    let bytes = text.as_bytes();
    let mut string = String::new();
    let mut copied = 0;
    let mut at = 0;
    loop {
        match bytes.get(at) {
            Some(b'"') => {
                string.push_str(&text[copied..at]);
                return Ok((string, at + 1));
            }
            Some(b'\\') => {
                string.push_str(&text[copied..at]);
                let (character, length) = escape(&bytes[at..]).map_err(|rule| (rule, at))?;
                string.push(character);
                at += length;
                copied = at;
            }
            // Control characters must be escaped.
            Some(..=0x1f) | None => return Err((FaultRule::Syntax, at)),
            Some(_) => at += 1,
        }
    }
}

/// The character that an escape stands for, and the escape's length in bytes.
fn escape(bytes: &[u8]) -> Result<(char, usize), FaultRule> {
    let character = match bytes.get(1) {
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode_escape(bytes),
        _ => return Err(FaultRule::Syntax),
    };
    Ok((character, 2))
}

/// `\uXXXX`, or two of them where the first is the high half of a surrogate pair.
fn unicode_escape(bytes: &[u8]) -> Result<(char, usize), FaultRule> {
    const LENGTH: usize = 6;
    let unit = code_unit(bytes)?;
    match unit {
        0 => Err(FaultRule::Nul),
        0xd800..=0xdbff => {
            let rest = &bytes[LENGTH..];
            if !rest.starts_with(b"\\u") {
                return Err(FaultRule::Surrogate);
            }
            let low = code_unit(rest)?;
            if !(0xdc00..=0xdfff).contains(&low) {
                return Err(FaultRule::Surrogate);
            }
            let point = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            let character = char::from_u32(point).expect("a surrogate pair is a character");
            Ok((character, 2 * LENGTH))
        }
        _ => {
            let character = char::from_u32(unit).ok_or(FaultRule::Surrogate)?;
            Ok((character, LENGTH))
        }
    }
}

/// The four hexadecimal digits behind `\u`.
fn code_unit(bytes: &[u8]) -> Result<u32, FaultRule> {
    let digits = bytes.get(2..6).ok_or(FaultRule::Syntax)?;
    digits.iter().try_fold(0, |unit, digit| {
        let digit = char::from(*digit).to_digit(16).ok_or(FaultRule::Syntax)?;
        Ok(unit * 16 + digit)
    })
}
