//! The exchange's API. `POST /v1/ingest` and `POST /v2/ingest` take one record, once for its key,
//! `POST /fhir/Bundle` those of a bundle; `POST /tokenize` gives tokens for identifiers.
//!
//! What is wrong is told as RFC 9457 has it, precisely and without a value. A refused request
//! leaves no trace but its count.

mod bundle;
mod reply;
mod tokenize;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{self, DefaultBodyLimit, FromRequest, Query, Request};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use contract::TraceParent;
use exchange::auth::{Authenticator, Principal, Refusal, Scope};
use exchange::ingest::{
    CorrelationId, IdempotencyKey, IdempotencyKeyRules, MediaType, Problem, ProblemType,
    RecordRequest, RequestVersion, strict_json,
};
use exchange::intake::{Accepted, Answer, Intake, Receipt};
use exchange::tokenizer::Tokenizer;
use metrics::counter;

use self::reply::Refused;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
const IDEMPOTENCY_KEY: &str = "idempotency-key";
const CORRELATION_ID: &str = "x-correlation-id";
/// A bundle holds the records of a patient or of a day.
const BUNDLE_BYTES: usize = 32 << 20;

/// What the API is made from.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    pub(crate) intake: Intake,
    pub(crate) authenticator: Arc<Authenticator>,
    pub(crate) keys: IdempotencyKeyRules,
    pub(crate) body_bytes: usize,
    /// `None`: there are no keys.
    pub(crate) tokenizer: Option<Arc<Tokenizer>>,
}

pub(super) fn routes(door: Door) -> Router {
    let limit = DefaultBodyLimit::max(door.body_bytes);
    let v1 = |extract::State(door): extract::State<Door>, request: Request| async move {
        door.answer(RequestVersion::V1, request).await
    };
    let v2 = |extract::State(door): extract::State<Door>, request: Request| async move {
        door.answer(RequestVersion::V2, request).await
    };
    let bundles = |extract::State(door): extract::State<Door>, query, request: Request| async move {
        let Query(query) = query;
        door.answer_bundle(query, request).await
    };
    let tokenize = |extract::State(door): extract::State<Door>, request: Request| async move {
        door.answer_tokenize(request).await
    };
    let bundles = post(bundles).layer(DefaultBodyLimit::max(BUNDLE_BYTES));
    let mut routes = Router::new()
        .route("/v1/ingest", post(v1))
        .route("/v2/ingest", post(v2));
    if door.tokenizer.is_some() {
        routes = routes.route("/tokenize", post(tokenize));
    }
    routes
        .layer(limit)
        .route("/fhir/Bundle", bundles)
        .with_state(door)
}

/// What each request is called, by its client or by us.
fn correlation_id(headers: &HeaderMap) -> CorrelationId {
    let header = headers.get(CORRELATION_ID);
    CorrelationId::of_header(header.map(HeaderValue::as_bytes))
}

/// Counts what became of a request.
fn count(route: &'static str, outcome: &'static str) {
    counter!("lazaret_exchange_requests_total", "route" => route, "outcome" => outcome)
        .increment(1);
}

impl Door {
    async fn answer(&self, version: RequestVersion, request: Request) -> Response {
        let correlation_id = correlation_id(request.headers());
        let route = match version {
            RequestVersion::V1 => "/v1/ingest",
            RequestVersion::V2 => "/v2/ingest",
        };
        match self.take(version, request, &correlation_id).await {
            Ok(receipt) => {
                let outcome = if receipt.is_replay {
                    "replayed"
                } else {
                    "accepted"
                };
                count(route, outcome);
                reply::told(receipt)
            }
            Err(refused) => {
                count(route, refused.name());
                refused.into_response()
            }
        }
    }

    async fn take(
        &self,
        version: RequestVersion,
        request: Request,
        correlation_id: &CorrelationId,
    ) -> Result<Receipt, Refused> {
        let headers = request.headers().clone();
        let principal = self
            .allowed(&headers, Scope::Ingest, correlation_id)
            .await?;
        let key = self.key(&headers, correlation_id)?;
        let body = body(request, &[MediaType::Json], correlation_id).await?;
        let value = strict_json::parse(&body)
            .map_err(|fault| Problem::of_fault(&fault, correlation_id.clone()))?;
        let request = RecordRequest::parse(version, value).map_err(|violations| {
            let invalid = ProblemType::InvalidRecord;
            Problem::of_violations(invalid, violations, correlation_id.clone())
        })?;
        let source = request.source.as_str();
        let may = principal.may_post_for(source);
        may.map_err(|refusal| Refused::of(&refusal, correlation_id))?;
        let accepted = Accepted {
            client: principal.subject,
            key,
            body,
            request,
            correlation_id: correlation_id.clone(),
            trace_parent: trace_parent(&headers),
        };
        match self.intake.take(accepted).await {
            Answer::Taken(receipt) => Ok(receipt),
            Answer::Refused(why) => Err(Problem::new(why, correlation_id.clone()).into()),
        }
    }

    /// Who asks, if that client may do this at all.
    async fn allowed(
        &self,
        headers: &HeaderMap,
        scope: Scope,
        correlation_id: &CorrelationId,
    ) -> Result<Principal, Refused> {
        let principal = self.principal(headers).await;
        let allowed = principal.and_then(|principal| principal.may(scope).map(|()| principal));
        allowed.map_err(|refusal| Refused::of(&refusal, correlation_id))
    }

    async fn principal(&self, headers: &HeaderMap) -> Result<Principal, Refusal> {
        let mut presented = headers.get_all(AUTHORIZATION).iter();
        let (first, second) = (presented.next(), presented.next());
        if second.is_some() {
            return Err(Refusal::Malformed);
        }
        let presented = first.map(HeaderValue::to_str).transpose();
        let presented = presented.map_err(|_| Refusal::Malformed)?;
        self.authenticator.authenticate(presented).await
    }

    fn key(
        &self,
        headers: &HeaderMap,
        correlation_id: &CorrelationId,
    ) -> Result<IdempotencyKey, Problem> {
        let Some(header) = headers.get(IDEMPOTENCY_KEY) else {
            let missing = ProblemType::IdempotencyKeyMissing;
            return Err(Problem::new(missing, correlation_id.clone()));
        };
        self.keys
            .parse(header.as_bytes())
            .map_err(|reason| Problem::of_key(reason, correlation_id.clone()))
    }
}

fn trace_parent(headers: &HeaderMap) -> Option<TraceParent> {
    let header = headers.get("traceparent")?;
    TraceParent::parse(header.as_bytes())
}

/// The whole body, if it is of that kind, comes in time, and is as long as it may be and as it
/// said.
async fn body(
    request: Request,
    kinds: &[MediaType],
    correlation_id: &CorrelationId,
) -> Result<Bytes, Problem> {
    let refuse = |problem| Err(Problem::new(problem, correlation_id.clone()));
    let kind = request.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|value| MediaType::parse(value.as_bytes()).ok());
    if !kind.is_some_and(|kind| kinds.contains(&kind)) {
        return refuse(ProblemType::UnsupportedMediaType);
    }
    match tokio::time::timeout(BODY_TIMEOUT, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            refuse(ProblemType::BodyTooLarge)
        }
        Ok(Err(_)) => refuse(ProblemType::LengthMismatch),
        Err(_) => refuse(ProblemType::RequestTimeout),
    }
}
