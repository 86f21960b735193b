//! Shapes of procedure and supply codes: CPT (HCPCS level I) and HCPCS level II.
//!
//! CPT (AMA): five digits (category I), or four and a letter: F performance measures, T emerging
//! technology, U laboratory analyses, M administrative analyses, A vaccine administration. HCPCS
//! level II (CMS): a letter of A to V and four digits; W to Z named the local codes that HIPAA
//! ended in 2003, and I and O were never used.

pub(super) fn cpt(text: &[u8]) -> bool {
    let Some((last, first)) = text.split_last() else {
        return false;
    };
    let ends = last.is_ascii_digit()
        || matches!(last.to_ascii_uppercase(), b'A' | b'F' | b'M' | b'T' | b'U');
    super::digits::are_digits(first, 4) && ends
}

pub(super) fn hcpcs(text: &[u8]) -> bool {
    let level_two = text.split_first().is_some_and(|(letter, digits)| {
        let letter = letter.to_ascii_uppercase();
        matches!(letter, b'A'..=b'H' | b'J'..=b'N' | b'P'..=b'V')
            && super::digits::are_digits(digits, 4)
    });
    level_two || cpt(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEVEL_ONE: [&str; 8] = [
        "99213", "00100", "0001F", "0075T", "0241U", "0002M", "0001A", "0075t",
    ];
    const LEVEL_TWO: [&str; 5] = ["J1885", "A0428", "G0008", "V5364", "j1885"];

    #[test]
    fn levels() {
        for code in LEVEL_ONE {
            assert!(cpt(code.as_bytes()) && hcpcs(code.as_bytes()), "{code}");
        }
        for code in LEVEL_TWO {
            assert!(!cpt(code.as_bytes()) && hcpcs(code.as_bytes()), "{code}");
        }
        for code in [
            "", "9921", "992133", "9921B", "F0001", "00F1F", "J188", "J18855", "JJ885", "W1234",
            "Z1234", "I1234", "O1234", "9921-", "99213-25", "J1885 ",
        ] {
            let level_two = code == "F0001";
            assert!(!cpt(code.as_bytes()), "{code}");
            assert_eq!(hcpcs(code.as_bytes()), level_two, "{code}");
        }
    }
}
