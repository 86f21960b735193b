//! Parquet's RLE / bit-packing hybrid: runs of one value, and groups of eight packed values.
//! (apache/parquet-format, Encodings.md, "Run Length Encoding / Bit-Packing Hybrid".)

/// Values that are packed at a time.
const GROUP: usize = 8;
/// A run shorter than that costs more as a run.
const RUN_MIN: usize = 16;

/// Appends values of `width` bits, 1 to 32.
pub(super) fn write_values(values: &[u32], width: u32, out: &mut Vec<u8>) {
    let mut packed_from = 0;
    let mut at = 0;
    while at + RUN_MIN <= values.len() {
        let value = values[at];
        if values[at..at + RUN_MIN].iter().any(|other| *other != value) {
            at += GROUP;
            continue;
        }
        let run = values[at..].iter().take_while(|other| **other == value);
        let run = run.count();
        write_packed(&values[packed_from..at], width, out);
        write_varint((run as u64) << 1, out);
        out.extend_from_slice(&value.to_le_bytes()[..width.div_ceil(8) as usize]);
        at += run;
        packed_from = at;
    }
    write_packed(&values[packed_from..], width, out);
}

/// One run of packed values; only the last run of a page may hold other than whole groups, whose
/// rest is zeros.
fn write_packed(values: &[u32], width: u32, out: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    write_varint((values.len().div_ceil(GROUP) as u64) << 1 | 1, out);
    let (groups, rest) = values.as_chunks::<GROUP>();
    for group in groups {
        write_group(group, width, out);
    }
    if !rest.is_empty() {
        let mut group = [0; GROUP];
        group[..rest.len()].copy_from_slice(rest);
        write_group(&group, width, out);
    }
}

#[inline]
fn write_group(group: &[u32; GROUP], width: u32, out: &mut Vec<u8>) {
    if width <= 16 {
        let half = |half: &[u32]| {
            let values = (0..).zip(half);
            values.fold(0, |bits, (at, value)| {
                bits | u64::from(*value) << (at * width)
            })
        };
        let (low, high) = group.split_at(GROUP / 2);
        let bits = u128::from(half(low)) | u128::from(half(high)) << (4 * width);
        // All is written, and what was too much taken back: no loop over bytes.
        out.extend_from_slice(&bits.to_le_bytes());
        out.truncate(out.len() - (size_of::<u128>() - width as usize));
        return;
    }
    let (mut bits, mut held) = (0u64, 0);
    for value in group {
        bits |= u64::from(*value) << held;
        held += width;
        while held >= 8 {
            out.push(bits as u8);
            bits >>= 8;
            held -= 8;
        }
    }
}

/// Appends that many ones of one bit.
pub(super) fn write_ones(count: usize, out: &mut Vec<u8>) {
    write_varint((count as u64) << 1, out);
    out.push(1);
}

/// Appends bits that are packed already, lowest first.
pub(super) fn write_bits(bits: &[u8], out: &mut Vec<u8>) {
    write_varint((bits.len() as u64) << 1 | 1, out);
    out.extend_from_slice(bits);
}

/// Unsigned LEB128.
pub(super) fn write_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The other way, from the specification.
    fn read(mut bytes: &[u8], width: u32, count: usize) -> Vec<u32> {
        let mut values = Vec::new();
        while values.len() < count {
            let (mut header, mut shift) = (0u64, 0);
            loop {
                let byte = bytes[0];
                bytes = &bytes[1..];
                header |= u64::from(byte & 0x7F) << shift;
                shift += 7;
                if byte < 0x80 {
                    break;
                }
            }
            let length = (header >> 1) as usize;
            if header & 1 == 0 {
                let (value, rest) = bytes.split_at(width.div_ceil(8) as usize);
                bytes = rest;
                let value = (0..)
                    .zip(value)
                    .map(|(at, byte)| u32::from(*byte) << (8 * at));
                values.extend(std::iter::repeat_n(value.sum::<u32>(), length));
            } else {
                let (packed, rest) = bytes.split_at(length * width as usize);
                bytes = rest;
                let bit = |at: usize| u32::from(packed[at / 8] >> (at % 8) & 1);
                for value in 0..length * GROUP {
                    let bits = (0..width as usize).map(|at| bit(value * width as usize + at) << at);
                    values.push(bits.sum());
                }
            }
        }
        assert!(bytes.is_empty());
        values.truncate(count);
        values
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            runs in prop::collection::vec((any::<u32>(), prop_oneof![1..4usize, 1..40usize]), 1..40),
            width in 1..=32u32,
        ) {
            let values: Vec<u32> = runs
                .iter()
                .flat_map(|(value, times)| std::iter::repeat_n(value >> (32 - width), *times))
                .collect();
            let mut bytes = Vec::new();
            write_values(&values, width, &mut bytes);
            prop_assert_eq!(read(&bytes, width, values.len()), values);
        }
    }

    #[test]
    fn levels() {
        let mut bytes = Vec::new();
        write_ones(1_000, &mut bytes);
        assert_eq!(read(&bytes, 1, 1_000), vec![1; 1_000]);
        bytes.clear();
        write_bits(&[0b0000_0101, 1], &mut bytes);
        assert_eq!(read(&bytes, 1, 9), [1, 0, 1, 0, 0, 0, 0, 0, 1]);
    }
}
