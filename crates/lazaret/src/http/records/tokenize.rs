use axum::Json;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use exchange::auth::Scope;
use exchange::ingest::{CorrelationId, MediaType, Problem, ProblemType};
use exchange::tokenizer::{TokenizeAnswer, TokenizeError, TokenizeLimits, TokenizeRequest};

use super::reply::Refused;
use super::{Door, body, correlation_id, count};

const ROUTE: &str = "/tokenize";

impl Door {
    pub(super) async fn answer_tokenize(&self, request: Request) -> Response {
        let correlation_id = correlation_id(request.headers());
        match self.tokenize(request, &correlation_id).await {
            Ok(answer) => {
                count(ROUTE, "answered");
                Json(answer).into_response()
            }
            Err(refused) => {
                count(ROUTE, refused.name());
                refused.into_response()
            }
        }
    }

    async fn tokenize(
        &self,
        request: Request,
        correlation_id: &CorrelationId,
    ) -> Result<TokenizeAnswer, Refused> {
        let Some(tokenizer) = &self.tokenizer else {
            return Err(Problem::new(ProblemType::NotFound, correlation_id.clone()).into());
        };
        let scope = Scope::Tokenize;
        let principal = self
            .allowed(request.headers(), scope, correlation_id)
            .await?;
        let body = body(request, &[MediaType::Json], correlation_id).await?;
        let asked = TokenizeRequest::parse(&body, &TokenizeLimits::default());
        let answer = asked.and_then(|asked| tokenizer.answer(&principal, &asked));
        answer.map_err(|error| refused(&error, correlation_id))
    }
}

fn refused(error: &TokenizeError, correlation_id: &CorrelationId) -> Refused {
    if let TokenizeError::Refused(refusal) | TokenizeError::RefusedItem { refusal, .. } = error {
        return Refused::of(refusal, correlation_id);
    }
    let problem = match error {
        TokenizeError::NotJson { .. } => ProblemType::InvalidJson,
        _ => ProblemType::InvalidTokenRequest,
    };
    let at = error.pointer().unwrap_or_default();
    let told = if at.is_empty() {
        error.to_string()
    } else {
        format!("at `{at}`: {error}")
    };
    let problem = Problem::new(problem, correlation_id.clone());
    problem.because(error.code(), told).into()
}
