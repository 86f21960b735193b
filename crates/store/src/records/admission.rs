//! `ingest_idempotency` and `raw_object_manifest`: who may go on with a request, and which object
//! it is about to write.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use contract::RecordId;
use serde::Serialize;

use super::batch::{rows, time};
use super::manifest::ManifestState;
use crate::database::{Dialect, Transaction};
use crate::lease::until;
use crate::row::{FromRow, Row};
use crate::text_enum::text_enum;
use crate::value::{Value, values};
use crate::{Owner, Store, StoreError};

text_enum! {
    IngestState, "ingest state" {
        /// Admitted; its object is on its way.
        InProgress = "IN_PROGRESS",
        /// Its answer is stored.
        Done = "DONE",
    }
}

/// A request that asks to be taken in, once for its client and key.
#[derive(Debug, Clone, Serialize)]
pub struct NewIngest {
    pub client: String,
    pub idempotency_key: String,
    /// SHA-256 of the request's body, in hex.
    pub request_hash: String,
    /// What the record will be called, if this is its first request.
    pub record_id: RecordId,
    pub correlation_id: String,
    pub source: String,
    pub record_type: String,
    /// Where the raw object will lie.
    pub object_key: String,
    /// SHA-256 of the raw object, in hex.
    pub sha256: String,
    pub size_bytes: i64,
    pub content_type: String,
    /// From then on the key is free again.
    #[serde(serialize_with = "time")]
    pub expires_at: DateTime<Utc>,
}

/// The answer that a request got, to be given again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResponse {
    pub record_id: RecordId,
    pub correlation_id: String,
    pub status: u16,
    pub body: String,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// Its record is planned: write the object, then complete it.
    New,
    /// The same request was admitted before and cut short: its record goes on, under the ids and
    /// the object's key that it has.
    Resumed {
        record_id: RecordId,
        correlation_id: String,
        object_key: String,
    },
    Replay(StoredResponse),
    /// The key belongs to a request with another body.
    Conflict,
    /// The same request is being worked on, under a lease until then.
    InProgress {
        until: DateTime<Utc>,
    },
}

/// A key that was taken.
#[derive(Debug, Clone)]
struct Taken {
    request_hash: String,
    record_id: RecordId,
    correlation_id: String,
    /// `None` where the manifest's row was erased.
    object_key: Option<String>,
    response: Option<StoredResponse>,
    lease: Option<(String, DateTime<Utc>)>,
    expires_at: DateTime<Utc>,
}

/// What becomes of a request, given what is known of its key.
fn decide(
    taken: Option<&Taken>,
    new: &NewIngest,
    now: DateTime<Utc>,
    is_dead: impl Fn(&str) -> bool,
) -> Admission {
    let Some(taken) = taken.filter(|taken| taken.expires_at > now) else {
        return Admission::New;
    };
    if taken.request_hash != new.request_hash {
        return Admission::Conflict;
    }
    if let Some(response) = &taken.response {
        return Admission::Replay(response.clone());
    }
    if let Some((owner, until)) = &taken.lease
        && *until > now
        && !is_dead(owner)
    {
        return Admission::InProgress { until: *until };
    }
    match &taken.object_key {
        Some(object_key) => Admission::Resumed {
            record_id: taken.record_id,
            correlation_id: taken.correlation_id.clone(),
            object_key: object_key.clone(),
        },
        None => Admission::New,
    }
}

impl Store {
    /// Decides the requests, in their order: two with one key are decided as if they came one
    /// after the other. Those that are `New` or `Resumed` are this owner's until the lease lapses.
    ///
    /// On Postgres each key takes one slot of the server's lock table until the commit
    /// (`max_locks_per_transaction`): batches of some hundreds are meant, not of many thousands.
    pub async fn admit(
        &self,
        ingests: &[NewIngest],
        owner: &Owner,
        lease: Duration,
        now: DateTime<Utc>,
    ) -> Result<Vec<Admission>, StoreError> {
        if ingests.is_empty() {
            return Ok(Vec::new());
        }
        let until = until(now, lease);
        let mut transaction = self.database.begin().await?;
        lock_keys(&mut transaction, ingests).await?;
        let mut taken = taken_keys(&mut transaction, ingests).await?;
        let mut admissions = Vec::with_capacity(ingests.len());
        let mut admitted = Admitted::default();
        for new in ingests {
            let key = (new.client.clone(), new.idempotency_key.clone());
            let is_dead = |holder: &str| owner.sees_dead(holder);
            let admission = decide(taken.get(&key), new, now, is_dead);
            if admitted.note(new, &admission) {
                taken.insert(key, Taken::now(new, owner, until));
            }
            admissions.push(admission);
        }
        plan(&mut transaction, &admitted.new, owner, until, now).await?;
        let lost = resume(&mut transaction, &admitted.resumed, owner, until).await?;
        transaction.commit().await?;
        for admission in &mut admissions {
            if matches!(admission, Admission::Resumed { record_id, .. } if lost.contains(record_id))
            {
                *admission = Admission::InProgress { until: now };
            }
        }
        Ok(admissions)
    }
}

