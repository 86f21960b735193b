//! Sends events off, without ever standing in the way of the work that they tell of.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use contract::TraceParent;

use super::LineageSettings;
use super::event::RunEvent;
use crate::post::{Posted, client, post_json};

/// A backend that did not answer is left alone for so long: work must not wait for it each time.
const PAUSE: Duration = Duration::from_secs(60);

/// The way to the lineage backend.
#[derive(Debug, Default)]
pub struct Lineage {
    settings: LineageSettings,
    client: OnceLock<Option<reqwest::Client>>,
    quiet_until: Mutex<Option<Instant>>,
    warned: AtomicBool,
    emitted: AtomicU64,
    lost: AtomicU64,
}

impl Lineage {
    pub fn new(settings: LineageSettings) -> Self {
        Self {
            settings,
            ..Self::default()
        }
    }

    /// Events that were taken, by each of the places that are set.
    pub fn emitted(&self) -> u64 {
        self.emitted.load(Ordering::Relaxed)
    }

    /// Events that were not.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    pub(super) fn settings(&self) -> &LineageSettings {
        &self.settings
    }

    pub(super) fn is_set(&self) -> bool {
        self.settings.url.is_some() || self.settings.file.is_some()
    }

    pub(super) async fn emit(&self, event: &RunEvent, trace: TraceParent) {
        let event = match serde_json::to_value(event) {
            Ok(event) => event,
            Err(error) => return self.lose(&error.to_string()),
        };
        if let Some(file) = &self.settings.file {
            self.note(append(file, &event).map_err(|error| error.to_string()));
        }
        if let Some(url) = &self.settings.url {
            self.note(self.post(url, &event, trace).await);
        }
    }

    async fn post(
        &self,
        url: &str,
        event: &serde_json::Value,
        trace: TraceParent,
    ) -> Result<(), String> {
        let mut quiet_until = *self.quiet();
        if quiet_until.is_some_and(|until| Instant::now() < until) {
            return Err("the lineage backend did not answer a moment ago".to_owned());
        }
        let Some(client) = self.client.get_or_init(|| client().ok()) else {
            return Err("no HTTP client could be made".to_owned());
        };
        let url = format!("{}/api/v1/lineage", url.trim_end_matches('/'));
        let posted = post_json(
            client,
            &url,
            self.settings.api_key.as_deref(),
            Some(trace),
            event,
        )
        .await;
        let result = match posted {
            Posted::Accepted => {
                quiet_until = None;
                Ok(())
            }
            Posted::Later { why, .. } => {
                quiet_until = Some(Instant::now() + PAUSE);
                Err(why)
            }
            // It is there, and answers at once.
            Posted::Refused { why } => Err(why),
        };
        *self.quiet() = quiet_until;
        result
    }

    fn quiet(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        // A time is whole after every statement: a panic elsewhere does not spoil it.
        self.quiet_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, result: Result<(), String>) {
        match result {
            Ok(()) => {
                self.emitted.fetch_add(1, Ordering::Relaxed);
            }
            Err(problem) => self.lose(&problem),
        }
    }

    fn lose(&self, problem: &str) {
        self.lost.fetch_add(1, Ordering::Relaxed);
        if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(%problem, "lineage could not be told; this is said once, and counted");
        }
    }
}

/// One line in one write, so that lines of several processes do not mix.
fn append(file: &Path, event: &serde_json::Value) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(file)?;
    file.write_all(format!("{event}\n").as_bytes())
}
