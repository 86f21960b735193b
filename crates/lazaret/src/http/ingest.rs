//! `POST /v1/ingest` and `POST /v2/ingest`: one record, once for its key.
//!
//! What is wrong is told as RFC 9457 has it, precisely and without a value. A refused request
//! leaves no trace but its count.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{self, DefaultBodyLimit, FromRequest, Request};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
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
use metrics::counter;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
const IDEMPOTENCY_KEY: &str = "idempotency-key";
const CORRELATION_ID: &str = "x-correlation-id";
/// `true` where the record was taken by an earlier request.
const REPLAYED: &str = "idempotency-replayed";

/// What the API is made from.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    pub(crate) intake: Intake,
    pub(crate) authenticator: Arc<Authenticator>,
    pub(crate) keys: IdempotencyKeyRules,
    pub(crate) body_bytes: usize,
}

pub(super) fn routes(door: Door) -> Router {
    let limit = DefaultBodyLimit::max(door.body_bytes);
    let v1 = |extract::State(door): extract::State<Door>, request: Request| async move {
        door.answer(RequestVersion::V1, request).await
    };
    let v2 = |extract::State(door): extract::State<Door>, request: Request| async move {
        door.answer(RequestVersion::V2, request).await
    };
    Router::new()
        .route("/v1/ingest", post(v1))
        .route("/v2/ingest", post(v2))
        .layer(limit)
        .with_state(door)
}

/// A problem, and the headers that go with it.
struct Refused {
    problem: Problem,
    challenge: Option<String>,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self {
            problem,
            challenge: None,
        }
    }
}

impl Door {
    async fn answer(&self, version: RequestVersion, request: Request) -> Response {
        let header = request.headers().get(CORRELATION_ID);
        let correlation_id = CorrelationId::of_header(header.map(HeaderValue::as_bytes));
        let taken = self.take(version, request, &correlation_id).await;
        let outcome = match &taken {
            Ok(receipt) if receipt.is_replay => "replayed",
            Ok(_) => "accepted",
            Err(refused) => refused.problem.r#type.name(),
        };
        counter!("lazaret_ingest_requests_total", "outcome" => outcome).increment(1);
        match taken {
            Ok(receipt) => told(receipt),
            Err(refused) => refused.into_response(),
        }
    }

    async fn take(
        &self,
        version: RequestVersion,
        request: Request,
        correlation_id: &CorrelationId,
    ) -> Result<Receipt, Refused> {
        let problem = |problem| Problem::new(problem, correlation_id.clone());
        let refused = |refusal: &Refusal| refused(refusal, correlation_id);
        let headers = request.headers().clone();
        let principal = self.principal(&headers).await.map_err(|r| refused(&r))?;
        principal.may(Scope::Ingest).map_err(|r| refused(&r))?;
        let key = self.key(&headers, correlation_id)?;
        let is_json = headers
            .get(CONTENT_TYPE)
            .is_some_and(|value| MediaType::parse(value.as_bytes()) == Ok(MediaType::Json));
        if !is_json {
            return Err(problem(ProblemType::UnsupportedMediaType).into());
        }
        let body = body(request).await.map_err(problem)?;
        let value = strict_json::parse(&body)
            .map_err(|fault| Problem::of_fault(&fault, correlation_id.clone()))?;
        let request = RecordRequest::parse(version, value).map_err(|violations| {
            let invalid = ProblemType::InvalidRecord;
            Problem::of_violations(invalid, violations, correlation_id.clone())
        })?;
        principal
            .may_post_for(request.source.as_str())
            .map_err(|r| refused(&r))?;
        let accepted = Accepted {
            client: principal.subject,
            key,
            body,
            request,
            correlation_id: correlation_id.clone(),
            trace_parent: headers
                .get("traceparent")
                .and_then(|header| TraceParent::parse(header.as_bytes())),
        };
        match self.intake.take(accepted).await {
            Answer::Taken(receipt) => Ok(receipt),
            Answer::Refused(why) => Err(problem(why).into()),
        }
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

/// The whole body, if it comes in time and is as long as it may be and as it said.
async fn body(request: Request) -> Result<Bytes, ProblemType> {
    match tokio::time::timeout(BODY_TIMEOUT, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err(ProblemType::BodyTooLarge)
        }
        Ok(Err(_)) => Err(ProblemType::LengthMismatch),
        Err(_) => Err(ProblemType::RequestTimeout),
    }
}

fn refused(refusal: &Refusal, correlation_id: &CorrelationId) -> Refused {
    let problem = match refusal.status() {
        401 => ProblemType::Unauthenticated,
        403 => ProblemType::Forbidden,
        _ => ProblemType::Overloaded,
    };
    let problem = Problem::new(problem, correlation_id.clone());
    Refused {
        problem: problem.because(refusal.code(), refusal.to_string()),
        challenge: refusal.challenge(),
    }
}

fn told(receipt: Receipt) -> Response {
    let status = StatusCode::from_u16(receipt.status).unwrap_or(StatusCode::ACCEPTED);
    let headers = [
        ("content-type", "application/json".to_owned()),
        (CORRELATION_ID, receipt.correlation_id),
        (REPLAYED, receipt.is_replay.to_string()),
    ];
    (status, headers, receipt.body).into_response()
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self { problem, challenge } = self;
        let status =
            StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let correlation_id = problem.correlation_id.to_string();
        let retry_after = problem.r#type.retry_after_seconds();
        let body = serde_json::to_string(&problem).unwrap_or_default();
        let headers = [
            ("content-type", "application/problem+json".to_owned()),
            (CORRELATION_ID, correlation_id),
        ];
        let mut response = (status, headers, body).into_response();
        let more = [
            (RETRY_AFTER, retry_after.map(|seconds| seconds.to_string())),
            (WWW_AUTHENTICATE, challenge),
        ];
        for (name, value) in more {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
