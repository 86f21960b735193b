//! What `lazaret up` serves: is it alive, is it ready, how does it go, what happened; and where an
//! object store tells of new objects.

mod events;
mod health;
mod metrics;
mod page;
mod records;
mod traced;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ::metrics::describe_histogram;
use anyhow::Context;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::configuration::{DaemonSettings, TlsFiles};
use crate::daemon::{Documents, Tidings};

pub(crate) use self::records::Door;

/// How long answers under way may take once the server stops.
const GRACE: Duration = Duration::from_secs(2);
/// How often the certificate's files are looked at.
const CERTIFICATE_POLL: Duration = Duration::from_secs(5);
/// A notification of S3 holds a few records of some hundred bytes each.
const BODY_BYTES: usize = 1024 * 1024;
/// Bounds in seconds: from a small file to a large month.
const RUN_SECONDS: [f64; 9] = [0.01, 0.05, 0.25, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0];

/// What every answer is made from.
#[derive(Clone)]
pub(crate) struct State {
    /// `None`: no records are taken here.
    door: Option<Door>,
    documents: Arc<Documents>,
    settings: Arc<DaemonSettings>,
    tell: mpsc::Sender<Tidings>,
    /// `None` where another recorder was there first.
    measured: Option<PrometheusHandle>,
}

impl State {
    pub(crate) fn new(
        documents: Arc<Documents>,
        settings: DaemonSettings,
        tell: mpsc::Sender<Tidings>,
        door: Option<Door>,
    ) -> Self {
        Self {
            door,
            documents,
            settings: Arc::new(settings),
            tell,
            measured: recorder(),
        }
    }
}

/// What `lazaret up` serves.
pub(crate) fn everything(state: State) -> Router {
    let exchange = state.door.clone().map(records::routes);
    Router::new()
        .route("/", get(page::show))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/health", get(health::health))
        .route("/metrics", get(metrics::show))
        .route("/v1/events/s3", post(events::take))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(state)
        .merge(exchange.unwrap_or_default())
        .layer(middleware::from_fn(traced::follow))
}

/// What `lazaret exchange serve` serves.
pub(crate) fn exchange(door: Door) -> Router {
    let measured = recorder();
    Router::new()
        .route("/healthz", get(health::alive))
        .route(
            "/metrics",
            get(async move || metrics::of_this_process(measured)),
        )
        .merge(records::routes(door))
        .layer(middleware::from_fn(traced::follow))
}

/// `None` where another recorder was there first.
fn recorder() -> Option<PrometheusHandle> {
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(seconds, &RUN_SECONDS)
        .map(PrometheusBuilder::install_recorder);
    describe_histogram!("lazaret_run_seconds", "How long runs of a job took");
    recorder.ok().and_then(Result::ok)
}

/// Serves until stopped.
pub(crate) async fn serve(
    address: SocketAddr,
    tls: Option<TlsFiles>,
    router: Router,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let listener = std::net::TcpListener::bind(address).with_context(|| {
        format!(
            "{address} cannot be listened on: another process may have it; `--listen`, LISTEN or \
             `http.listen` names another address"
        )
    })?;
    listener.set_nonblocking(true)?;
    let bound = listener.local_addr()?;
    let handle = Handle::new();
    tokio::spawn({
        let handle = handle.clone();
        async move {
            stop.cancelled().await;
            handle.graceful_shutdown(Some(GRACE));
        }
    });
    let service = router.into_make_service();
    match tls {
        None => {
            tracing::info!("serving at http://{bound}");
            axum_server::from_tcp(listener)?
                .handle(handle)
                .serve(service)
                .await?;
        }
        Some(files) => {
            let tls = secured(&files).await?;
            tokio::spawn(renew(tls.clone(), files));
            tracing::info!("serving at https://{bound}");
            axum_server::from_tcp_rustls(listener, tls)?
                .handle(handle)
                .serve(service)
                .await?;
        }
    }
    Ok(())
}

async fn secured(files: &TlsFiles) -> anyhow::Result<RustlsConfig> {
    // Other libraries may have chosen theirs: any will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    RustlsConfig::from_pem_file(&files.certificate, &files.key)
        .await
        .with_context(|| {
            format!(
                "the certificate {} with its key {} cannot be used: both are PEM, and belong together",
                files.certificate.display(),
                files.key.display()
            )
        })
}

/// Takes in a certificate that was replaced; connections that are open keep the old one.
async fn renew(tls: RustlsConfig, files: TlsFiles) {
    let look = |files: &TlsFiles| {
        [&files.certificate, &files.key].map(|file| {
            std::fs::metadata(file)
                .and_then(|about| about.modified())
                .ok()
        })
    };
    let mut seen = look(&files);
    loop {
        tokio::time::sleep(CERTIFICATE_POLL).await;
        let now = look(&files);
        if now == seen {
            continue;
        }
        match tls
            .reload_from_pem_file(&files.certificate, &files.key)
            .await
        {
            Ok(()) => {
                seen = now;
                tracing::info!("the certificate has changed and is taken in");
            }
            // One of the two files may be written yet.
            Err(error) => tracing::warn!(%error, "the changed certificate cannot be used"),
        }
    }
}

/// A refusal as RFC 9457 writes it.
fn problem(status: StatusCode, detail: &str) -> Response {
    let body = json!({
        "type": "about:blank",
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "detail": detail,
    });
    let kind = [("content-type", "application/problem+json")];
    (status, kind, body.to_string()).into_response()
}
