use std::sync::Arc;

use lake::Objects;
use store::{Job, Owner, Store};

use crate::{
    AlertSettings, Catalog, Event, Lineage, Observer, Patience, PipelineError, RunSummary,
    Settings, Worked,
};

/// Everything that the steps work with. Cheap to clone.
#[derive(Clone)]
pub struct Pipeline {
    pub store: Store,
    pub objects: Objects,
    pub catalog: Arc<Catalog>,
    pub settings: Settings,
    /// Whom to tell of what goes wrong; nobody, until it is set.
    pub alerts: AlertSettings,
    /// Whom to tell where rows come from and go; nobody, until it is set.
    pub lineage: Arc<Lineage>,
    pub(crate) owner: Owner,
    observer: Observer,
}

impl Pipeline {
    pub fn new(
        store: Store,
        objects: Objects,
        catalog: Catalog,
        settings: Settings,
        observer: Observer,
    ) -> Self {
        Self {
            store,
            objects,
            catalog: Arc::new(catalog),
            settings,
            alerts: AlertSettings::default(),
            lineage: Arc::default(),
            owner: Owner::this_process(),
            observer,
        }
    }

    /// The same, with leases of its own: for several that work beside each other in a process.
    pub fn as_worker(&self, number: usize) -> Self {
        Self {
            owner: Owner::this_process().worker(number),
            ..self.clone()
        }
    }

    /// The same, working by other documents.
    pub fn with_catalog(&self, catalog: Catalog) -> Self {
        Self {
            catalog: Arc::new(catalog),
            ..self.clone()
        }
    }

    /// Who takes the leases.
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    pub(crate) fn tell(&self, event: Event<'_>) {
        (self.observer)(&event);
    }

    /// Does everything that is due and returns: work that a killed process left is taken up
    /// first. A step that fails is reported and left due; the rest goes on.
    pub async fn run_once(&self) -> Result<RunSummary, PipelineError> {
        self.store.release_dead_leases(&self.owner).await?;
        self.sync_registry().await?;
        let mut summary = RunSummary {
            discovery: self.discover().await?,
            ..RunSummary::default()
        };
        self.tell(Event::Discovered(summary.discovery));
        let mut patience = Patience::none();
        for worked in self.register_closed_groups(&patience).await?.worked {
            summary.add(worked);
        }
        for &job in Job::ALL {
            while let Some(worked) = self.work_next(job, &mut patience).await? {
                summary.add(worked);
            }
        }
        Ok(summary)
    }
}

impl RunSummary {
    fn add(&mut self, worked: Worked) {
        match worked.failure() {
            Some(failure) => self.failures.push(failure.clone()),
            None => *self.steps.entry(worked.job.as_str()).or_default() += 1,
        }
    }
}
