use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header as KafkaHeader, OwnedHeaders};
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer as _};
use rdkafka::types::RDKafkaErrorCode;

use super::{BusError, KafkaSettings, Message};

/// How long a full queue of the client is waited for before it is tried again.
const QUEUE_PAUSE: Duration = Duration::from_millis(20);
/// What is still under way at the end gets this long.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Sends messages to Kafka: to all replicas, and once, however often the client must try.
pub struct Producer {
    settings: KafkaSettings,
    client: Mutex<FutureProducer>,
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Producer").field(&self.settings).finish()
    }
}

impl Producer {
    /// Makes the client; it connects when there is something to send.
    pub(super) fn connect(settings: &KafkaSettings) -> Result<Self, BusError> {
        Ok(Self {
            settings: settings.clone(),
            client: Mutex::new(settings.producer().create()?),
        })
    }

    /// Sends all of them, in their order, and waits until the broker has answered for each. One
    /// that fails does not hold back the others; so a caller who must keep a key in order sends
    /// one message of it at a time.
    pub async fn send(&self, messages: &[Message]) -> Vec<Result<(), BusError>> {
        let client = self.client().clone();
        let mut deliveries = Vec::with_capacity(messages.len());
        for message in messages {
            deliveries.push(enqueue(&client, message).await);
        }
        let results = join_all(deliveries.into_iter().map(delivered)).await;
        if client.client().fatal_error().is_some() {
            self.replace();
        }
        results
    }

    /// Waits a moment for what an interrupted `send` left under way.
    pub async fn close(self) -> Result<(), BusError> {
        let client = self.client().clone();
        tokio::task::spawn_blocking(move || client.flush(CLOSE_TIMEOUT))
            .await
            .map_err(|_| BusError::Interrupted)?
            .map_err(BusError::from)
    }

    fn client(&self) -> std::sync::MutexGuard<'_, FutureProducer> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An idempotent producer that lost count of its messages sends nothing more. A new one may
    /// double what the old one left in doubt, which consumers stand.
    fn replace(&self) {
        tracing::warn!("the Kafka client can no longer number its messages; starting a new one");
        match self.settings.producer().create() {
            Ok(fresh) => *self.client() = fresh,
            Err(error) => tracing::error!(error = %BusError::from(error), "no new Kafka client"),
        }
    }
}

async fn enqueue(client: &FutureProducer, message: &Message) -> Result<DeliveryFuture, BusError> {
    let mut headers = OwnedHeaders::new_with_capacity(message.headers.len());
    for header in &message.headers {
        headers = headers.insert(KafkaHeader {
            key: &header.name,
            value: Some(&*header.value),
        });
    }
    let mut record = FutureRecord::to(&message.topic)
        .key(&*message.key)
        .payload(&*message.payload)
        .headers(headers);
    loop {
        match client.send_result(record) {
            Ok(delivery) => return Ok(delivery),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), unsent)) => {
                record = unsent;
                tokio::time::sleep(QUEUE_PAUSE).await;
            }
            Err((error, _)) => return Err(error.into()),
        }
    }
}

async fn delivered(delivery: Result<DeliveryFuture, BusError>) -> Result<(), BusError> {
    match delivery?.await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err((error, _))) => Err(error.into()),
        Err(_canceled) => Err(BusError::Interrupted),
    }
}
