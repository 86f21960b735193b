//! From the standard to one of our own documents, which is then read as any other.

use serde_json::{Map, Value, json};

use super::CUSTOM_PREFIX;
use super::formats::to_strftime;
use super::model::{
    CustomProperty, DataContract, LogicalTypeOptions, Property, Quality, SchemaObject,
};
use crate::document::Document;
use crate::error::DocumentError;
use crate::names::{ROW_LINEAGE_COLUMNS, is_snake_case};
use crate::{ColumnType, Contract, Notes};

/// A contract drawn from another form, and what a person should look at.
#[derive(Debug)]
pub struct Imported {
    pub contract: Contract,
    pub notes: Notes,
}

impl Contract {
    /// Reads a contract in the Open Data Contract Standard (v3). `object` names the one of its
    /// schema objects that is meant; it may be left out where there is one.
    ///
    /// # Errors
    /// The text is no such contract, or asks for what a contract of ours cannot say.
    pub fn from_odcs(
        path_shown: &str,
        text: &str,
        object: Option<&str>,
    ) -> Result<Imported, DocumentError> {
        let document = Document::new(path_shown, text);
        let odcs: DataContract = document.read_yaml()?;
        let refuse = |message: String, help: &str| {
            let mistake = document.mistake((0, 0).into(), message, "expected otherwise", help);
            DocumentError::new(path_shown, vec![mistake])
        };
        if odcs.kind != "DataContract" || !odcs.api_version.starts_with("v3") {
            return Err(refuse(
                "not a data contract of the Open Data Contract Standard v3".to_owned(),
                "its `kind` is `DataContract` and its `apiVersion` begins with `v3`",
            ));
        }
        let names: Vec<&str> = odcs
            .schema
            .iter()
            .map(|object| object.name.as_str())
            .collect();
        let chosen = match object {
            None if names.len() == 1 => odcs.schema.first(),
            None => None,
            Some(wanted) => odcs.schema.iter().find(|object| object.name == wanted),
        };
        let Some(chosen) = chosen else {
            let message = format!("its schema has the objects {}", names.join(", "));
            return Err(refuse(message, "name one of them by `--object`"));
        };
        let mut import = Import::default();
        let own = import.document(&odcs, chosen);
        let own = serde_json::to_string_pretty(&own).expect("a document is plain data");
        let read_nothing = |_: &str| {
            Err(std::io::Error::new(
                std::io::ErrorKind::NotFound,
                "imported",
            ))
        };
        let contract = Self::parse("imported contract", &own, &read_nothing)?;
        Ok(Imported {
            contract,
            notes: import.notes,
        })
    }
}

#[derive(Default)]
struct Import {
    notes: Notes,
}

impl Import {
    fn document(&mut self, odcs: &DataContract, object: &SchemaObject) -> Value {
        let mut document = own_keys(&object.custom_properties);
        let title = object.business_name.clone().or_else(|| odcs.name.clone());
        let purpose = odcs
            .description
            .as_ref()
            .and_then(|given| given.purpose.clone());
        let file_type = snake_case(&object.name);
        let major = odcs.version.trim_start_matches('v').split('.').next();
        let version = major
            .and_then(|major| major.parse::<u32>().ok())
            .unwrap_or(1)
            .max(1);
        let columns: Vec<Value> = object
            .properties
            .iter()
            .map(|property| self.column(property))
            .collect();
        let mut key: Vec<&Property> = object
            .properties
            .iter()
            .filter(|property| property.primary_key)
            .collect();
        key.sort_by_key(|property| property.primary_key_position.unwrap_or(i64::MAX));
        if key.is_empty() {
            key.extend(object.properties.iter().find(|property| property.unique));
        }
        let key: Vec<String> = key
            .iter()
            .map(|property| snake_case(&property.name))
            .collect();
        let mut set = |name: &str, value: Value| {
            document.entry(name.to_owned()).or_insert(value);
        };
        set("contract", json!(file_type));
        set("version", json!(version));
        set("title", json!(title.unwrap_or_else(|| object.name.clone())));
        if let Some(description) = purpose.or_else(|| object.description.clone()) {
            set("description", json!(description));
        }
        set("natural_key", json!(key));
        set("columns", Value::Array(columns));
        for quality in &object.quality {
            self.note_quality(quality, &document);
        }
        Value::Object(document)
    }

