//! What a run reads and writes. A dataset is a submitter's files of a type, or a gold table: it
//! has one name for years, and runs add to it.

use std::collections::BTreeMap;

use contract::{CanonicalSchema, ColumnType, FileType, LayoutId, SubmissionId, SubmitterId};
use lake::{Key, MappedColumn, mapped_columns};
use serde_json::Value;
use store::{RunOutcome, Submission, SubmissionState, WinnerFilter};

use super::event::{ColumnMetrics, Dataset, DatasetFacets, Field, MadeFrom, Work};
use crate::catalog::Layout;
use crate::submissions::report::ParseReport;
use crate::withheld::Vocabulary;
use crate::{Pipeline, PipelineError};

/// The datasets of a submitter's files of one type.
enum Stage {
    Raw,
    Silver,
    Quarantine,
}

impl Pipeline {
    pub(super) async fn parse_work(
        &self,
        subject: &str,
        has_ended: bool,
    ) -> Result<Work, PipelineError> {
        let submission = match subject.parse::<SubmissionId>() {
            Ok(id) => self.known_submission(id).await?,
            Err(_) => return Ok(Work::default()),
        };
        let (Some(submitter), Some(layout_id)) = (&submission.submitter_id, submission.layout())
        else {
            return Ok(Work::default());
        };
        let file_type = &layout_id.file_type;
        // A layout that is gone fails the run, which is told without its columns.
        let Some(layout) = self.catalog.layouts.get(&layout_id) else {
            return Ok(Work::default());
        };
        let raw = self.files(&Stage::Raw, submitter, file_type);
        let mut silver = self.files(&Stage::Silver, submitter, file_type);
        let from_raw = layout.contract.columns.iter().map(|column| {
            // A value is trimmed, typed and checked on its way.
            let from = raw.column(&column.header, false);
            (column.name.clone(), made_from([from]))
        });
        silver.facets.set_schema(layout_fields(layout));
        silver.facets.set_column_lineage(from_raw.collect());
        let quarantine = self.files(&Stage::Quarantine, submitter, file_type);
        let mut work = Work {
            job: format!("parse.{file_type}.{submitter}"),
            inputs: vec![raw.read()],
            outputs: vec![silver.written(), quarantine.written()],
            failure: None,
        };
        if has_ended {
            self.count_parsed(&submission, layout, &mut work).await?;
        }
        Ok(work)
    }

    async fn count_parsed(
        &self,
        submission: &Submission,
        layout: &Layout,
        work: &mut Work,
    ) -> Result<(), PipelineError> {
        if submission.state == SubmissionState::ParseFailed {
            let reason = submission.state_reason.as_deref().unwrap_or_default();
            let subject = submission.submission_id.to_string();
            work.failure = Some(self.shown_error(reason, &subject).await?);
        }
        let (Some(rows_in), Some(accepted), Some(rejected)) = (
            submission.rows_in,
            submission.rows_accepted,
            submission.rows_rejected,
        ) else {
            return Ok(());
        };
        let report = match submission.state {
            // Silver and its report are removed, or may be another attempt's.
            SubmissionState::ParseFailed => None,
            _ => Some(self.parse_report(submission).await?),
        };
        let metrics = report.map_or_else(BTreeMap::new, |report| column_metrics(&report, layout));
        let files = self
            .store
            .submission_files(submission.submission_id)
            .await?;
        if let Some(raw) = work.inputs.first_mut() {
            let bytes = submission.bytes_in.map(count);
            raw.measure(count(rows_in), bytes, Some(files.len() as u64), metrics);
        }
        for (output, rows) in work.outputs.iter_mut().zip([accepted, rejected]) {
            output.count(count(rows));
        }
        Ok(())
    }

