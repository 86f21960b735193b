//! Shapes of the diagnosis and procedure codes that 45 CFR 162.1002 adopts.
//!
//! * ICD-10-CM ("Official Guidelines for Coding and Reporting", I.A.2): three to seven
//!   characters, the first a letter, the second a digit, a point after the third.
//! * ICD-10-PCS ("Official Guidelines", A1–A4): seven of digits and letters without I and O; the
//!   first is a section.
//! * ICD-9-CM: three digits (V and two, E and three), then up to two (E: one) after the point;
//!   of procedures two digits, then one or two.
//!
//! Claim formats carry the codes without their point, so it may be absent; where it stands,
//! something must follow.

pub(super) fn icd10cm(text: &[u8]) -> bool {
    let Some((category, rest)) = text.split_first_chunk::<3>() else {
        return false;
    };
    let [first, second, third] = category;
    first.is_ascii_alphabetic()
        && second.is_ascii_digit()
        && third.is_ascii_alphanumeric()
        && after_point(rest, 4).is_some_and(|rest| rest.iter().all(u8::is_ascii_alphanumeric))
}

pub(super) fn icd10pcs(text: &[u8]) -> bool {
    let value = |byte: &u8| {
        byte.is_ascii_alphanumeric() && !matches!(byte.to_ascii_uppercase(), b'I' | b'O')
    };
    let section = |byte: &u8| {
        matches!(
            byte.to_ascii_uppercase(),
            b'0'..=b'9' | b'B' | b'C' | b'D' | b'F' | b'G' | b'H' | b'X'
        )
    };
    text.len() == 7 && section(&text[0]) && text.iter().all(value)
}

pub(super) fn icd9cm(text: &[u8]) -> bool {
    let (category, more) = match text.first() {
        Some(b'E' | b'e') => (4, 1),
        _ => (3, 2),
    };
    let Some((category, rest)) = text.split_at_checked(category) else {
        return false;
    };
    let (first, others) = (category[0], &category[1..]);
    let leads = first.is_ascii_digit() || matches!(first, b'E' | b'e' | b'V' | b'v');
    leads && others.iter().all(u8::is_ascii_digit) && digits_after_point(rest, more)
}

pub(super) fn icd9_procedure(text: &[u8]) -> bool {
    let Some((category, rest)) = text.split_first_chunk::<2>() else {
        return false;
    };
    category.iter().all(u8::is_ascii_digit) && digits_after_point(rest, 2)
}

fn digits_after_point(rest: &[u8], max: usize) -> bool {
    after_point(rest, max).is_some_and(|rest| rest.iter().all(u8::is_ascii_digit))
}

/// What follows the category, without the point that may stand before it: at most `max` long,
/// and not empty behind a point.
fn after_point(rest: &[u8], max: usize) -> Option<&[u8]> {
    let detail = match rest.split_first() {
        Some((b'.', detail)) if !detail.is_empty() => detail,
        Some((b'.', _)) => return None,
        _ => rest,
    };
    (detail.len() <= max).then_some(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(holds: fn(&[u8]) -> bool, good: &[&str], bad: &[&str]) {
        for code in good {
            assert!(holds(code.as_bytes()), "{code}");
        }
        for code in bad {
            assert!(!holds(code.as_bytes()), "{code}");
        }
    }

    #[test]
    fn icd_10_cm() {
        check(
            icd10cm,
            &[
                "A00", "E11.9", "E119", "S72.001A", "S72001A", "U07.1", "M1A.0110", "C4A.9",
                "e11.9", "T36.0X1A", "Z3A.20",
            ],
            &[
                "",
                "A0",
                "A00.",
                "A.00",
                "E11.90123",
                "E1190123",
                "A0.0",
                "1A0",
                "AA0",
                "E11-9",
                "E11..9",
                "E1.19",
                "S72.00.1A",
                "E11.9 ",
                "É11",
            ],
        );
    }

    #[test]
    fn icd_10_pcs() {
        check(
            icd10pcs,
            &[
                "0DTJ4ZZ", "02HV33Z", "XW033E5", "B020ZZZ", "4A023N7", "0dtj4zz",
            ],
            &[
                "", "0DTJ4Z", "0DTJ4ZZZ", "0DT.J4Z", "0DTI4ZZ", "0DTO4ZZ", "ADTJ4ZZ", "0DTJ4Z-",
                "IDTJ4ZZ",
            ],
        );
    }

    #[test]
    fn icd_9_cm() {
        check(
            icd9cm,
            &[
                "250", "250.0", "250.00", "25000", "4019", "V30", "V30.00", "V3000", "V10.3",
                "E849", "E849.0", "E8490", "v30", "e849.0",
            ],
            &[
                "", "25", "250.", "250.000", "250000", "E84", "E849.00", "E84900", "V3", "V30.000",
                "A01", "2500.0", "25.00", "V300.0", "E84.90", "V3A", "250.A",
            ],
        );
    }

    #[test]
    fn icd_9_procedures() {
        check(
            icd9_procedure,
            &["36", "36.1", "36.10", "3610", "361", "00.66", "9904"],
            &[
                "", "3", "36.", "36.100", "36100", "3.61", "361.0", "V3", "3A", "36.1A",
            ],
        );
    }
}
