//! Published forms of identifiers and codes: check digits and shapes.
//!
//! One table, [`entry`], says for each check how it is computed and what to send instead; a new
//! check is a function in one of the families and a line there. Pure functions over a cell's
//! text, without allocation. Letters count in either case: a transform makes them one.
//!
//! Codes are judged by their shape. Whether a code is in force on a day is for a domain.

mod digits;
mod icd;
mod isbn;
mod luhn;
mod ndc;
mod nhi;
mod procedure;

use contract::ValueCheck;

/// A check as it is compiled into a column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) holds: fn(&[u8]) -> bool,
    /// What the submitter should send.
    pub(crate) expected: &'static str,
}

/// The registry.
pub(crate) fn entry(check: ValueCheck) -> Entry {
    use ValueCheck::{
        Cpt, Hcpcs, Icd9Procedure, Icd9cm, Icd10cm, Icd10pcs, Isbn, Luhn, Ndc, Npi, NzNhi,
    };
    let (holds, expected): (fn(&[u8]) -> bool, _) = match check {
        Npi => (
            luhn::npi,
            "a national provider identifier: 10 digits, the first 1 or 2, the last its check digit",
        ),
        NzNhi => (
            nhi::holds,
            "an NHI number: three letters and four digits, or three letters, two digits and two \
             letters, the last its check character, without I and O",
        ),
        Luhn => (luhn::luhn, "digits, the last their Luhn check digit"),
        Isbn => (
            isbn::holds,
            "an ISBN of 10 or 13 digits with its check digit, with or without hyphens",
        ),
        Icd10cm => (
            icd::icd10cm,
            "an ICD-10-CM code: a letter, a digit, a letter or digit, and up to four more, with \
             or without a point after the third",
        ),
        Icd10pcs => (
            icd::icd10pcs,
            "an ICD-10-PCS code: 7 letters and digits without I and O, the first a section",
        ),
        Icd9cm => (
            icd::icd9cm,
            "an ICD-9-CM diagnosis code: three digits or V and two digits, and up to two more, or \
             E and three digits, and one more, with or without the point",
        ),
        Icd9Procedure => (
            icd::icd9_procedure,
            "an ICD-9-CM procedure code: two digits, and up to two more, with or without the point",
        ),
        Cpt => (
            procedure::cpt,
            "a CPT code: 5 digits, or 4 digits and one of A, F, M, T, U",
        ),
        Hcpcs => (
            procedure::hcpcs,
            "an HCPCS code: a letter of A to V and 4 digits, or a CPT code",
        ),
        Ndc => (
            ndc::holds,
            "a national drug code: 11 digits, or with hyphens 5-4-2, 4-4-2, 5-3-2 or 5-4-1 digits",
        ),
    };
    Entry { holds, expected }
}

/// Every check, for tests.
#[cfg(test)]
pub(crate) const ALL: [ValueCheck; 11] = [
    ValueCheck::Npi,
    ValueCheck::NzNhi,
    ValueCheck::Luhn,
    ValueCheck::Isbn,
    ValueCheck::Icd10cm,
    ValueCheck::Icd10pcs,
    ValueCheck::Icd9cm,
    ValueCheck::Icd9Procedure,
    ValueCheck::Cpt,
    ValueCheck::Hcpcs,
    ValueCheck::Ndc,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_check_is_its_own() {
        let samples = [
            "1234567893",
            "ZZZ0016",
            "4111111111111111",
            "9780306406157",
            "S72.001A",
            "0DTJ4ZZ",
            "V30.00",
            "36.1",
            "99213",
            "J1885",
            "0002-1433-80",
        ];
        for (check, sample) in ALL.into_iter().zip(samples) {
            assert!((entry(check).holds)(sample.as_bytes()), "{check:?}");
        }
        let expected: std::collections::BTreeSet<_> =
            ALL.iter().map(|&check| entry(check).expected).collect();
        assert_eq!(expected.len(), ALL.len());
    }

    #[test]
    fn nothing_that_is_no_text_of_the_kind_holds() {
        for check in ALL {
            for bytes in [
                &b""[..],
                b" ",
                b"-",
                b".",
                b"\0\0\0\0\0\0\0",
                b"\xFF\xFE\xFD\xFC\xFB",
                "１２３４５６７８９３".as_bytes(),
                "é9921".as_bytes(),
                &[b'1'; 5000],
            ] {
                // Luhn has no length of its own.
                if check != ValueCheck::Luhn {
                    assert!(!(entry(check).holds)(bytes), "{check:?} {bytes:?}");
                }
            }
        }
    }
}
