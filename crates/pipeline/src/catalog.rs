//! The project's documents: every contract, feed, canonical schema and mapping of a folder.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use contract::{
    CanonicalSchema, Contract, DocumentError, Feed, FeedName, FileType, LayoutId, Mapping,
    SubmitterId,
};
use inspect::Plan;
use lake::{FileRules, Measures, RowRules};

use crate::PipelineError;

/// A contract, compiled: what the inspector and the rules run.
#[derive(Clone)]
pub struct Layout {
    pub contract: Contract,
    /// The contract's text as it was read.
    pub document: String,
    pub(crate) plan: Plan,
    pub(crate) row_rules: RowRules,
    pub(crate) measures: Measures,
    pub(crate) file_rules: FileRules,
}

/// A document and the text that it was read from.
#[derive(Debug, Clone)]
pub struct Documented<T> {
    pub value: T,
    pub document: String,
}

/// Everything that people wrote, checked.
#[derive(Clone, Default)]
pub struct Catalog {
    pub layouts: BTreeMap<LayoutId, Arc<Layout>>,
    pub feeds: BTreeMap<FeedName, Feed>,
    pub schemas: BTreeMap<(FileType, u32), Documented<CanonicalSchema>>,
    pub mappings: BTreeMap<(LayoutId, u32), Documented<Mapping>>,
}

/// Why a project's documents cannot be used; holds every wrong document, not only the first.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error("{} of the project's documents cannot be used", .0.len())]
    Documents(Vec<DocumentError>),
    #[error("could not read `{path}`: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{0}")]
    Inconsistent(String),
}

impl Catalog {
    /// Reads `contracts/`, `feeds/` and `canonical/` below `root`.
    pub async fn load(root: &Path) -> Result<Self, CatalogError> {
        let mut reader = Reader {
            root,
            wrong: Vec::new(),
        };
        let mut catalog = Self::default();
        let mut contracts = Vec::new();
        for path in reader.files("contracts", "yaml")? {
            let folder = path.parent().unwrap_or(root).to_owned();
            let domain = |name: &str| fs::read_to_string(folder.join(name));
            if let Some(found) =
                reader.document(&path, |shown, text| Contract::parse(shown, text, &domain))?
            {
                contracts.push(found);
            }
        }
        for path in reader.files("feeds", "yaml")? {
            if let Some(found) = reader.document(&path, Feed::parse)? {
                catalog.feeds.insert(found.value.name.clone(), found.value);
            }
        }
        for path in reader.files("canonical/schemas", "json")? {
            if let Some(found) = reader.document(&path, CanonicalSchema::parse)? {
                catalog
                    .schemas
                    .insert((found.value.file_type.clone(), found.value.version), found);
            }
        }
        for path in reader.files("canonical/mappings", "json")? {
            if let Some(found) = reader.document(&path, Mapping::parse)? {
                catalog
                    .mappings
                    .insert((found.value.layout.clone(), found.value.version), found);
            }
        }
        if !reader.wrong.is_empty() {
            return Err(CatalogError::Documents(reader.wrong));
        }
        for found in contracts {
            let layout = Layout::compile(found.value, found.document).await;
            let layout = layout.map_err(|error| CatalogError::Inconsistent(error.to_string()))?;
            catalog
                .layouts
                .insert(layout.contract.layout.clone(), Arc::new(layout));
        }
        catalog.check_feeds()?;
        Ok(catalog)
    }

    fn check_feeds(&self) -> Result<(), CatalogError> {
        let mut states = BTreeMap::new();
        for feed in self.feeds.values() {
            for layout in &feed.contracts {
                if !self.layouts.contains_key(layout) {
                    return Err(CatalogError::Inconsistent(format!(
                        "feeds/{}.yaml names the contract {layout}, and contracts/{}/v{}.yaml does not exist",
                        feed.name, layout.file_type, layout.version
                    )));
                }
            }
            let state = states.entry(&feed.submitter_id).or_insert(&feed.state);
            if *state != &feed.state {
                return Err(CatalogError::Inconsistent(format!(
                    "feeds/{}.yaml puts submitter {} into state {}, and another feed into {state}: a \
                     submitter belongs to one state",
                    feed.name, feed.submitter_id, feed.state
                )));
            }
        }
        Ok(())
    }

