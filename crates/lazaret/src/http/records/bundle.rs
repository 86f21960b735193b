use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use contract::TraceParent;
use exchange::auth::{Principal, Scope};
use exchange::fhir::{
    BundleEntry, BundleRefusal, BundleSplit, EntryAnswer, EntryRecord, respond, split,
    transaction_refused,
};
use exchange::ingest::{CorrelationId, MediaType, Problem, ProblemType};
use exchange::intake::{Accepted, Answer};
use exchange::records::Source;
use futures::future::join_all;
use serde::Deserialize;
use serde_json::Value;

use super::reply::Refused;
use super::{CORRELATION_ID, Door, body, correlation_id, count, trace_parent};

const ROUTE: &str = "/fhir/Bundle";

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    source: Option<String>,
}

/// What every entry of one bundle has from it.
struct Envelope {
    principal: Principal,
    correlation_id: CorrelationId,
    trace_parent: Option<TraceParent>,
}

impl Door {
    pub(super) async fn answer_bundle(&self, asked: Asked, request: Request) -> Response {
        let correlation_id = correlation_id(request.headers());
        match self.take_bundle(asked, request, &correlation_id).await {
            Ok(answer) => {
                count(ROUTE, "answered");
                let headers = [
                    ("content-type", "application/fhir+json".to_owned()),
                    (CORRELATION_ID, correlation_id.to_string()),
                ];
                (headers, answer.to_string()).into_response()
            }
            Err(refused) => {
                count(ROUTE, refused.name());
                refused.into_response()
            }
        }
    }

    /// Takes each record of the bundle by itself, under a key that follows from the bundle's.
    async fn take_bundle(
        &self,
        asked: Asked,
        request: Request,
        correlation_id: &CorrelationId,
    ) -> Result<Value, Refused> {
        let headers = request.headers().clone();
        let principal = self
            .allowed(&headers, Scope::Ingest, correlation_id)
            .await?;
        let key = self.key(&headers, correlation_id)?;
        let source = source(asked, correlation_id)?;
        let may = principal.may_post_for(source.as_str());
        may.map_err(|refusal| Refused::of(&refusal, correlation_id))?;
        let kinds = [MediaType::Json, MediaType::FhirJson];
        let body = body(request, &kinds, correlation_id).await?;
        let split = split(&body, &source, &key).map_err(|refusal| match refusal {
            BundleRefusal::Json(fault) => Problem::of_fault(&fault, correlation_id.clone()),
            BundleRefusal::Envelope(violations) => {
                let invalid = ProblemType::InvalidBundle;
                Problem::of_violations(invalid, violations, correlation_id.clone())
            }
        })?;
        let wrong = transaction_refused(&split);
        if !wrong.is_empty() {
            let invalid = ProblemType::InvalidBundle;
            return Err(Problem::of_violations(invalid, wrong, correlation_id.clone()).into());
        }
        let envelope = Envelope {
            principal,
            correlation_id: correlation_id.clone(),
            trace_parent: trace_parent(&headers),
        };
        let BundleSplit {
            bundle_type,
            entries,
        } = split;
        let answers = entries
            .into_iter()
            .map(|entry| self.take_entry(entry, &envelope));
        Ok(respond(bundle_type, &join_all(answers).await))
    }

    async fn take_entry(&self, entry: BundleEntry, envelope: &Envelope) -> EntryAnswer {
        let record = match entry {
            BundleEntry::Record(record) => record,
            BundleEntry::NotTaken => return EntryAnswer::NotTaken,
            BundleEntry::Refused(violations) => return EntryAnswer::Refused(violations),
        };
        let EntryRecord {
            idempotency_key,
            request,
            body,
        } = *record;
        let accepted = Accepted {
            client: envelope.principal.subject.clone(),
            key: idempotency_key,
            body: body.into(),
            request,
            correlation_id: envelope.correlation_id.clone(),
            trace_parent: envelope.trace_parent,
        };
        match self.intake.take(accepted).await {
            Answer::Taken(receipt) => EntryAnswer::Accepted {
                record_id: receipt.record_id,
                replayed: receipt.is_replay,
            },
            Answer::Refused(problem) => EntryAnswer::Failed(problem),
        }
    }
}

fn source(asked: Asked, correlation_id: &CorrelationId) -> Result<Source, Problem> {
    let named = asked.source.unwrap_or_default();
    named.parse().map_err(|_| {
        let invalid = Problem::new(ProblemType::InvalidBundle, correlation_id.clone());
        let remedy = "name who the records are of, as in `/fhir/Bundle?source=clinic`: 1 to 63 of \
                      a-z, 0-9, `_` and `-`, beginning with a letter or a digit";
        invalid.because("source", remedy)
    })
}
