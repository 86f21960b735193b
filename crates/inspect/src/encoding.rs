//! Text in the encodings of one byte a character, both ways. What came as UTF-16 is UTF-8 by now.

use contract::Encoding;
use encoding_rs::WINDOWS_1252;

/// Whether every byte is a character.
pub(crate) fn is_single_byte(encoding: Encoding) -> bool {
    matches!(encoding, Encoding::Latin1 | Encoding::Windows1252)
}

/// A contract's text as the bytes that it is in a file.
pub(crate) fn encoded(text: &str, encoding: Encoding) -> Box<[u8]> {
    if is_single_byte(encoding) {
        WINDOWS_1252.encode(text).0.as_ref().into()
    } else {
        text.as_bytes().into()
    }
}

/// Text of a file's own structure (a header, a control record), with U+FFFD for what is none.
pub(crate) fn decoded(bytes: &[u8], encoding: Encoding) -> String {
    match encoding {
        Encoding::Latin1 => bytes.iter().copied().map(char::from).collect(),
        Encoding::Windows1252 => WINDOWS_1252.decode_without_bom_handling(bytes).0.into(),
        Encoding::Auto => match str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => decoded(bytes, Encoding::Windows1252),
        },
        Encoding::Utf8 | Encoding::Utf16 | Encoding::Utf16Le | Encoding::Utf16Be => {
            String::from_utf8_lossy(bytes).into_owned()
        }
    }
}

/// Appends the text of bytes in Windows-1252, in which every byte is a character.
pub(crate) fn decode_windows_1252(bytes: &[u8], text: &mut Vec<u8>) {
    let start = text.len();
    // A character becomes three bytes of UTF-8 at most.
    text.resize(start + bytes.len() * 3, 0);
    let mut decoder = WINDOWS_1252.new_decoder_without_bom_handling();
    let (_, read, written, _) = decoder.decode_to_utf8(bytes, &mut text[start..], true);
    debug_assert_eq!(read, bytes.len());
    text.truncate(start + written);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_windows_1252_is_the_same_character_both_ways() {
        for byte in 0..=u8::MAX {
            let mut text = b"x".to_vec();
            decode_windows_1252(&[byte], &mut text);
            let character = str::from_utf8(&text[1..]).unwrap();
            assert_eq!(character.chars().count(), 1, "{byte:x}");
            assert_eq!(*encoded(character, Encoding::Windows1252), [byte]);
            assert_eq!(decoded(&[byte], Encoding::Windows1252), character);
            if !(0x80..0xA0).contains(&byte) {
                assert_eq!(character, char::from(byte).to_string());
            }
        }
        assert_eq!(decoded(b"\x80 \x93", Encoding::Auto), "€ “");
        assert_eq!(decoded("€".as_bytes(), Encoding::Auto), "€");
    }
}
