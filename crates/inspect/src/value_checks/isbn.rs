//! International standard book numbers (ISO 2108): ten digits modulo 11, where 10 is written X,
//! or thirteen modulo 10 with the prefix 978 or 979; hyphens or spaces between groups.
//!
//! Of ten digits every wrong one and every swap is found; of thirteen every wrong one, and every
//! swap of neighbours that are not 5 apart.

use super::digits::digit;

pub(super) fn holds(text: &[u8]) -> bool {
    let mut digits = [0; 13];
    let Some(length) = digits_of(text, &mut digits) else {
        return false;
    };
    match length {
        10 => {
            let weighted = digits[..10].iter().zip((1..=10).rev());
            sum(weighted).is_multiple_of(11)
        }
        13 => {
            let weighted = digits.iter().zip([1, 3].into_iter().cycle());
            digits[..2] == [9, 7] && matches!(digits[2], 8 | 9) && sum(weighted).is_multiple_of(10)
        }
        _ => false,
    }
}

fn sum<'d>(weighted: impl Iterator<Item = (&'d u32, u32)>) -> u32 {
    weighted.map(|(digit, weight)| digit * weight).sum()
}

/// Fills in the digits and gives their number; `None` where there is anything but them and
/// single separators between them.
fn digits_of(text: &[u8], digits: &mut [u32; 13]) -> Option<usize> {
    let mut length = 0;
    let mut separated = true;
    for &byte in text {
        let value = match byte {
            b'-' | b' ' if !separated => {
                separated = true;
                continue;
            }
            b'X' | b'x' if length == 9 => 10,
            _ => digit(byte)?,
        };
        *digits.get_mut(length)? = value;
        length += 1;
        separated = false;
    }
    let ten_inside = length != 10 && digits.contains(&10);
    (!separated && !ten_inside).then_some(length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn book_numbers() {
        for good in [
            "0306406152",
            "0-306-40615-2",
            "080442957X",
            "0-8044-2957-x",
            "9780306406157",
            "978-0-306-40615-7",
            "979 10 90636 07 1",
        ] {
            assert!(holds(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            "0306406153",
            "030640615",
            "03064061522",
            "0-306--40615-2",
            "-0306406152",
            "0306406152-",
            "0804429570",
            "X306406152",
            "08044295X7",
            "9780306406158",
            "978030640615X",
            "0804429570X",
            "1230306406157",
        ] {
            assert!(!holds(bad.as_bytes()), "{bad}");
        }
    }

    fn ten() -> impl Strategy<Value = Vec<u8>> {
        "[0-9]{9}".prop_map(|stem| {
            let with = |check: &u8| [stem.as_bytes(), &[*check]].concat();
            let check = b"0123456789X".iter().find(|check| holds(&with(check)));
            with(check.expect("one of eleven fits"))
        })
    }

    fn thirteen() -> impl Strategy<Value = Vec<u8>> {
        "97[89][0-9]{9}".prop_map(|stem| {
            let with = |check: &u8| [stem.as_bytes(), &[*check]].concat();
            let check = b"0123456789".iter().find(|check| holds(&with(check)));
            with(check.expect("one of ten fits"))
        })
    }

    proptest! {
        #[test]
        fn a_wrong_digit_is_found(
            number in prop_oneof![ten(), thirteen()],
            at in any::<prop::sample::Index>(),
            by in 1..10u8,
        ) {
            let at = at.index(number.len());
            let mut wrong = number.clone();
            wrong[at] = if wrong[at] == b'X' { b'0' + by - 1 } else { b'0' + (wrong[at] - b'0' + by) % 10 };
            prop_assert!(!holds(&wrong));
        }

        #[test]
        fn swapped_neighbours_are_found(number in ten(), at in 0..8usize) {
            let mut wrong = number.clone();
            wrong.swap(at, at + 1);
            prop_assert_eq!(holds(&wrong), wrong == number);
        }

        #[test]
        fn swapped_neighbours_five_apart_are_not(number in thirteen(), at in 3..12usize) {
            let mut wrong = number.clone();
            wrong.swap(at, at + 1);
            let blind = number[at].abs_diff(number[at + 1]) % 5 == 0;
            prop_assert_eq!(holds(&wrong), blind);
        }
    }
}
