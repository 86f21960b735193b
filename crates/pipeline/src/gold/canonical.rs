use chrono::{DateTime, Utc};
use contract::{BuildId, CanonicalSchema, StateCode};
use lake::{
    CanonicalSource, Key, MonthTable, Replacement, Session, canonical_arrow_schema, open_source,
    session,
};
use serde_json::json;
use store::{BuildOutcome, ClaimedRebuild, MonthKey, NewBuild};

use super::fingerprint::Input;
use super::plan::{BuiltMonth, Plan, Source};
use crate::fault::{self, FaultPoint};
use crate::lease::Leased;
use crate::{Event, Pipeline, PipelineError};

/// The table that claimed months are written to.
struct Writing<'a> {
    session: Session,
    schema: &'a CanonicalSchema,
    replacement: Replacement<'a>,
    built_at: DateTime<Utc>,
}

/// A claimed month on its way through a build.
struct Building<'a> {
    claimed: &'a ClaimedRebuild,
    id: BuildId,
    plan: Plan<'a>,
}

impl Pipeline {
    /// Builds claimed months of one canonical table, each from all its winners unless nothing
    /// changed since its last build; what is written becomes visible in one commit. A month that
    /// fails is recorded with its reason and its queue rows are done: a new entry in the queue
    /// tries again.
    pub(crate) async fn build_canonical(
        &self,
        claimed: &[ClaimedRebuild],
        force: bool,
    ) -> Result<Vec<BuiltMonth>, PipelineError> {
        let mut building = Vec::with_capacity(claimed.len());
        for claimed in claimed {
            let month = Building {
                claimed,
                id: BuildId::new(),
                plan: self.plan_build(&claimed.key, force).await?,
            };
            self.store.start_build(&month.record()).await?;
            fault::point(FaultPoint::BuildStarted);
            building.push(month);
        }
        let built = self.write_months(&building).await?;
        fault::point(FaultPoint::CanonicalWritten);
        for (month, built) in building.iter().zip(&built) {
            let ClaimedRebuild { key, queue_ids } = month.claimed;
            let outcome = match built {
                BuiltMonth::Succeeded {
                    rows,
                    delta_version,
                } => BuildOutcome::Succeeded {
                    rows: *rows as i64,
                    delta_version: *delta_version,
                },
                BuiltMonth::Skipped { .. } => BuildOutcome::Skipped,
                BuiltMonth::Failed { reason } => BuildOutcome::Failed {
                    reason: reason.clone(),
                },
            };
            self.store
                .finish_build(month.id, &outcome, queue_ids, key, &self.owner, Utc::now())
                .await?;
            fault::point(FaultPoint::BuildRecorded);
            self.tell(Event::CanonicalBuilt {
                key: key.clone(),
                built: built.clone(),
            });
        }
        Ok(built)
    }