/// The requests of a batch that go on.
#[derive(Default)]
struct Admitted<'a> {
    new: Vec<&'a NewIngest>,
    resumed: Vec<Resume<'a>>,
}

#[derive(Serialize)]
struct Resume<'a> {
    client: &'a str,
    idempotency_key: &'a str,
    record_id: RecordId,
}

impl<'a> Admitted<'a> {
    /// Whether the request goes on.
    fn note(&mut self, new: &'a NewIngest, admission: &Admission) -> bool {
        match admission {
            Admission::New => self.new.push(new),
            Admission::Resumed { record_id, .. } => {
                self.resumed.push(Resume {
                    client: &new.client,
                    idempotency_key: &new.idempotency_key,
                    record_id: *record_id,
                });
            }
            Admission::Replay(_) | Admission::Conflict | Admission::InProgress { .. } => {
                return false;
            }
        }
        true
    }
}

impl Taken {
    /// How a key stands that was admitted just now. While its lease lives, nobody asks for its ids.
    fn now(new: &NewIngest, owner: &Owner, until: DateTime<Utc>) -> Taken {
        Taken {
            request_hash: new.request_hash.clone(),
            record_id: new.record_id,
            correlation_id: new.correlation_id.clone(),
            object_key: Some(new.object_key.clone()),
            response: None,
            lease: Some((owner.to_string(), until)),
            expires_at: new.expires_at,
        }
    }
}

const KEY_COLUMNS: &str = "client text, idempotency_key text";

/// One transaction at a time decides a key. In the order of the locks, so that two batches
/// cannot wait for each other. An immediate transaction of SQLite is alone already.
async fn lock_keys(transaction: &mut Transaction, ingests: &[NewIngest]) -> Result<(), StoreError> {
    let dialect = transaction.dialect();
    if dialect == Dialect::Postgres {
        let sql = format!(
            "SELECT pg_advisory_xact_lock(hashtext(key)) FROM (
                 SELECT min(key) AS key FROM (
                     SELECT client || '/' || idempotency_key AS key FROM {}) AS keys
                 GROUP BY hashtext(key) ORDER BY hashtext(key)) AS ordered",
            dialect.batch(1, KEY_COLUMNS)
        );
        transaction.rows(sql, vec![keys(ingests)]).await?;
    }
    Ok(())
}

fn keys(ingests: &[NewIngest]) -> Value {
    #[derive(Serialize)]
    struct Key<'a> {
        client: &'a str,
        idempotency_key: &'a str,
    }
    let keys: Vec<_> = ingests
        .iter()
        .map(|new| Key {
            client: &new.client,
            idempotency_key: &new.idempotency_key,
        })
        .collect();
    rows(&keys)
}

async fn taken_keys(
    transaction: &mut Transaction,
    ingests: &[NewIngest],
) -> Result<HashMap<(String, String), Taken>, StoreError> {
    let sql = format!(
        "SELECT taken.*, manifest.object_key FROM {}
         JOIN ingest_idempotency AS taken ON taken.client = batch.client
             AND taken.idempotency_key = batch.idempotency_key
         LEFT JOIN raw_object_manifest AS manifest ON manifest.record_id = taken.record_id",
        transaction.dialect().batch(1, KEY_COLUMNS)
    );
    transaction
        .rows(sql, vec![keys(ingests)])
        .await?
        .iter()
        .map(|row| {
            let key = (row.text("client")?, row.text("idempotency_key")?);
            Ok((key, Taken::from_row(row)?))
        })
        .collect()
}