    /// The subject is `state/file_type/submitter/YYYY-MM`.
    pub(super) async fn submitter_gold_work(
        &self,
        subject: &str,
        outcome: Option<&RunOutcome>,
    ) -> Result<Work, PipelineError> {
        let parts: Vec<&str> = subject.split('/').collect();
        let [state, file_type, submitter, month] = parts.as_slice() else {
            return Ok(Work::default());
        };
        let (Ok(state), Ok(file_type), Ok(submitter), Ok(month)) = (
            state.parse(),
            file_type.parse(),
            submitter.parse(),
            month.parse(),
        ) else {
            return Ok(Work::default());
        };
        let filter = WinnerFilter {
            state: Some(state),
            file_type: Some(file_type),
            submitter_id: Some(submitter),
            atomic_month: Some(month),
        };
        let Some(winner) = self.store.winners(&filter).await?.pop() else {
            return Ok(Work::default());
        };
        let key = winner.key;
        let submission = self.known_submission(winner.submission_id).await?;
        let silver = self.files(&Stage::Silver, &key.submitter_id, &key.file_type);
        let folder = Key::GoldSubmitter {
            state: &key.state,
            file_type: &key.file_type,
            submitter: &key.submitter_id,
        };
        let mut gold = self.dataset(&folder.to_string());
        let layout = submission.layout();
        if let Some(layout) = layout.and_then(|layout| self.catalog.layouts.get(&layout)) {
            let columns = layout.contract.columns.iter();
            let same = columns.map(|column| {
                let from = silver.column(&column.name, true);
                (column.name.clone(), made_from([from]))
            });
            gold.facets.set_column_lineage(same.collect());
            gold.facets.set_schema(layout_fields(layout));
        }
        let mut work = Work {
            job: format!(
                "submitter_gold.{}.{}.{}",
                key.state, key.file_type, key.submitter_id
            ),
            inputs: vec![silver.read()],
            outputs: vec![gold.written()],
            failure: None,
        };
        if let Some(RunOutcome::Succeeded { counts }) = outcome
            && let Some(rows) = counts["rows"].as_u64()
        {
            work.inputs[0].measure(rows, None, None, BTreeMap::new());
            work.outputs[0].count(rows);
        }
        Ok(work)
    }

    /// The subject is `state/file_type/YYYY-MM`; of a run over several months, the first.
    pub(super) async fn canonical_work(
        &self,
        subject: &str,
        outcome: Option<&RunOutcome>,
    ) -> Result<Work, PipelineError> {
        let parts: Vec<&str> = subject.split('/').collect();
        let [state, file_type, month] = parts.as_slice() else {
            return Ok(Work::default());
        };
        let (Ok(state), Ok(file_type), Ok(month)) =
            (state.parse(), file_type.parse(), month.parse())
        else {
            return Ok(Work::default());
        };
        let mut work = Work {
            job: format!("canonical_rebuild.{state}.{file_type}"),
            ..Work::default()
        };
        let folder = Key::GoldCanonical {
            state: &state,
            file_type: &file_type,
        };
        let mut gold = self.dataset(&folder.to_string());
        let schema = self.catalog.schema(&file_type);
        let filter = WinnerFilter {
            state: Some(state.clone()),
            file_type: Some(file_type.clone()),
            atomic_month: Some(month),
            submitter_id: None,
        };
        let mut made: BTreeMap<String, MadeFrom> = BTreeMap::new();
        for winner in self.store.winners(&filter).await? {
            let submission = self.known_submission(winner.submission_id).await?;
            let silver = self.files(&Stage::Silver, &winner.key.submitter_id, &file_type);
            if let (Some(schema), Some(layout)) = (schema, submission.layout()) {
                for (column, from) in self.mapped(&layout, schema)? {
                    let inputs = from.inputs.iter();
                    let inputs = inputs.map(|input| silver.column(input, from.is_unchanged));
                    made.entry(column).or_default().input_fields.extend(inputs);
                }
            }
            let months = self
                .store
                .submission_months(submission.submission_id)
                .await?;
            let rows = months.iter().find(|(known, _)| *known == month);
            let mut input = silver.read();
            if let Some((_, rows)) = rows.filter(|_| outcome.is_some()) {
                input.measure(count(*rows), None, None, BTreeMap::new());
            }
            work.inputs.push(input);
        }
        if let Some(schema) = schema {
            gold.facets.set_schema(canonical_fields(schema));
            gold.facets.set_column_lineage(made);
        }
        let mut gold = gold.written();
        if let Some(RunOutcome::Succeeded { counts }) = outcome {
            let (rows, failure) = built(counts);
            if let Some(reason) = failure {
                work.failure = Some(Vocabulary::of(&self.catalog).shown(&reason, &[]));
            }
            if let Some(rows) = rows {
                gold.count(rows);
            }
        }
        work.outputs.push(gold);
        Ok(work)
    }