    /// Checks that the standard leaves to other tools are told, not dropped.
    fn note_quality(&mut self, quality: &Quality, document: &Map<String, Value>) {
        let name = quality.name.as_deref().unwrap_or_default();
        let is_own = document
            .get("rules")
            .and_then(Value::as_array)
            .is_some_and(|rules| {
                rules
                    .iter()
                    .any(|rule| rule.get("id") == Some(&json!(name)))
            });
        let about = quality.description.as_ref().or(quality.query.as_ref());
        if quality.metric.as_deref() != Some("duplicateValues") && !is_own {
            let about = about.map_or("", String::as_str).replace('\n', " ");
            let line = format!("TODO: a quality check to write as a rule: {name} {about}");
            self.notes.head.push(line.trim_end().to_owned());
        }
    }

    fn column(&mut self, property: &Property) -> Value {
        let name = snake_case(&property.name);
        let mut column = own_keys(&property.custom_properties);
        let options = property.logical_type_options.as_ref();
        let (column_type, note) = column_type(property);
        if let Some(note) = note {
            self.notes
                .columns
                .entry(name.clone())
                .or_default()
                .push(note);
        }
        let mut set = |key: &str, value: Value| {
            column.entry(key.to_owned()).or_insert(value);
        };
        let header = property.physical_name.as_ref().unwrap_or(&property.name);
        if *header != name {
            set("header", json!(header));
        }
        set("name", json!(name));
        set("type", json!(column_type.to_string()));
        if let Some(description) = &property.description {
            set("description", json!(description));
        }
        if property.required {
            set("required", json!(true));
        }
        let pii = property.classification.as_deref().and_then(pii_of);
        if let Some(pii) = pii {
            set("pii", json!(pii));
        }
        if let Some(options) = options {
            self.options(&column_type, &name, options, &mut column);
        }
        for quality in &property.quality {
            self.column_quality(&name, quality, &column_type, &mut column);
        }
        Value::Object(column)
    }

    fn options(
        &mut self,
        column_type: &ColumnType,
        name: &str,
        options: &LogicalTypeOptions,
        column: &mut Map<String, Value>,
    ) {
        let mut note = |line: String| {
            self.notes
                .columns
                .entry(name.to_owned())
                .or_default()
                .push(line);
        };
        let mut bounds = Map::new();
        for (key, bound) in [("min", options.min_length), ("max", options.max_length)] {
            bounds.extend(bound.map(|bound| (key.to_owned(), json!(bound))));
        }
        if !bounds.is_empty() {
            column.entry("length").or_insert(Value::Object(bounds));
        }
        let mut bounds = Map::new();
        for (key, bound) in [("min", &options.minimum), ("max", &options.maximum)] {
            let text = bound.as_ref().map(|bound| match bound {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            });
            bounds.extend(text.map(|text| (key.to_owned(), json!(text))));
        }
        let has_order = !matches!(column_type, ColumnType::String | ColumnType::Boolean { .. });
        if !bounds.is_empty() && has_order {
            column.entry("range").or_insert(Value::Object(bounds));
        }
        if let Some(pattern) = &options.pattern {
            column.entry("pattern").or_insert(json!(pattern));
        }
        let is_time = matches!(
            column_type,
            ColumnType::Date { .. } | ColumnType::Timestamp { .. }
        );
        if let Some(format) = options.format.as_ref().filter(|_| is_time) {
            match to_strftime(format) {
                Some(format) => {
                    column.entry("formats").or_insert(json!([format]));
                }
                None => note(format!(
                    "TODO: write the format `{format}` in strftime notation"
                )),
            }
        }
    }

