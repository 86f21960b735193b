use std::collections::BTreeMap;
use std::sync::Arc;

use pipeline::Sensor;
use tokio::sync::watch;

/// Wakes the workers of a sensor. Waking says only that something may be due, so nothing is lost
/// where nobody hears it: everybody asks the database in the end.
#[derive(Clone)]
pub(super) struct Wakes(Arc<Senders>);

struct Senders {
    sensors: BTreeMap<Sensor, watch::Sender<()>>,
    ended: watch::Sender<()>,
}

impl Wakes {
    pub(super) fn new() -> Self {
        let senders = Sensor::ALL.map(|sensor| (sensor, watch::Sender::new(())));
        Self(Arc::new(Senders {
            sensors: senders.into_iter().collect(),
            ended: watch::Sender::new(()),
        }))
    }

    pub(super) fn wake(&self, sensor: Sensor) {
        self.0.sensors[&sensor].send_replace(());
    }

    pub(super) fn wake_all(&self) {
        for sensor in Sensor::ALL {
            self.wake(sensor);
        }
    }

    pub(super) fn listen(&self, sensor: Sensor) -> watch::Receiver<()> {
        self.0.sensors[&sensor].subscribe()
    }

    /// A piece of work has ended, well or not.
    pub(super) fn has_ended(&self) {
        self.0.ended.send_replace(());
    }

    pub(super) fn ended(&self) -> watch::Receiver<()> {
        self.0.ended.subscribe()
    }
}
