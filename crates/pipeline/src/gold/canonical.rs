use chrono::{DateTime, Utc};
use contract::{BuildId, CanonicalSchema, Mapping, StateCode, SubmissionId, SubmitterId};
use lake::{
    CanonicalSource, Key, LakeError, MonthTable, SubmissionPlace, canonical_arrow_schema, open_source, session,
};
use serde::Serialize;
use serde_json::json;
use store::{BuildOutcome, ClaimedRebuild, MonthKey, NewBuild, WinnerFilter};

use super::fingerprint::{Input, fingerprint};
use crate::fault::{self, FaultPoint};
use crate::submissions::{Classified, classified};
use crate::{Event, Pipeline, PipelineError};

/// How a canonical month's build ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BuiltMonth {
    Succeeded { rows: u64, delta_version: i64 },
    /// The inputs are those of the last build, or there is nothing to build from.
    Skipped { reason: String },
    Failed { reason: String },
}

/// A winner with all that its rows need on the way to canonical.
struct Source<'a> {
    submitter: SubmitterId,
    submission: SubmissionId,
    place: SubmissionPlace,
    mapping: &'a Mapping,
    input: Input,
}

/// What a build would do, decided before anything is written.
enum Plan<'a> {
    Build { schema: &'a CanonicalSchema, sources: Vec<Source<'a>>, fingerprint: String },
    Skip { reason: String, fingerprint: String, schema_version: u32 },
    Fail { reason: String },
}

impl Pipeline {
    /// Builds the claimed month from all its winners, unless nothing changed since the last
    /// build. A build that fails is recorded with its reason and its queue rows are done: a new
    /// entry in the queue tries again.
    pub(crate) async fn build_canonical(&self, claimed: &ClaimedRebuild, force: bool) -> Result<BuiltMonth, PipelineError> {
        let key = &claimed.key;
        let plan = self.plan_build(key, force).await?;
        let id = BuildId::new();
        let (fingerprint, schema_version, inputs) = match &plan {
            Plan::Build { schema, sources, fingerprint } => {
                let inputs: Vec<&Input> = sources.iter().map(|source| &source.input).collect();
                (fingerprint.clone(), schema.version, json!(inputs))
            }
            Plan::Skip { fingerprint, schema_version, .. } => (fingerprint.clone(), *schema_version, json!([])),
            Plan::Fail { .. } => (String::new(), 0, json!([])),
        };
        let new = NewBuild {
            id,
            key: key.clone(),
            fingerprint,
            canonical_schema_version: schema_version,
            sources_json: inputs.to_string(),
        };
        self.store.start_build(&new).await?;
        fault::point(FaultPoint::BuildStarted);
        let built = match plan {
            Plan::Build { schema, sources, fingerprint } => {
                match self.write_month(key, schema, &sources, id, &fingerprint).await {
                    Ok(built) => built,
                    // What the rows or the mapping caused will not mend itself by repeating.
                    Err(PipelineError::Lake(error)) if !error.is_transient() => {
                        BuiltMonth::Failed { reason: error.to_string() }
                    }
                    Err(error) => return Err(error),
                }
            }
            Plan::Skip { reason, .. } => BuiltMonth::Skipped { reason },
            Plan::Fail { reason } => BuiltMonth::Failed { reason },
        };
        let outcome = match &built {
            BuiltMonth::Succeeded { rows, delta_version } => {
                BuildOutcome::Succeeded { rows: *rows as i64, delta_version: *delta_version }
            }
            BuiltMonth::Skipped { .. } => BuildOutcome::Skipped,
            BuiltMonth::Failed { reason } => BuildOutcome::Failed { reason: reason.clone() },
        };
        self.store.finish_build(id, &outcome, &claimed.queue_ids, key, &self.owner, Utc::now()).await?;
        fault::point(FaultPoint::BuildRecorded);
        self.tell(Event::CanonicalBuilt { key: key.clone(), built: built.clone() });
        Ok(built)
    }

