//! Digits of a cell's text.

/// The number that an ASCII digit stands for.
#[inline]
pub(super) fn digit(byte: u8) -> Option<u32> {
    byte.is_ascii_digit().then(|| u32::from(byte - b'0'))
}

/// Whether the text is `length` ASCII digits.
#[inline]
pub(super) fn are_digits(text: &[u8], length: usize) -> bool {
    text.len() == length && text.iter().all(u8::is_ascii_digit)
}
