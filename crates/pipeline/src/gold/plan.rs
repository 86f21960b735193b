//! What a canonical build would do, decided before anything is written, and how it may end.

use contract::{CanonicalSchema, Mapping, SubmissionId, SubmitterId};
use futures::TryStreamExt;
use lake::{Key, SubmissionPlace};
use serde::Serialize;
use store::{MonthKey, Winner, WinnerFilter};

use super::fingerprint::{Input, fingerprint};
use crate::submissions::{Classified, classified};
use crate::{Pipeline, PipelineError};

/// How a canonical month's build ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BuiltMonth {
    Succeeded {
        rows: u64,
        delta_version: i64,
    },
    /// The inputs are those of the last build, or there is nothing to build from.
    Skipped {
        reason: String,
    },
    Failed {
        reason: String,
    },
}

/// A winner with all that its rows need on the way to canonical.
pub(super) struct Source<'a> {
    pub(super) submitter: SubmitterId,
    pub(super) submission: SubmissionId,
    pub(super) place: SubmissionPlace,
    pub(super) mapping: &'a Mapping,
    pub(super) input: Input,
}

pub(super) enum Plan<'a> {
    Build {
        schema: &'a CanonicalSchema,
        sources: Vec<Source<'a>>,
        fingerprint: String,
    },
    /// Nothing is written; how the month ends is known already.
    Leave {
        built: BuiltMonth,
        fingerprint: String,
        schema_version: u32,
    },
}

impl Pipeline {
    pub(super) async fn plan_build(
        &self,
        key: &MonthKey,
        force: bool,
    ) -> Result<Plan<'_>, PipelineError> {
        let Some(schema) = self.catalog.schema(&key.file_type) else {
            let reason = format!("`{}` has no canonical schema", key.file_type);
            return Ok(Plan::leave(BuiltMonth::Skipped { reason }, "", 0));
        };
        let filter = WinnerFilter {
            state: Some(key.state.clone()),
            file_type: Some(key.file_type.clone()),
            atomic_month: Some(key.atomic_month),
            submitter_id: None,
        };
        let mut sources = Vec::new();
        for winner in self.store.winners(&filter).await? {
            match self.source(&winner, schema).await? {
                Ok(source) => sources.push(source),
                Err(reason) => {
                    return Ok(Plan::leave(
                        BuiltMonth::Failed { reason },
                        "",
                        schema.version,
                    ));
                }
            }
        }
        sources.sort_by(|a, b| a.submitter.cmp(&b.submitter));
        let inputs: Vec<Input> = sources.iter().map(|source| source.input.clone()).collect();
        let fingerprint = fingerprint(schema, &inputs);
        let skip = |reason: &str| {
            let built = BuiltMonth::Skipped {
                reason: reason.to_owned(),
            };
            Plan::leave(built, &fingerprint, schema.version)
        };
        if sources.is_empty() {
            return Ok(skip("the month has no winners"));
        }
        let standing = self.store.standing_build(key).await?;
        let unchanged = standing.is_some_and(|build| build.fingerprint == fingerprint);
        if !force && unchanged && self.has_files(key).await? {
            return Ok(skip("the inputs are those of the last build"));
        }
        Ok(Plan::Build {
            schema,
            sources,
            fingerprint,
        })
    }

    /// False where the month's files were moved or lost: then it is built whatever is recorded.
    async fn has_files(&self, key: &MonthKey) -> Result<bool, PipelineError> {
        let folder = Key::GoldCanonicalMonth {
            state: &key.state,
            file_type: &key.file_type,
            month: key.atomic_month,
        };
        let found = self.objects.list(&folder.to_string()).try_next().await?;
        Ok(found.is_some())
    }

    /// A winner as a source of the month, or why it cannot be one.
    async fn source(
        &self,
        winner: &Winner,
        schema: &CanonicalSchema,
    ) -> Result<Result<Source<'_>, String>, PipelineError> {
        let submission = self.known_submission(winner.submission_id).await?;
        let Classified {
            submitter,
            layout,
            place,
        } = classified(&submission)?;
        let Some(mapping) = self.catalog.mapping(&layout, schema.version) else {
            return Ok(Err(format!(
                "submitter {submitter} stands with layout {layout}, which has no mapping to canonical schema \
                 v{version}: write canonical/mappings/{file_type}/v{layout_version}/v1.json",
                version = schema.version,
                file_type = layout.file_type,
                layout_version = layout.version,
            )));
        };
        let months = self
            .store
            .submission_months(submission.submission_id)
            .await?;
        let of_month = months
            .iter()
            .find(|(month, _)| *month == winner.key.atomic_month);
        let input = Input {
            submitter_id: submitter.clone(),
            submission_id: submission.submission_id,
            content_hash: submission.content_hash.unwrap_or_default(),
            contract_hash: self.catalog.layout(&layout)?.contract.content_hash.clone(),
            layout_id: layout,
            mapping_version: mapping.version,
            mapping_hash: mapping.content_hash.clone(),
            rows: of_month.map_or(0, |(_, rows)| *rows),
        };
        let submission = submission.submission_id;
        Ok(Ok(Source {
            submitter,
            submission,
            place,
            mapping,
            input,
        }))
    }
}

impl Plan<'_> {
    pub(super) fn leave(built: BuiltMonth, fingerprint: &str, schema_version: u32) -> Self {
        Self::Leave {
            built,
            fingerprint: fingerprint.to_owned(),
            schema_version,
        }
    }

    /// The outcome of a month for which nothing is written.
    pub(super) fn left(&self) -> Option<&BuiltMonth> {
        match self {
            Plan::Leave { built, .. } => Some(built),
            Plan::Build { .. } => None,
        }
    }
}
