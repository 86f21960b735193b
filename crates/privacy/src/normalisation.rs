use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What is done to a value before it is tokenised, so that two spellings of one identifier have one
/// token. It is part of what a token is bound to: tokens under different rules never match, rather than
/// for some values only.
///
/// Unicode's composed and decomposed forms are not made equal: `é` and `e` with an accent are two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalisation {
    /// Every byte counts.
    AsGiven,
    /// Without white space (Unicode's `White_Space`) at both ends.
    Trimmed,
    /// Trimmed, and in upper case by Unicode's mapping, whatever the language.
    TrimmedUppercase,
}

impl Normalisation {
    pub const ALL: [Normalisation; 3] = [
        Normalisation::AsGiven,
        Normalisation::Trimmed,
        Normalisation::TrimmedUppercase,
    ];

    /// As it is written in settings and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Normalisation::AsGiven => "as_given",
            Normalisation::Trimmed => "trimmed",
            Normalisation::TrimmedUppercase => "trimmed_uppercase",
        }
    }

    pub(crate) fn apply(self, value: &str) -> Cow<'_, str> {
        match self {
            Normalisation::AsGiven => value.into(),
            Normalisation::Trimmed => value.trim().into(),
            Normalisation::TrimmedUppercase => value.trim().to_uppercase().into(),
        }
    }
}

impl fmt::Display for Normalisation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_does_what_its_name_says() {
        let cases = [
            (Normalisation::AsGiven, " ab-1\t", " ab-1\t"),
            (Normalisation::Trimmed, " \u{a0}ab 1\t\n", "ab 1"),
            (Normalisation::TrimmedUppercase, " zac-5361ä\n", "ZAC-5361Ä"),
            (Normalisation::TrimmedUppercase, " \t", ""),
        ];
        for (rule, value, expected) in cases {
            assert_eq!(rule.apply(value), expected, "{rule}");
        }
    }

    #[test]
    fn a_rule_is_written_as_it_is_read() {
        for rule in Normalisation::ALL {
            let text = serde_json::to_string(&rule).unwrap();
            assert_eq!(text, format!("\"{rule}\""));
            assert_eq!(serde_json::from_str::<Normalisation>(&text).unwrap(), rule);
        }
    }
}
