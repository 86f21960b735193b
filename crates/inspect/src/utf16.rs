//! UTF-16 becomes UTF-8 before anything is split, and places in that text become bytes of the
//! file again: a character of four bytes was two units, any other one unit of two bytes.
//!
//! What is no text keeps its place: half a surrogate pair becomes the three bytes that it would
//! have as a character, and a byte left over at the file's end becomes `0xFF`. Neither is UTF-8,
//! so their rows are rejected by rule `encoding`.

/// Stands for a byte that is no whole unit.
const LEFT_OVER: u8 = 0xFF;

#[derive(Debug)]
pub(crate) struct Transcoder {
    big_endian: bool,
    /// The first byte of a unit whose second has not come.
    half_unit: Option<u8>,
    /// The first of a surrogate pair whose second has not come.
    high: Option<u16>,
}

impl Transcoder {
    pub(crate) fn new(big_endian: bool) -> Self {
        Self {
            big_endian,
            half_unit: None,
            high: None,
        }
    }

    /// Appends the text of the next bytes.
    pub(crate) fn push(&mut self, mut bytes: &[u8], text: &mut Vec<u8>) {
        text.reserve(bytes.len() / 2 + 4);
        if let (Some(first), [second, rest @ ..]) = (self.half_unit, bytes) {
            self.half_unit = None;
            self.take(self.unit([first, *second]), text);
            bytes = rest;
        }
        let (units, rest) = bytes.as_chunks::<2>();
        for unit in units {
            self.take(self.unit(*unit), text);
        }
        if let [byte] = rest {
            self.half_unit = Some(*byte);
        }
    }

    /// There is nothing more.
    pub(crate) fn finish(&mut self, text: &mut Vec<u8>) {
        if let Some(high) = self.high.take() {
            push_three_bytes(high, text);
        }
        if self.half_unit.take().is_some() {
            text.push(LEFT_OVER);
        }
    }

    fn unit(&self, bytes: [u8; 2]) -> u16 {
        if self.big_endian {
            u16::from_be_bytes(bytes)
        } else {
            u16::from_le_bytes(bytes)
        }
    }

    #[inline]
    fn take(&mut self, unit: u16, text: &mut Vec<u8>) {
        if let Some(high) = self.high.take() {
            if let 0xDC00..=0xDFFF = unit {
                let scalar = 0x1_0000 + (u32::from(high - 0xD800) << 10) + u32::from(unit - 0xDC00);
                let character = char::from_u32(scalar).expect("a surrogate pair is a character");
                text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                return;
            }
            push_three_bytes(high, text);
        }
        match unit {
            0..=0x7F => text.push(unit as u8),
            0x80..=0x7FF => text.extend([0xC0 | (unit >> 6) as u8, 0x80 | (unit & 0x3F) as u8]),
            0xD800..=0xDBFF => self.high = Some(unit),
            _ => push_three_bytes(unit, text),
        }
    }
}

fn push_three_bytes(unit: u16, text: &mut Vec<u8>) {
    text.extend([
        0xE0 | (unit >> 12) as u8,
        0x80 | (unit >> 6 & 0x3F) as u8,
        0x80 | (unit & 0x3F) as u8,
    ]);
}

/// How many bytes of the file became this text.
pub(crate) fn file_bytes(text: &[u8]) -> u64 {
    let of_byte = |&byte: &u8| match byte {
        0x80..=0xBF => 0,
        0xF0..=0xF7 => 4,
        LEFT_OVER => 1,
        _ => 2,
    };
    text.iter().map(of_byte).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcoded(bytes: &[u8], piece: usize) -> Vec<u8> {
        let mut transcoder = Transcoder::new(false);
        let mut text = Vec::new();
        for piece in bytes.chunks(piece) {
            transcoder.push(piece, &mut text);
        }
        transcoder.finish(&mut text);
        text
    }

    #[test]
    fn text_comes_through_in_pieces_of_any_size_and_maps_back() {
        let text = "a\u{7f}\u{80}é\u{7ff}\u{800}漢\u{ffff}\u{10000}😀z\0";
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for piece in 1..=bytes.len() {
            assert_eq!(transcoded(&bytes, piece), text.as_bytes(), "{piece}");
        }
        assert_eq!(file_bytes(text.as_bytes()), bytes.len() as u64);
    }

    #[test]
    fn what_is_no_text_keeps_its_place_and_is_no_utf8() {
        for units in [
            &[0xD800u16][..],
            &[0xDC00],
            &[0x61, 0xD800, 0x62],
            &[0xD800, 0xD800, 0xDC00],
            &[0xDC00, 0xD800],
        ] {
            let mut bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            for odd in [false, true] {
                if odd {
                    bytes.push(0x41);
                }
                let text = transcoded(&bytes, 1);
                assert_eq!(text, transcoded(&bytes, 100), "{units:x?}");
                assert!(str::from_utf8(&text).is_err(), "{units:x?}");
                assert_eq!(file_bytes(&text), bytes.len() as u64, "{units:x?}");
            }
        }
    }
}
