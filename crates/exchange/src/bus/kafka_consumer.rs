use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use rdkafka::client::ClientContext;
use rdkafka::consumer::{
    BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance, StreamConsumer,
};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Headers, Message as _};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};
use tokio::time::{Instant, timeout_at};

use super::progress::Progress;
use super::{BusError, Header, KafkaSettings, Message, Place, Position, Received};

/// How long partitions may take to go back to an earlier offset.
const SEEK_TIMEOUT: Duration = Duration::from_secs(10);

/// A member of a consumer group that commits by hand and in order.
pub struct KafkaConsumer {
    client: Arc<StreamConsumer<Assignments>>,
}

impl std::fmt::Debug for KafkaConsumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("KafkaConsumer")
            .field(&self.progress())
            .finish()
    }
}

impl KafkaConsumer {
    pub(super) fn join(
        settings: &KafkaSettings,
        group: &str,
        topics: &[String],
    ) -> Result<Self, BusError> {
        let config = settings.consumer(group);
        let client: StreamConsumer<_> = config.create_with_context(Assignments::default())?;
        let topics: Vec<_> = topics.iter().map(String::as_str).collect();
        client.subscribe(&topics)?;
        Ok(Self {
            client: Arc::new(client),
        })
    }

    pub(super) async fn poll(
        &self,
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<Received>, BusError> {
        let deadline = Instant::now() + wait;
        let mut received = Vec::new();
        let mut stream = self.client.stream();
        while received.len() < limit {
            let next = if received.is_empty() {
                timeout_at(deadline, stream.next()).await.ok()
            } else {
                stream.next().now_or_never()
            };
            match next.flatten() {
                Some(Ok(message)) => received.extend(self.receive(&message)),
                Some(Err(error)) => mends_itself(error)?,
                None => break,
            }
        }
        // A rebalance in between took away what it took away.
        let progress = self.progress();
        received.retain(|received| match &received.position.0 {
            Place::Partition(place) => progress.is_ours(place),
            Place::Outbox(_) => false,
        });
        Ok(received)
    }

    fn receive(&self, message: &BorrowedMessage<'_>) -> Option<Received> {
        let place =
            self.progress()
                .hand_out(message.topic(), message.partition(), message.offset())?;
        Some(Received {
            message: own(message),
            position: Position(Place::Partition(place)),
        })
    }

    pub(super) async fn acknowledge(&self, positions: &[Position]) -> Result<(), BusError> {
        let due = {
            let mut progress = self.progress();
            for position in positions {
                if let Place::Partition(place) = &position.0 {
                    progress.acknowledge(place);
                }
            }
            progress.due()
        };
        if due.is_empty() {
            return Ok(());
        }
        let client = Arc::clone(&self.client);
        tokio::task::spawn_blocking(move || {
            match client.commit(&offsets(&due)?, CommitMode::Sync) {
                Err(error) if is_not_ours(&error) => {
                    tracing::warn!("a rebalance came before the commit; the messages come again");
                }
                committed => committed?,
            }
            client.context().progress().commit(&due);
            Ok(())
        })
        .await
        .map_err(|_| BusError::Interrupted)?
    }

    pub(super) async fn rewind(&self) -> Result<(), BusError> {
        let back = self.progress().rewind();
        if back.is_empty() {
            return Ok(());
        }
        let client = Arc::clone(&self.client);
        tokio::task::spawn_blocking(move || {
            let sought = client.seek_partitions(offsets(&back)?, SEEK_TIMEOUT)?;
            for element in sought.elements() {
                element.error()?;
            }
            Ok(())
        })
        .await
        .map_err(|_| BusError::Interrupted)?
    }

    /// The client leaves the group when it is dropped, which blocks.
    pub(super) async fn close(self) -> Result<(), BusError> {
        tokio::task::spawn_blocking(move || drop(self))
            .await
            .map_err(|_| BusError::Interrupted)
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.client.context().progress()
    }
}

/// Brokers that are away and topics that are not there yet are looked for by the client itself.
fn mends_itself(error: KafkaError) -> Result<(), BusError> {
    match error {
        KafkaError::MessageConsumptionFatal(_) => Err(error.into()),
        error => match BusError::from(error) {
            error if error.is_transient() => {
                tracing::warn!(%error, "the bus is waited for");
                Ok(())
            }
            error => Err(error),
        },
    }
}

fn own(message: &BorrowedMessage<'_>) -> Message {
    let headers = message.headers().map(|headers| {
        let owned = headers.iter().map(|header| {
            let value = header.value.unwrap_or_default();
            Header::new(header.key, Bytes::copy_from_slice(value))
        });
        owned.collect()
    });
    Message {
        topic: message.topic().to_owned(),
        key: Bytes::copy_from_slice(message.key().unwrap_or_default()),
        payload: Bytes::copy_from_slice(message.payload().unwrap_or_default()),
        headers: headers.unwrap_or_default(),
    }
}

fn offsets(list: &[((String, i32), i64)]) -> KafkaResult<TopicPartitionList> {
    let mut offsets = TopicPartitionList::with_capacity(list.len());
    for ((topic, partition), offset) in list {
        offsets.add_partition_offset(topic, *partition, Offset::Offset(*offset))?;
    }
    Ok(offsets)
}

/// Whether a commit came too late: its partitions are others' by now.
fn is_not_ours(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::IllegalGeneration
                | Code::UnknownMemberId
                | Code::RebalanceInProgress
                | Code::AssignmentLost
                | Code::FencedInstanceId
                | Code::FencedMemberEpoch
                | Code::StaleMemberEpoch
        )
    )
}

/// Which partitions are ours, told by the client while it is polled.
#[derive(Debug, Default)]
struct Assignments {
    progress: Mutex<Progress>,
}

impl Assignments {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Assignments {}

impl ConsumerContext for Assignments {
    fn pre_rebalance(&self, client: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(partitions) => {
                let mut progress = self.progress();
                for partition in partitions.elements() {
                    progress.assign(partition.topic(), partition.partition());
                }
            }
            Rebalance::Revoke(partitions) => {
                self.commit_last(client);
                let mut progress = self.progress();
                for partition in partitions.elements() {
                    progress.revoke(partition.topic(), partition.partition());
                }
            }
            Rebalance::Error(error) => tracing::warn!(%error, "a rebalance failed"),
        }
    }
}

impl Assignments {
    /// A commit that failed may still succeed now; if not, the next owner does the work again.
    fn commit_last(&self, client: &BaseConsumer<Self>) {
        let due = self.progress().due();
        if due.is_empty() {
            return;
        }
        let committed = offsets(&due).and_then(|due| client.commit(&due, CommitMode::Sync));
        if let Err(error) = committed {
            let error = BusError::from(error);
            tracing::warn!(%error, "offsets were not committed before a rebalance");
        }
    }
}
