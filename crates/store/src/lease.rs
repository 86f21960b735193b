//! Leases: who works on what, and until when. A lease that is not renewed lapses, so the work of
//! a machine that vanished is taken up again. On the same machine nobody has to wait for that:
//! [`Store::release_dead_leases`] frees what belongs to processes that no longer run.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::audit::record;
use crate::database::Transaction;
use crate::time::now;
use crate::value::{list, values};
use crate::{RunStatus, Store, StoreError};

/// One process that takes leases: `{host}/{pid}/{mark}`. The mark tells it from any other process
/// that had or will have the same number: PID namespace, start in clock ticks, a random part.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner {
    text: String,
    host_length: usize,
    pid: u32,
}

/// Text that is not of the form `{host}/{pid}/{mark}`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the owner of a lease: `host/pid/mark` was expected")]
pub struct InvalidOwner(String);

impl Owner {
    /// This process; the same at every call.
    pub fn this_process() -> Owner {
        static THIS: OnceLock<Owner> = OnceLock::new();
        THIS.get_or_init(|| {
            let pid = std::process::id();
            let host = host();
            let random = uuid::Uuid::now_v7().simple().to_string();
            let (namespace, started) = (pid_namespace(), started(pid).unwrap_or_default());
            // The tail of a version 7 UUID is its random part.
            let text = format!("{host}/{pid}/{namespace}-{started}-{}", &random[20..]);
            Owner {
                text,
                host_length: host.len(),
                pid,
            }
        })
        .clone()
    }

    /// One of several workers of this process: who of them lost its lease must see that, even
    /// where another has taken it.
    pub fn worker(&self, number: usize) -> Owner {
        Owner {
            text: format!("{}-{number}", self.text),
            ..self.clone()
        }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn host(&self) -> &str {
        &self.text[..self.host_length]
    }

    fn mark(&self) -> impl Iterator<Item = &str> {
        self.text.rsplit('/').next().unwrap_or_default().split('-')
    }

    /// Whether that holder of a lease is a process that this one can see to have ended.
    pub(crate) fn sees_dead(&self, holder: &str) -> bool {
        holder
            .parse::<Owner>()
            .is_ok_and(|holder| holder.is_dead_to(self))
    }

    /// Whether this is a process of the same host and PID namespace as `observer`'s that has
    /// ended. What `observer` cannot see counts as alive: its leases lapse by time.
    fn is_dead_to(&self, observer: &Owner) -> bool {
        let visible =
            self.host() == observer.host() && self.mark().next() == observer.mark().next();
        visible
            && started(observer.pid).is_some()
            && started(self.pid).is_none_or(|started| self.mark().nth(1) != Some(&started))
    }
}

impl FromStr for Owner {
    type Err = InvalidOwner;
    fn from_str(text: &str) -> Result<Owner, InvalidOwner> {
        let invalid = || InvalidOwner(text.to_owned());
        let mut parts = text.rsplitn(3, '/');
        let (Some(mark), Some(pid), Some(host)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(invalid());
        };
        let pid = pid.parse().map_err(|_| invalid())?;
        if mark.is_empty() || host.is_empty() {
            return Err(invalid());
        }
        Ok(Owner {
            text: text.to_owned(),
            host_length: host.len(),
            pid,
        })
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .unwrap_or_default();
    match name.trim() {
        "" => "localhost".to_owned(),
        name => name.replace('/', "_"),
    }
}

/// Two containers with one host name number their processes apart; this tells them apart.
fn pid_namespace() -> String {
    let link = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    link.to_string_lossy()
        .chars()
        .filter(char::is_ascii_digit)
        .collect()
}

/// When the process started, in clock ticks since the machine did; `None` where it does not run.
fn started(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // proc_pid_stat(5): the name in parentheses may hold anything; field 3 follows its end, and
    // the start is field 22. A zombie (`Z`) or dead (`X`) process works no more.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        None
    } else {
        fields.nth(18).map(str::to_owned)
    }
}

/// The tables whose rows are leased, and which of their rows can be: where a table keeps its whole
/// history, an index of the open ones answers. (A request's lease is looked at when it is asked
/// for again: [`Store::admit`].)
const LEASED: [(&str, &str); 5] = [
    ("submission", "TRUE"),
    ("submitter_gold_winner", "TRUE"),
    ("canonical_rebuild_queue", "TRUE"),
    ("alert_delivery", "TRUE"),
    ("outbox_events", "published_at IS NULL"),
];

impl Store {
    /// Frees what processes of `owner`'s host held when they ended, and marks their runs
    /// `INTERRUPTED`, so that a crash is made good at the next start at once. Returns the number
    /// of leases freed. Leases of other hosts lapse by time.
    pub async fn release_dead_leases(&self, owner: &Owner) -> Result<u64, StoreError> {
        let mut transaction = self.database.begin().await?;
        let dead: Vec<_> = holders(&mut transaction)
            .await?
            .into_iter()
            .filter(|holder| holder.is_dead_to(owner))
            .collect();
        if dead.is_empty() {
            return Ok(0);
        }
        let (released, interrupted) = take_back(&mut transaction, &dead).await?;
        let owners: Vec<_> = dead.iter().map(Owner::as_str).collect();
        let detail = json!({ "owners": owners, "leases": released, "runs": interrupted });
        record(
            &mut transaction,
            now(),
            owner.as_str(),
            "leases.released",
            ("host", owner.host()),
            detail,
        )
        .await?;
        transaction.commit().await?;
        tracing::warn!(
            leases = released,
            runs = interrupted,
            "took back the work of processes that ended"
        );
        Ok(released)
    }

