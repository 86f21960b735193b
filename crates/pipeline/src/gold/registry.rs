use std::collections::BTreeSet;

use contract::FileType;
use lake::check_mapping;
use serde::Serialize;
use store::{MonthKey, Registered, WinnerFilter};

use crate::{Catalog, Pipeline, PipelineError};

/// A document that the registry took in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RegistryChange {
    /// `layout medical_claim@v1`, `schema medical_claim v1`, `mapping medical_claim@v1 v1`.
    pub document: String,
    pub change: &'static str,
}

/// What is wrong with a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RegistryProblem {
    pub mapping: String,
    pub problems: Vec<String>,
}

impl Catalog {
    /// Checks every mapping against its layout and its canonical schema.
    pub fn check_mappings(&self) -> Vec<RegistryProblem> {
        let mut wrong = Vec::new();
        for ((layout, version), found) in &self.mappings {
            let mapping = &found.value;
            let schema = self
                .schemas
                .get(&(layout.file_type.clone(), mapping.canonical_schema_version));
            let problems = match (self.layouts.get(layout), schema) {
                (None, _) => vec![format!("there is no contract {layout}")],
                (_, None) => vec![format!(
                    "there is no canonical schema v{} of `{}`",
                    mapping.canonical_schema_version, layout.file_type
                )],
                (Some(layout), Some(schema)) => {
                    check_mapping(mapping, &layout.plan.schema(), &schema.value)
                }
            };
            if !problems.is_empty() {
                wrong.push(RegistryProblem {
                    mapping: format!("{layout} v{version}"),
                    problems,
                });
            }
        }
        wrong
    }
}

impl Pipeline {
    /// Takes the project's layouts, submitters, schemas and mappings into the store. Where a
    /// schema, a mapping or a layout changed, every month of its file type is due for a rebuild.
    /// Nothing is taken in while a mapping is wrong.
    pub async fn sync_registry(&self) -> Result<Vec<RegistryChange>, PipelineError> {
        if let Some(problem) = self.catalog.check_mappings().first() {
            return Err(PipelineError::Refused(format!(
                "the mapping {} does not fit: {}",
                problem.mapping,
                problem.problems.join("; ")
            )));
        }
        for feed in self.catalog.feeds.values() {
            self.store
                .upsert_submitter(&feed.submitter_id, &feed.state, &feed.title)
                .await?;
        }
        let changed = self.changed_file_types().await?;
        if changed.is_empty() {
            return Ok(Vec::new());
        }
        // Before the documents are taken in: a crash in between asks for the rebuilds again, where
        // the other order would forget them.
        for file_type in changed {
            self.enqueue_all_months(&file_type).await?;
        }
        let mut changes = Vec::new();
        let mut note = |document: String, registered: Registered| {
            let change = match registered {
                Registered::New => "new",
                Registered::Changed => "changed",
                Registered::Unchanged => return,
            };
            changes.push(RegistryChange { document, change });
        };
        for (id, layout) in &self.catalog.layouts {
            let contract = &layout.contract;
            let registered = self
                .store
                .register_layout(
                    id,
                    &contract.title,
                    &contract.content_hash,
                    &layout.document,
                )
                .await?;
            note(format!("layout {id}"), registered);
        }
        for ((file_type, version), schema) in &self.catalog.schemas {
            let registered = self
                .store
                .sync_schema(
                    file_type,
                    *version,
                    &schema.value.title,
                    &schema.value.content_hash,
                    &schema.document,
                )
                .await?;
            note(format!("schema {file_type} v{version}"), registered);
        }
        for ((layout, version), mapping) in &self.catalog.mappings {
            let registered = self
                .store
                .sync_mapping(
                    layout,
                    *version,
                    mapping.value.canonical_schema_version,
                    &mapping.value.content_hash,
                    &mapping.document,
                )
                .await?;
            note(format!("mapping {layout} v{version}"), registered);
        }
        Ok(changes)
    }

    /// File types of which a document is not, or not as it stands now, in the store.
    async fn changed_file_types(&self) -> Result<BTreeSet<FileType>, PipelineError> {
        let layouts = self.store.layouts().await?.into_iter();
        let layouts: BTreeSet<_> = layouts
            .map(|known| (known.layout, known.content_hash))
            .collect();
        let schemas = self.store.schemas().await?.into_iter();
        let schemas: BTreeSet<_> = schemas
            .map(|known| (known.file_type, known.version, known.content_hash))
            .collect();
        let mappings = self.store.mappings().await?.into_iter();
        let mappings: BTreeSet<_> = mappings
            .map(|known| (known.layout, known.version, known.content_hash))
            .collect();

        let mut changed = BTreeSet::new();
        for (id, layout) in &self.catalog.layouts {
            if !layouts.contains(&(id.clone(), layout.contract.content_hash.clone())) {
                changed.insert(id.file_type.clone());
            }
        }
        for ((file_type, version), found) in &self.catalog.schemas {
            let hash = found.value.content_hash.clone();
            if !schemas.contains(&(file_type.clone(), *version, hash)) {
                changed.insert(file_type.clone());
            }
        }
        for ((layout, version), found) in &self.catalog.mappings {
            let hash = found.value.content_hash.clone();
            if !mappings.contains(&(layout.clone(), *version, hash)) {
                changed.insert(layout.file_type.clone());
            }
        }
        Ok(changed)
    }

    async fn enqueue_all_months(&self, file_type: &FileType) -> Result<(), PipelineError> {
        let filter = WinnerFilter {
            file_type: Some(file_type.clone()),
            ..WinnerFilter::default()
        };
        let winners = self.store.winners(&filter).await?;
        let months: BTreeSet<_> = winners
            .into_iter()
            .map(|winner| (winner.key.state, winner.key.atomic_month))
            .collect();
        for (state, atomic_month) in months {
            let key = MonthKey {
                state,
                file_type: file_type.clone(),
                atomic_month,
            };
            self.store
                .enqueue_rebuild(&key, "the registry changed", None)
                .await?;
        }
        Ok(())
    }
}
