use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use contract::{EventId, RecordId};
use futures::{StreamExt, stream};
use serde_json::{Map, Value, json};
use store::{
    AbandonedIngest, Admission, CompletedIngest, NewEvent, NewIngest, Owner, Store, StoreError,
};
use tokio::sync::{Mutex, mpsc};

use super::{Accepted, Answer, Pending, RawObjectWriter, Receipt};
use crate::fault::{self, FaultPoint};
use crate::ingest::{
    CorrelationId, Description, ProblemType, RawObject, RecordEvent, Topics, request_hash,
};

#[derive(Debug, Clone)]
pub struct IntakeSettings {
    pub topics: Topics,
    /// What events call the place of raw objects.
    pub bucket: String,
    /// How long a key means its request.
    pub key_lifetime: Duration,
    /// How long a request that was cut short keeps its key.
    pub lease: Duration,
    /// Requests that are committed together, at most.
    pub batch: usize,
    /// Batches under way at a time.
    pub lanes: usize,
    /// Requests that may wait; any more are asked to come again.
    pub waiting_max: usize,
    /// Objects of a batch that are written side by side.
    pub writes: usize,
}

impl Default for IntakeSettings {
    fn default() -> Self {
        Self {
            topics: Topics::default(),
            bucket: "raw-objects".to_owned(),
            key_lifetime: Duration::from_secs(7 * 24 * 60 * 60),
            lease: Duration::from_secs(30),
            batch: 200,
            lanes: 2,
            waiting_max: 2_000,
            writes: 32,
        }
    }
}

/// Takes requests in, batch by batch.
#[derive(Debug)]
pub struct Committer<O> {
    store: Store,
    owner: Owner,
    objects: O,
    settings: IntakeSettings,
}

/// A request whose key is ours, under the names that its record has.
struct Planned {
    pending: Pending,
    record_id: RecordId,
    correlation_id: String,
    object_key: String,
    sha256: String,
}

impl Planned {
    fn body(&self) -> String {
        json!({ "record_id": self.record_id, "correlation_id": self.correlation_id }).to_string()
    }

    fn abandoned(&self) -> AbandonedIngest {
        let accepted = &self.pending.accepted;
        AbandonedIngest {
            client: accepted.client.clone(),
            idempotency_key: accepted.key.as_str().to_owned(),
            record_id: self.record_id,
        }
    }
}

/// HTTP's `Accepted`: the record is stored, and becomes canonical later.
const TAKEN: u16 = 202;

impl<O: RawObjectWriter> Committer<O> {
    pub(super) fn new(store: Store, owner: Owner, objects: O, settings: IntakeSettings) -> Self {
        Self {
            store,
            owner,
            objects,
            settings,
        }
    }

    /// Until nobody can send any more.
    pub(super) async fn run(self: Arc<Self>, requests: Arc<Mutex<mpsc::Receiver<Pending>>>) {
        loop {
            let mut batch = Vec::new();
            let mut waiting = requests.lock().await;
            if waiting.recv_many(&mut batch, self.settings.batch).await == 0 {
                return;
            }
            drop(waiting);
            self.commit(batch).await;
        }
    }

    async fn commit(&self, batch: Vec<Pending>) {
        let planned = self.admit(batch).await;
        if planned.is_empty() {
            return;
        }
        fault::point(FaultPoint::RequestsAdmitted);
        let written = self.write(planned).await;
        fault::point(FaultPoint::ObjectsWritten);
        self.complete(written).await;
    }

    /// Answers what needs no record of its own, and returns what does.
    async fn admit(&self, batch: Vec<Pending>) -> Vec<Planned> {
        let now = Utc::now();
        let expires_at = now + self.settings.key_lifetime;
        let news: Vec<NewIngest> = batch
            .iter()
            .map(|pending| new_ingest(&pending.accepted, expires_at))
            .collect();
        let admitted = self
            .store
            .admit(&news, &self.owner, self.settings.lease, now)
            .await;
        let admissions = match admitted {
            Ok(admissions) => admissions,
            Err(error) => {
                refuse_all(batch, &error);
                return Vec::new();
            }
        };
        let decided = batch.into_iter().zip(news).zip(admissions);
        let planned = decided.filter_map(|((pending, new), admission)| {
            let (record_id, correlation_id, object_key) = match admission {
                Admission::New => (new.record_id, new.correlation_id, new.object_key),
                Admission::Resumed {
                    record_id,
                    correlation_id,
                    object_key,
                } => (record_id, correlation_id, object_key),
                Admission::Replay(stored) => {
                    pending.answer(Answer::Taken(Receipt {
                        record_id: stored.record_id,
                        status: stored.status,
                        body: stored.body,
                        correlation_id: stored.correlation_id,
                        is_replay: true,
                    }));
                    return None;
                }
                Admission::Conflict => {
                    pending.answer(Answer::Refused(ProblemType::IdempotencyKeyReused));
                    return None;
                }
                Admission::InProgress { .. } => {
                    pending.answer(Answer::Refused(ProblemType::RequestInProgress));
                    return None;
                }
            };
            Some(Planned {
                pending,
                record_id,
                correlation_id,
                object_key,
                sha256: new.sha256,
            })
        });
        planned.collect()
    }

