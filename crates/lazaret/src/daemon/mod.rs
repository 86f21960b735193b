//! One process that needs nobody: it finds what was dropped, does what is due, serves HTTP, and
//! stops when it is told to. `lazaret worker` is the same without HTTP.
//!
//! Nothing that matters is kept here: what is due is in the database, so that any number of
//! processes share the work and any of them may die.

mod crew;
mod documents;
mod finder;
mod folder;
mod teller;
mod told;
mod wakes;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pipeline::{Pipeline, Sensor};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::crew::Crew;
pub(crate) use self::documents::Documents;
use self::finder::Finder;
pub(crate) use self::finder::Tidings;
use self::teller::Teller;
pub(crate) use self::told::observer;
use self::wakes::Wakes;
use crate::configuration::{Configuration, Orchestrator};
use crate::exchange::Exchange;
use crate::http;

/// How long work under way may take to end once the process is told to stop.
const GRACE: Duration = Duration::from_secs(7);
/// How many tidings may wait; more than that are answered by a listing.
const TIDINGS: usize = 10_000;

/// A process at work, until it is stopped.
pub(crate) struct Daemon {
    configuration: Configuration,
    documents: Arc<Documents>,
    wakes: Wakes,
    stop: CancellationToken,
}

impl Daemon {
    pub(crate) fn new(configuration: Configuration, pipeline: Pipeline) -> Self {
        let documents = Documents::new(&configuration.project, pipeline);
        Self {
            configuration,
            documents: Arc::new(documents),
            wakes: Wakes::new(),
            stop: CancellationToken::new(),
        }
    }

    /// Works, and serves at that address if there is one, until a signal or until serving fails.
    pub(crate) async fn run(self, listen: Option<SocketAddr>) -> anyhow::Result<()> {
        let works =
            listen.is_none() || self.configuration.daemon.orchestrator == Orchestrator::Daemon;
        let pipeline = self.documents.pipeline();
        pipeline.store.release_dead_leases(pipeline.owner()).await?;
        pipeline.sync_registry().await?;

        let (tell, tidings) = mpsc::channel(TIDINGS);
        let mut tasks = JoinSet::new();
        let mut owners = Vec::new();
        let _folder = if works {
            let folder = folder::watch(&pipeline, tell.clone())?;
            owners = self.start_work(&mut tasks, tidings, listen.is_some());
            folder
        } else {
            tracing::info!("Dagster decides what runs: no sensor works here");
            None
        };
        let served = match listen {
            Some(address) => {
                let exchange = Exchange::open(&self.configuration, pipeline.store.clone())?;
                let door = exchange.door(address)?;
                if door.is_some() {
                    exchange.forget_keys(&mut tasks, &self.stop);
                    exchange.publish(&mut tasks, &self.stop)?;
                    exchange.normalize(&mut tasks, &self.stop)?;
                } else {
                    tracing::info!("no records are taken: nobody could show who it is");
                }
                self.serve(address, tell, door).await
            }
            None => {
                tracing::info!("working");
                until_stopped().await;
                Ok(())
            }
        };
        self.stop.cancel();
        let ended =
            tokio::time::timeout(GRACE, async { while tasks.join_next().await.is_some() {} });
        if ended.await.is_err() {
            tasks.shutdown().await;
        }
        let interrupted = pipeline.store.give_back(&owners).await?;
        if interrupted > 0 {
            tracing::warn!(runs = interrupted, "stopped in mid-work; it is due again");
        }
        pipeline.store.close().await;
        tracing::info!("stopped");
        served
    }

    /// Starts all that works; returns under which names.
    fn start_work(
        &self,
        tasks: &mut JoinSet<()>,
        tidings: mpsc::Receiver<Tidings>,
        lists_at_start: bool,
    ) -> Vec<store::Owner> {
        let settings = &self.configuration.daemon;
        let mut numbers = 1..;
        let mut number = || numbers.next().unwrap_or_default();
        let mut owners = Vec::new();
        let teller = Teller {
            documents: self.documents.clone(),
            stop: self.stop.clone(),
        };
        tasks.spawn(teller.run(self.wakes.ended()));
        if settings.parallel[&Sensor::InboxDiscovery] > 0 {
            let finder = Finder {
                documents: self.documents.clone(),
                wakes: self.wakes.clone(),
                stop: self.stop.clone(),
                settings: settings.clone(),
                worker: number(),
            };
            tasks.spawn(finder.run(tidings, lists_at_start));
        }
        for sensor in Sensor::ALL {
            for _ in 0..settings.parallel[&sensor] {
                let crew = Crew {
                    sensor,
                    documents: self.documents.clone(),
                    wakes: self.wakes.clone(),
                    stop: self.stop.clone(),
                    settings: settings.clone(),
                    worker: number(),
                };
                tasks.spawn(crew.run());
            }
        }
        let started = number();
        owners.extend((1..started).map(|number| store::Owner::this_process().worker(number)));
        owners
    }

    async fn serve(
        &self,
        address: SocketAddr,
        tell: mpsc::Sender<Tidings>,
        door: Option<http::Door>,
    ) -> anyhow::Result<()> {
        let state = http::State::new(
            self.documents.clone(),
            self.configuration.daemon.clone(),
            tell,
            door,
        );
        let server = http::serve(
            address,
            self.configuration.daemon.tls.clone(),
            http::everything(state),
            self.stop.clone(),
        );
        tokio::select! {
            served = server => served,
            () = until_stopped() => Ok(()),
        }
    }
}

/// Until somebody asks the process to end.
pub(crate) async fn until_stopped() {
    let ended = async {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            match signal(SignalKind::terminate()) {
                Ok(mut terminate) => {
                    terminate.recv().await;
                }
                Err(error) => {
                    tracing::warn!(%error, "SIGTERM cannot be awaited");
                    std::future::pending::<()>().await;
                }
            }
        }
        #[cfg(not(unix))]
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = ended => {}
        interrupted = tokio::signal::ctrl_c() => {
            if let Err(error) = interrupted {
                tracing::warn!(%error, "an interrupt cannot be awaited");
            }
        }
    }
    tracing::info!("stopping: work under way is finished or given back");
}

/// Waits for that long, or until stopped; `true` where it was stopped.
async fn stopped_within(stop: &CancellationToken, time: Duration) -> bool {
    tokio::time::timeout(time, stop.cancelled()).await.is_ok()
}

/// A receiver that never hears anything is one whose sender is gone.
async fn heard(woken: &mut watch::Receiver<()>) {
    if woken.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
