//! `GET /`: how it goes, for a person. The full interface comes later.

use axum::extract;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use chrono::{DateTime, SecondsFormat, Utc};
use maud::{DOCTYPE, Markup, html};
use store::{Run, RunFilter};

use super::health::{self, Health};
use super::{State, problem};
use pipeline::PipelineError;

const RUNS_SHOWN: u32 = 20;
const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1b2430}\
h1{font-size:1.4rem}h2{font-size:1.05rem;margin-top:2rem}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #dde3ea;vertical-align:top}\
td.n,th.n{text-align:right}.bad{color:#a8201a}.quiet{color:#5c6b7a}";

pub(super) async fn show(extract::State(state): extract::State<State>) -> Response {
    match read(&state).await {
        Ok((health, runs)) => {
            let policy = "default-src 'none'; style-src 'unsafe-inline'";
            let headers = [("content-security-policy", policy)];
            (headers, Html(page(&health, &runs).into_string())).into_response()
        }
        Err(error) => problem(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

async fn read(state: &State) -> Result<(Health, Vec<Run>), PipelineError> {
    let health = health::read(state).await?;
    let filter = RunFilter {
        limit: Some(RUNS_SHOWN),
        ..RunFilter::default()
    };
    let runs = state.documents.pipeline().store.runs(&filter).await?;
    Ok((health, runs))
}

fn page(health: &Health, runs: &[Run]) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                meta http-equiv="refresh" content="15";
                title { "Lazaret" }
                style { (maud::PreEscaped(STYLE)) }
            }
            body {
                h1 { "Lazaret" }
                @if health.anomalies.is_empty() {
                    p { "Nothing waits for a person." }
                } @else {
                    h2 { "To look at" }
                    table {
                        @for anomaly in &health.anomalies {
                            tr { td.bad { (anomaly.kind) } td { (anomaly.subject) } td { (anomaly.detail) } }
                        }
                    }
                }
                h2 { "Submissions" }
                table {
                    @for (state, count) in &health.submissions {
                        tr { td { (state) } td.n { (count) } }
                    }
                }
                p.quiet { "Oldest due: " (time(health.oldest_due)) }
                h2 { "Feeds" }
                table {
                    tr { th { "feed" } th { "file type" } th.n { "submissions" } th.n { "backlog" } th { "last success" } }
                    @for feed in &health.feeds {
                        tr {
                            td { (feed.feed) } td { (feed.file_type) }
                            @match &feed.state {
                                Some(state) => {
                                    td.n { (state.submissions) } td.n { (state.backlog) } td { (time(state.last_success)) }
                                }
                                None => { td.n { "0" } td.n { "0" } td.quiet { "nothing yet" } }
                            }
                        }
                    }
                }
                h2 { "Last runs" }
                table {
                    tr { th { "started" } th { "job" } th { "subject" } th.n { "attempt" } th { "status" } }
                    @for run in runs {
                        tr {
                            td { (time(Some(run.started_at))) } td { (run.job) } td { (run.subject) }
                            td.n { (run.attempt) } td { (run.status.as_str()) }
                        }
                    }
                }
                p.quiet { a href="/health" { "health" } " · " a href="/metrics" { "metrics" } " · " a href="/readyz" { "readiness" } }
            }
        }
    }
}

fn time(time: Option<DateTime<Utc>>) -> String {
    time.map_or_else(
        || "–".to_owned(),
        |time| time.to_rfc3339_opts(SecondsFormat::Secs, true),
    )
}
