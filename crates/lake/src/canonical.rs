//! From a layout's rows to the statewide shape: mappings as DataFusion expressions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use chrono::{DateTime, Utc};
use contract::{
    AtomicMonth, CanonicalSchema, FileType, LayoutId, Mapping, MappingSource, StateCode,
    SubmissionId, SubmitterId,
};
use datafusion::common::{DFSchema, ScalarValue, ToDFSchema};
use datafusion::logical_expr::{Expr, ExprSchemable, cast, when};
use datafusion::prelude::{SessionContext, col, lit};

use crate::session::read_parquet;
use crate::silver::{file_order, month_keys, quoted};
use crate::{GoldRows, LakeError, Objects, SubmissionPlace};

/// One winner of a canonical month: where its rows are and how they become canonical.
pub struct CanonicalSource<'a> {
    pub state: &'a StateCode,
    pub file_type: &'a FileType,
    pub submitter: &'a SubmitterId,
    pub submission: SubmissionId,
    pub place: &'a SubmissionPlace,
    pub layout: &'a LayoutId,
    pub mapping: &'a Mapping,
    pub schema: &'a CanonicalSchema,
    pub month: AtomicMonth,
    pub built_at: DateTime<Utc>,
}

/// The canonical table's columns: the schema's (required ones not null), then whence each row came. The month itself is
/// the partition column.
pub fn canonical_arrow_schema(schema: &CanonicalSchema) -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let number = |name: &str| Field::new(name, DataType::Int64, true);
    let own = schema.columns.iter().map(|column| {
        Field::new(
            &column.name,
            inspect::arrow_type(&column.column_type),
            !column.required,
        )
    });
    let lineage = [
        text("state"),
        text("file_type"),
        text("submitter_id"),
        text("source_submission_id"),
        text("source_layout_id"),
        number("canonical_schema_version"),
        Field::new(
            "canonical_built_at",
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            true,
        ),
        text("source_file"),
        number("source_row"),
        number("source_offset"),
        number("source_length"),
    ];
    Arc::new(Schema::new(own.chain(lineage).collect::<Vec<_>>()))
}

/// Checks a mapping against both sides; returns everything that is wrong with it.
pub fn check_mapping(
    mapping: &Mapping,
    layout: &SchemaRef,
    schema: &CanonicalSchema,
) -> Vec<String> {
    let Ok(columns) = layout.as_ref().clone().to_dfschema() else {
        return vec![format!(
            "the columns of {} cannot be planned over",
            mapping.layout
        )];
    };
    let context = SessionContext::new();
    let mut problems = Vec::new();
    for name in mapping.columns.keys() {
        if !schema.columns.iter().any(|column| &column.name == name) {
            problems.push(format!(
                "`{name}` is not a column of {}'s canonical schema v{}",
                schema.file_type, schema.version
            ));
        }
    }
    for column in &schema.columns {
        let Some(source) = mapping.columns.get(&column.name) else {
            if column.required {
                problems.push(format!("`{}` is required and not mapped", column.name));
            }
            continue;
        };
        let target = inspect::arrow_type(&column.column_type);
        let planned = expression(&context, source, &columns).and_then(|planned| {
            cast(planned, target)
                .get_type(&columns)
                .map_err(LakeError::plan(&column.name))
        });
        if let Err(error) = planned {
            problems.push(format!("`{}`: {error}", column.name));
        }
    }
    problems
}

/// What of a layout a canonical column is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedColumn {
    /// Columns of the layout, by name; none of a constant.
    pub inputs: Vec<String>,
    /// One column as it is, but for its type.
    pub is_unchanged: bool,
}

