//! The different values of a column, each with a number, in the order in which they first come.
//! Values of up to 15 bytes are compared as one number; of longer ones, a hash goes before.

use std::ops::Range;

/// What the dictionary may hold, in bytes as Parquet writes them.
const DICTIONARY_BYTES: usize = 1 << 20;
/// Slots of the table at first; it grows so that three of four stay empty: most values are found
/// at the first look, and a slot is small.
const SLOTS: usize = 1 << 10;
/// Texts of fewer bytes are their own key; the last byte is for their length.
const KEY_BYTES: usize = size_of::<u128>();
/// Where a longer text has its hash, in place of a length.
const LONG: u128 = 0xFF << LENGTH_SHIFT;
const LENGTH_SHIFT: usize = 8 * (KEY_BYTES - 1);
/// What a text of so many bytes fills of its key.
const FILLED: [u128; KEY_BYTES] = {
    let mut filled = [0; KEY_BYTES];
    let mut length = 1;
    while length < KEY_BYTES {
        filled[length] = filled[length - 1] << 8 | 0xFF;
        length += 1;
    }
    filled
};

/// A value as it is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key(u128);

/// The values and their numbers.
#[derive(Debug)]
pub(super) struct Dictionary {
    /// Near to where its key's hash points, each value's number plus one; 0 where none is.
    slots: Vec<u32>,
    /// By number.
    keys: Vec<Key>,
    /// Where each value's bytes begin in `page`.
    starts: Vec<u32>,
    /// The values, each in PLAIN encoding.
    page: Vec<u8>,
    /// Whether a value's length goes before its bytes.
    prefixed: bool,
}

/// The dictionary is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

impl Key {
    /// Of the bytes `start..end` of `text`.
    #[inline]
    pub(super) fn of_text(text: &[u8], start: usize, end: usize) -> Self {
        let length = end - start;
        let Some(filled) = FILLED.get(length) else {
            return Self(long_hash(&text[start..end]) | LONG);
        };
        let bits = if let Some(chunk) = text[start..].first_chunk() {
            u128::from_le_bytes(*chunk) & filled
        } else {
            let mut bytes = [0; KEY_BYTES];
            bytes[..length].copy_from_slice(&text[start..end]);
            u128::from_le_bytes(bytes)
        };
        Self(bits | (length as u128) << LENGTH_SHIFT)
    }

    /// Of a number, in a dictionary of numbers.
    #[inline]
    pub(super) fn of_number(number: i64) -> Self {
        Self(u128::from(number as u64))
    }

    #[inline]
    fn is_hash(self) -> bool {
        self.0 >= LONG
    }

    #[inline]
    fn hash(self) -> usize {
        let low = self.0 as u64 ^ 0x9E37_79B9_7F4A_7C15;
        let high = (self.0 >> 64) as u64 ^ 0xD6E8_FEB8_6659_FD93;
        let mixed = u128::from(low) * u128::from(high);
        ((mixed >> 64) as u64 ^ mixed as u64) as usize
    }
}

/// Of a text that is longer than a key: different texts may share it.
fn long_hash(text: &[u8]) -> u128 {
    let mut hash = 0;
    for start in (0..text.len()).step_by(KEY_BYTES - 1) {
        let Key(bits) = Key::of_text(text, start, text.len().min(start + KEY_BYTES - 1));
        hash = (hash ^ bits)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
            .rotate_left(59);
    }
    hash
}

impl Dictionary {
    pub(super) fn new(prefixed: bool) -> Self {
        Self {
            slots: vec![0; SLOTS],
            keys: Vec::new(),
            starts: Vec::new(),
            page: Vec::new(),
            prefixed,
        }
    }

    /// The number of the value with that key, whose bytes `value` gives.
    #[inline]
    pub(super) fn number<'a>(
        &mut self,
        key: Key,
        value: impl Fn() -> &'a [u8],
    ) -> Result<u32, Full> {
        let mask = self.slots.len() - 1;
        let mut at = key.hash() & mask;
        loop {
            let Some(number) = self.slots[at].checked_sub(1) else {
                return self.add(at, key, value());
            };
            let same = self.keys[number as usize] == key
                && (!key.is_hash() || self.value(number as usize) == value());
            if same {
                return Ok(number);
            }
            at = (at + 1) & mask;
        }
    }

    #[cold]
    fn add(&mut self, slot: usize, key: Key, value: &[u8]) -> Result<u32, Full> {
        if self.page.len() + value.len() > DICTIONARY_BYTES {
            return Err(Full);
        }
        let number = self.starts.len() as u32;
        self.slots[slot] = number + 1;
        self.keys.push(key);
        if self.prefixed {
            let length = value.len() as u32;
            self.page.extend_from_slice(&length.to_le_bytes());
        }
        self.starts.push(self.page.len() as u32);
        self.page.extend_from_slice(value);
        if self.keys.len() * 4 > self.slots.len() {
            self.grow();
        }
        Ok(number)
    }

    fn grow(&mut self) {
        let slots = self.slots.len() * 2;
        self.slots = vec![0; slots];
        for (number, key) in (1..).zip(&self.keys) {
            let mut at = key.hash() & (slots - 1);
            while self.slots[at] > 0 {
                at = (at + 1) & (slots - 1);
            }
            self.slots[at] = number;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    pub(super) fn key(&self, number: usize) -> Key {
        self.keys[number]
    }

    pub(super) fn value(&self, number: usize) -> &[u8] {
        &self.page[self.place(number)]
    }

    /// Where in the page a value's bytes are, without its length.
    pub(super) fn place(&self, number: usize) -> Range<usize> {
        let prefix = if self.prefixed { size_of::<u32>() } else { 0 };
        let next = self.starts.get(number + 1);
        let end = next.map_or(self.page.len(), |next| *next as usize - prefix);
        self.starts[number] as usize..end
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|number| self.value(number))
    }

    /// The dictionary page, not compressed.
    pub(super) fn page(&self) -> &[u8] {
        &self.page
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_value_has_its_number(
            texts in prop::collection::vec("[a\0é]{0,5}|[ab]{14,19}|.{0,40}", 0..300),
        ) {
            let text = texts.concat();
            let mut dictionary = Dictionary::new(true);
            let mut known: HashMap<&str, u32> = HashMap::new();
            let mut start = 0;
            for value in &texts {
                let end = start + value.len();
                let key = Key::of_text(text.as_bytes(), start, end);
                let number = dictionary.number(key, || value.as_bytes());
                let next = known.len() as u32;
                prop_assert_eq!(number, Ok(*known.entry(value).or_insert(next)));
                start = end;
            }
            prop_assert_eq!(dictionary.len(), known.len());
            for (value, number) in known {
                prop_assert_eq!(dictionary.value(number as usize), value.as_bytes());
            }
        }
    }

    #[test]
    fn it_grows_until_it_is_full() {
        let mut dictionary = Dictionary::new(false);
        for number in 0..100_000_i64 {
            let bytes = number.to_le_bytes();
            let found = dictionary.number(Key::of_number(number), || &bytes);
            assert_eq!(found, Ok(number as u32));
        }
        for number in (0..100_000_i64).step_by(977) {
            let found = dictionary.number(Key::of_number(number), || unreachable!());
            assert_eq!(found, Ok(number as u32));
        }
        let more = (100_000..200_000_i64).find(|number| {
            let bytes = number.to_le_bytes();
            dictionary.number(Key::of_number(*number), || &bytes) == Err(Full)
        });
        assert_eq!(more, Some(131_072));
    }
}
