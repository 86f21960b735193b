use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use exchange::auth::Refusal;
use exchange::ingest::{CorrelationId, Problem, ProblemType};
use exchange::intake::Receipt;

use super::CORRELATION_ID;

/// `true` where the record was taken by an earlier request.
const REPLAYED: &str = "idempotency-replayed";

/// A problem, and what a client is asked to show.
pub(super) struct Refused {
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

impl Refused {
    pub(super) fn of(refusal: &Refusal, correlation_id: &CorrelationId) -> Self {
        let problem = match refusal.status() {
            401 => ProblemType::Unauthenticated,
            403 => ProblemType::Forbidden,
            _ => ProblemType::Overloaded,
        };
        let problem = Problem::new(problem, correlation_id.clone());
        Self {
            problem: problem.because(refusal.code(), refusal.to_string()),
            challenge: refusal.challenge(),
        }
    }

    /// By which it is counted.
    pub(super) fn name(&self) -> &'static str {
        self.problem.r#type.name()
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self { problem, challenge } = self;
        let status =
            StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = [
            ("content-type", "application/problem+json".to_owned()),
            (CORRELATION_ID, problem.correlation_id.to_string()),
        ];
        let body = serde_json::to_string(&problem).unwrap_or_default();
        let mut response = (status, headers, body).into_response();
        let retry_after = problem.r#type.retry_after_seconds();
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

pub(super) fn told(receipt: Receipt) -> Response {
    let status = StatusCode::from_u16(receipt.status).unwrap_or(StatusCode::ACCEPTED);
    let headers = [
        ("content-type", "application/json".to_owned()),
        (CORRELATION_ID, receipt.correlation_id),
        (REPLAYED, receipt.is_replay.to_string()),
    ];
    (status, headers, receipt.body).into_response()
}
