//! National drug codes: labeler, product and package (21 CFR 207.33). With hyphens the ten
//! digits of the label, 4-4-2, 5-3-2 or 5-4-1, or the eleven of claims, 5-4-2 (45 CFR 162.1002;
//! NCPDP); without them eleven only, since ten do not say which part is short.

use super::digits::are_digits;

pub(super) fn holds(text: &[u8]) -> bool {
    if are_digits(text, 11) {
        return true;
    }
    let mut parts = text.split(|&byte| byte == b'-');
    let (Some(labeler), Some(product), Some(package), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let lengths = (labeler.len(), product.len(), package.len());
    [(5, 4, 2), (4, 4, 2), (5, 3, 2), (5, 4, 1)].contains(&lengths)
        && [labeler, product, package]
            .into_iter()
            .all(|part| are_digits(part, part.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drug_codes() {
        for good in [
            "00002143380",
            "00002-1433-80",
            "0002-1433-80",
            "50242-040-62",
            "60575-4112-1",
        ] {
            assert!(holds(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            "0002143380",
            "000021433800",
            "0002-143-80",
            "00002-1433-8-0",
            "0002-143380",
            "-0002-1433-80",
            "00002-1433-",
            "0000A143380",
            "0002-14X3-80",
            "00002 1433 80",
            "6-5-0",
        ] {
            assert!(!holds(bad.as_bytes()), "{bad}");
        }
    }
}
