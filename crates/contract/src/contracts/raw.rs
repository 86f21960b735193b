//! A contract as written: keys and values with their places, not yet checked.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde_saphyr::Spanned;

use super::file::RawFile;
use crate::{Pii, RuleScope, Severity, Transform, ValueCheck};

pub(super) type Text = Spanned<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "the keys of a contract")]
pub(super) struct RawContract {
    pub(super) contract: Text,
    pub(super) version: Spanned<u32>,
    pub(super) title: String,
    #[serde(default)]
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) source: Option<String>,
    #[serde(default)]
    pub(super) file: RawFile,
    #[serde(default)]
    pub(super) file_name: Option<RawFileName>,
    pub(super) natural_key: Vec<Text>,
    #[serde(default)]
    pub(super) unique: Option<Spanned<RawUnique>>,
    #[serde(default)]
    pub(super) atomic_month: Option<Spanned<RawMonth>>,
    #[serde(default)]
    pub(super) thresholds: RawThresholds,
    pub(super) columns: Spanned<Vec<RawColumn>>,
    #[serde(default)]
    pub(super) rules: Vec<RawRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "`pattern` and, if needed, `parts`")]
pub(super) struct RawFileName {
    pub(super) pattern: Text,
    #[serde(default)]
    pub(super) parts: BTreeMap<String, Text>,
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "`{ column: … }` or `{ file_name_part: … }`"
)]
pub(super) struct RawMonth {
    #[serde(default)]
    pub(super) column: Option<Text>,
    #[serde(default)]
    pub(super) file_name_part: Option<Text>,
}

#[derive(Default, Deserialize)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "`reject_ratio` or `min_rows`"
)]
pub(crate) struct RawThresholds {
    pub(crate) reject_ratio: Option<Spanned<f64>>,
    pub(crate) min_rows: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "the keys of a column")]
pub(super) struct RawColumn {
    pub(super) name: Text,
    #[serde(default)]
    pub(super) header: Option<Text>,
    #[serde(default)]
    pub(super) aliases: Vec<Text>,
    #[serde(default)]
    pub(super) place: Option<Spanned<RawCharacters>>,
    #[serde(rename = "type")]
    pub(super) column_type: Text,
    #[serde(default)]
    pub(super) formats: Option<Spanned<Vec<Text>>>,
    #[serde(default)]
    pub(super) true_values: Option<Spanned<Vec<Text>>>,
    #[serde(default)]
    pub(super) false_values: Option<Spanned<Vec<Text>>>,
    #[serde(default)]
    pub(super) zone: Option<Text>,
    #[serde(default)]
    pub(super) implied_decimals: Option<Spanned<bool>>,
    #[serde(default)]
    pub(super) required: bool,
    #[serde(default)]
    pub(super) required_when: Option<Text>,
    #[serde(default)]
    pub(super) nulls: Vec<String>,
    #[serde(default)]
    pub(super) sentinels: Vec<Text>,
    #[serde(default)]
    pub(super) trim: Option<bool>,
    #[serde(default)]
    pub(super) transform: Vec<Transform>,
    #[serde(default)]
    pub(super) zero_pad: Option<Spanned<usize>>,
    #[serde(default)]
    pub(super) length: Option<Spanned<RawLength>>,
    #[serde(default)]
    pub(super) range: Option<Spanned<RawRange>>,
    #[serde(default)]
    pub(super) pattern: Option<Text>,
    #[serde(default)]
    pub(super) domain: Option<Spanned<RawDomain>>,
    #[serde(default)]
    pub(super) check: Option<Spanned<ValueCheck>>,
    #[serde(default)]
    pub(super) completeness: Option<Spanned<RawCompleteness>>,
    #[serde(default)]
    pub(super) severity: Option<Severity>,
    #[serde(default)]
    pub(super) pii: Option<Pii>,
    #[serde(default)]
    pub(super) description: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "`{ min: …, max: … }`")]