impl FromRow for Taken {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let record_id = row.parsed("record_id")?;
        let correlation_id = row.text("correlation_id")?;
        let answer = row.integer_if_any("response_status")?;
        let answer = answer.zip(row.text_if_any("response_body")?);
        let response = answer
            .map(|(status, body)| {
                let status = u16::try_from(status).map_err(|_| StoreError::Unreadable {
                    column: "response_status",
                    reason: "not an HTTP status".to_owned(),
                })?;
                Ok::<_, StoreError>(StoredResponse {
                    record_id,
                    correlation_id: correlation_id.clone(),
                    status,
                    body,
                })
            })
            .transpose()?;
        let holder = row.text_if_any("lease_owner")?;
        Ok(Self {
            request_hash: row.text("request_hash")?,
            record_id,
            correlation_id,
            object_key: row.text_if_any("object_key")?,
            response,
            lease: holder.zip(row.time_if_any("lease_until")?),
            expires_at: row.time("expires_at")?,
        })
    }
}

/// Takes the keys and plans the objects. A key that was taken has expired.
async fn plan(
    transaction: &mut Transaction,
    new: &[&NewIngest],
    owner: &Owner,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if new.is_empty() {
        return Ok(());
    }
    let batch = transaction.dialect().batch(
        1,
        "client text, idempotency_key text, request_hash text, record_id text, \
         correlation_id text, source text, record_type text, object_key text, sha256 text, \
         size_bytes bigint, content_type text, expires_at timestamptz",
    );
    // `WHERE TRUE`: without it SQLite takes ON for the beginning of a join's condition.
    let sql = format!(
        "INSERT INTO ingest_idempotency (client, idempotency_key, request_hash, state, record_id,
             correlation_id, lease_owner, lease_until, created_at, expires_at)
         SELECT client, idempotency_key, request_hash, $2, record_id, correlation_id, $3, $4, $5,
             expires_at
         FROM {batch} WHERE TRUE
         ON CONFLICT (client, idempotency_key) DO UPDATE
         SET request_hash = excluded.request_hash, state = excluded.state,
             record_id = excluded.record_id, correlation_id = excluded.correlation_id,
             response_status = NULL, response_body = NULL, lease_owner = excluded.lease_owner,
             lease_until = excluded.lease_until, created_at = excluded.created_at,
             expires_at = excluded.expires_at"
    );
    let mut values = vec![rows(new)];
    values.extend(values![IngestState::InProgress, owner, until, now]);
    transaction.execute(sql, values).await?;
    let sql = format!(
        "INSERT INTO raw_object_manifest (record_id, source, record_type, object_key, sha256,
             size_bytes, content_type, state, correlation_id, created_at)
         SELECT record_id, source, record_type, object_key, sha256, size_bytes, content_type, $2,
             correlation_id, $3
         FROM {batch}"
    );
    let mut values = vec![rows(new)];
    values.extend(values![ManifestState::Planned, now]);
    transaction.execute(sql, values).await?;
    Ok(())
}

/// Takes the leases over. Returns the records whose earlier attempt came to its end meanwhile:
/// asking again will tell how.
async fn resume(
    transaction: &mut Transaction,
    resumed: &[Resume<'_>],
    owner: &Owner,
    until: DateTime<Utc>,
) -> Result<HashSet<RecordId>, StoreError> {
    let mut lost: HashSet<_> = resumed.iter().map(|resume| resume.record_id).collect();
    if resumed.is_empty() {
        return Ok(lost);
    }
    let sql = format!(
        "UPDATE ingest_idempotency SET lease_owner = $2, lease_until = $3 FROM {}
         WHERE ingest_idempotency.client = batch.client
           AND ingest_idempotency.idempotency_key = batch.idempotency_key
           AND ingest_idempotency.record_id = batch.record_id AND state = $4
         RETURNING ingest_idempotency.record_id",
        transaction
            .dialect()
            .batch(1, "client text, idempotency_key text, record_id text")
    );
    let mut values = vec![rows(resumed)];
    values.extend(values![owner, until, IngestState::InProgress]);
    for row in transaction.rows(sql, values).await? {
        lost.remove(&row.parsed("record_id")?);
    }
    Ok(lost)
}
