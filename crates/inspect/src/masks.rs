//! One bit for each of 64 bytes that is a wanted one: what every scan of the text is made of.
//!
//! AVX2 where the processor has it, SSE2 on other x86-64, plain words elsewhere; all give the
//! same bits. This module and one constructor in `values` are the only ones with `unsafe`.

/// Compares bytes in one of the ways that a processor has.
pub(crate) trait Compare: Copy {
    /// One bit, the first byte's the lowest, for each byte that is that one.
    fn equal(self, chunk: &[u8; 64], byte: u8) -> u64;
}

/// A scan that [`run`] compiles once for each way to compare. `with` and all that it calls with
/// `compare` are to be inlined always, and no closures, or each comparison becomes a call.
pub(crate) trait Scan {
    type Found;
    fn with(self, compare: impl Compare) -> Self::Found;
}

/// Runs a scan in the fastest way that this processor has.
pub(crate) fn run<S: Scan>(scan: S) -> S::Found {
    #[cfg(target_arch = "x86_64")]
    {
        x86::run(scan)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        scan.with(Words)
    }
}

/// Eight bytes at a time, on any processor.
#[cfg_attr(
    all(target_arch = "x86_64", not(test)),
    expect(dead_code, reason = "x86-64 always has SSE2")
)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words;

impl Compare for Words {
    #[inline(always)]
    fn equal(self, chunk: &[u8; 64], byte: u8) -> u64 {
        const GATHER: u64 = 0x0002_0408_1020_4081;
        let wanted = u64::from_ne_bytes([byte; 8]);
        let (words, _) = chunk.as_chunks::<8>();
        words.iter().enumerate().fold(0, |mask, (at, word)| {
            let hits = zero_bytes(u64::from_le_bytes(*word) ^ wanted);
            mask | ((hits.wrapping_mul(GATHER) >> 56) << (8 * at))
        })
    }
}

/// The high bit of each byte that is zero, exactly (no borrow between bytes).
#[inline(always)]
pub(crate) fn zero_bytes(word: u64) -> u64 {
    const LOW_BITS: u64 = 0x7F7F_7F7F_7F7F_7F7F;
    !(((word & LOW_BITS) + LOW_BITS) | word | LOW_BITS)
}

/// Each bit is the parity of itself and all lower ones: inside quotes, of a mask of quotes.
#[inline(always)]
pub(crate) fn prefix_parity(mut mask: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        mask ^= mask << shift;
    }
    mask
}

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "the processor's vector instructions")]
mod x86 {
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8,
        _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_set1_epi8,
    };

    use super::{Compare, Scan};

    pub(super) fn run<S: Scan>(scan: S) -> S::Found {
        #[target_feature(enable = "avx2,bmi1,popcnt")]
        fn with_avx2<S: Scan>(scan: S, avx2: Avx2) -> S::Found {
            scan.with(avx2)
        }
        match Avx2::detect() {
            // SAFETY: the processor was asked for all three.
            Some(avx2) => unsafe { with_avx2(scan, avx2) },
            None => scan.with(Sse2),
        }
    }

    /// Every x86-64 processor has it.
    #[derive(Debug, Clone, Copy)]
    pub(super) struct Sse2;

    impl Compare for Sse2 {
        #[inline(always)]
        fn equal(self, chunk: &[u8; 64], byte: u8) -> u64 {
            let (parts, _) = chunk.as_chunks::<16>();
            let mut mask = 0;
            let mut at = 0;
            while at < parts.len() {
                // SAFETY: every x86-64 processor has SSE2; the load is of 16 bytes, and need not
                // be aligned.
                let hits = unsafe {
                    let part = _mm_loadu_si128(parts[at].as_ptr().cast::<__m128i>());
                    _mm_movemask_epi8(_mm_cmpeq_epi8(part, _mm_set1_epi8(byte as i8)))
                };
                mask |= u64::from(hits as u32) << (16 * at);
                at += 1;
            }
            mask
        }
    }

    /// Proof that the processor has AVX2, BMI1 and POPCNT.
    #[derive(Debug, Clone, Copy)]
    pub(super) struct Avx2(());

    impl Avx2 {
        pub(super) fn detect() -> Option<Self> {
            let has = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("popcnt");
            has.then_some(Self(()))
        }
    }

    impl Compare for Avx2 {
        #[inline(always)]
        fn equal(self, chunk: &[u8; 64], byte: u8) -> u64 {
            let (parts, _) = chunk.as_chunks::<32>();
            let mut mask = 0;
            let mut at = 0;
            while at < parts.len() {
                // SAFETY: the processor has AVX2, or there were no `self`; the load is of 32
                // bytes, and need not be aligned.
                let hits = unsafe {
                    let part = _mm256_loadu_si256(parts[at].as_ptr().cast::<__m256i>());
                    _mm256_movemask_epi8(_mm256_cmpeq_epi8(part, _mm256_set1_epi8(byte as i8)))
                };
                mask |= u64::from(hits as u32) << (32 * at);
                at += 1;
            }
            mask
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Runs a scan in each way that there is here.
    pub(crate) fn run_each<S: Scan>(scan: impl Fn() -> S) -> Vec<S::Found> {
        let mut found = vec![scan().with(Words), run(scan())];
        #[cfg(target_arch = "x86_64")]
        found.push(scan().with(x86::Sse2));
        found
    }

    struct Equal<'c>(&'c [u8; 64], u8);

    impl Scan for Equal<'_> {
        type Found = u64;
        #[inline(always)]
        fn with(self, compare: impl Compare) -> u64 {
            compare.equal(self.0, self.1)
        }
    }

    proptest! {
        #[test]
        fn a_mask_has_one_bit_for_each_place(
            bytes in prop::collection::vec(prop::sample::select(b",-+\0\x80\xAC\x2D\xFFa".to_vec()), 64),
            wanted in prop::sample::select(b",\0\x80\xFF".to_vec()),
        ) {
            let chunk: &[u8; 64] = bytes.as_slice().try_into().expect("64 bytes");
            let expect = (0..64).fold(0u64, |mask, at| mask | u64::from(chunk[at] == wanted) << at);
            for mask in run_each(|| Equal(chunk, wanted)) {
                prop_assert_eq!(mask, expect);
            }
        }

        #[test]
        fn parity_counts_the_lower_bits(mask: u64) {
            for at in 0..64 {
                let lower = mask << (63 - at);
                prop_assert_eq!(prefix_parity(mask) >> at & 1, u64::from(lower.count_ones() & 1));
            }
        }
    }
}