pub(super) struct RawRange {
    #[serde(default)]
    pub(super) min: Option<Text>,
    #[serde(default)]
    pub(super) max: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "the keys of a rule")]
pub(super) struct RawRule {
    pub(super) id: Text,
    #[serde(default)]
    pub(super) scope: Option<RuleScope>,
    pub(super) sql: Text,
    #[serde(default)]
    pub(super) severity: Option<Spanned<Severity>>,
    #[serde(default)]
    pub(super) tier: Option<Spanned<u8>>,
    #[serde(default)]
    pub(super) category: Option<Text>,
    #[serde(default)]
    pub(super) denominator: Option<Text>,
    #[serde(default)]
    pub(super) threshold: Option<Spanned<f64>>,
    pub(super) explanation: Text,
    #[serde(default)]
    pub(super) waivers: Vec<RawWaiver>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "`submitter`, `until` and `reason`")]
pub(super) struct RawWaiver {
    pub(super) submitter: Text,
    pub(super) until: Text,
    pub(super) reason: Text,
}

/// What a second row with the same natural key does.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawUnique {
    Off,
    Warn,
    Reject,
    Fail,
}

/// A place in a fixed-width record, from 1, in characters.
#[derive(Clone, Copy, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "`{ start: …, length: … }`, in characters from 1"
)]
pub(super) struct RawCharacters {
    pub(super) start: usize,
    pub(super) length: usize,
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "`{ min: … }`, with `of_rows` and `severity` if needed"
)]
pub(super) struct RawCompleteness {
    pub(super) min: Spanned<f64>,
    #[serde(default)]
    pub(super) of_rows: Option<Text>,
    #[serde(default)]
    pub(super) severity: Option<Spanned<Severity>>,
}

/// `16` or `{ min: 1, max: 20 }`.
pub(super) struct RawLength {
    pub(super) min: Option<usize>,
    pub(super) max: Option<usize>,
}

impl<'de> Deserialize<'de> for RawLength {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Bounds {
            #[serde(default)]
            min: Option<usize>,
            #[serde(default)]
            max: Option<usize>,
        }
        struct LengthVisitor;
        impl<'de> Visitor<'de> for LengthVisitor {
            type Value = RawLength;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of characters, `16`, or bounds, `{ min: 1, max: 20 }`")
            }
            fn visit_u64<E: Error>(self, length: u64) -> Result<RawLength, E> {
                let length = usize::try_from(length).map_err(E::custom)?;
                Ok(RawLength {
                    min: Some(length),
                    max: Some(length),
                })
            }
            fn visit_i64<E: Error>(self, length: i64) -> Result<RawLength, E> {
                match u64::try_from(length) {
                    Ok(length) => self.visit_u64(length),
                    Err(_) => Err(E::invalid_value(Unexpected::Signed(length), &self)),
                }
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawLength, A::Error> {
                let Bounds { min, max } = Bounds::deserialize(MapAccessDeserializer::new(map))?;
                Ok(RawLength { min, max })
            }
        }
        deserializer.deserialize_any(LengthVisitor)
    }
}

/// A list of values, a map from value to canonical code, or a file of either.
pub(super) enum RawDomain {
    List(Vec<Text>),
    Map(Vec<(Text, Text)>),
    File(Text),
}

impl<'de> Deserialize<'de> for RawDomain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DomainVisitor;
        impl<'de> Visitor<'de> for DomainVisitor {
            type Value = RawDomain;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "values, `[\"1\", \"2\"]`, a map to codes, `{\"1\": male}`, or `{ file: … }`",
                )
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<RawDomain, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = seq.next_element()? {
                    values.push(value);
                }
                Ok(RawDomain::List(values))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawDomain, A::Error> {
                let mut entries: Vec<(Text, Text)> = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                match entries.as_slice() {
                    [(key, path)] if key.value == "file" => Ok(RawDomain::File(path.clone())),
                    _ => Ok(RawDomain::Map(entries)),
                }
            }
        }
        deserializer.deserialize_any(DomainVisitor)
    }
}