    async fn plan_build(&self, key: &MonthKey, force: bool) -> Result<Plan<'_>, PipelineError> {
        let Some(schema) = self.catalog.schema(&key.file_type) else {
            let reason = format!("`{}` has no canonical schema", key.file_type);
            return Ok(Plan::Skip { reason, fingerprint: String::new(), schema_version: 0 });
        };
        let filter = WinnerFilter {
            state: Some(key.state.clone()),
            file_type: Some(key.file_type.clone()),
            atomic_month: Some(key.atomic_month),
            submitter_id: None,
        };
        let mut sources = Vec::new();
        for winner in self.store.winners(&filter).await? {
            let submission = self.known_submission(winner.submission_id).await?;
            let Classified { submitter, layout, place, .. } = classified(&submission)?;
            let Some(mapping) = self.catalog.mapping(&layout, schema.version) else {
                let reason = format!(
                    "submitter {submitter} stands with layout {layout}, which has no mapping to canonical schema \
                     v{version}: write canonical/mappings/{file_type}/v{layout_version}/v1.json",
                    version = schema.version,
                    file_type = layout.file_type,
                    layout_version = layout.version,
                );
                return Ok(Plan::Fail { reason });
            };
            let months = self.store.submission_months(submission.submission_id).await?;
            let rows = months.iter().find(|(month, _)| *month == key.atomic_month).map_or(0, |(_, rows)| *rows);
            let input = Input {
                submitter_id: submitter.clone(),
                submission_id: submission.submission_id,
                content_hash: submission.content_hash.clone().unwrap_or_default(),
                contract_hash: self.catalog.layout(&layout)?.contract.content_hash.clone(),
                layout_id: layout,
                mapping_version: mapping.version,
                mapping_hash: mapping.content_hash.clone(),
                rows,
            };
            sources.push(Source { submitter, submission: submission.submission_id, place, mapping, input });
        }
        sources.sort_by(|a, b| a.submitter.cmp(&b.submitter));
        let inputs: Vec<Input> = sources.iter().map(|source| source.input.clone()).collect();
        let fingerprint = fingerprint(schema, &inputs);
        let skip = |reason: &str| Plan::Skip {
            reason: reason.to_owned(),
            fingerprint: fingerprint.clone(),
            schema_version: schema.version,
        };
        if sources.is_empty() {
            return Ok(skip("the month has no winners"));
        }
        let last = self.store.last_success(key).await?;
        if !force && last.is_some_and(|build| build.fingerprint == fingerprint) {
            return Ok(skip("the inputs are those of the last build"));
        }
        Ok(Plan::Build { schema, sources, fingerprint })
    }

    async fn write_month(
        &self,
        key: &MonthKey,
        schema: &CanonicalSchema,
        sources: &[Source<'_>],
        id: BuildId,
        fingerprint: &str,
    ) -> Result<BuiltMonth, PipelineError> {
        let context = session(&self.objects)?;
        let built_at = Utc::now();
        let mut streams = Vec::with_capacity(sources.len());
        for source in sources {
            let source = canonical_source(key, schema, source, built_at);
            streams.push(open_source(&context, &self.objects, &source).await?);
        }
        let folder = Key::GoldCanonical { state: &key.state, file_type: &key.file_type }.to_string();
        let table =
            MonthTable::new(&self.objects, folder, canonical_arrow_schema(schema), self.gold_retention());
        let note = json!({ "build_id": id, "fingerprint": fingerprint });
        let replaced = table.replace_month(key.atomic_month, streams, &id.to_string(), note).await?;
        let expected: i64 = sources.iter().map(|source| source.input.rows).sum();
        if replaced.rows as i64 != expected {
            return Err(LakeError::Execution { subject: format!("canonical month {}", key.atomic_month), kind: "rows were lost" }.into());
        }
        fault::point(FaultPoint::CanonicalWritten);
        Ok(BuiltMonth::Succeeded { rows: replaced.rows, delta_version: replaced.delta_version })
    }

    /// Puts a month into the queue and, where it is free, builds it at once.
    pub async fn build_month_now(&self, key: &MonthKey, force: bool) -> Result<BuiltMonth, PipelineError> {
        self.store.enqueue_rebuild(key, "asked for by an operator", None).await?;
        let claimed = self.store.claim_month(key, &self.owner, self.settings.lease, Utc::now()).await?;
        let Some(claimed) = claimed else {
            return Err(PipelineError::Refused("another process is building that month now".into()));
        };
        self.build_canonical(&claimed, force).await
    }
}

fn canonical_source<'a>(
    key: &'a MonthKey,
    schema: &'a CanonicalSchema,
    source: &'a Source<'a>,
    built_at: DateTime<Utc>,
) -> CanonicalSource<'a> {
    let state: &StateCode = &key.state;
    CanonicalSource {
        state,
        file_type: &key.file_type,
        submitter: &source.submitter,
        submission: source.submission,
        place: &source.place,
        layout: &source.input.layout_id,
        mapping: source.mapping,
        schema,
        month: key.atomic_month,
        built_at,
    }
}
