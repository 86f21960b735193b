use std::collections::BTreeMap;

use axum::Json;
use axum::extract;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use pipeline::{Pipeline, PipelineError};
use serde::Serialize;
use store::{FeedState, IncidentFilter, Retry};

use super::{State, problem};

/// `GET /healthz`: the process answers. What it depends on is asked at `/readyz`.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// What work depends on, each by itself.
#[derive(Debug, Serialize)]
struct Readiness {
    database: Part,
    migrations: Part,
    objects: Part,
}

#[derive(Debug, Serialize)]
struct Part {
    ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl Part {
    fn of(checked: Result<(), impl ToString>) -> Self {
        let problem = checked.err().map(|error| error.to_string());
        Self {
            ready: problem.is_none(),
            problem,
        }
    }
}

/// `GET /readyz`: 503 where work could not be done.
pub(super) async fn ready(extract::State(state): extract::State<State>) -> Response {
    let pipeline = state.documents.pipeline();
    let (database, migrations, objects) = tokio::join!(
        pipeline.store.ping(),
        pipeline.store.check_schema(),
        pipeline.objects.check(),
    );
    let readiness = Readiness {
        database: Part::of(database),
        migrations: Part::of(migrations),
        objects: Part::of(objects),
    };
    let parts = [
        &readiness.database,
        &readiness.migrations,
        &readiness.objects,
    ];
    let status = match parts.iter().all(|part| part.ready) {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(readiness)).into_response()
}

/// How it goes, feed by feed.
#[derive(Debug, Serialize)]
pub(super) struct Health {
    at: DateTime<Utc>,
    pub(super) feeds: Vec<FeedHealth>,
    /// When the oldest submission was received whose next step is due.
    pub(super) oldest_due: Option<DateTime<Utc>>,
    pub(super) submissions: BTreeMap<&'static str, i64>,
    /// What a person should look at; empty where all is well.
    pub(super) anomalies: Vec<Anomaly>,
}

#[derive(Debug, Serialize)]
pub(super) struct FeedHealth {
    pub(super) feed: String,
    pub(super) file_type: String,
    /// `None` for a feed that has sent nothing yet.
    #[serde(flatten)]
    pub(super) state: Option<FeedState>,
}

#[derive(Debug, Serialize)]
pub(super) struct Anomaly {
    pub(super) kind: &'static str,
    pub(super) subject: String,
    pub(super) detail: String,
}

impl From<Retry> for Anomaly {
    fn from(retry: Retry) -> Self {
        let kind = match retry.stopped_at {
            Some(_) => "stopped",
            None => "retrying",
        };
        Self {
            kind,
            subject: format!("{} {}", retry.job, retry.subject),
            detail: retry.error.unwrap_or_default(),
        }
    }
}

/// `GET /health`
pub(super) async fn health(extract::State(state): extract::State<State>) -> Response {
    match read(&state).await {
        Ok(health) => Json(health).into_response(),
        Err(error) => problem(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

pub(super) async fn read(state: &State) -> Result<Health, PipelineError> {
    let pipeline = state.documents.pipeline();
    let store = &pipeline.store;
    let counts = store.count_by_state().await?;
    let mut anomalies: Vec<Anomaly> = store.retries().await?.into_iter().map(Into::into).collect();
    let open = IncidentFilter {
        only_open: true,
        limit: None,
    };
    let incidents = store.incidents(&open).await?.into_iter();
    anomalies.extend(incidents.map(|incident| Anomaly {
        kind: incident.kind.as_str(),
        subject: incident.subject,
        detail: incident.detail.to_string(),
    }));
    if let Some(detail) = state.documents.problem() {
        anomalies.push(Anomaly {
            kind: "documents",
            subject: "project".to_owned(),
            detail,
        });
    }
    let review = counts
        .iter()
        .find(|(state, count)| *state == store::SubmissionState::NeedsReview && *count > 0);
    if let Some((state, count)) = review {
        anomalies.push(Anomaly {
            kind: "needs_review",
            subject: "submissions".to_owned(),
            detail: format!("{count} in {state}: `lazaret submission list --state {state}`"),
        });
    }
    Ok(Health {
        at: Utc::now(),
        feeds: feeds(&pipeline, store.feed_states().await?),
        oldest_due: store.oldest_due().await?,
        submissions: counts
            .into_iter()
            .map(|(state, count)| (state.as_str(), count))
            .collect(),
        anomalies,
    })
}

/// Every feed of the project and every one that has sent something, each with its file types.
fn feeds(pipeline: &Pipeline, states: Vec<FeedState>) -> Vec<FeedHealth> {
    let mut known: BTreeMap<(String, String), Option<FeedState>> = BTreeMap::new();
    for feed in pipeline.catalog.feeds.values() {
        for layout in &feed.contracts {
            known.insert((feed.name.to_string(), layout.file_type.to_string()), None);
        }
    }
    for state in states {
        let key = (state.feed.to_string(), state.file_type.to_string());
        known.insert(key, Some(state));
    }
    known
        .into_iter()
        .map(|((feed, file_type), state)| FeedHealth {
            feed,
            file_type,
            state,
        })
        .collect()
}
