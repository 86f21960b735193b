//! The event bus: Kafka, or the outbox itself.
//!
//! What stands above the bus does not know which it is. A consumer is handed messages in the order
//! of their keys, says which of them it has dealt with, and is handed again what it has not: after
//! [`Consumer::rewind`], after a crash, or by way of another consumer of the group. So delivery is
//! at least once, and whoever consumes must make the second time a no-op.

mod embedded;
mod error;
mod kafka_consumer;
mod kafka_producer;
mod progress;
mod settings;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use store::{Owner, Store};

use embedded::EmbeddedConsumer;
use kafka_consumer::KafkaConsumer;

pub use error::BusError;
pub use kafka_producer::Producer;
pub use settings::KafkaSettings;

/// One event on its way. Its `Debug` says how large it is, not what it says: a topic may hold what
/// somebody else put there.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    pub topic: String,
    /// Messages of one key are delivered in order.
    pub key: Bytes,
    pub payload: Bytes,
    pub headers: Vec<Header>,
}

/// A header; Kafka allows a name to repeat.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    pub name: String,
    pub value: Bytes,
}

impl Header {
    pub fn new(name: impl Into<String>, value: impl Into<Bytes>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }
}

impl Message {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers
            .iter()
            .find(|header| header.name == name)
            .map(|header| &*header.value)
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.name, self.value.len())
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("topic", &self.topic)
            .field("key_bytes", &self.key.len())
            .field("payload_bytes", &self.payload.len())
            .field("headers", &self.headers)
            .finish()
    }
}

/// A message and the place that it is acknowledged by.
#[derive(Debug, Clone)]
pub struct Received {
    pub message: Message,
    pub position: Position,
}

/// Where a message stands; only the consumer that handed it out can read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position(Place);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Partition(progress::Place),
    Outbox(contract::EventId),
}

/// Which bus the events move on.
#[derive(Debug, Clone)]
pub enum Bus {
    Kafka(KafkaSettings),
    /// Consumers read the outbox; an event that is acknowledged is published.
    Embedded {
        /// How long a consumer that vanished keeps what it was handed.
        lease: Duration,
    },
}

impl Bus {
    /// What the outbox is published with; `None` where consumers read it themselves.
    pub fn producer(&self) -> Result<Option<Producer>, BusError> {
        match self {
            Self::Kafka(settings) => Producer::connect(settings).map(Some),
            Self::Embedded { .. } => Ok(None),
        }
    }

    /// A member of the consumer group. No other consumer may run under the same `owner`.
    pub fn consumer(
        &self,
        store: &Store,
        owner: &Owner,
        group: &str,
        topics: &[String],
    ) -> Result<Consumer, BusError> {
        match self {
            Self::Kafka(settings) => {
                KafkaConsumer::join(settings, group, topics).map(Consumer::Kafka)
            }
            Self::Embedded { lease } => Ok(Consumer::Embedded(EmbeddedConsumer::new(
                store.clone(),
                owner.clone(),
                topics.to_vec(),
                *lease,
            ))),
        }
    }
}

/// One that is handed messages. Dropped without [`close`](Self::close), it leaves what it has not
/// acknowledged to others.
#[derive(Debug)]
pub enum Consumer {
    Kafka(KafkaConsumer),
    Embedded(EmbeddedConsumer),
}

impl Consumer {
    /// Waits at most that long for a first message, and returns it with those that are at hand
    /// behind it, up to the limit. A bus that does not answer is as an empty one, where that mends
    /// itself.
    pub async fn poll(&mut self, limit: usize, wait: Duration) -> Result<Vec<Received>, BusError> {
        match self {
            Self::Kafka(consumer) => consumer.poll(limit, wait).await,
            Self::Embedded(consumer) => consumer.poll(limit, wait).await,
        }
    }

    /// These are dealt with and durable elsewhere: they need not come again. What was taken from
    /// this consumer in the meantime is passed over, it comes to another.
    pub async fn acknowledge(&mut self, positions: &[Position]) -> Result<(), BusError> {
        match self {
            Self::Kafka(consumer) => consumer.acknowledge(positions).await,
            Self::Embedded(consumer) => consumer.acknowledge(positions).await,
        }
    }

    /// What was received and not acknowledged is to be received again, here or elsewhere.
    pub async fn rewind(&mut self) -> Result<(), BusError> {
        match self {
            Self::Kafka(consumer) => consumer.rewind().await,
            Self::Embedded(consumer) => consumer.rewind().await,
        }
    }

    /// Leaves the group at once, so that nobody waits for a lease or a session to end.
    pub async fn close(self) -> Result<(), BusError> {
        match self {
            Self::Kafka(consumer) => consumer.close().await,
            Self::Embedded(mut consumer) => consumer.rewind().await,
        }
    }
}
