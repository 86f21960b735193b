use std::collections::HashSet;
use std::time::Duration;

use chrono::Utc;
use contract::EventId;
use store::{Owner, Store};
use tokio::time::{Instant, sleep_until};

use super::{BusError, Place, Position, Received};
use crate::outbox;

/// How often an empty outbox is looked at while it is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A consumer that claims events from the outbox itself.
#[derive(Debug)]
pub struct EmbeddedConsumer {
    store: Store,
    owner: Owner,
    topics: Vec<String>,
    lease: Duration,
    held: HashSet<EventId>,
}

impl EmbeddedConsumer {
    pub(super) fn new(store: Store, owner: Owner, topics: Vec<String>, lease: Duration) -> Self {
        Self {
            store,
            owner,
            topics,
            lease,
            held: HashSet::new(),
        }
    }

    pub(super) async fn poll(
        &mut self,
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<Received>, BusError> {
        let deadline = Instant::now() + wait;
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        loop {
            let (owner, topics) = (&self.owner, &self.topics);
            let events = self
                .store
                .claim_outbox(owner, topics, limit, self.lease, Utc::now())
                .await?;
            if !events.is_empty() || Instant::now() >= deadline {
                self.held.extend(events.iter().map(|event| event.event_id));
                let received = events.iter().map(|event| Received {
                    message: outbox::message(event),
                    position: Position(Place::Outbox(event.event_id)),
                });
                return Ok(received.collect());
            }
            sleep_until(deadline.min(Instant::now() + LOOK_AGAIN)).await;
        }
    }

    /// Where a lease has lapsed, somebody else has the event and the store passes it over.
    pub(super) async fn acknowledge(&mut self, positions: &[Position]) -> Result<(), BusError> {
        let events: Vec<_> = positions
            .iter()
            .filter_map(|position| match &position.0 {
                Place::Outbox(event) => Some(*event),
                Place::Partition(_) => None,
            })
            .collect();
        if !events.is_empty() {
            let now = Utc::now();
            self.store.mark_published(&events, &self.owner, now).await?;
        }
        for event in events {
            self.held.remove(&event);
        }
        Ok(())
    }

    pub(super) async fn rewind(&mut self) -> Result<(), BusError> {
        if !self.held.is_empty() {
            let held: Vec<_> = self.held.iter().copied().collect();
            self.store.release_outbox(&held, &self.owner).await?;
            self.held.clear();
        }
        Ok(())
    }
}
