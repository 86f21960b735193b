//! Column types as words: `string`, `decimal(12,2)`, `timestamp_tz`.

use std::fmt;

use crate::ColumnType;
use crate::wording::choose;

/// What Arrow's `Decimal128` can hold.
const PRECISION_MAX: u8 = 38;

const WORDS: [&str; 7] = [
    "string",
    "integer",
    "decimal(12,2)",
    "date",
    "timestamp",
    "timestamp_tz",
    "boolean",
];

/// Text that names no column type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidColumnType {
    #[error("`{0}` is not a column type")]
    Unknown(String),
    #[error("`{0}` does not say its digits")]
    Decimal(String),
    #[error("a decimal of {0} digits cannot be held")]
    Precision(u8),
    #[error("a decimal of {precision} digits cannot have {scale} after the point")]
    Scale { precision: u8, scale: u8 },
}

impl InvalidColumnType {
    pub(crate) fn remedy(&self) -> String {
        match self {
            Self::Unknown(text) => choose(text, &WORDS),
            Self::Decimal(_) => {
                "write `decimal(12,2)`: digits in all, digits after the point".to_owned()
            }
            Self::Precision(_) => format!("write 1 to {PRECISION_MAX} digits in all"),
            Self::Scale { precision, .. } => {
                format!("write 0 to {precision} digits after the point, or more in all")
            }
        }
    }
}

impl ColumnType {
    /// Reads what `Display` writes. Input formats and boolean spellings are left empty: they are
    /// said elsewhere in a contract, and a canonical value has none.
    pub fn parse(text: &str) -> Result<Self, InvalidColumnType> {
        match text {
            "string" => Ok(Self::String),
            "integer" => Ok(Self::Integer),
            "date" => Ok(Self::Date {
                formats: Vec::new(),
            }),
            "timestamp" => Ok(Self::Timestamp {
                formats: Vec::new(),
                zoned: false,
            }),
            "timestamp_tz" => Ok(Self::Timestamp {
                formats: Vec::new(),
                zoned: true,
            }),
            "boolean" => Ok(Self::Boolean {
                truthy: Vec::new(),
                falsy: Vec::new(),
            }),
            decimal if decimal.starts_with("decimal") => parse_decimal(decimal),
            other => Err(InvalidColumnType::Unknown(other.to_owned())),
        }
    }
}

fn parse_decimal(text: &str) -> Result<ColumnType, InvalidColumnType> {
    let digits = || {
        let inner = text.strip_prefix("decimal(")?.strip_suffix(')')?;
        let (precision, scale) = inner.split_once(',')?;
        Some((
            precision.trim().parse::<u8>().ok()?,
            scale.trim().parse::<u8>().ok()?,
        ))
    };
    match digits() {
        None => Err(InvalidColumnType::Decimal(text.to_owned())),
        Some((precision, _)) if !(1..=PRECISION_MAX).contains(&precision) => {
            Err(InvalidColumnType::Precision(precision))
        }
        Some((precision, scale)) if scale > precision => {
            Err(InvalidColumnType::Scale { precision, scale })
        }
        Some((precision, scale)) => Ok(ColumnType::Decimal { precision, scale }),
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String => f.pad("string"),
            Self::Integer => f.pad("integer"),
            Self::Decimal { precision, scale } => f.pad(&format!("decimal({precision},{scale})")),
            Self::Date { .. } => f.pad("date"),
            Self::Timestamp { zoned: false, .. } => f.pad("timestamp"),
            Self::Timestamp { zoned: true, .. } => f.pad("timestamp_tz"),
            Self::Boolean { .. } => f.pad("boolean"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_type() -> impl Strategy<Value = ColumnType> {
        let formats = Vec::new;
        let decimal = (1..=PRECISION_MAX).prop_flat_map(|precision| {
            (0..=precision).prop_map(move |scale| ColumnType::Decimal { precision, scale })
        });
        prop_oneof![
            Just(ColumnType::String),
            Just(ColumnType::Integer),
            decimal,
            Just(ColumnType::Date { formats: formats() }),
            any::<bool>().prop_map(move |zoned| ColumnType::Timestamp {
                formats: formats(),
                zoned
            }),
            Just(ColumnType::Boolean {
                truthy: formats(),
                falsy: formats()
            }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_displayed_is_parsed(column_type in any_type()) {
            prop_assert_eq!(ColumnType::parse(&column_type.to_string()), Ok(column_type));
        }

        #[test]
        fn what_is_parsed_is_displayed(text in "(decimal\\([0-9]{1,2},[0-9]{1,2}\\)|[a-z_]{4,12})") {
            if let Ok(parsed) = ColumnType::parse(&text) {
                prop_assert_eq!(ColumnType::parse(&parsed.to_string()), Ok(parsed));
            }
        }
    }

    #[test]
    fn a_wrong_type_says_what_is_wrong() {
        for (text, expected) in [
            ("text", InvalidColumnType::Unknown("text".to_owned())),
            ("decimal", InvalidColumnType::Decimal("decimal".to_owned())),
            (
                "decimal(12)",
                InvalidColumnType::Decimal("decimal(12)".to_owned()),
            ),
            ("decimal(0,0)", InvalidColumnType::Precision(0)),
            ("decimal(39,2)", InvalidColumnType::Precision(39)),
            (
                "decimal(2,3)",
                InvalidColumnType::Scale {
                    precision: 2,
                    scale: 3,
                },
            ),
        ] {
            assert_eq!(ColumnType::parse(text), Err(expected), "{text}");
        }
    }
}
