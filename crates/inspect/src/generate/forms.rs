//! Identifiers and codes of published forms, made from a number: their check digits are worked
//! out, not tried for. What could be a living person's or provider's is avoided where a range is
//! set aside: NHI numbers that begin with Z are for tests (HISO 10046:2023), and no provider has
//! an NPI that begins with 2.

use contract::ValueCheck;

/// How many different texts [`nth`] gives.
pub(super) fn room(check: ValueCheck) -> u128 {
    match check {
        ValueCheck::Npi => 100_000_000,
        ValueCheck::NzNhi => 24 * 24 * 999,
        ValueCheck::Luhn => 10u128.pow(14),
        ValueCheck::Isbn => 1_000_000_000,
        ValueCheck::Icd10cm => 26 * 10 * 10 * 111,
        ValueCheck::Icd10pcs => 1_000_000,
        ValueCheck::Icd9cm => 100_000,
        ValueCheck::Icd9Procedure => 10_000,
        ValueCheck::Cpt => 100_000,
        ValueCheck::Hcpcs => 20 * 10_000,
        ValueCheck::Ndc => 100_000_000_000,
    }
}

const LETTERS: &[u8; 24] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";

/// The text of that number, which is taken modulo [`room`].
pub(super) fn nth(check: ValueCheck, number: u128) -> String {
    let number = number % room(check);
    match check {
        ValueCheck::Npi => {
            let digits = format!("2{number:08}");
            // The constant that stands for the prefix 80840 (CMS, "NPI check digit").
            let check = (10 - (luhn_sum(&digits) + 24) % 10) % 10;
            format!("{digits}{check}")
        }
        ValueCheck::Luhn => {
            let digits = format!("9{number:014}");
            format!("{digits}{}", (10 - luhn_sum(&digits) % 10) % 10)
        }
        ValueCheck::NzNhi => nhi(number),
        ValueCheck::Isbn => {
            let digits = format!("979{number:09}");
            let weighted = digits.bytes().zip([1, 3].into_iter().cycle());
            let sum: u32 = weighted
                .map(|(byte, weight)| u32::from(byte - b'0') * weight)
                .sum();
            format!("{digits}{}", (10 - sum % 10) % 10)
        }
        ValueCheck::Icd10cm => {
            let (category, detail) = (number / 111, number % 111);
            let letter = char::from(b'A' + (category / 100) as u8);
            let rest = category % 100;
            match detail {
                0 => format!("{letter}{rest:02}"),
                1..=10 => format!("{letter}{rest:02}{}", detail - 1),
                _ => format!("{letter}{rest:02}{:02}", detail - 11),
            }
        }
        ValueCheck::Icd10pcs => format!("0{number:06}"),
        ValueCheck::Icd9cm => format!("{number:05}"),
        ValueCheck::Icd9Procedure => format!("{number:04}"),
        ValueCheck::Cpt => format!("{number:05}"),
        ValueCheck::Hcpcs => {
            let letter = char::from(LETTERS[(number / 10_000) as usize % 20]);
            format!("{letter}{:04}", number % 10_000)
        }
        ValueCheck::Ndc => format!("{number:011}"),
    }
}

/// From the right, the digits at odd places doubled: the sum to which a check digit is added.
fn luhn_sum(digits: &str) -> u32 {
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    (digits.bytes().rev().enumerate())
        .map(|(at, byte)| (at, u32::from(byte - b'0')))
        .map(|(at, digit)| if at % 2 == 0 { doubled(digit) } else { digit })
        .sum()
}

/// Three letters and four digits. A remainder of 0 is not given out in that format: such a number
/// is written in the newer one.
fn nhi(number: u128) -> String {
    let (letters, digits) = (number / 999, number % 999);
    let (second, third) = ((letters / 24) as usize, (letters % 24) as usize);
    let place = |letter: usize| letter as u32 + 1;
    let start = 7 * place(23) + 6 * place(second) + 5 * place(third);
    let sum = |digits: u32| 4 * (digits / 100) + 3 * (digits / 10 % 10) + 2 * (digits % 10);
    let digits = digits as u32;
    let remainder = (start + sum(digits)) % 11;
    if remainder == 0 {
        // Two digits and two letters.
        let letter = (digits % 10) as usize;
        let start = start + 4 * (digits / 100) + 3 * (digits / 10 % 10) + 2 * place(letter);
        let check = LETTERS[(22 - start % 23) as usize];
        return format!(
            "Z{}{}{:02}{}{}",
            char::from(LETTERS[second]),
            char::from(LETTERS[third]),
            digits / 10,
            char::from(LETTERS[letter]),
            char::from(check)
        );
    }
    format!(
        "Z{}{}{digits:03}{}",
        char::from(LETTERS[second]),
        char::from(LETTERS[third]),
        (11 - remainder) % 10
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value_checks::{ALL, entry};

    #[test]
    fn every_number_has_its_form_and_its_own_text() {
        for check in ALL {
            let step = (room(check) / 3000).max(1);
            let mut seen = std::collections::BTreeSet::new();
            for number in (0..room(check)).step_by(step as usize) {
                let text = nth(check, number);
                assert!((entry(check).holds)(text.as_bytes()), "{check:?} {text}");
                assert!(seen.insert(text), "{check:?} {number}");
            }
        }
    }
}
