//! Short texts as numbers: a few loads that overlap take the place of a loop over bytes.

use crate::masks::zero_bytes;

/// A text of at most sixteen bytes as two numbers, each with its first byte the lowest, and
/// zeros behind the text. To read, compare and copy one takes no branch on its length, which
/// in real columns cannot be predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ShortText {
    pub(crate) low: u64,
    pub(crate) high: u64,
    pub(crate) length: usize,
}

/// What is kept of sixteen bytes that were read for a text of that length.
const KEPT: [[u64; 2]; ShortText::BYTES_MAX + 1] = {
    let mut kept = [[u64::MAX; 2]; ShortText::BYTES_MAX + 1];
    let mut length = 0;
    while length < 16 {
        kept[length][length / 8] = (1 << (8 * (length % 8))) - 1;
        if length < 8 {
            kept[length][1] = 0;
        }
        length += 1;
    }
    kept
};

impl ShortText {
    pub(crate) const BYTES_MAX: usize = 16;

    pub(crate) fn of(text: &[u8]) -> Option<Self> {
        let mut room = [0; Self::BYTES_MAX];
        copy(text, room.get_mut(..text.len())?);
        Self::at(&room, 0, text.len())
    }

    /// The text at that place, where as many bytes can be read as the longest has.
    #[inline(always)]
    pub(crate) fn at(bytes: &[u8], start: usize, end: usize) -> Option<Self> {
        let length = end - start;
        let [low, high] = *KEPT.get(length)?;
        let read = bytes.get(start..)?.first_chunk::<{ Self::BYTES_MAX }>()?;
        let read = u128::from_le_bytes(*read);
        Some(Self {
            low: read as u64 & low,
            high: (read >> 64) as u64 & high,
            length,
        })
    }

    #[inline(always)]
    pub(crate) fn is_empty(self) -> bool {
        self.length == 0
    }

    /// Zero where the text is empty.
    #[inline(always)]
    pub(crate) fn first(self) -> u8 {
        self.low as u8
    }

    #[inline(always)]
    pub(crate) fn without_first(self) -> Self {
        Self {
            low: self.low >> 8 | self.high << 56,
            high: self.high >> 8,
            length: self.length - 1,
        }
    }

    /// The text, and zeros behind it.
    #[inline(always)]
    pub(crate) fn bytes(self) -> [u8; Self::BYTES_MAX] {
        self.wide().to_le_bytes()
    }

    #[inline(always)]
    pub(crate) fn wide(self) -> u128 {
        u128::from(self.high) << 64 | u128::from(self.low)
    }

    #[inline(always)]
    pub(crate) fn is_ascii(self) -> bool {
        (self.low | self.high) & HIGH_BITS == 0
    }

    /// A text of one to eight bytes behind as many zeros (`0`) as make eight bytes.
    #[inline(always)]
    pub(crate) fn behind_zeros(self) -> u64 {
        let missing = 8 * (8 - self.length);
        self.low << missing | ZEROS & !(u64::MAX << missing)
    }

    /// A text that is not empty behind as many zeros (`0`) as make sixteen bytes.
    #[inline(always)]
    pub(crate) fn behind_many_zeros(self) -> u128 {
        const MANY_ZEROS: u128 = u128::from_ne_bytes([b'0'; 16]);
        let missing = 8 * (16 - self.length);
        self.wide() << missing | MANY_ZEROS & !(u128::MAX << missing)
    }
}

const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

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

/// The number that sixteen digits write, the first one in the lowest byte.
#[inline(always)]
pub(crate) fn sixteen_digits(wide: u128) -> Option<u64> {
    Some(eight_digits(wide as u64)? * 100_000_000 + eight_digits((wide >> 64) as u64)?)
}

/// Where the first such byte stands, if one does: of sixteen, counted from the lowest.
#[inline(always)]
pub(crate) fn find(wide: u128, byte: u8) -> Option<u32> {
    let wanted = u64::from_ne_bytes([byte; 8]);
    let low = zero_bytes(wide as u64 ^ wanted);
    let high = zero_bytes((wide >> 64) as u64 ^ wanted);
    let found = u128::from(high) << 64 | u128::from(low);
    (found != 0).then(|| found.trailing_zeros() / 8)
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
        fn short_texts_hold_their_text(
            before in prop::collection::vec(any::<u8>(), 0..9),
            text in prop::collection::vec(any::<u8>(), 0..20),
            after in prop::collection::vec(any::<u8>(), 0..20),
        ) {
            let is_short = text.len() <= ShortText::BYTES_MAX;
            let mut padded = text.clone();
            padded.resize(20, 0);
            let expect = padded.first_chunk().copied().filter(|_| is_short);
            let short = ShortText::of(&text);
            prop_assert_eq!(short.map(ShortText::bytes), expect);
            prop_assert_eq!(short.map(|short| short.length), is_short.then_some(text.len()));
            let all = [before.clone(), text.clone(), after.clone()].concat();
            let found = ShortText::at(&all, before.len(), before.len() + text.len());
            let readable = text.len() + after.len() >= ShortText::BYTES_MAX;
            prop_assert_eq!(found, short.filter(|_| readable));
            if let (Some(short), [_, rest @ ..]) = (short, &text[..]) {
                prop_assert_eq!(Some(short.without_first()), ShortText::of(rest));
            }
        }

        #[test]
        fn bytes_are_found(bytes: [u8; 16], at in 0..16usize) {
            let wide = u128::from_le_bytes(bytes);
            let expect = bytes.iter().position(|&byte| byte == bytes[at]);
            prop_assert_eq!(find(wide, bytes[at]), expect.map(|at| at as u32));
            prop_assert_eq!(find(wide | u128::from_ne_bytes([1; 16]), 2), None);
        }

        #[test]
        fn digits_are_counted(text in "[0-9]{1,16}|[+-:/0-9é]{1,16}") {
            let expect = text.bytes().all(|byte| byte.is_ascii_digit());
            let expect = expect.then(|| text.parse::<u64>().expect("at most sixteen digits"));
            if let Some(short) = ShortText::of(text.as_bytes()) {
                prop_assert_eq!(sixteen_digits(short.behind_many_zeros()), expect);
                if short.length <= 8 {
                    prop_assert_eq!(eight_digits(short.behind_zeros()), expect);
                }
            }
        }
    }
}