    /// Writes the objects and returns the requests whose objects lie there. The keys of the others
    /// are given back.
    async fn write(&self, planned: Vec<Planned>) -> Vec<Planned> {
        let writes = stream::iter(planned).map(|planned| async {
            let bytes = planned.pending.accepted.body.clone();
            let written = self.objects.create(&planned.object_key, bytes).await;
            (planned, written)
        });
        let all: Vec<_> = writes
            .buffer_unordered(self.settings.writes.max(1))
            .collect()
            .await;
        let mut written = Vec::with_capacity(all.len());
        let mut failed = Vec::new();
        for (planned, outcome) in all {
            match outcome {
                Ok(()) => written.push(planned),
                Err(error) => {
                    tracing::warn!(record_id = %planned.record_id, %error, "a raw object is not written");
                    failed.push(planned);
                }
            }
        }
        self.give_back(failed).await;
        written
    }

    async fn give_back(&self, failed: Vec<Planned>) {
        if failed.is_empty() {
            return;
        }
        let abandoned: Vec<AbandonedIngest> = failed.iter().map(Planned::abandoned).collect();
        if let Err(error) = self.store.abandon(&abandoned, &self.owner).await {
            tracing::warn!(%error, "keys are not given back; they are free when their lease lapses");
        }
        for planned in failed {
            planned
                .pending
                .answer(Answer::Refused(ProblemType::Overloaded));
        }
    }

    async fn complete(&self, written: Vec<Planned>) {
        let now = Utc::now();
        let completed: Vec<CompletedIngest> = written
            .iter()
            .map(|planned| self.completed(planned, now))
            .collect();
        let moved = match self.store.complete(&completed, &self.owner, now).await {
            Ok(moved) => moved,
            Err(error) => {
                let pending = written.into_iter().map(|planned| planned.pending);
                return refuse_all(pending, &error);
            }
        };
        fault::point(FaultPoint::AnswersStored);
        for (planned, moved) in written.into_iter().zip(moved) {
            let answer = if moved.is_yes() {
                Answer::Taken(Receipt {
                    record_id: planned.record_id,
                    status: TAKEN,
                    body: planned.body(),
                    correlation_id: planned.correlation_id.clone(),
                    is_replay: false,
                })
            } else {
                // Its lease lapsed, and somebody else goes on with it.
                Answer::Refused(ProblemType::RequestInProgress)
            };
            planned.pending.answer(answer);
        }
    }

    fn completed(&self, planned: &Planned, now: DateTime<Utc>) -> CompletedIngest {
        let accepted = &planned.pending.accepted;
        let request = &accepted.request;
        let description = request.schema_hint.clone().map(|schema_hint| Description {
            record_kind: request.kind,
            schema_hint,
            occurred_at: Some(request.occurred_at),
        });
        let event = RecordEvent {
            event_id: EventId::new(),
            record_id: planned.record_id,
            source: request.source.clone(),
            time: now,
            object: RawObject {
                bucket: self.settings.bucket.clone(),
                key: planned.object_key.clone(),
                sha256: planned.sha256.clone(),
                size_bytes: accepted.body.len() as u64,
            },
            correlation_id: CorrelationId::of_header(Some(planned.correlation_id.as_bytes())),
            trace_parent: accepted.trace_parent,
            description,
        };
        let message = event.message(&self.settings.topics);
        let headers = message.headers.into_iter();
        let headers: Map<String, Value> = headers
            .map(|(name, value)| (name.to_owned(), Value::from(value)))
            .collect();
        CompletedIngest {
            client: accepted.client.clone(),
            idempotency_key: accepted.key.as_str().to_owned(),
            record_id: planned.record_id,
            response_status: TAKEN,
            response_body: planned.body(),
            event: NewEvent {
                event_id: message.event_id,
                record_id: planned.record_id,
                topic: message.topic,
                event_key: message.key,
                payload: message.payload,
                headers: headers.into(),
            },
        }
    }
}

fn new_ingest(accepted: &Accepted, expires_at: DateTime<Utc>) -> NewIngest {
    let record_id = RecordId::new();
    let hash = request_hash(&accepted.body);
    let source = &accepted.request.source;
    NewIngest {
        client: accepted.client.clone(),
        idempotency_key: accepted.key.as_str().to_owned(),
        request_hash: hash.clone(),
        record_id,
        correlation_id: accepted.correlation_id.to_string(),
        source: source.to_string(),
        record_type: accepted.request.kind.to_string(),
        object_key: format!("{source}/{record_id}.json"),
        sha256: hash,
        size_bytes: accepted.body.len() as i64,
        content_type: "application/json".to_owned(),
        expires_at,
    }
}

/// The database did not take a batch: each client may send the same again.
fn refuse_all(batch: impl IntoIterator<Item = Pending>, error: &StoreError) {
    tracing::error!(%error, "requests cannot be stored");
    let problem = if error.is_transient() {
        ProblemType::Overloaded
    } else {
        ProblemType::Internal
    };
    for pending in batch {
        pending.answer(Answer::Refused(problem));
    }
}
