//! Control records: what a file's first and last record say that it should hold.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_saphyr::Spanned;

use super::check_is_column;
use super::raw::{RawCharacters, RawColumn, Text};
use crate::document::Review;
use crate::{Characters, Control, ControlRecord, FieldPlace, Severity, Shape};

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "`header`, `trailer`, `period_column` and `severity`"
)]
pub(super) struct RawControl {
    #[serde(default)]
    header: Option<RawControlRecord>,
    #[serde(default)]
    trailer: Option<RawControlRecord>,
    #[serde(default)]
    period_column: Option<Text>,
    #[serde(default)]
    severity: Option<Spanned<Severity>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "`marker` and where its totals stand")]
struct RawControlRecord {
    marker: Text,
    #[serde(default)]
    row_count: Option<Spanned<RawPlace>>,
    #[serde(default)]
    period_from: Option<Spanned<RawPlace>>,
    #[serde(default)]
    period_to: Option<Spanned<RawPlace>>,
    #[serde(default)]
    totals: BTreeMap<String, Spanned<RawPlace>>,
}

/// `6`, a field counted from 1, or `{ start: 10, length: 8 }`.
#[derive(Clone, Copy)]
enum RawPlace {
    Field(usize),
    Characters(RawCharacters),
}

impl<'de> Deserialize<'de> for RawPlace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PlaceVisitor;
        impl<'de> Visitor<'de> for PlaceVisitor {
            type Value = RawPlace;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field counted from 1, `6`, or `{ start: 10, length: 8 }`")
            }
            fn visit_u64<E: Error>(self, field: u64) -> Result<RawPlace, E> {
                usize::try_from(field)
                    .map(RawPlace::Field)
                    .map_err(E::custom)
            }
            fn visit_i64<E: Error>(self, field: i64) -> Result<RawPlace, E> {
                usize::try_from(field)
                    .map(RawPlace::Field)
                    .map_err(E::custom)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawPlace, A::Error> {
                RawCharacters::deserialize(MapAccessDeserializer::new(map))
                    .map(RawPlace::Characters)
            }
        }
        deserializer.deserialize_any(PlaceVisitor)
    }
}

pub(super) fn check(
    raw: &RawControl,
    shape: &Shape,
    columns: &[RawColumn],
    review: &mut Review<'_>,
) -> Control {
    if let Some(column) = &raw.period_column {
        check_is_column(column, &column.value, columns, review);
    }
    if let Some(severity) = &raw.severity
        && severity.value == Severity::Reject
    {
        let message = "a control record judges the whole file and cannot reject a row";
        let help = "write `fail` or `warn`";
        review.refuse(severity, message, "expected `fail` or `warn`", help);
    }
    Control {
        header: raw
            .header
            .as_ref()
            .map(|record| check_record(record, shape, columns, review)),
        trailer: raw
            .trailer
            .as_ref()
            .map(|record| check_record(record, shape, columns, review)),
        period_column: raw
            .period_column
            .as_ref()
            .map(|column| column.value.clone()),
        severity: raw
            .severity
            .as_ref()
            .map_or(Severity::Fail, |severity| severity.value),
    }
}

fn check_record(
    raw: &RawControlRecord,
    shape: &Shape,
    columns: &[RawColumn],
    review: &mut Review<'_>,
) -> ControlRecord {
    if raw.marker.value.is_empty() {
        let help = "write what the record starts with, for example `TR`";
        review.refuse(&raw.marker, "the marker is empty", "expected text", help);
    }
    let mut place = |given: &Spanned<RawPlace>| check_place(given, shape, review);
    let row_count = raw.row_count.as_ref().map(&mut place);
    let from = raw.period_from.as_ref().map(&mut place);
    let to = raw.period_to.as_ref().map(&mut place);
    let totals: BTreeMap<_, _> = (raw.totals.iter())
        .map(|(column, given)| (column.clone(), place(given)))
        .collect();
    for (column, given) in &raw.totals {
        check_is_column(given, column, columns, review);
    }
    if let (Some(one), None) | (None, Some(one)) = (&raw.period_from, &raw.period_to) {
        let help = "write both `period_from` and `period_to`; they may be the same field";
        review.refuse(one, "half of the period is missing", "expected both", help);
    }
    ControlRecord {
        marker: raw.marker.value.clone(),
        row_count,
        period: from.zip(to),
        totals,
    }
}

fn check_place(given: &Spanned<RawPlace>, shape: &Shape, review: &mut Review<'_>) -> FieldPlace {
    let (message, help) = match (given.value, shape) {
        (RawPlace::Field(field), Shape::Delimited(_)) if field > 0 => {
            return FieldPlace::Field(field);
        }
        (RawPlace::Characters(RawCharacters { start, length }), Shape::FixedWidth(_))
            if start > 0 && length > 0 =>
        {
            return FieldPlace::Characters(Characters { start, length });
        }
        (_, Shape::Delimited(_)) => (
            "is no field of a delimited record",
            "write the field's number, counted from 1: the marker is 1",
        ),
        (_, Shape::FixedWidth(_)) => (
            "is no place in a fixed-width record",
            "write `{ start: 10, length: 8 }`, in characters from 1",
        ),
        _ => (
            "has no meaning: a JSON file has no control records",
            "remove `control`",
        ),
    };
    review.refuse(
        given,
        format!("the place {message}"),
        "expected a place",
        help,
    );
    FieldPlace::Field(1)
}
