//! Keys and tokens as a caller sees them.

mod key_ring;
mod tokens;

use privacy::{KeyRing, KeyVersion};

/// The bytes 0 to 31.
const FIRST: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// The 40 bytes from 255 down, whose base64 differs between the alphabets.
const SECOND: &str = "//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eDf3t3c29rZ2A==";

/// Version 1, and the current version 2.
fn ring() -> KeyRing {
    KeyRing::parse(&format!("v1:{FIRST},v2:{SECOND}")).expect("a ring as it is documented")
}

fn version(text: &str) -> KeyVersion {
    text.parse().expect("a version as it is written")
}
