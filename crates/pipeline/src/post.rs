//! JSON posted to a service of somebody else's: one attempt, and whether another is worth it.
//!
//! An address may hold a secret (a webhook's does), so nothing that is said here names one.

use std::time::Duration;

use contract::TraceParent;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};

use crate::error::chain;

/// How long a service may take to take a connection, and to answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// How a service took what was posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Posted {
    Accepted,
    /// It did not answer, or not now: the same may be taken later, after the time it asks for.
    Later {
        after: Option<Duration>,
        why: String,
    },
    /// It will not take that, however often it is sent.
    Refused {
        why: String,
    },
}

/// Redirects are not followed: what is posted goes where the operator said, or nowhere.
pub(crate) fn client() -> Result<Client, String> {
    Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT)
        .redirect(Policy::none())
        .user_agent(concat!("lazaret/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| chain(&error.without_url()))
}

pub(crate) async fn post_json(
    client: &Client,
    url: &str,
    bearer: Option<&str>,
    trace: Option<TraceParent>,
    body: &serde_json::Value,
) -> Posted {
    let mut request = client
        .post(url)
        .header(CONTENT_TYPE, "application/json")
        .body(body.to_string());
    if let Some(token) = bearer {
        request = request.bearer_auth(token);
    }
    if let Some(trace) = trace {
        request = request.header("traceparent", trace.to_string());
    }
    match request.send().await {
        Ok(response) => read(&response),
        Err(error) if error.is_builder() => Posted::Refused {
            why: "the address is none".to_owned(),
        },
        Err(error) if error.is_timeout() => Posted::Later {
            after: None,
            why: format!("no answer within {} seconds", TIMEOUT.as_secs()),
        },
        Err(error) => Posted::Later {
            after: None,
            why: chain(&error.without_url()),
        },
    }
}

fn read(response: &Response) -> Posted {
    let status = response.status();
    let why = format!("answered {}", status.as_u16());
    if status.is_success() {
        return Posted::Accepted;
    }
    let is_later = status.is_server_error()
        || matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
        );
    if !is_later {
        return Posted::Refused { why };
    }
    // Seconds; the form with a date is not asked for by anybody whom we tell.
    let after = response.headers().get(RETRY_AFTER);
    let after = after.and_then(|seconds| seconds.to_str().ok()?.trim().parse().ok());
    Posted::Later {
        after: after.map(Duration::from_secs),
        why,
    }
}
