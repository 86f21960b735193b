//! What is logged while a request is answered belongs to the caller's trace, or to a new one.

use std::num::NonZeroU64;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use contract::{RunId, TraceParent};
use tracing::Instrument;

pub(super) async fn follow(request: Request, next: Next) -> Response {
    let caller = request
        .headers()
        .get("traceparent")
        .and_then(|header| TraceParent::parse(header.as_bytes()));
    let trace = match caller {
        Some(caller) => caller.child(NonZeroU64::MIN.saturating_add(fastrand::u64(..))),
        None => TraceParent::of_run(RunId::new()),
    };
    // A path that is none of ours may hold anything, so it is not logged.
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("none", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!(
        "request", method = %request.method(), route,
        trace_id = trace.trace_id(), span_id = trace.span_id()
    );
    let started = Instant::now();
    async {
        let answer = next.run(request).await;
        let (status, taken) = (answer.status().as_u16(), started.elapsed());
        tracing::debug!(status, ?taken, "answered");
        answer
    }
    .instrument(span)
    .await
}
