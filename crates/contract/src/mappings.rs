//! Reading a mapping: how one layout's columns become canonical columns.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::canonical_schemas::check_column_name;
use crate::document::{Document, Review, content_hash};
use crate::error::DocumentError;
use crate::names::is_snake_case;
use crate::versions::{below, check_name, check_path_part, check_version, check_version_part};
use crate::{LayoutId, Mapping, MappingSource};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "the keys of a mapping")]
struct RawMapping {
    layout: Spanned<String>,
    version: Spanned<u32>,
    canonical_schema_version: Spanned<u32>,
    columns: Spanned<BTreeMap<String, Spanned<RawSource>>>,
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "`{ \"sql\": … }`, `{ \"constant\": … }` or `{ \"map\": … }`"
)]
struct RawSource {
    #[serde(default)]
    sql: Option<Spanned<String>>,
    #[serde(default)]
    constant: Option<String>,
    #[serde(default)]
    map: Option<RawMap>,
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "`column`, `values` and, if needed, `otherwise`"
)]
struct RawMap {
    column: Spanned<String>,
    values: Spanned<BTreeMap<String, String>>,
    #[serde(default)]
    otherwise: Option<String>,
}

impl Mapping {
    /// Reads a mapping. Where `path_shown` has the form
    /// `canonical/mappings/{file_type}/v{layout_version}/v{n}.json`, both must agree. Whether its
    /// columns exist is judged against layout and schema, by whoever has them.
    pub fn parse(path_shown: &str, text: &str) -> Result<Self, DocumentError> {
        let document = Document::new(path_shown, text);
        let raw: RawMapping = document.read_json()?;
        let mut review = Review::new(&document);

        check_version(&raw.version, &mut review);
        check_version(&raw.canonical_schema_version, &mut review);
        let layout = check_name(&raw.layout, "medical_claim@v1", &mut review);
        if let Some([file_type, layout_version, file]) = below(path_shown, "canonical/mappings") {
            let path_layout = format!("{file_type}@{layout_version}");
            check_path_part(&path_layout, &raw.layout, &mut review);
            check_version_part(file.strip_suffix(".json"), &raw.version, &mut review);
        }
        if raw.columns.value.is_empty() {
            let help = "write `\"claim_id\": { \"sql\": \"clm_id\" }` for each canonical column";
            review.refuse(
                &raw.columns,
                "the mapping maps nothing",
                "expected columns",
                help,
            );
        }
        let mut columns = BTreeMap::new();
        for (name, source) in &raw.columns.value {
            let place = Spanned::new(name.clone(), source.referenced, source.defined);
            check_column_name(&place, &mut review);
            if let Some(source) = check_source(name, source, &mut review) {
                columns.insert(name.clone(), source);
            }
        }
        let mapping = layout.map(|layout: LayoutId| Self {
            layout,
            version: raw.version.value,
            canonical_schema_version: raw.canonical_schema_version.value,
            columns,
            content_hash: content_hash([document.text()]),
        });
        review.conclude(mapping)
    }
}

fn check_source(
    name: &str,
    source: &Spanned<RawSource>,
    review: &mut Review<'_>,
) -> Option<MappingSource> {
    let RawSource { sql, constant, map } = &source.value;
    match (sql, constant, map) {
        (Some(sql), None, None) => {
            if sql.value.trim().is_empty() {
                let help = "write an expression over the layout's columns, for example `clm_id`";
                review.refuse(sql, "the expression is empty", "expected SQL", help);
            }
            Some(MappingSource::Sql(sql.value.trim().to_owned()))
        }
        (None, Some(constant), None) => Some(MappingSource::Constant(constant.clone())),
        (None, None, Some(map)) => {
            if !is_snake_case(&map.column.value) {
                let message = format!("`{}` is not a layout column's name", map.column.value);
                let help = "write the column alone; an expression goes to `sql`";
                review.refuse(
                    &map.column,
                    message,
                    "expected a column of the layout",
                    help,
                );
            }
            if map.values.value.is_empty() {
                let help = "write the table, for example `{\"1\": \"M\", \"2\": \"F\"}`";
                review.refuse(&map.values, "the table is empty", "expected codes", help);
            }
            Some(MappingSource::DomainMap {
                column: map.column.value.clone(),
                values: map.values.value.clone(),
                otherwise: map.otherwise.clone(),
            })
        }
        _ => {
            let message = format!("`{name}` does not have exactly one source");
            let help = "write one of `{ \"sql\": … }`, `{ \"constant\": … }`, `{ \"map\": … }`; a \
                        column that is always null is left out";
            review.refuse(source, message, "expected `sql`, `constant` or `map`", help);
            None
        }
    }
}
