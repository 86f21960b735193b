//! `POST /v1/events/s3`: an object store tells of new objects. Two forms are understood: the records
//! that S3 and MinIO send, and the event that EventBridge makes of one.
//!
//! What is told is looked up before anything is done, so a notification that comes twice, late or
//! never changes nothing but when.

use axum::body::Bytes;
use axum::extract;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use subtle::ConstantTimeEq;
use tokio::sync::mpsc::error::TrySendError;
use url::Url;

use super::{State, problem};
use crate::daemon::Tidings;

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Notification {
    Records {
        #[serde(rename = "Records")]
        records: Vec<Record>,
    },
    Event {
        source: String,
        #[serde(rename = "detail-type")]
        kind: String,
        detail: Detail,
    },
    /// S3 says so when notifications are switched on.
    Test {
        #[serde(rename = "Event")]
        event: String,
    },
}

#[derive(Debug, Deserialize)]
struct Record {
    #[serde(rename = "eventName")]
    event_name: String,
    s3: Detail,
}

#[derive(Debug, Deserialize)]
struct Detail {
    bucket: Bucket,
    object: Object,
}

#[derive(Debug, Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Object {
    key: String,
}

/// One object of a bucket, as it was told.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    bucket: String,
    key: String,
}

pub(super) async fn take(
    extract::State(state): extract::State<State>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(token) = &state.settings.events_token else {
        let detail =
            "no EVENTS_TOKEN is set, so nobody may tell of objects: set one and start again";
        return problem(StatusCode::UNAUTHORIZED, detail);
    };
    if !is_bearer(&headers, token) {
        let detail = "the request does not present EVENTS_TOKEN: send `Authorization: Bearer …`";
        return problem(StatusCode::UNAUTHORIZED, detail);
    }
    let told = match read(&body) {
        Ok(told) => told,
        Err(detail) => return problem(StatusCode::BAD_REQUEST, &detail),
    };
    let pipeline = state.documents.pipeline();
    let keys = keys_below(pipeline.objects.url(), told);
    let looked_at = keys.len();
    match state.tell.try_send(Tidings::At(keys)) {
        Ok(()) => {
            let answer = axum::Json(json!({ "objects": looked_at }));
            (StatusCode::ACCEPTED, answer).into_response()
        }
        Err(TrySendError::Full(_)) => {
            let mut full = problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many notifications wait: send it again, or let the next listing find the objects",
            );
            let again = header::HeaderValue::from_static("5");
            full.headers_mut().insert(header::RETRY_AFTER, again);
            full
        }
        // Dagster drives, and its sensor looks by itself: whoever tells need not try again.
        Err(TrySendError::Closed(_)) => {
            let answer = axum::Json(json!({ "objects": 0 }));
            (StatusCode::ACCEPTED, answer).into_response()
        }
    }
}

fn is_bearer(headers: &HeaderMap, token: &str) -> bool {
    let presented = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        // MinIO sends the token bare where it holds no scheme.
        .map(|value| value.strip_prefix("Bearer ").unwrap_or(value));
    presented.is_some_and(|presented| presented.as_bytes().ct_eq(token.as_bytes()).into())
}

/// The objects that were made. What was removed, restored or tagged is nothing to us.
fn read(body: &[u8]) -> Result<Vec<Told>, String> {
    let notification: Notification = serde_json::from_slice(body).map_err(|_| {
        "the body is neither `{\"Records\": [{\"eventName\": …, \"s3\": …}]}` (S3, MinIO) nor an event of \
         EventBridge with `source`, `detail-type` and `detail`"
            .to_owned()
    })?;
    match notification {
        Notification::Test { event } if event == "s3:TestEvent" => Ok(Vec::new()),
        Notification::Test { .. } => Err("`Event` is not `s3:TestEvent`".to_owned()),
        Notification::Event {
            source,
            kind,
            detail,
        } => match (source.as_str(), kind.as_str()) {
            // EventBridge writes keys as they are.
            ("aws.s3", "Object Created") => Ok(vec![Told {
                bucket: detail.bucket.name,
                key: detail.object.key,
            }]),
            ("aws.s3", _) => Ok(Vec::new()),
            _ => Err("`source` is not `aws.s3`".to_owned()),
        },
        Notification::Records { records } => records
            .into_iter()
            .filter(|record| {
                let name = record.event_name.trim_start_matches("s3:");
                name.starts_with("ObjectCreated:")
            })
            .map(|record| {
                let key = decoded(&record.s3.object.key)?;
                let bucket = record.s3.bucket.name;
                Ok(Told { bucket, key })
            })
            .collect(),
    }
}

