//! Short texts as numbers: a few loads that overlap take the place of a loop over bytes.

/// A text of at most eight bytes in the low bytes of a number, its first byte the lowest.
#[inline(always)]
pub(crate) fn short_word(text: &[u8]) -> Option<u64> {
    let length = text.len();
    match length {
        8 => text.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)),
        4..=7 => {
            let low = text.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))?;
            let high = text.last_chunk().map(|bytes| u32::from_le_bytes(*bytes))?;
            Some(u64::from(low) | u64::from(high) << (8 * (length - 4)))
        }
        1..=3 => {
            let (middle, last) = (u64::from(text[length / 2]), u64::from(text[length - 1]));
            Some(u64::from(text[0]) | middle << (8 * (length / 2)) | last << (8 * (length - 1)))
        }
        0 => Some(0),
        _ => None,
    }
}

/// The first and the last eight bytes of a text of eight to sixteen.
#[inline(always)]
pub(crate) fn two_words(text: &[u8]) -> Option<(u64, u64)> {
    if text.len() > 16 {
        return None;
    }
    let (first, last) = (text.first_chunk()?, text.last_chunk()?);
    Some((u64::from_le_bytes(*first), u64::from_le_bytes(*last)))
}

/// Copies a text to where there is exactly room for it.
#[inline(always)]
pub(crate) fn copy(text: &[u8], to: &mut [u8]) {
    #[inline(always)]
    fn ends<const N: usize>(text: &[u8], to: &mut [u8]) -> Option<()> {
        *to.first_chunk_mut::<N>()? = *text.first_chunk()?;
        *to.last_chunk_mut::<N>()? = *text.last_chunk()?;
        Some(())
    }
    debug_assert_eq!(text.len(), to.len(), "a text is copied whole");
    let copied = match text.len() {
        0 => Some(()),
        1..=3 => {
            let middle = text.len() / 2;
            to[0] = text[0];
            to[middle] = text[middle];
            ends::<1>(text, to)
        }
        4..=8 => ends::<4>(text, to),
        9..=16 => ends::<8>(text, to),
        17..=32 => ends::<16>(text, to),
        33..=64 => ends::<32>(text, to),
        _ => None,
    };
    if copied.is_none() {
        to.copy_from_slice(text);
    }
}

const ZEROS: u64 = u64::from_ne_bytes([b'0'; 8]);

/// The four numbers that eight digits write in pairs, in 16 bits each; the first digit is in
/// the lowest byte, as is the first pair.
#[inline(always)]
pub(crate) fn digit_pairs(word: u64) -> Option<u64> {
    const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
    let digits = word ^ ZEROS;
    // Nothing above nine: adding 0x76 sets the high bit of any other.
    if (digits | digits.wrapping_add(0x7676_7676_7676_7676)) & HIGH_BITS != 0 {
        return None;
    }
    Some((digits * 10 + (digits >> 8)) & 0x00FF_00FF_00FF_00FF)
}

/// The number that eight digits write, the first one in the lowest byte.
#[inline(always)]
pub(crate) fn eight_digits(word: u64) -> Option<u64> {
    let pairs = digit_pairs(word)?;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_FFFF_0000_FFFF;
    Some((fours * 10_000 + (fours >> 32)) & 0xFFFF_FFFF)
}

/// A text of one to eight bytes behind as many zeros as make eight bytes.
#[inline(always)]
pub(crate) fn behind_zeros(text: &[u8]) -> Option<u64> {
    let missing = 8usize
        .checked_sub(text.len())
        .filter(|&missing| missing < 8)?;
    let word = short_word(text)? << (8 * missing);
    Some(word | ZEROS & !(u64::MAX << (8 * missing)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn texts_are_copied_whole(text in prop::collection::vec(any::<u8>(), 0..150)) {
            let mut copied = vec![0; text.len()];
            copy(&text, &mut copied);
            prop_assert_eq!(copied, text);
        }

        #[test]
        fn words_hold_their_text(text in prop::collection::vec(any::<u8>(), 0..20)) {
            let mut padded = text.clone();
            padded.resize(20, 0);
            let first = padded.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
            prop_assert_eq!(short_word(&text), first.filter(|_| text.len() <= 8));
            let last = text.last_chunk().map(|bytes| u64::from_le_bytes(*bytes));
            let both = first.zip(last).filter(|_| text.len() <= 16);
            prop_assert_eq!(two_words(&text), both);
        }

        #[test]
        fn digits_are_counted(text in "[0-9]{1,8}|[+-:/0-9é]{1,8}") {
            let expect = text.bytes().all(|byte| byte.is_ascii_digit());
            let expect = expect.then(|| text.parse::<u64>().expect("at most eight digits"));
            if text.len() <= 8 {
                let word = behind_zeros(text.as_bytes()).expect("one to eight bytes");
                prop_assert_eq!(eight_digits(word), expect);
            }
        }
    }
}
