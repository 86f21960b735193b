use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use pipeline::{Patience, Pipeline, PipelineError, Sensor};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Documents;
use super::crew::{Outage, until_its_time};
use super::wakes::Wakes;
use crate::configuration::DaemonSettings;

/// Tidings of one drop come close together and are answered by one look.
const GATHER: Duration = Duration::from_millis(50);
/// The turn in which one of many processes lists the inbox.
const LISTING: (&str, &str) = ("inbox_discovery", "listing");

/// What somebody says of the inbox.
#[derive(Debug, Clone)]
pub(crate) enum Tidings {
    /// Something is new or changed at these keys.
    At(Vec<String>),
    /// More than could be told: look at everything.
    Everywhere,
}

/// Looks into the inbox, where it is told to or all of it from time to time, and registers groups
/// that are whole.
pub(super) struct Finder {
    pub(super) documents: Arc<Documents>,
    pub(super) wakes: Wakes,
    pub(super) stop: CancellationToken,
    pub(super) settings: DaemonSettings,
    pub(super) worker: usize,
}

/// What is to be looked at next.
#[derive(Default)]
struct Look {
    keys: BTreeSet<String>,
    everywhere: bool,
}

impl Look {
    fn add(&mut self, tidings: Tidings) {
        match tidings {
            Tidings::At(keys) => self.keys.extend(keys),
            Tidings::Everywhere => self.everywhere = true,
        }
    }
}

impl Finder {
    pub(super) async fn run(self, mut tidings: mpsc::Receiver<Tidings>, lists_at_start: bool) {
        let mut outage = Outage::default();
        let mut look = Look {
            everywhere: lists_at_start,
            ..Look::default()
        };
        while until_its_time(Sensor::InboxDiscovery, &self.settings, &self.stop).await {
            let is_scheduled = self
                .settings
                .schedules
                .contains_key(&Sensor::InboxDiscovery);
            look.everywhere |= is_scheduled;
            let found = self.find(&mut look).await;
            let pause = match found {
                Ok(next) => outage.over(self.pause_until(next)),
                Err(error) => outage.pause(Sensor::InboxDiscovery, &error),
            };
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
                Some(told) = tidings.recv() => {
                    look.add(told);
                    tokio::time::sleep(GATHER).await;
                    while let Ok(told) = tidings.try_recv() {
                        look.add(told);
                    }
                }
            }
        }
    }

    /// Until the next group closes, and no longer than a poll.
    fn pause_until(&self, next_closes: Option<DateTime<Utc>>) -> Duration {
        let left = next_closes.map(|at| (at - Utc::now()).to_std().unwrap_or_default());
        left.unwrap_or(self.settings.poll)
            .clamp(GATHER, self.settings.poll)
    }

    /// Looks and registers; says when the next group closes. What could not be looked at is
    /// looked at again.
    async fn find(&self, look: &mut Look) -> Result<Option<DateTime<Utc>>, PipelineError> {
        let pipeline = self.documents.pipeline().as_worker(self.worker);
        pipeline.store.release_dead_leases(pipeline.owner()).await?;
        if self.documents.renew().await? {
            self.wakes.wake_all();
        }
        self.look(&pipeline, look).await?;
        let patience = Patience::of_a_worker(None);
        let registered = pipeline.register_closed_groups(&patience).await?;
        if !registered.worked.is_empty() {
            self.wakes.has_ended();
        }
        let succeeded = registered
            .worked
            .iter()
            .filter(|one| one.failure().is_none());
        if succeeded.count() > 0 {
            self.wakes.wake(Sensor::InboxDiscovery);
        }
        Ok(registered.next_closes)
    }

    async fn look(&self, pipeline: &Pipeline, look: &mut Look) -> Result<(), PipelineError> {
        let (job, turn) = LISTING;
        let is_our_turn = pipeline
            .store
            .take_turn(job, turn, self.settings.listing, Utc::now())
            .await?;
        if is_our_turn || look.everywhere {
            look.everywhere = true;
            let found = pipeline.discover().await?;
            tracing::debug!(?found, "listed the inbox");
        } else if !look.keys.is_empty() {
            let keys: Vec<String> = look.keys.iter().cloned().collect();
            let found = pipeline.look_at(&keys).await?;
            tracing::debug!(?found, "looked where something was told of");
        }
        *look = Look::default();
        Ok(())
    }
}
