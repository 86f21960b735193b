//! From a checked request to its answer, once for each client and key.
//!
//! Requests gather while those before them are on their way to the disk, and go together: one
//! transaction takes their keys and plans their objects, the objects are written side by side,
//! and one transaction stores their answers with the events that announce them. Whatever dies in
//! between leaves a plan in the manifest: the client's retry goes on with it, and no object lies
//! there that nobody knows of.

mod committer;

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use contract::{RecordId, TraceParent};
use store::{Owner, Store};
use tokio::sync::{Mutex, mpsc, oneshot};

pub use committer::{Committer, IntakeSettings};

use crate::ingest::{CorrelationId, IdempotencyKey, ProblemType, RecordRequest};
use crate::normalize::RawObjectError;

/// Where raw objects are written.
pub trait RawObjectWriter: Send + Sync {
    /// Writes the object. One that lies there is of an earlier attempt at the same request, whose
    /// bytes were the same, and is kept.
    fn create(
        &self,
        key: &str,
        bytes: Bytes,
    ) -> impl Future<Output = Result<(), RawObjectError>> + Send;
}

/// A request that was read, checked and allowed.
#[derive(Debug)]
pub struct Accepted {
    /// Who sends it: a key is the client's own.
    pub client: String,
    pub key: IdempotencyKey,
    /// As it came.
    pub body: Bytes,
    pub request: RecordRequest,
    pub correlation_id: CorrelationId,
    pub trace_parent: Option<TraceParent>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Taken(Receipt),
    Refused(ProblemType),
}

/// What the client is told of a record that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub record_id: RecordId,
    pub status: u16,
    /// JSON with `record_id` and `correlation_id`.
    pub body: String,
    pub correlation_id: String,
    /// The record was taken by an earlier request.
    pub is_replay: bool,
}

/// One request on its way.
struct Pending {
    accepted: Accepted,
    reply: oneshot::Sender<Answer>,
}

impl Pending {
    fn answer(self, answer: Answer) {
        // Whoever has gone away asks again, and is told what is stored.
        let _ = self.reply.send(answer);
    }
}

/// The way in, for all requests of a process. The last one that is dropped ends it.
#[derive(Debug, Clone)]
pub struct Intake {
    queue: mpsc::Sender<Pending>,
}

impl Intake {
    /// Starts to commit. No other intake may run under the same `owner`.
    pub fn start<O: RawObjectWriter + 'static>(
        store: Store,
        owner: Owner,
        objects: O,
        settings: IntakeSettings,
    ) -> Self {
        let (queue, requests) = mpsc::channel(settings.waiting_max);
        let requests = Arc::new(Mutex::new(requests));
        let lanes = settings.lanes;
        let committer = Arc::new(Committer::new(store, owner, objects, settings));
        for _ in 0..lanes {
            tokio::spawn(committer.clone().run(requests.clone()));
        }
        Self { queue }
    }

    /// Stores the record, or says why not. Nothing that was not refused is lost.
    pub async fn take(&self, accepted: Accepted) -> Answer {
        let (reply, answer) = oneshot::channel();
        if self.queue.try_send(Pending { accepted, reply }).is_err() {
            return Answer::Refused(ProblemType::Overloaded);
        }
        answer
            .await
            .unwrap_or(Answer::Refused(ProblemType::Internal))
    }
}