    fn mapped(
        &self,
        layout: &LayoutId,
        schema: &CanonicalSchema,
    ) -> Result<BTreeMap<String, MappedColumn>, PipelineError> {
        let (Some(mapping), Some(layout)) = (
            self.catalog.mapping(layout, schema.version),
            self.catalog.layouts.get(layout),
        ) else {
            return Ok(BTreeMap::new());
        };
        Ok(mapped_columns(mapping, &layout.plan.schema())?)
    }

    /// The error without the names that a submitter gave.
    pub(super) async fn shown_error(
        &self,
        error: &str,
        subject: &str,
    ) -> Result<String, PipelineError> {
        let mut names = Vec::new();
        if let Ok(id) = subject.parse::<SubmissionId>() {
            names.push(self.known_submission(id).await?.grouping_key);
            for file in self.store.submission_files(id).await? {
                names.extend([file.object_key, file.file_name]);
            }
        }
        Ok(Vocabulary::of(&self.catalog).shown(error, &names))
    }

    fn files(&self, stage: &Stage, submitter: &SubmitterId, file_type: &FileType) -> Dataset {
        let stage = match stage {
            Stage::Raw => "raw",
            Stage::Silver => "silver",
            Stage::Quarantine => "quarantine",
        };
        // No key: a submission's folder lies below it.
        self.dataset(&format!("{stage}/{submitter}/{file_type}"))
    }

    /// Named as OpenLineage has it: <https://openlineage.io/docs/spec/naming>.
    fn dataset(&self, path: &str) -> Dataset {
        let url = self.objects.url();
        let namespace = match url.host_str() {
            Some(bucket) => format!("{}://{bucket}", url.scheme()),
            None => url.scheme().to_owned(),
        };
        let place = match url.host_str() {
            Some(_) => url.path().trim_start_matches('/'),
            None => url.path(),
        };
        Dataset {
            namespace,
            name: format!("{place}{}", path.trim_end_matches('/')),
            facets: DatasetFacets::default(),
        }
    }
}

fn made_from(input_fields: impl Into<Vec<super::event::InputField>>) -> MadeFrom {
    MadeFrom {
        input_fields: input_fields.into(),
    }
}

fn count(rows: i64) -> u64 {
    u64::try_from(rows).unwrap_or_default()
}

fn field(at: usize, name: &str, column_type: &ColumnType, description: &str) -> Field {
    Field {
        name: name.to_owned(),
        data_type: column_type.to_string(),
        description: description.to_owned(),
        ordinal_position: at + 1,
    }
}

fn layout_fields(layout: &Layout) -> Vec<Field> {
    let columns = layout.contract.columns.iter().enumerate();
    columns
        .map(|(at, column)| field(at, &column.name, &column.column_type, &column.description))
        .collect()
}

fn canonical_fields(schema: &CanonicalSchema) -> Vec<Field> {
    let columns = schema.columns.iter().enumerate();
    columns
        .map(|(at, column)| field(at, &column.name, &column.column_type, &column.description))
        .collect()
}

/// By the names that the columns have in the file.
fn column_metrics(report: &ParseReport, layout: &Layout) -> BTreeMap<String, ColumnMetrics> {
    let mut metrics: BTreeMap<String, ColumnMetrics> = BTreeMap::new();
    for column in report.files.iter().flat_map(|file| &file.columns) {
        let of_contract = layout.contract.columns.iter();
        let header = of_contract
            .filter(|known| known.name == column.column)
            .map(|known| known.header.clone());
        for header in header {
            let counted = metrics.entry(header).or_insert(ColumnMetrics {
                null_count: 0,
                count: 0,
            });
            counted.null_count += column.nulls;
            counted.count += column.rows.saturating_sub(column.nulls);
        }
    }
    metrics
}

/// Rows of the months that were built, and why one failed, if one did.
fn built(counts: &Value) -> (Option<u64>, Option<String>) {
    let mut rows = None;
    let mut failure = None;
    for month in counts["months"].as_array().into_iter().flatten() {
        match month["status"].as_str() {
            Some("SUCCEEDED") => {
                *rows.get_or_insert(0) += month["rows"].as_u64().unwrap_or_default();
            }
            Some("FAILED") => failure = month["reason"].as_str().map(str::to_owned),
            _ => {}
        }
    }
    (rows, failure)
}
