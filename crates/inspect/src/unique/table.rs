//! The keys that are in memory, each with its row: open addressing in segments that grow one by
//! one, so that growing never needs the table twice. 20 bytes a slot, 64 to 80 of 100 filled.

/// Keys are spread over segments by their highest bits, so segments are in the keys' order.
const SEGMENT_BITS: u32 = 6;
const SLOTS_MIN: usize = 16;
const SLOT_BYTES: usize = size_of::<u128>() + size_of::<u32>();

#[derive(Debug)]
pub(super) struct Table {
    segments: Vec<Segment>,
    bytes: usize,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct Segment {
    /// Zero where the slot is free.
    hashes: Vec<u128>,
    rows: Vec<u32>,
    used: usize,
}

/// What became of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Inserted {
    Yes,
    /// It is there, of that row.
    Known(u32),
    /// It is not there, and there is no room for it.
    Full,
}

impl Table {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self {
            segments: (0..1 << SEGMENT_BITS).map(|_| Segment::default()).collect(),
            bytes: 0,
            bytes_max,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn segment(hash: u128) -> usize {
        (hash >> (u128::BITS - SEGMENT_BITS)) as usize
    }

    pub(super) fn get(&self, hash: u128) -> Option<u32> {
        let segment = &self.segments[Self::segment(hash)];
        let slot = segment.slot(hash)?;
        (segment.hashes[slot] == hash).then(|| segment.rows[slot])
    }

    pub(super) fn insert(&mut self, hash: u128, row: u32) -> Inserted {
        let segment = &mut self.segments[Self::segment(hash)];
        let mut slot = segment.slot(hash);
        if let Some(slot) = slot
            && segment.hashes[slot] == hash
        {
            return Inserted::Known(segment.rows[slot]);
        }
        if 5 * (segment.used + 1) > 4 * segment.hashes.len() {
            let slots = (segment.hashes.len() * 5 / 4).max(SLOTS_MIN);
            let grown = self.bytes + (slots - segment.hashes.len()) * SLOT_BYTES;
            // An empty segment always gets its first slots, so that a cleared table takes any key.
            if grown > self.bytes_max && !segment.hashes.is_empty() {
                return Inserted::Full;
            }
            segment.grow(slots);
            self.bytes = grown;
            slot = segment.slot(hash);
        }
        let slot = slot.expect("a segment that is not full has a free slot");
        segment.hashes[slot] = hash;
        segment.rows[slot] = row;
        segment.used += 1;
        Inserted::Yes
    }

    /// Hands over all keys in their order and is empty afterwards; it keeps its room.
    pub(super) fn drain<E>(
        &mut self,
        mut take: impl FnMut(u128, u32) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut sorted = Vec::new();
        for segment in &mut self.segments {
            let filled = segment.hashes.iter().zip(&segment.rows);
            let filled = filled.filter(|(hash, _)| **hash != 0);
            sorted.extend(filled.map(|(hash, row)| (*hash, *row)));
            sorted.sort_unstable();
            for (hash, row) in sorted.drain(..) {
                take(hash, row)?;
            }
            segment.hashes.fill(0);
            segment.used = 0;
        }
        Ok(())
    }
}

impl Segment {
    /// Where the key is or would go; nothing where there are no slots.
    #[inline]
    fn slot(&self, hash: u128) -> Option<usize> {
        let slots = self.hashes.len();
        let low = u128::from(hash as u64);
        let mut slot = ((low * slots as u128) >> u64::BITS) as usize;
        // Ends: at most four of five slots are filled.
        loop {
            let found = *self.hashes.get(slot)?;
            if found == 0 || found == hash {
                return Some(slot);
            }
            slot = if slot + 1 == slots { 0 } else { slot + 1 };
        }
    }

    fn grow(&mut self, slots: usize) {
        let hashes = std::mem::replace(&mut self.hashes, vec![0; slots]);
        let rows = std::mem::replace(&mut self.rows, vec![0; slots]);
        for (hash, row) in hashes.into_iter().zip(rows).filter(|(hash, _)| *hash != 0) {
            let slot = self.slot(hash).expect("it has just got slots");
            self.hashes[slot] = hash;
            self.rows[slot] = row;
        }
    }
}
