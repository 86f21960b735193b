use serde_json::{Map, Value, json};

use crate::{Column, ColumnType, Contract, Pii};

pub(super) fn write(contract: &Contract) -> String {
    let properties: Map<String, Value> = (contract.columns.iter())
        .map(|column| (column.name.clone(), property(column)))
        .collect();
    let required: Vec<&str> = (contract.columns.iter())
        .filter(|column| column.required)
        .map(|column| column.name.as_str())
        .collect();
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:lazaret:{}", contract.layout),
        "title": contract.title,
        "description": contract.description,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    format!("{schema:#}\n")
}

fn property(column: &Column) -> Value {
    let mut property = Map::new();
    let mut set = |key: &str, value: Value| property.insert(key.to_owned(), value);
    let (kind, format) = match &column.column_type {
        ColumnType::String => ("string", None),
        ColumnType::Integer => ("integer", None),
        ColumnType::Decimal { .. } => ("number", None),
        ColumnType::Date { .. } => ("string", Some("date")),
        ColumnType::Timestamp { .. } => ("string", Some("date-time")),
        ColumnType::Boolean { .. } => ("boolean", None),
    };
    if column.required {
        set("type", json!(kind));
    } else {
        set("type", json!([kind, "null"]));
    }
    if let Some(format) = format {
        set("format", json!(format));
    }
    if let ColumnType::Decimal { scale, .. } = column.column_type {
        set("multipleOf", json!(10f64.powi(-i32::from(scale))));
    }
    if !column.description.is_empty() {
        set("description", json!(column.description));
    }
    if let Some(length) = column.length {
        if length.min > 0 {
            set("minLength", json!(length.min));
        }
        if length.max < usize::MAX {
            set("maxLength", json!(length.max));
        }
    }
    if let Some(pattern) = &column.pattern {
        set("pattern", json!(format!("^(?:{pattern})$")));
    }
    if let Some(domain) = &column.domain {
        // Rows hold canonical codes, whatever the file has.
        let mut codes: Vec<Value> = domain.values.values().map(|code| json!(code)).collect();
        codes.dedup();
        if !column.required {
            codes.push(Value::Null);
        }
        set("enum", Value::Array(codes));
    }
    let range = column.range.as_ref();
    for (key, bound) in [
        ("minimum", range.and_then(|range| range.min.as_ref())),
        ("maximum", range.and_then(|range| range.max.as_ref())),
    ] {
        let number = bound.and_then(|bound| serde_json::from_str::<Value>(bound).ok());
        if let Some(number) = number.filter(Value::is_number) {
            set(key, number);
        }
    }
    if column.pii != Pii::None {
        set("x-pii", json!(column.pii));
    }
    if let Some(check) = column.check {
        set("x-check", json!(check));
    }
    Value::Object(property)
}
