//! Which keys may be in a spilled run: a Bloom filter in blocks of one cache line, of a fixed
//! size. The more keys, the more often it says "maybe" for nothing; it never says "no" wrongly.

const BLOCK_WORDS: usize = 8;
/// Bits set for each key, of 512.
const BITS: u32 = 6;

#[derive(Debug)]
pub(super) struct Filter {
    blocks: Vec<[u64; BLOCK_WORDS]>,
}

impl Filter {
    pub(super) fn new(bytes: usize) -> Self {
        let blocks = (bytes / size_of::<[u64; BLOCK_WORDS]>()).max(1);
        Self {
            blocks: vec![[0; BLOCK_WORDS]; blocks],
        }
    }

    /// The key's block, by its high half, and its bits there, by its low half.
    fn place(&self, hash: u128) -> (usize, impl Iterator<Item = (usize, u64)> + use<>) {
        let (high, low) = ((hash >> 64) as u64, hash as u64);
        let block = (u128::from(high) * self.blocks.len() as u128) >> u64::BITS;
        let bits = (0..BITS).map(move |at| {
            let bit = low >> (at * 9);
            ((bit >> 6) as usize % BLOCK_WORDS, 1 << (bit & 63))
        });
        (block as usize, bits)
    }

    pub(super) fn insert(&mut self, hash: u128) {
        let (block, bits) = self.place(hash);
        for (word, bit) in bits {
            self.blocks[block][word] |= bit;
        }
    }

    pub(super) fn may_hold(&self, hash: u128) -> bool {
        let (block, mut bits) = self.place(hash);
        bits.all(|(word, bit)| self.blocks[block][word] & bit != 0)
    }
}
