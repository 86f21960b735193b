//! The words that documents use for what the model keeps as enums.

use crate::{Encoding, Pii, Severity, Transform, ValueCheck};

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Reject => "reject",
            Self::Fail => "fail",
        }
    }
}

impl Pii {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Direct => "direct",
            Self::Quasi => "quasi",
            Self::Sensitive => "sensitive",
        }
    }

    /// The higher, the more protection a column needs.
    pub(crate) fn rank(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Sensitive => 1,
            Self::Quasi => 2,
            Self::Direct => 3,
        }
    }
}

impl Encoding {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Latin1 => "latin-1",
            Self::Windows1252 => "windows-1252",
            Self::Utf16 => "utf-16",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Auto => "auto",
        }
    }
}

impl Transform {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uppercase => "uppercase",
            Self::Lowercase => "lowercase",
            Self::StripLeadingZeros => "strip_leading_zeros",
            Self::DigitsOnly => "digits_only",
            Self::CollapseSpaces => "collapse_spaces",
            Self::RemoveDots => "remove_dots",
        }
    }
}

impl ValueCheck {
    pub const ALL: [Self; 11] = [
        Self::Npi,
        Self::NzNhi,
        Self::Luhn,
        Self::Isbn,
        Self::Icd10cm,
        Self::Icd10pcs,
        Self::Icd9cm,
        Self::Icd9Procedure,
        Self::Cpt,
        Self::Hcpcs,
        Self::Ndc,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Npi => "npi",
            Self::NzNhi => "nz_nhi",
            Self::Luhn => "luhn",
            Self::Isbn => "isbn",
            Self::Icd10cm => "icd10cm",
            Self::Icd10pcs => "icd10pcs",
            Self::Icd9cm => "icd9cm",
            Self::Icd9Procedure => "icd9_procedure",
            Self::Cpt => "cpt",
            Self::Hcpcs => "hcpcs",
            Self::Ndc => "ndc",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_are_those_of_the_documents() {
        for check in ValueCheck::ALL {
            assert_eq!(json!(check), check.as_str());
        }
        use Encoding::{Auto, Latin1, Utf8, Utf16, Utf16Be, Utf16Le, Windows1252};
        for encoding in [Utf8, Latin1, Windows1252, Utf16, Utf16Le, Utf16Be, Auto] {
            assert_eq!(json!(encoding), encoding.as_str());
        }
        for transform in [
            "uppercase",
            "lowercase",
            "strip_leading_zeros",
            "digits_only",
            "collapse_spaces",
            "remove_dots",
        ] {
            let read: Transform = serde_json::from_value(json!(transform)).unwrap();
            assert_eq!(read.as_str(), transform);
        }
    }
}