    /// Gives back what these owners hold, because they stop before they are done. Their runs are
    /// `INTERRUPTED` and count as no attempts: the work is not to blame. Returns the runs.
    pub async fn give_back(&self, owners: &[Owner]) -> Result<u64, StoreError> {
        let mut transaction = self.database.begin().await?;
        let sql = format!(
            "UPDATE job_retry SET attempts = attempts - 1, strikes = strikes - 1
             WHERE EXISTS (SELECT 1 FROM job_runs
                 WHERE job_runs.job = job_retry.job AND job_runs.subject = job_retry.subject
                   AND owner IN {} AND status = $2)",
            transaction.dialect().each(1)
        );
        let values = vec![list(owners), RunStatus::Running.into()];
        transaction.execute(sql, values).await?;
        let (_, interrupted) = take_back(&mut transaction, owners).await?;
        transaction.commit().await?;
        Ok(interrupted)
    }
}

/// Frees the owners' leases and ends their runs; how many of each.
async fn take_back(
    transaction: &mut Transaction,
    owners: &[Owner],
) -> Result<(u64, u64), StoreError> {
    let each = transaction.dialect().each(1);
    let mut released = 0;
    for (table, open) in LEASED {
        let sql = format!(
            "UPDATE {table} SET lease_owner = NULL, lease_until = NULL
             WHERE lease_owner IN {each} AND {open}"
        );
        released += transaction.execute(sql, vec![list(owners)]).await?;
    }
    let sql = format!(
        "UPDATE job_runs SET status = $2, finished_at = $3 WHERE owner IN {each} AND status = $4"
    );
    let mut values = vec![list(owners)];
    values.extend(values![RunStatus::Interrupted, now(), RunStatus::Running]);
    let interrupted = transaction.execute(sql, values).await?;
    Ok((released, interrupted))
}

/// Everybody who holds a lease or runs a job. An owner written by something else is left alone.
async fn holders(transaction: &mut Transaction) -> Result<Vec<Owner>, StoreError> {
    let leased = LEASED.map(|(table, open)| {
        format!("SELECT lease_owner AS owner FROM {table} WHERE lease_owner IS NOT NULL AND {open}")
    });
    let sql = format!(
        "{} UNION SELECT owner FROM job_runs WHERE status = $1",
        leased.join(" UNION ")
    );
    let rows = transaction.rows(sql, values![RunStatus::Running]).await?;
    let owners: Vec<_> = rows
        .iter()
        .map(|row| row.text("owner"))
        .collect::<Result<_, _>>()?;
    Ok(owners
        .iter()
        .filter_map(|owner| owner.parse().ok())
        .collect())
}

/// The end of a lease that is taken or renewed now.
pub(crate) fn until(now: DateTime<Utc>, lease: std::time::Duration) -> DateTime<Utc> {
    // A lease too long to be told apart from for ever ends with time itself.
    chrono::Duration::from_std(lease)
        .ok()
        .and_then(|lease| now.checked_add_signed(lease))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same owner with another pid or mark.
    fn like(owner: &Owner, pid: u32, namespace: &str, started: &str) -> Owner {
        format!("{}/{pid}/{namespace}-{started}-0", owner.host())
            .parse()
            .unwrap()
    }

    #[test]
    fn this_process_is_alive_and_stays_the_same() {
        let this = Owner::this_process();
        assert_eq!(this, Owner::this_process());
        assert_eq!(this.as_str().parse::<Owner>().unwrap(), this);
        assert!(!this.is_dead_to(&this));
    }

    #[test]
    fn a_process_is_dead_where_it_can_be_seen_not_to_run() {
        let this = Owner::this_process();
        let namespace = pid_namespace();
        let started = started(this.pid).unwrap();
        let unused_pid = u32::MAX;
        assert!(like(&this, unused_pid, &namespace, "1").is_dead_to(&this));
        // The number was given to another process since.
        assert!(like(&this, this.pid, &namespace, "1").is_dead_to(&this));
        assert!(!like(&this, this.pid, &namespace, &started).is_dead_to(&this));
        assert!(
            !like(&this, unused_pid, "1", "1").is_dead_to(&this),
            "another namespace"
        );
        let elsewhere: Owner = format!("elsewhere/{unused_pid}/{namespace}-1-0")
            .parse()
            .unwrap();
        assert!(!elsewhere.is_dead_to(&this), "another host");
    }

    #[test]
    fn owners_are_parsed_whole() {
        for wrong in ["", "host", "host/1", "host/x/y", "/1/y", "host/1/"] {
            assert!(wrong.parse::<Owner>().is_err(), "{wrong}");
        }
    }
}
