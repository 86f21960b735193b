//! The Luhn formula (ISO/IEC 7812-1, annex B), and the national provider identifier, which is
//! it over the issuer's prefix `80840` and the ten digits (45 CFR 162.406; CMS, "NPI check
//! digit").
//!
//! Every wrong digit is found, and every swap of two neighbours other than 0 and 9.

use super::digits::{are_digits, digit};

/// The sum that the formula gives to the prefix `80840`.
const NPI_PREFIX_SUM: u32 = 24;

pub(super) fn luhn(text: &[u8]) -> bool {
    text.len() >= 2 && sum(text).is_some_and(|sum| sum.is_multiple_of(10))
}

pub(super) fn npi(text: &[u8]) -> bool {
    are_digits(text, 10)
        && matches!(text[0], b'1' | b'2')
        && sum(text).is_some_and(|sum| (sum + NPI_PREFIX_SUM).is_multiple_of(10))
}

/// From the right, every second digit doubled and its digits added; modulo 10. `None` where the
/// text is not digits alone.
fn sum(text: &[u8]) -> Option<u32> {
    let mut sum = 0;
    let mut doubled = false;
    for &byte in text.iter().rev() {
        let digit = digit(byte)?;
        sum =
            (sum + match (doubled, digit) {
                (false, digit) => digit,
                (true, digit @ 0..=4) => 2 * digit,
                (true, digit) => 2 * digit - 9,
            }) % 10;
        doubled = !doubled;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_prefix_counts_as_its_digits_do() {
        // Zeros add nothing and leave the prefix in its place before ten digits.
        assert_eq!(sum(b"808400000000000"), Some(NPI_PREFIX_SUM % 10));
    }

    #[test]
    fn provider_identifiers() {
        // The first is the example of the standard.
        for good in ["1234567893", "1245319599", "1003000126"] {
            assert!(npi(good.as_bytes()), "{good}");
        }
        for bad in [
            "1234567890",
            "1234567894",
            "123456789",
            "12345678930",
            "3234567893",
            "0000000000",
            "123456789X",
            "1234 567893",
            "808401234567893",
        ] {
            assert!(!npi(bad.as_bytes()), "{bad}");
        }
        // Right by its check digit, but of no series that is given out.
        let other_series = (3_000_000_000..3_000_000_010u64).map(|n| n.to_string());
        let right: Vec<_> = other_series
            .filter(|n| luhn(format!("80840{n}").as_bytes()))
            .collect();
        assert!(right.len() == 1 && !npi(right[0].as_bytes()));
    }

    #[test]
    fn luhn_numbers() {
        for good in ["79927398713", "4111111111111111", "18", "00", "0000000000"] {
            assert!(luhn(good.as_bytes()), "{good}");
        }
        for bad in ["", "0", "7992739871", "79927398710", "4111-1111", "1８"] {
            assert!(!luhn(bad.as_bytes()), "{bad}");
        }
    }

    /// With the check digit that makes it right.
    fn completed(mut digits: Vec<u8>) -> Vec<u8> {
        digits.push(b'0');
        let last = digits.len() - 1;
        let right = (b'0'..=b'9').find(|&check| {
            digits[last] = check;
            luhn(&digits)
        });
        digits[last] = right.expect("one of ten fits");
        digits
    }

    fn numbers() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(b'0'..=b'9', 1..30).prop_map(completed)
    }

    proptest! {
        #[test]
        fn a_wrong_digit_is_found(number in numbers(), at in any::<prop::sample::Index>(), by in 1..10u8) {
            prop_assert!(luhn(&number));
            let mut wrong = number.clone();
            let at = at.index(wrong.len());
            wrong[at] = b'0' + (wrong[at] - b'0' + by) % 10;
            prop_assert!(!luhn(&wrong));
        }

        #[test]
        fn swapped_neighbours_are_found(number in numbers(), at in any::<prop::sample::Index>()) {
            let at = at.index(number.len() - 1);
            let pair = [number[at], number[at + 1]];
            let mut wrong = number.clone();
            wrong.swap(at, at + 1);
            let same = pair[0] == pair[1] || pair == *b"09" || pair == *b"90";
            prop_assert_eq!(luhn(&wrong), same);
        }

        #[test]
        fn an_identifier_is_luhn_over_its_prefix(digits in "[12][0-9]{9}") {
            prop_assert_eq!(npi(digits.as_bytes()), luhn(format!("80840{digits}").as_bytes()));
        }
    }
}