    fn column_quality(
        &mut self,
        name: &str,
        quality: &Quality,
        column_type: &ColumnType,
        column: &mut Map<String, Value>,
    ) {
        let argument = |key: &str| quality.arguments.as_ref().and_then(|given| given.get(key));
        let none_allowed = quality.must_be == Some(json!(0));
        let is_text = *column_type == ColumnType::String;
        match quality.metric.as_deref() {
            Some("invalidValues") if is_text && argument("validValues").is_some() => {
                let values = argument("validValues").cloned().unwrap_or_default();
                column.entry("domain").or_insert(values);
            }
            Some("invalidValues") if is_text && argument("pattern").is_some() => {
                let pattern = argument("pattern").cloned().unwrap_or_default();
                column.entry("pattern").or_insert(pattern);
            }
            Some("nullValues") if none_allowed => {
                column.entry("required").or_insert(json!(true));
            }
            Some("nullValues") if quality.unit.as_deref() == Some("percent") => {
                let most = quality
                    .must_be_less_or_equal_to
                    .or(quality.must_be_less_than);
                if let Some(most) = most.filter(|most| (0.0..=100.0).contains(most)) {
                    let least = json!({ "min": 1.0 - most / 100.0 });
                    column.entry("completeness").or_insert(least);
                }
            }
            metric => {
                let what = metric
                    .or(quality.description.as_deref())
                    .unwrap_or("unnamed");
                let line = format!("TODO: a quality check without a counterpart: {what}");
                self.notes
                    .columns
                    .entry(name.to_owned())
                    .or_default()
                    .push(line);
            }
        }
    }
}

/// Our own keys among the custom properties.
fn own_keys(custom: &[CustomProperty]) -> Map<String, Value> {
    let own = custom.iter().filter_map(|custom| {
        let key = custom.property.strip_prefix(CUSTOM_PREFIX)?;
        Some((key.to_owned(), custom.value.clone()))
    });
    own.collect()
}

/// The physical type where it is one of ours or a decimal, or else what the logical type says.
fn column_type(property: &Property) -> (ColumnType, Option<String>) {
    let physical = property
        .physical_type
        .as_deref()
        .unwrap_or_default()
        .to_lowercase();
    let physical = physical.replace("numeric", "decimal").replace(' ', "");
    if let Ok(known) = ColumnType::parse(&physical) {
        return (known, None);
    }
    let options = property.logical_type_options.as_ref();
    let zoned = options
        .and_then(|options| options.timezone)
        .unwrap_or(false);
    let word = match property.logical_type.as_deref() {
        Some("integer") => "integer",
        Some("number") => "decimal(38,9)",
        Some("boolean") => "boolean",
        Some("date") => "date",
        Some("timestamp") if zoned => "timestamp_tz",
        Some("timestamp") => "timestamp",
        _ => "string",
    };
    let note = match property.logical_type.as_deref() {
        Some(nested @ ("object" | "array" | "time" | "map")) => {
            Some(format!("TODO: its type is {nested}, which is kept as text"))
        }
        Some("number") => Some("TODO: say how many digits the number has".to_owned()),
        _ => None,
    };
    let column_type = ColumnType::parse(word).expect("a type of ours");
    (column_type, note)
}

fn pii_of(classification: &str) -> Option<&'static str> {
    match classification.to_lowercase().as_str() {
        "direct" | "pii" | "restricted" => Some("direct"),
        "quasi" => Some("quasi"),
        "sensitive" | "confidential" | "internal" => Some("sensitive"),
        _ => None,
    }
}

/// `Claim ID` → `claim_id`; what cannot be a name gets a letter before it.
fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for c in name.trim().chars() {
        if c.is_ascii_alphanumeric() {
            text.push(c.to_ascii_lowercase());
        } else if !text.ends_with('_') {
            text.push('_');
        }
    }
    let text = text.trim_matches('_').to_owned();
    let is_taken = ROW_LINEAGE_COLUMNS.contains(&text.as_str()) || text == "atomic_month";
    if is_snake_case(&text) && !is_taken {
        text
    } else {
        format!("c_{text}")
    }
}
