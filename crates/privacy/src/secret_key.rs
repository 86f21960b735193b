use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// A shorter key is weaker than the hash: RFC 2104, section 3, and for HS256 RFC 7518, section 3.2.
pub const KEY_BYTES_MIN: usize = 32;

/// A key of HMAC-SHA256 (RFC 2104, FIPS 180-4). Its bytes are wiped when it is dropped and are never
/// shown.
#[derive(Clone)]
pub struct SecretKey(Zeroizing<Vec<u8>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key has fewer than {KEY_BYTES_MIN} bytes; `openssl rand -base64 32` makes one")]
pub struct KeyTooShort;

impl SecretKey {
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Result<SecretKey, KeyTooShort> {
        if bytes.len() < KEY_BYTES_MIN {
            return Err(KeyTooShort);
        }
        Ok(SecretKey(bytes))
    }

    /// Whether the tag is this key's HMAC-SHA256 of the message. Takes as long for a wrong tag as for
    /// the right one.
    pub fn verifies(&self, message: &[u8], tag: &[u8]) -> bool {
        keyed(&self.0, [message]).verify_slice(tag).is_ok()
    }

    /// The HMAC-SHA256 of the pieces, one after the other.
    pub(crate) fn authenticate<'a>(&self, pieces: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
        keyed(&self.0, pieces).finalize().into_bytes().into()
    }

    /// Whether two keys are one, in a time that does not depend on where they differ.
    pub(crate) fn is_same(&self, other: &SecretKey) -> bool {
        use subtle::ConstantTimeEq;
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretKey(…)")
    }
}

fn keyed<'a>(key: &[u8], pieces: impl IntoIterator<Item = &'a [u8]>) -> Hmac<Sha256> {
    let mut hmac = Hmac::new_from_slice(key).expect("HMAC takes a key of any length");
    for piece in pieces {
        hmac.update(piece);
    }
    hmac
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<char> = hex.chars().filter(|digit| !digit.is_whitespace()).collect();
        let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16);
        digits.chunks(2).map(|pair| byte(pair).unwrap()).collect()
    }

    /// RFC 4231, sections 4.2 to 4.8: key, data, HMAC-SHA-256. The fifth gives its first 128 bits.
    fn rfc_4231() -> [(Vec<u8>, Vec<u8>, &'static str); 7] {
        [
            (
                vec![0x0b; 20],
                b"Hi There".to_vec(),
                "b0344c61d8db38535ca8afceaf0bf12b 881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe".to_vec(),
                b"what do ya want for nothing?".to_vec(),
                "5bdcc146bf60754e6a042426089575c7 5a003f089d2739839dec58b964ec3843",
            ),
            (
                vec![0xaa; 20],
                vec![0xdd; 50],
                "773ea91e36800e46854db8ebd09181a7 2959098b3ef8c122d9635514ced565fe",
            ),
            (
                (0x01..=0x19).collect(),
                vec![0xcd; 50],
                "82558a389a443c0ea4cc819899f2083a 85f0faa3e578f8077a2e3ff46729665b",
            ),
            (
                vec![0x0c; 20],
                b"Test With Truncation".to_vec(),
                "a3b6167473100ee06e0c796c2955552b",
            ),
            (
                vec![0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First".to_vec(),
                "60e431591ee0b67f0d8a26aacbf5b77f 8e0bc6213728c5140546040f0ee37f54",
            ),
            (
                vec![0xaa; 131],
                b"This is a test using a larger than block-size key and a larger than block-size \
                  data. The key needs to be hashed before being used by the HMAC algorithm."
                    .to_vec(),
                "9b09ffa71b942fcb27635fbcd5b0e944 bfdc63644f0713938a7f51535c3a35e2",
            ),
        ]
    }

    #[test]
    fn the_vectors_of_rfc_4231_hold() {
        for (number, (key, data, expected)) in (1..).zip(rfc_4231()) {
            // Some of these keys are shorter than we take.
            let key = SecretKey(Zeroizing::new(key));
            let tag = key.authenticate([data.as_slice()]);
            let expected = bytes(expected);
            assert_eq!(&tag[..expected.len()], expected, "test case {number}");
            assert!(key.verifies(&data, &tag), "test case {number}");
            let (start, end) = data.split_at(data.len() / 2);
            assert_eq!(key.authenticate([start, end]), tag, "in pieces: {number}");
        }
    }

    #[test]
    fn a_tag_that_is_changed_or_cut_is_refused() {
        let key = SecretKey::new(Zeroizing::new(vec![7; KEY_BYTES_MIN])).unwrap();
        let tag = key.authenticate([b"message".as_slice()]);
        for at in 0..tag.len() {
            let mut changed = tag;
            changed[at] ^= 1;
            assert!(!key.verifies(b"message", &changed), "byte {at}");
            assert!(!key.verifies(b"message", &tag[..at]), "{at} bytes");
        }
        assert!(!key.verifies(b"massage", &tag));
    }

    #[test]
    fn a_short_key_is_refused_and_no_key_is_shown() {
        let of = |length| SecretKey::new(Zeroizing::new(vec![0x41; length]));
        assert_eq!(of(KEY_BYTES_MIN - 1).unwrap_err(), KeyTooShort);
        assert_eq!(format!("{:?}", of(KEY_BYTES_MIN).unwrap()), "SecretKey(…)");
    }
}
