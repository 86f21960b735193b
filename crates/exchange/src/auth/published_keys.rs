//! The issuer's public keys, kept and asked for again.
//!
//! Keys are asked for when a token names one that is not known, and when those that are known have
//! become old; by one request at a time, and not more often than once in an interval, because anybody
//! can send tokens with invented names. What could not be fetched changes nothing: the keys that were
//! known stay.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jsonwebtoken::DecodingKey;
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use tokio::io::AsyncReadExt;
use tokio::sync::Mutex;

use super::key_set::KeySet;
use super::{AuthError, KeySetError, KeysLocation, PublicAlgorithm, Refusal};

/// How long the issuer may take: a client waits for it.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
const KEY_SET_BYTES_MAX: usize = 1024 * 1024;

pub(crate) struct PublishedKeys {
    algorithm: PublicAlgorithm,
    location: KeysLocation,
    refetch_interval: Duration,
    age_max: Duration,
    client: Client,
    known: RwLock<Arc<Known>>,
    /// Held by the one who asks.
    last_attempt: Mutex<Option<Attempt>>,
}

/// What the issuer said last.
#[derive(Default)]
struct Known {
    keys: Option<(KeySet, Instant)>,
}

#[derive(Clone, Copy)]
struct Attempt {
    at: Instant,
    succeeded: bool,
}

impl PublishedKeys {
    pub(crate) fn new(
        algorithm: PublicAlgorithm,
        location: KeysLocation,
        refetch_interval: Duration,
        age_max: Duration,
    ) -> Result<PublishedKeys, AuthError> {
        // Redirects are not followed: keys come from where the operator said, or not at all.
        let client = Client::builder()
            .timeout(FETCH_TIMEOUT)
            .redirect(Policy::none())
            .user_agent(concat!("lazaret/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(AuthError::Client)?;
        Ok(PublishedKeys {
            algorithm,
            location,
            refetch_interval,
            age_max,
            client,
            known: RwLock::default(),
            last_attempt: Mutex::default(),
        })
    }

    pub(crate) fn algorithm(&self) -> PublicAlgorithm {
        self.algorithm
    }

    /// The key that a token names.
    pub(crate) async fn find(&self, id: Option<&str>) -> Result<DecodingKey, Refusal> {
        self.renew_if_old().await;
        if let Some(key) = self.known().find(id) {
            return Ok(key);
        }
        let mut last_attempt = self.last_attempt.lock().await;
        // Whoever held the lock before may have brought it.
        if let Some(key) = self.known().find(id) {
            return Ok(key);
        }
        if self.may_ask(*last_attempt) {
            // The one who asked is told the cause by the log; clients only that they may try again.
            let _ = self.refetch(&mut last_attempt).await;
        }
        let key = self.known().find(id);
        key.ok_or(match *last_attempt {
            Some(Attempt {
                succeeded: true, ..
            }) => Refusal::UnknownKey,
            // It may be there, for all we know.
            _ => Refusal::Unavailable,
        })
    }

    /// Asks for the keys now.
    pub(crate) async fn fetch(&self) -> Result<(), KeySetError> {
        self.refetch(&mut *self.last_attempt.lock().await).await
    }

    /// One client waits for the new keys; meanwhile the others are served by the old ones.
    async fn renew_if_old(&self) {
        if !self.known().is_older_than(self.age_max) {
            return;
        }
        if let Ok(mut last_attempt) = self.last_attempt.try_lock()
            && self.may_ask(*last_attempt)
        {
            let _ = self.refetch(&mut last_attempt).await;
        }
    }

    fn may_ask(&self, last_attempt: Option<Attempt>) -> bool {
        last_attempt.is_none_or(|last| last.at.elapsed() >= self.refetch_interval)
    }

    async fn refetch(&self, last_attempt: &mut Option<Attempt>) -> Result<(), KeySetError> {
        // Written down before, so that it counts even where the client who waits goes away.
        let at = Instant::now();
        let attempt = last_attempt.insert(Attempt {
            at,
            succeeded: false,
        });
        let fetched = self.ask().await;
        match &fetched {
            Ok(()) => attempt.succeeded = true,
            Err(error) => tracing::warn!(
                cause = chain(error),
                "the issuer's keys could not be fetched; those that are known stay"
            ),
        }
        fetched
    }

    async fn ask(&self) -> Result<(), KeySetError> {
        let text = match &self.location {
            KeysLocation::File(path) => read(path).await?,
            KeysLocation::Url(url) => self.get(url).await?,
        };
        let keys = KeySet::parse(&text, self.algorithm)?;
        let known = Known {
            keys: Some((keys, Instant::now())),
        };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
        Ok(())
    }

    async fn get(&self, url: &Url) -> Result<Vec<u8>, KeySetError> {
        let unreachable = |error: reqwest::Error| KeySetError::Unreachable(error.without_url());
        let request = self.client.get(url.clone());
        let mut response = request.send().await.map_err(unreachable)?;
        if !response.status().is_success() {
            let status = response.status().as_u16();
            return Err(KeySetError::Status { status });
        }
        let mut text = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            text.extend_from_slice(&chunk);
            refuse_too_large(&text)?;
        }
        Ok(text)
    }

    fn known(&self) -> Arc<Known> {
        // It is replaced as a whole: a panic elsewhere does not spoil it.
        let known = self.known.read();
        known.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Known {
    fn find(&self, id: Option<&str>) -> Option<DecodingKey> {
        let (keys, _) = self.keys.as_ref()?;
        keys.find(id).cloned()
    }

    fn is_older_than(&self, age_max: Duration) -> bool {
        let fetched = self.keys.as_ref().map(|(_, at)| at);
        fetched.is_some_and(|at| at.elapsed() > age_max)
    }
}

async fn read(path: &Path) -> Result<Vec<u8>, KeySetError> {
    let file = tokio::fs::File::open(path).await;
    let file = file.map_err(KeySetError::Unreadable)?;
    let mut text = Vec::new();
    let mut start = file.take(KEY_SET_BYTES_MAX as u64 + 1);
    let read = start.read_to_end(&mut text).await;
    read.map_err(KeySetError::Unreadable)?;
    refuse_too_large(&text)?;
    Ok(text)
}

fn refuse_too_large(text: &[u8]) -> Result<(), KeySetError> {
    if text.len() > KEY_SET_BYTES_MAX {
        let bytes_max = KEY_SET_BYTES_MAX;
        return Err(KeySetError::TooLarge { bytes_max });
    }
    Ok(())
}

fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |cause| cause.source())
        .fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