    /// Writes what is to be built and commits it; says of every month how it ended.
    async fn write_months(
        &self,
        building: &[Building<'_>],
    ) -> Result<Vec<BuiltMonth>, PipelineError> {
        let mut built = Vec::with_capacity(building.len());
        let schema = building.iter().find_map(|month| match &month.plan {
            Plan::Build { schema, .. } => Some(*schema),
            Plan::Leave { .. } => None,
        });
        let (Some(first), Some(schema)) = (building.first(), schema) else {
            return Ok(building
                .iter()
                .filter_map(|month| month.plan.left().cloned())
                .collect());
        };
        let MonthKey {
            state, file_type, ..
        } = &first.claimed.key;
        let folder = Key::GoldCanonical { state, file_type }.to_string();
        let table = MonthTable::new(
            &self.objects,
            folder,
            canonical_arrow_schema(schema),
            self.gold_retention(),
        );
        let replacement = match table.replace().await {
            Ok(replacement) => replacement,
            Err(error) => {
                let failed = failed_for_good(error.into())?;
                return Ok(building
                    .iter()
                    .map(|month| month.plan.left().unwrap_or(&failed).clone())
                    .collect());
            }
        };
        let session = session(&self.objects)?;
        let mut writing = Writing {
            session,
            schema,
            replacement,
            built_at: Utc::now(),
        };
        for month in building {
            built.push(match &month.plan {
                Plan::Leave { built, .. } => built.clone(),
                Plan::Build { sources, .. } => {
                    match self.write_month(&mut writing, month, sources).await {
                        Ok(rows) => BuiltMonth::Succeeded {
                            rows,
                            delta_version: 0,
                        },
                        Err(error) => failed_for_good(error)?,
                    }
                }
            });
        }
        let ids: Vec<BuildId> = building.iter().map(|month| month.id).collect();
        let version = writing
            .replacement
            .commit(json!({ "build_ids": ids }))
            .await?;
        for month in &mut built {
            if let BuiltMonth::Succeeded { delta_version, .. } = month {
                *delta_version = version;
            }
        }
        Ok(built)
    }

    async fn write_month(
        &self,
        writing: &mut Writing<'_>,
        month: &Building<'_>,
        sources: &[Source<'_>],
    ) -> Result<u64, PipelineError> {
        let key = &month.claimed.key;
        let mut streams = Vec::with_capacity(sources.len());
        for source in sources {
            let source = canonical_source(key, writing.schema, source, writing.built_at);
            streams.push(open_source(&writing.session, &self.objects, &source).await?);
        }
        let rows = writing
            .replacement
            .write(key.atomic_month, streams, &month.id.to_string())
            .await?;
        let expected: i64 = sources.iter().map(|source| source.input.rows).sum();
        if rows as i64 != expected {
            let (expected, built) = (expected as u64, rows);
            return Err(PipelineError::CanonicalRowsLost {
                month: key.to_string(),
                expected,
                built,
            });
        }
        Ok(rows)
    }

    /// Puts a month into the queue and, where it is free, builds it at once.
    pub async fn build_month_now(
        &self,
        key: &MonthKey,
        force: bool,
    ) -> Result<BuiltMonth, PipelineError> {
        self.store
            .enqueue_rebuild(key, "asked for by an operator", None)
            .await?;
        let claimed = self
            .store
            .claim_month(key, &self.owner, self.settings.lease, Utc::now())
            .await?;
        let Some(claimed) = claimed else {
            return Err(PipelineError::Refused(
                "another process is building that month now".into(),
            ));
        };
        let leased = Leased::Rebuilds(claimed.queue_ids.clone());
        let months = std::slice::from_ref(&claimed);
        let built = self.held(leased, self.build_canonical(months, force)).await;
        if built.is_err() {
            self.store
                .release_rebuild(&claimed.queue_ids, &self.owner)
                .await?;
        }
        built?
            .pop()
            .ok_or(PipelineError::Interrupted("building a month"))
    }
}

impl Building<'_> {
    fn record(&self) -> NewBuild {
        let (fingerprint, schema_version, inputs) = match &self.plan {
            Plan::Build {
                schema,
                sources,
                fingerprint,
            } => {
                let inputs: Vec<&Input> = sources.iter().map(|source| &source.input).collect();
                (fingerprint.clone(), schema.version, json!(inputs))
            }
            Plan::Leave {
                fingerprint,
                schema_version,
                ..
            } => (fingerprint.clone(), *schema_version, json!([])),
        };
        NewBuild {
            id: self.id,
            key: self.claimed.key.clone(),
            fingerprint,
            canonical_schema_version: schema_version,
            sources_json: inputs.to_string(),
        }
    }
}

/// The failure of a month whose rows or mapping caused it, which repeating will not mend; any
/// other error goes on.
fn failed_for_good(error: PipelineError) -> Result<BuiltMonth, PipelineError> {
    match error {
        PipelineError::Lake(error) if !error.is_transient() => Ok(BuiltMonth::Failed {
            reason: error.to_string(),
        }),
        error => Err(error),
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
