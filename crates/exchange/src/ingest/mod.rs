//! What a client posts: read strictly, refused precisely.
//!
//! Everything here is a function from bytes and headers to values. The order in which a server
//! asks is: the headers ([`IdempotencyKey`], [`CorrelationId`], [`TraceParent`]), the body's hash
//! ([`request_hash`]), the body's JSON ([`strict_json`]), the request in it ([`RecordRequest`]).
//! What is accepted is announced by a [`RecordEvent`]; what is refused is a [`Problem`].

mod correlation;
mod event;
mod idempotency_key;
mod media_type;
mod problem;
mod request;
pub mod strict_json;
mod trace_parent;

pub use correlation::{CorrelationId, request_hash};
pub use event::{
    Description, EventError, EventMessage, EventVersion, RawObject, ReceivedEvent, RecordEvent,
    Topics, decode_event,
};
pub use idempotency_key::{IdempotencyKey, IdempotencyKeyRules, InvalidIdempotencyKey};
pub use media_type::{MediaType, UnsupportedMediaType};
pub use problem::{Problem, ProblemError, ProblemType};
pub use request::{RecordRequest, RequestVersion};
pub use trace_parent::TraceParent;
