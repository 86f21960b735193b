//! Reading a canonical schema: the statewide shape of a file type.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::document::{Document, Review, content_hash};
use crate::error::DocumentError;
use crate::names::{CANONICAL_LINEAGE_COLUMNS, is_snake_case};
use crate::versions::{check_layout, check_path};
use crate::{CanonicalColumn, CanonicalSchema, ColumnType};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "the keys of a canonical schema")]
struct RawSchema {
    file_type: Spanned<String>,
    version: Spanned<u32>,
    title: String,
    columns: Spanned<Vec<RawColumn>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "the keys of a canonical column")]
struct RawColumn {
    name: Spanned<String>,
    #[serde(rename = "type")]
    column_type: Spanned<String>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    description: String,
}

impl CanonicalSchema {
    /// Reads a canonical schema. Where `path_shown` has the form
    /// `canonical/schemas/{file_type}/v{n}.json`, both must agree.
    pub fn parse(path_shown: &str, text: &str) -> Result<Self, DocumentError> {
        let document = Document::new(path_shown, text);
        let raw: RawSchema = document.read_json()?;
        let mut review = Review::new(&document);

        let layout = check_layout(&raw.file_type, &raw.version, &mut review);
        check_path(
            "canonical/schemas",
            &raw.file_type,
            &raw.version,
            "json",
            &mut review,
        );
        if raw.columns.value.is_empty() {
            let help = "write `{ \"name\": \"claim_id\", \"type\": \"string\" }` for each column";
            review.refuse(
                &raw.columns,
                "the schema has no columns",
                "expected one or more",
                help,
            );
        }
        let mut names = BTreeSet::new();
        for column in &raw.columns.value {
            check_column_name(&column.name, &mut review);
            if !names.insert(column.name.value.as_str()) {
                let message = format!("the column `{}` stands twice", column.name.value);
                review.refuse(
                    &column.name,
                    message,
                    "expected once",
                    "remove one of the two",
                );
            }
        }
        let columns = raw
            .columns
            .value
            .iter()
            .filter_map(|raw| column(raw, &mut review))
            .collect();
        let schema = layout.map(|layout| Self {
            file_type: layout.file_type,
            version: layout.version,
            title: raw.title.trim().to_owned(),
            columns,
            content_hash: content_hash([document.text()]),
        });
        review.conclude(schema)
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&CanonicalColumn> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// Refuses what cannot name a column of the canonical table, or what its lineage needs.
pub(crate) fn check_column_name(name: &Spanned<String>, review: &mut Review<'_>) {
    let text = name.value.as_str();
    if !is_snake_case(text) {
        let help = "write a-z, 0-9 and `_`, starting with a letter";
        review.refuse(
            name,
            format!("`{text}` cannot name a column"),
            "expected snake_case",
            help,
        );
    } else if CANONICAL_LINEAGE_COLUMNS.contains(&text) {
        let message = format!("the name `{text}` is taken: every canonical row carries it");
        let help = "write a name that says whose it is, for example `claim_state`";
        review.refuse(name, message, "expected another name", help);
    }
}

fn column(raw: &RawColumn, review: &mut Review<'_>) -> Option<CanonicalColumn> {
    match ColumnType::parse(&raw.column_type.value) {
        Ok(column_type) => Some(CanonicalColumn {
            name: raw.name.value.clone(),
            column_type,
            required: raw.required,
            description: raw.description.trim().to_owned(),
        }),
        Err(error) => {
            let (message, help) = (error.to_string(), error.remedy());
            review.refuse(&raw.column_type, message, "expected a column type", help);
            None
        }
    }
}
