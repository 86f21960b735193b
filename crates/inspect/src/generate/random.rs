//! Numbers that a seed determines, the same on every machine: SplitMix64 (Steele, Lea, Flood,
//! "Fast splittable pseudorandom number generators", 2014). For test data, never for secrets.

#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// 0 to `count` - 1; 0 where the count is 0.
    pub(super) fn below(&mut self, count: u128) -> u128 {
        let wide = u128::from(self.next()) << 64 | u128::from(self.next());
        wide % count.max(1)
    }

    pub(super) fn index(&mut self, count: usize) -> usize {
        self.below(count as u128) as usize
    }

    /// Both ends included.
    pub(super) fn between(&mut self, low: i128, high: i128) -> i128 {
        let span = high.saturating_sub(low).saturating_add(1);
        low.saturating_add(self.below(span.unsigned_abs()) as i128)
    }

    pub(super) fn one_in(&mut self, count: u64) -> bool {
        self.next().is_multiple_of(count.max(1))
    }

    /// Of a list that is not empty.
    pub(super) fn pick<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        &list[self.index(list.len())]
    }
}
