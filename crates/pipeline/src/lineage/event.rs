//! OpenLineage's run event, version 2-0-2, with the facets that Lazaret fills.
//! <https://openlineage.io/spec/2-0-2/OpenLineage.json>

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use contract::RunId;
use serde::Serialize;

const PRODUCER: &str = concat!(
    "https://github.com/lazaret/lazaret/tree/v",
    env!("CARGO_PKG_VERSION")
);
const EVENT: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
const SCHEMA: &str =
    "https://openlineage.io/spec/facets/1-2-0/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet";
const COLUMN_LINEAGE: &str = "https://openlineage.io/spec/facets/1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet";
const QUALITY: &str = "https://openlineage.io/spec/facets/1-0-3/DataQualityMetricsInputDatasetFacet.json#/$defs/DataQualityMetricsInputDatasetFacet";
const STATISTICS: &str = "https://openlineage.io/spec/facets/1-0-2/OutputStatisticsOutputDatasetFacet.json#/$defs/OutputStatisticsOutputDatasetFacet";
const ERROR: &str = "https://openlineage.io/spec/facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum EventType {
    Start,
    Complete,
    Fail,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RunEvent {
    event_type: EventType,
    event_time: DateTime<Utc>,
    producer: &'static str,
    #[serde(rename = "schemaURL")]
    schema_url: &'static str,
    run: Run,
    job: Job,
    inputs: Vec<Input>,
    outputs: Vec<Output>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    run_id: RunId,
    #[serde(skip_serializing_if = "RunFacets::is_empty")]
    facets: RunFacets,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct RunFacets {
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<Facet<ErrorMessage>>,
}

#[derive(Debug, Clone, Serialize)]
struct Job {
    namespace: String,
    name: String,
}

/// What is read.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Input {
    #[serde(flatten)]
    pub(super) dataset: Dataset,
    #[serde(skip_serializing_if = "InputFacets::is_empty")]
    pub(super) input_facets: InputFacets,
}

/// What is written.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    #[serde(flatten)]
    pub(super) dataset: Dataset,
    #[serde(skip_serializing_if = "OutputFacets::is_empty")]
    pub(super) output_facets: OutputFacets,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Dataset {
    pub(super) namespace: String,
    pub(super) name: String,
    #[serde(skip_serializing_if = "DatasetFacets::is_empty")]
    pub(super) facets: DatasetFacets,
}

#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DatasetFacets {
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<Facet<Schema>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column_lineage: Option<Facet<ColumnLineage>>,
}

#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InputFacets {
    #[serde(skip_serializing_if = "Option::is_none")]
    data_quality_metrics: Option<Facet<QualityMetrics>>,
}

#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OutputFacets {
    #[serde(skip_serializing_if = "Option::is_none")]
    output_statistics: Option<Facet<Statistics>>,
}

#[derive(Debug, Clone, Serialize)]
struct Facet<T> {
    #[serde(rename = "_producer")]
    producer: &'static str,
    #[serde(rename = "_schemaURL")]
    schema_url: &'static str,
    #[serde(flatten)]
    body: T,
}

#[derive(Debug, Clone, Serialize)]
struct Schema {
    fields: Vec<Field>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Field {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) data_type: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) description: String,
    pub(super) ordinal_position: usize,
}

#[derive(Debug, Clone, Serialize)]
struct ColumnLineage {
    fields: BTreeMap<String, MadeFrom>,
}

#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MadeFrom {
    pub(super) input_fields: Vec<InputField>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct InputField {
    namespace: String,
    name: String,
    field: String,
    transformations: [Transformation; 1],
}

#[derive(Debug, Clone, Serialize)]
struct Transformation {
    #[serde(rename = "type")]
    kind: &'static str,
    subtype: &'static str,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct QualityMetrics {
    row_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_count: Option<u64>,
    column_metrics: BTreeMap<String, ColumnMetrics>,
}

/// No extremes and no quantiles: they would be values of rows.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ColumnMetrics {
    pub(super) null_count: u64,
    /// Values that are there.
    pub(super) count: u64,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Statistics {
    row_count: u64,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorMessage {
    message: String,
    programming_language: &'static str,
}

impl RunFacets {
    fn is_empty(&self) -> bool {
        self.error_message.is_none()
    }
}

impl DatasetFacets {
    fn is_empty(&self) -> bool {
        self.schema.is_none() && self.column_lineage.is_none()
    }

    pub(super) fn set_schema(&mut self, fields: Vec<Field>) {
        self.schema = Some(facet(SCHEMA, Schema { fields }));
    }

    pub(super) fn set_column_lineage(&mut self, fields: BTreeMap<String, MadeFrom>) {
        self.column_lineage = Some(facet(COLUMN_LINEAGE, ColumnLineage { fields }));
    }
}

impl InputFacets {
    fn is_empty(&self) -> bool {
        self.data_quality_metrics.is_none()
    }
}

impl OutputFacets {
    fn is_empty(&self) -> bool {
        self.output_statistics.is_none()
    }
}

impl Dataset {
    pub(super) fn read(self) -> Input {
        Input {
            dataset: self,
            input_facets: InputFacets::default(),
        }
    }

    pub(super) fn written(self) -> Output {
        Output {
            dataset: self,
            output_facets: OutputFacets::default(),
        }
    }

    /// One of its columns as the origin of another.
    pub(super) fn column(&self, field: &str, is_unchanged: bool) -> InputField {
        let subtype = match is_unchanged {
            true => "IDENTITY",
            false => "TRANSFORMATION",
        };
        InputField {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            field: field.to_owned(),
            transformations: [Transformation {
                kind: "DIRECT",
                subtype,
            }],
        }
    }
}

impl Input {
    pub(super) fn measure(
        &mut self,
        row_count: u64,
        bytes: Option<u64>,
        file_count: Option<u64>,
        column_metrics: BTreeMap<String, ColumnMetrics>,
    ) {
        let metrics = QualityMetrics {
            row_count,
            bytes,
            file_count,
            column_metrics,
        };
        self.input_facets.data_quality_metrics = Some(facet(QUALITY, metrics));
    }
}

impl Output {
    pub(super) fn count(&mut self, row_count: u64) {
        self.output_facets.output_statistics = Some(facet(STATISTICS, Statistics { row_count }));
    }
}

/// A run's job with what it reads and writes.
#[derive(Debug, Clone, Default)]
pub(super) struct Work {
    pub(super) job: String,
    pub(super) inputs: Vec<Input>,
    pub(super) outputs: Vec<Output>,
    /// Why it failed, though the run itself went to its end.
    pub(super) failure: Option<String>,
}

impl RunEvent {
    pub(super) fn new(
        event_type: EventType,
        at: DateTime<Utc>,
        run_id: RunId,
        job_namespace: &str,
        work: Work,
    ) -> Self {
        let error = |message| {
            let body = ErrorMessage {
                message,
                programming_language: "Rust",
            };
            facet(ERROR, body)
        };
        Self {
            event_type,
            event_time: at,
            producer: PRODUCER,
            schema_url: EVENT,
            run: Run {
                run_id,
                facets: RunFacets {
                    error_message: work.failure.map(error),
                },
            },
            job: Job {
                namespace: job_namespace.to_owned(),
                name: work.job,
            },
            inputs: work.inputs,
            outputs: work.outputs,
        }
    }
}

fn facet<T>(schema_url: &'static str, body: T) -> Facet<T> {
    Facet {
        producer: PRODUCER,
        schema_url,
        body,
    }
}