/// By canonical column, in so far as the mapping names them.
pub fn mapped_columns(
    mapping: &Mapping,
    layout: &SchemaRef,
) -> Result<BTreeMap<String, MappedColumn>, LakeError> {
    let columns = layout.as_ref().clone().to_dfschema();
    let columns = columns.map_err(LakeError::plan("the columns of a layout"))?;
    let context = SessionContext::new();
    let mut mapped = BTreeMap::new();
    for (name, source) in &mapping.columns {
        let planned = expression(&context, source, &columns)?;
        let inputs = planned.column_refs();
        let inputs: BTreeSet<_> = inputs.iter().map(|column| column.name.clone()).collect();
        let column = MappedColumn {
            inputs: inputs.into_iter().collect(),
            is_unchanged: matches!(planned, Expr::Column(_)),
        };
        mapped.insert(name.clone(), column);
    }
    Ok(mapped)
}

/// A mapping's source as an expression over the layout's columns.
fn expression(
    context: &SessionContext,
    source: &MappingSource,
    columns: &DFSchema,
) -> Result<Expr, LakeError> {
    let plan = || LakeError::plan("a mapping");
    let planned = match source {
        MappingSource::Sql(sql) => context.parse_sql_expr(sql, columns).map_err(plan())?,
        MappingSource::Constant(text) => lit(text.as_str()),
        MappingSource::DomainMap {
            column,
            values,
            otherwise,
        } => {
            let value = cast(col(quoted(column)), DataType::Utf8);
            let otherwise = lit(ScalarValue::Utf8(otherwise.clone()));
            let mut entries = values.iter();
            match entries.next() {
                None => otherwise,
                Some((from, to)) => {
                    let first = when(value.clone().eq(lit(from.as_str())), lit(to.as_str()));
                    entries
                        .fold(first, |mut table, (from, to)| {
                            table.when(value.clone().eq(lit(from.as_str())), lit(to.as_str()))
                        })
                        .otherwise(otherwise)
                        .map_err(plan())?
                }
            }
        }
    };
    for column in planned.column_refs() {
        columns.index_of_column(column).map_err(plan())?;
    }
    planned.get_type(columns).map_err(plan())?;
    Ok(planned)
}

/// A winner's rows in the canonical shape, in file order.
pub async fn open_source(
    context: &SessionContext,
    objects: &Objects,
    source: &CanonicalSource<'_>,
) -> Result<GoldRows, LakeError> {
    let subject = format!(
        "mapping {} v{} over submission {}",
        source.mapping.layout, source.mapping.version, source.submission
    );
    let keys = month_keys(objects, source.place, source.month).await?;
    let silver = read_parquet(context, objects, &keys, &subject).await?;
    let columns = canonical_columns(context, source, silver.schema())?;
    let rows = silver
        .sort(file_order())
        .and_then(|rows| rows.select(columns))
        .map_err(LakeError::plan(&subject))?;
    let rows = rows
        .execute_stream()
        .await
        .map_err(LakeError::execution(&subject))?;
    Ok(GoldRows { subject, rows })
}

fn canonical_columns(
    context: &SessionContext,
    source: &CanonicalSource<'_>,
    layout: &DFSchema,
) -> Result<Vec<Expr>, LakeError> {
    let mut columns = Vec::new();
    for column in &source.schema.columns {
        let value = match source.mapping.columns.get(&column.name) {
            Some(mapped) => expression(context, mapped, layout)?,
            None => lit(ScalarValue::Null),
        };
        let typed = cast(value, inspect::arrow_type(&column.column_type));
        columns.push(typed.alias(&column.name));
    }
    let built_at = ScalarValue::TimestampMicrosecond(
        Some(source.built_at.timestamp_micros()),
        Some("UTC".into()),
    );
    columns.extend([
        lit(source.state.as_str()).alias("state"),
        lit(source.file_type.as_str()).alias("file_type"),
        lit(source.submitter.as_str()).alias("submitter_id"),
        lit(source.submission.to_string()).alias("source_submission_id"),
        lit(source.layout.to_string()).alias("source_layout_id"),
        lit(i64::from(source.schema.version)).alias("canonical_schema_version"),
        lit(built_at).alias("canonical_built_at"),
    ]);
    columns.extend(inspect::LINEAGE_COLUMNS.map(col));
    Ok(columns)
}
