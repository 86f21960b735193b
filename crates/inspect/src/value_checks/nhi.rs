//! New Zealand's national health index number (HISO 10046:2023, "NHI number format").
//!
//! `AAANNNC` with a check digit modulo 11, and `AAANNAX` with a check letter modulo 23. Letters
//! stand for their place in the alphabet without I and O; weights fall from 7 to 2. A remainder
//! of 0 is not given out in the first format; a check digit of 10 is written 0.
//!
//! Every wrong digit is found. Letters that are 11 (first format) or 23 (A and Z, second) places
//! apart count alike.

use super::digits::digit;

pub(super) fn holds(text: &[u8]) -> bool {
    checked(text).unwrap_or(false)
}

/// `None` where the text has neither format.
fn checked(text: &[u8]) -> Option<bool> {
    let &[a, b, c, d, e, f, check] = text else {
        return None;
    };
    let start = 7 * letter(a)? + 6 * letter(b)? + 5 * letter(c)? + 4 * digit(d)? + 3 * digit(e)?;
    if let Some(f) = digit(f) {
        let remainder = (start + 2 * f) % 11;
        Some(remainder != 0 && (11 - remainder) % 10 == digit(check)?)
    } else {
        let remainder = (start + 2 * letter(f)?) % 23;
        Some(23 - remainder == letter(check)?)
    }
}

/// Its place in the alphabet without I and O, from 1.
fn letter(byte: u8) -> Option<u32> {
    let byte = byte.to_ascii_uppercase();
    let passed = match byte {
        b'A'..=b'H' => 0,
        b'J'..=b'N' => 1,
        b'P'..=b'Z' => 2,
        _ => return None,
    };
    Some(u32::from(byte - b'A') + 1 - passed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers() {
        let good = [
            // Old format; those with Z are kept for tests.
            "JBX3656", "ZZZ0016", "ZZZ0024", "ZAA0130", "zaa0148", // New format.
            "ZBN77VL", "ZZZ00AC", "ZDR69YX", "ZHW58CV", "zZb30nh",
        ];
        for number in good {
            assert!(holds(number.as_bytes()), "{number}");
        }
        let bad = [
            "ZZZ0017",
            "DAB8233",
            "JBX3650",
            "ZZZ0044",
            "ZZZ00AA",
            "ZZZ00AY",
            "ZVU27KY",
            "ZHW58CZ",
            "ZIA0067",
            "ZAO0067",
            "ZAA006",
            "ZAA00670",
            "ZA10067",
            "ZAAA067",
            "ZZZ00A0",
            "ZZZ000A",
            "AAANNNC",
            "AAANNAC",
            "!@#$%&*",
            "ZZZ001６",
        ];
        for number in bad {
            assert!(!holds(number.as_bytes()), "{number}");
        }
    }

    #[test]
    fn a_remainder_of_zero() {
        // 7·1 + 6·1 + 5·1 + 4·1 = 22: not given out in the first format, Y in the second.
        for check in b'0'..=b'9' {
            assert!(!holds(&[b'A', b'A', b'A', b'1', b'0', b'0', check]));
        }
        // 7·1 + 6·1 + 5·1 + 3·1 + 2·1 = 23.
        assert!(holds(b"AAA01AY"));
    }

    #[test]
    fn published_vectors() {
        let Some(folder) = testkit::shared_data::folder("nz") else {
            return;
        };
        let text = std::fs::read_to_string(folder.join("nhi_vectors.json")).unwrap();
        let vectors: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mut seen = 0;
        for (key, expect) in [("valid", true), ("invalid", false)] {
            for number in vectors[key].as_array().unwrap() {
                let number = number.as_str().unwrap();
                assert_eq!(holds(number.as_bytes()), expect, "{number}");
                seen += 1;
            }
        }
        assert!(seen > 100, "the file holds {seen} numbers");
    }

    proptest! {
        #[test]
        fn each_stem_has_one_check_character_at_most(stem in "[A-HJ-NP-Z]{3}[0-9]{2}[0-9A-HJ-NP-Z]") {
            let fitting = (0..=u8::MAX)
                .filter(|byte| !byte.is_ascii_lowercase())
                .filter(|&check| holds(&[stem.as_bytes(), &[check]].concat()))
                .count();
            prop_assert!(fitting <= 1);
            let new_format = stem.as_bytes()[5].is_ascii_alphabetic();
            prop_assert!(!new_format || fitting == 1);
        }

        #[test]
        fn a_wrong_digit_and_swapped_digits_are_found(
            stem in "[A-HJ-NP-Z]{3}[0-9]{3}",
            at in 3..6usize,
            by in 1..10u8,
        ) {
            for check in b'0'..=b'9' {
                let number = [stem.as_bytes(), &[check]].concat();
                if !holds(&number) {
                    continue;
                }
                let mut wrong = number.clone();
                wrong[at] = b'0' + (wrong[at] - b'0' + by) % 10;
                prop_assert!(!holds(&wrong));
                let mut swapped = number.clone();
                swapped.swap(at, at - 1);
                prop_assert!(!holds(&swapped) || swapped == number || at == 3);
            }
        }

        #[test]
        fn a_wrong_letter_is_found_in_the_new_format(
            stem in "[B-HJ-NP-Y]{3}[0-9]{2}[B-HJ-NP-Y]",
            at in prop::sample::select(vec![0usize, 1, 2, 5]),
            other in "[B-HJ-NP-Y]",
        ) {
            let check = b"ABCDEFGHJKLMNPQRSTUVWXYZ"
                .iter()
                .find(|&&check| holds(&[stem.as_bytes(), &[check]].concat()))
                .expect("one letter fits");
            let number = [stem.as_bytes(), &[*check]].concat();
            let mut wrong = number.clone();
            wrong[at] = other.as_bytes()[0];
            prop_assert_eq!(holds(&wrong), wrong == number);
        }
    }
}
