//! `GET /metrics`: what the database says of all processes together, and how long this one's runs
//! took. No label's value comes from outside: states, jobs and sensors are ours.

use axum::extract;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use metrics::{counter, gauge};
use metrics_exporter_prometheus::PrometheusHandle;
use pipeline::{PipelineError, Sensor};

use super::{State, problem};

const CONTENT_TYPE: [(&str, &str); 1] = [("content-type", "text/plain; version=0.0.4")];

pub(super) async fn show(extract::State(state): extract::State<State>) -> Response {
    // A database that is away is a measurement too.
    let up = match refresh(&state).await {
        Ok(()) => 1.0,
        Err(error) => {
            tracing::warn!(%error, "the metrics could not be read from the database");
            0.0
        }
    };
    gauge!("lazaret_database_up").set(up);
    of_this_process(state.measured)
}

pub(super) fn of_this_process(measured: Option<PrometheusHandle>) -> Response {
    match measured {
        Some(measured) => (CONTENT_TYPE, measured.render()).into_response(),
        None => {
            let detail = "another recorder of metrics was installed first";
            problem(StatusCode::INTERNAL_SERVER_ERROR, detail)
        }
    }
}

async fn refresh(state: &State) -> Result<(), PipelineError> {
    let pipeline = state.documents.pipeline();
    let store = &pipeline.store;
    let now = Utc::now();
    let count = |number: i64| u64::try_from(number).unwrap_or(0);

    for (state, submissions) in store.count_by_state().await? {
        gauge!("lazaret_submissions", "state" => state.as_str()).set(submissions as f64);
    }
    let totals = store.totals().await?;
    for (kind, rows) in [
        ("in", totals.rows_in),
        ("accepted", totals.rows_accepted),
        ("rejected", totals.rows_rejected),
    ] {
        counter!("lazaret_rows_total", "kind" => kind).absolute(count(rows));
    }
    counter!("lazaret_bytes_in_total").absolute(count(totals.bytes_in));
    for ended in store.run_counts().await? {
        let labels = [("job", ended.job), ("status", ended.status.to_string())];
        counter!("lazaret_runs_total", &labels).absolute(count(ended.runs));
    }
    for sensor in Sensor::ALL {
        let preview = pipeline.preview(sensor).await?;
        let sensor = sensor.as_str();
        for (state, works) in [
            ("due", preview.due.len()),
            ("waiting", preview.waiting.len()),
            ("stopped", preview.stopped.len()),
        ] {
            let labels = [("sensor", sensor), ("state", state)];
            gauge!("lazaret_queue_depth", &labels).set(works as f64);
        }
    }
    let oldest = store.oldest_due().await?;
    let age = oldest.map_or(0.0, |at| (now - at).as_seconds_f64());
    gauge!("lazaret_oldest_due_seconds").set(age.max(0.0));
    counter!("lazaret_lineage_events_total", "outcome" => "taken")
        .absolute(pipeline.lineage.emitted());
    counter!("lazaret_lineage_events_total", "outcome" => "lost").absolute(pipeline.lineage.lost());
    gauge!("lazaret_leases").set(store.leases(now).await? as f64);
    Ok(())
}
