//! The different values of a column, each with a number, in the order in which they first come.
//! Values of up to 16 bytes are compared as one number; of longer ones, a hash goes before.

/// What the dictionary may hold, in bytes as Parquet writes them.
const DICTIONARY_BYTES: usize = 1 << 20;
/// Slots of the table at first; it grows so that half of them stay empty.
const SLOTS: usize = 1 << 10;
const SHORT: usize = size_of::<u128>();

/// A value as it is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    /// The value's bytes, lowest first; a hash where there are more than 16.
    bits: u128,
    length: u32,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    key: Key,
    /// The value's number plus one; 0 where the slot is empty.
    number: u32,
}

/// The values and their numbers.
#[derive(Debug)]
pub(super) struct Dictionary {
    slots: Vec<Slot>,
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
        let bits = if length > SHORT {
            long_hash(&text[start..end])
        } else if let Some(chunk) = text[start..].first_chunk::<SHORT>() {
            let kept = u128::MAX.checked_shr(8 * (SHORT - length) as u32);
            u128::from_le_bytes(*chunk) & kept.unwrap_or(0)
        } else {
            let mut bytes = [0; SHORT];
            bytes[..length].copy_from_slice(&text[start..end]);
            u128::from_le_bytes(bytes)
        };
        let length = length as u32;
        Self { bits, length }
    }

    /// Of a number that is written in so many bytes.
    #[inline]
    pub(super) fn of_number(number: i64, length: usize) -> Self {
        Self {
            bits: u128::from(number as u64),
            length: length as u32,
        }
    }

    #[inline]
    fn hash(self) -> usize {
        let low = self.bits as u64 ^ 0x9E37_79B9_7F4A_7C15 ^ u64::from(self.length) << 32;
        let high = (self.bits >> 64) as u64 ^ 0xD6E8_FEB8_6659_FD93;
        let mixed = u128::from(low) * u128::from(high);
        ((mixed >> 64) as u64 ^ mixed as u64) as usize
    }
}

/// Of a value that is longer than a key: different values may share it.
fn long_hash(bytes: &[u8]) -> u128 {
    let mut hash = 0;
    for chunk in bytes.chunks(SHORT) {
        let Key { bits, .. } = Key::of_text(chunk, 0, chunk.len());
        hash = (hash ^ bits)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
            .rotate_left(59);
    }
    hash
}

impl Dictionary {
    pub(super) fn new(prefixed: bool) -> Self {
        let empty = Slot {
            key: Key { bits: 0, length: 0 },
            number: 0,
        };
        Self {
            slots: vec![empty; SLOTS],
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
            let slot = self.slots[at];
            if slot.number == 0 {
                return self.add(at, key, value());
            }
            let number = slot.number - 1;
            let same = slot.key == key
                && (key.length as usize <= SHORT || self.value(number as usize) == value());
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
        self.slots[slot] = Slot {
            key,
            number: number + 1,
        };
        if self.prefixed {
            self.page.extend_from_slice(&key.length.to_le_bytes());
        }
        self.starts.push(self.page.len() as u32);
        self.page.extend_from_slice(value);
        if self.starts.len() * 2 > self.slots.len() {
            self.grow();
        }
        Ok(number)
    }

    fn grow(&mut self) {
        let (slots, empty) = (self.slots.len() * 2, self.slots[0]);
        let empty = Slot { number: 0, ..empty };
        let old = std::mem::replace(&mut self.slots, vec![empty; slots]);
        for slot in old.into_iter().filter(|slot| slot.number > 0) {
            let mut at = slot.key.hash() & (slots - 1);
            while self.slots[at].number > 0 {
                at = (at + 1) & (slots - 1);
            }
            self.slots[at] = slot;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    pub(super) fn value(&self, number: usize) -> &[u8] {
        let prefix = if self.prefixed { size_of::<u32>() } else { 0 };
        let next = self.starts.get(number + 1);
        let end = next.map_or(self.page.len(), |next| *next as usize - prefix);
        &self.page[self.starts[number] as usize..end]
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
            let found = dictionary.number(Key::of_number(number, 8), || &bytes);
            assert_eq!(found, Ok(number as u32));
        }
        for number in (0..100_000_i64).step_by(977) {
            let found = dictionary.number(Key::of_number(number, 8), || unreachable!());
            assert_eq!(found, Ok(number as u32));
        }
        let more = (100_000..200_000_i64).find(|number| {
            let bytes = number.to_le_bytes();
            dictionary.number(Key::of_number(*number, 8), || &bytes) == Err(Full)
        });
        assert_eq!(more, Some(131_072));
    }
}
