use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The calendar month that a row belongs to: `YYYY-MM`, or `__unknown__` where the contract's
/// month column is empty. Only known months compete for gold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum AtomicMonth {
    Unknown,
    Known { year: u16, month: u8 },
}

/// Text that names no month.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a month: write `YYYY-MM`, for example `2024-03`")]
pub struct InvalidMonth(String);

impl AtomicMonth {
    pub const UNKNOWN: &'static str = "__unknown__";

    /// The month with that year (1–9999) and month (1–12), or `Unknown` outside those.
    pub fn new(year: i32, month: u32) -> Self {
        match (u16::try_from(year), month) {
            (Ok(year @ 1..=9999), 1..=12) => Self::Known {
                year,
                month: month as u8,
            },
            _ => Self::Unknown,
        }
    }

    /// The month in a part of a file's name: `YYYYMM`, `YYYY-MM`, or `YYYY` (its January). A part
    /// that the grammar lets be empty, and that is, names none.
    pub fn from_file_name_part(part: &str) -> Result<Self, InvalidMonth> {
        if part.is_empty() {
            return Ok(Self::Unknown);
        }
        let invalid = || InvalidMonth(part.to_owned());
        if !part
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-')
        {
            return Err(invalid());
        }
        let month = match part.len() {
            4 => format!("{part}-01").parse(),
            6 => format!("{}-{}", &part[..4], &part[4..]).parse(),
            _ => part.parse(),
        };
        month.map_err(|_| invalid())
    }

    pub fn is_known(self) -> bool {
        self != Self::Unknown
    }
}

impl FromStr for AtomicMonth {
    type Err = InvalidMonth;
    fn from_str(text: &str) -> Result<Self, InvalidMonth> {
        if text == Self::UNKNOWN {
            return Ok(Self::Unknown);
        }
        let parse = || {
            let (year, month) = text.split_once('-')?;
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            if year.len() != 4 || month.len() != 2 || !digits(year) || !digits(month) {
                return None;
            }
            match Self::new(year.parse().ok()?, month.parse().ok()?) {
                Self::Unknown => None,
                known @ Self::Known { .. } => Some(known),
            }
        };
        parse().ok_or_else(|| InvalidMonth(text.to_owned()))
    }
}
impl TryFrom<String> for AtomicMonth {
    type Error = InvalidMonth;
    fn try_from(value: String) -> Result<Self, InvalidMonth> {
        value.parse()
    }
}
impl From<AtomicMonth> for String {
    fn from(month: AtomicMonth) -> String {
        month.to_string()
    }
}
impl fmt::Display for AtomicMonth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.pad(Self::UNKNOWN),
            Self::Known { year, month } => f.pad(&format!("{year:04}-{month:02}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_in_a_file_name() {
        for (part, expected) in [
            ("2024", Some("2024-01")),
            ("202412", Some("2024-12")),
            ("2024-12", Some("2024-12")),
            ("202413", None),
            ("2024-1", None),
            ("-24-12", None),
            ("20241", None),
            ("24", None),
            ("é24", None),
            ("__unknown__", None),
            ("", Some(AtomicMonth::UNKNOWN)),
        ] {
            let month = AtomicMonth::from_file_name_part(part)
                .ok()
                .map(|m| m.to_string());
            assert_eq!(month.as_deref(), expected, "{part}");
        }
    }

    #[test]
    fn months_round_trip_and_sort() {
        for text in ["2024-03", "0999-12", AtomicMonth::UNKNOWN] {
            assert_eq!(text.parse::<AtomicMonth>().unwrap().to_string(), text);
        }
        for bad in [
            "2024-13", "2024-3", "24-03", "2024-00", "", "2024/03", "+024-03",
        ] {
            assert!(bad.parse::<AtomicMonth>().is_err(), "{bad}");
        }
        assert!(AtomicMonth::new(2023, 12) < AtomicMonth::new(2024, 1));
    }
}
