//! The part of the standard that we read and write. Keys that we do not know are passed over.

use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct DataContract {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    pub(super) version: String,
    pub(super) status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<Description>,
    pub(super) schema: Vec<SchemaObject>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Description {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) purpose: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct SchemaObject {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) business_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logical_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) physical_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    pub(super) properties: Vec<Property>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) quality: Vec<Quality>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) custom_properties: Vec<CustomProperty>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Property {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) physical_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logical_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) physical_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) required: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) unique: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) primary_key: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) primary_key_position: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) classification: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logical_type_options: Option<LogicalTypeOptions>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) quality: Vec<Quality>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) custom_properties: Vec<CustomProperty>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct LogicalTypeOptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) min_length: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_length: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pattern: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) minimum: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) maximum: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timezone: Option<bool>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Quality {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metric: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) query: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) arguments: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) must_be: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) must_be_less_or_equal_to: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) must_be_less_than: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dimension: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) severity: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CustomProperty {
    pub(super) property: String,
    #[serde(default)]
    pub(super) value: Value,
}

fn is_false(flag: &bool) -> bool {
    !flag
}