    pub fn layout(&self, id: &LayoutId) -> Result<&Arc<Layout>, PipelineError> {
        self.layouts
            .get(id)
            .ok_or_else(|| PipelineError::UnknownLayout {
                layout: id.to_string(),
            })
    }

    /// A submitter's feeds, by name.
    pub fn feeds_of(&self, submitter: &SubmitterId) -> impl Iterator<Item = &Feed> {
        self.feeds
            .values()
            .filter(move |feed| &feed.submitter_id == submitter)
    }

    /// The newest canonical schema of a file type.
    pub fn schema(&self, file_type: &FileType) -> Option<&CanonicalSchema> {
        let of_type = self
            .schemas
            .range((file_type.clone(), 0)..=(file_type.clone(), u32::MAX));
        of_type.last().map(|(_, found)| &found.value)
    }

    /// The newest mapping of a layout to that version of the canonical schema.
    pub fn mapping(&self, layout: &LayoutId, schema_version: u32) -> Option<&Mapping> {
        self.mappings
            .range((layout.clone(), 0)..=(layout.clone(), u32::MAX))
            .map(|(_, found)| &found.value)
            .rfind(|mapping| mapping.canonical_schema_version == schema_version)
    }
}

impl Layout {
    /// Compiles a contract: patterns, domains, parsers and every SQL rule.
    pub async fn compile(contract: Contract, document: String) -> Result<Self, PipelineError> {
        let refuse = |problem: String| PipelineError::Contract {
            layout: contract.layout.to_string(),
            problem,
        };
        let plan = Plan::compile(&contract).map_err(|error| refuse(error.to_string()))?;
        let schema = plan.schema();
        let row_rules =
            RowRules::compile(&contract, &schema).map_err(|error| refuse(error.to_string()))?;
        let measures =
            Measures::compile(&contract, &schema).map_err(|error| refuse(error.to_string()))?;
        let file_rules = FileRules::compile(&contract.rules, &schema)
            .await
            .map_err(|error| refuse(error.to_string()))?;
        Ok(Self {
            contract,
            document,
            plan,
            row_rules,
            measures,
            file_rules,
        })
    }
}

struct Reader<'a> {
    root: &'a Path,
    wrong: Vec<DocumentError>,
}

impl Reader<'_> {
    /// Files with that ending below a folder of the project, sorted; none where it is absent.
    fn files(&self, folder: &str, ending: &str) -> Result<Vec<PathBuf>, CatalogError> {
        let mut found = Vec::new();
        let mut folders = vec![self.root.join(folder)];
        while let Some(folder) = folders.pop() {
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => {
                    return Err(CatalogError::Read {
                        path: folder,
                        source,
                    });
                }
            };
            for entry in entries {
                let path = entry
                    .map_err(|source| CatalogError::Read {
                        path: folder.clone(),
                        source,
                    })?
                    .path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|found| found == ending) {
                    found.push(path);
                }
            }
        }
        found.sort();
        Ok(found)
    }

    fn document<T>(
        &mut self,
        path: &Path,
        parse: impl FnOnce(&str, &str) -> Result<T, DocumentError>,
    ) -> Result<Option<Documented<T>>, CatalogError> {
        let text = fs::read_to_string(path).map_err(|source| CatalogError::Read {
            path: path.to_owned(),
            source,
        })?;
        let shown = path
            .strip_prefix(self.root)
            .unwrap_or(path)
            .to_string_lossy()
            .into_owned();
        match parse(&shown, &text) {
            Ok(value) => Ok(Some(Documented {
                value,
                document: text,
            })),
            Err(error) => {
                self.wrong.push(error);
                Ok(None)
            }
        }
    }
}