/// A key as a form would write it: `a+b%2Fc`.
fn decoded(key: &str) -> Result<String, String> {
    let spaced = key.replace('+', " ");
    let decoded = percent_encoding::percent_decode_str(&spaced).decode_utf8();
    decoded
        .map(Into::into)
        .map_err(|_| "an object's key is no UTF-8".to_owned())
}

/// The keys relative to our place, of those that lie below it.
fn keys_below(place: &Url, told: Vec<Told>) -> Vec<String> {
    let bucket = place.host_str().unwrap_or_default();
    let prefix = place.path().trim_start_matches('/');
    told.into_iter()
        .filter(|one| one.bucket == bucket)
        .filter_map(|one| one.key.strip_prefix(prefix).map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(body: &str) -> Result<Vec<Told>, String> {
        read(body.as_bytes())
    }

    #[test]
    fn records_and_events_name_new_objects_alone() {
        let records = r#"{"EventName": "s3:ObjectCreated:Put", "Key": "lake/inbox/a/b/c/f.csv", "Records": [
            {"eventName": "s3:ObjectCreated:Put",
             "s3": {"bucket": {"name": "lake"}, "object": {"key": "inbox%2Fa%2Fb%2Fc%2Ff+1.csv", "size": 3}}},
            {"eventName": "ObjectCreated:CompleteMultipartUpload",
             "s3": {"bucket": {"name": "lake"}, "object": {"key": "inbox/a/b/c/_SUCCESS"}}},
            {"eventName": "s3:ObjectRemoved:Delete",
             "s3": {"bucket": {"name": "lake"}, "object": {"key": "inbox/a/b/c/gone.csv"}}}]}"#;
        let keys: Vec<_> = told(records)
            .unwrap()
            .into_iter()
            .map(|one| one.key)
            .collect();
        assert_eq!(keys, ["inbox/a/b/c/f 1.csv", "inbox/a/b/c/_SUCCESS"]);

        let event = |kind: &str| {
            format!(
                r#"{{"version": "0", "source": "aws.s3", "detail-type": "{kind}",
                     "detail": {{"bucket": {{"name": "lake"}}, "object": {{"key": "inbox/a+b.csv"}}}}}}"#
            )
        };
        let expected = Told {
            bucket: "lake".to_owned(),
            key: "inbox/a+b.csv".to_owned(),
        };
        assert_eq!(told(&event("Object Created")), Ok(vec![expected]));
        assert_eq!(told(&event("Object Deleted")), Ok(vec![]));
        assert_eq!(
            told(r#"{"Service": "Amazon S3", "Event": "s3:TestEvent"}"#),
            Ok(vec![])
        );
    }

    #[test]
    fn what_is_neither_is_refused() {
        for wrong in [
            "",
            "[]",
            "{}",
            r#"{"Records": 1}"#,
            r#"{"Records": [{"eventName": "s3:ObjectCreated:Put"}]}"#,
            r#"{"Event": "s3:Another"}"#,
            r#"{"source": "mine", "detail-type": "Object Created",
                "detail": {"bucket": {"name": "a"}, "object": {"key": "b"}}}"#,
            r#"{"Records": [{"eventName": "s3:ObjectCreated:Put",
                "s3": {"bucket": {"name": "a"}, "object": {"key": "%ff"}}}]}"#,
        ] {
            assert!(told(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn keys_are_those_below_our_place() {
        let told = |bucket: &str, key: &str| Told {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        };
        let place = Url::parse("s3://lake/prod/").unwrap();
        let keys = keys_below(
            &place,
            vec![
                told("lake", "prod/inbox/a.csv"),
                told("lake", "inbox/a.csv"),
                told("another", "prod/inbox/a.csv"),
            ],
        );
        assert_eq!(keys, ["inbox/a.csv"]);
    }
}
