//! From our own document, key by key, to the standard's.

use serde_json::{Map, Value, json};

use super::model::{
    CustomProperty, DataContract, Description, LogicalTypeOptions, Property, Quality, SchemaObject,
};
use super::{API_VERSION, CUSTOM_PREFIX};
use crate::{Contract, Notes, Severity};

impl Contract {
    /// The contract in the Open Data Contract Standard v3.1.0, as YAML.
    pub fn to_odcs(&self) -> String {
        let mut document = as_document(self);
        let columns = match document.remove("columns") {
            Some(Value::Array(columns)) => columns,
            _ => Vec::new(),
        };
        for said in ["contract", "version", "title", "description", "natural_key"] {
            document.remove(said);
        }
        let quality = self.quality();
        let contract = DataContract {
            api_version: API_VERSION.to_owned(),
            kind: "DataContract".to_owned(),
            id: format!("urn:lazaret:{}", self.layout),
            name: Some(self.layout.file_type.to_string()),
            version: format!("{}.0.0", self.layout.version),
            status: "active".to_owned(),
            description: (!self.description.is_empty()).then(|| Description {
                purpose: Some(self.description.clone()),
            }),
            schema: vec![SchemaObject {
                name: self.layout.file_type.to_string(),
                business_name: Some(self.title.clone()),
                logical_type: Some("object".to_owned()),
                physical_type: Some("file".to_owned()),
                description: None,
                properties: columns
                    .into_iter()
                    .filter_map(|column| match column {
                        Value::Object(column) => Some(self.property(column)),
                        _ => None,
                    })
                    .collect(),
                quality,
                custom_properties: custom(document),
            }],
        };
        serde_saphyr::to_string(&contract).expect("a contract is plain data")
    }

    /// Keys and rules as the standard's checks, for those who cannot read our own.
    fn quality(&self) -> Vec<Quality> {
        let mut quality = Vec::new();
        if self.unique.is_some() {
            quality.push(Quality {
                kind: Some("library".to_owned()),
                metric: Some("duplicateValues".to_owned()),
                arguments: Some(json!({ "properties": self.natural_key })),
                must_be: Some(json!(0)),
                dimension: Some("uniqueness".to_owned()),
                severity: self.unique.map(|severity| severity.as_str().to_owned()),
                ..Quality::default()
            });
        }
        quality.extend(self.rules.iter().map(|rule| Quality {
            name: Some(rule.id.clone()),
            kind: Some("text".to_owned()),
            description: Some(rule.explanation.clone()),
            severity: Some(rule.severity.as_str().to_owned()),
            ..Quality::default()
        }));
        quality
    }

    fn property(&self, mut column: Map<String, Value>) -> Property {
        let mut text = |key: &str| match column.remove(key) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let name = text("name").unwrap_or_default();
        let physical_name = text("header");
        let column_type = text("type").unwrap_or_default();
        let description = text("description");
        let classification = text("pii");
        let pattern = text("pattern");
        let required = column.remove("required") == Some(json!(true));
        let position = self.natural_key.iter().position(|key| *key == name);
        let mut options = LogicalTypeOptions {
            pattern,
            ..LogicalTypeOptions::default()
        };
        if let Some(Value::Object(length)) = column.remove("length") {
            let end = |key: &str| usize::try_from(length.get(key)?.as_u64()?).ok();
            (options.min_length, options.max_length) = (end("min"), end("max"));
        }
        if let Some(Value::Object(range)) = column.remove("range") {
            (options.minimum, options.maximum) =
                (range.get("min").cloned(), range.get("max").cloned());
        }
        let quality = match column.get("domain") {
            Some(Value::Array(values)) => vec![valid_values(values.clone())],
            Some(Value::Object(codes)) => {
                vec![valid_values(codes.keys().map(|key| json!(key)).collect())]
            }
            _ => Vec::new(),
        };
        Property {
            logical_type: Some(logical_type(&column_type).to_owned()),
            physical_type: Some(column_type),
            physical_name,
            description,
            required,
            unique: self.natural_key.len() == 1
                && position.is_some()
                && self.unique >= Some(Severity::Reject),
            primary_key: position.is_some(),
            primary_key_position: position.and_then(|at| i64::try_from(at + 1).ok()),
            classification,
            logical_type_options: (options != LogicalTypeOptions::default()).then_some(options),
            quality,
            custom_properties: custom(column),
            name,
        }
    }
}

fn valid_values(values: Vec<Value>) -> Quality {
    Quality {
        kind: Some("library".to_owned()),
        metric: Some("invalidValues".to_owned()),
        arguments: Some(json!({ "validValues": values })),
        must_be: Some(json!(0)),
        dimension: Some("conformity".to_owned()),
        ..Quality::default()
    }
}

fn logical_type(column_type: &str) -> &'static str {
    match column_type {
        "integer" => "integer",
        "date" => "date",
        "timestamp" | "timestamp_tz" => "timestamp",
        "boolean" => "boolean",
        decimal if decimal.starts_with("decimal") => "number",
        _ => "string",
    }
}

/// The contract as its own document, key by key.
fn as_document(contract: &Contract) -> Map<String, Value> {
    let text = contract.to_yaml(&Notes::default());
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(&text, options).expect("what we write is YAML")
}

fn custom(keys: Map<String, Value>) -> Vec<CustomProperty> {
    let custom = |(key, value)| CustomProperty {
        property: format!("{CUSTOM_PREFIX}{key}"),
        value,
    };
    keys.into_iter().map(custom).collect()
}
