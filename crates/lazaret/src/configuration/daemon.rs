//! What `lazaret up` and `lazaret worker` are told: who decides what runs, when, how much at once,
//! and where people and services may ask.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use croner::Cron;
use pipeline::Sensor;

use super::check::{Wrong, whole_number};
use super::raw::Reader;
use super::{Setting, in_file, number, secret, text};

const ORCHESTRATOR: Setting = text("daemon.orchestrator", "ORCHESTRATOR", "daemon");
const POLL_SECONDS: Setting = number("daemon.poll_seconds", None, "5");
const LISTING_MINUTES: Setting = number("inbox.listing_minutes", None, "5");
const SUBMITTER_LIMIT: Setting = number("work.submitter_limit", None, "0");
const LISTEN: Setting = text("http.listen", "LISTEN", "127.0.0.1:3000");
const CERTIFICATE: Setting = in_file("http.certificate", "");
const KEY: Setting = in_file("http.key", "");
const EVENTS_TOKEN: Setting = secret("EVENTS_TOKEN");

/// The shortest secret that nobody guesses.
const TOKEN_LENGTH_MIN: usize = 16;
const PIECES_MAX: u64 = 256;

/// How many pieces of its work a process does at a time, and when.
const SENSORS: [(Sensor, Setting, Setting); 5] = [
    (
        Sensor::InboxDiscovery,
        number("parallel.inbox_discovery", None, "4"),
        in_file("schedules.inbox_discovery", ""),
    ),
    (
        Sensor::Parse,
        number("parallel.parse", None, "2"),
        in_file("schedules.parse", ""),
    ),
    (
        Sensor::Validate,
        number("parallel.validate", None, "2"),
        in_file("schedules.validate", ""),
    ),
    (
        Sensor::SubmitterGold,
        number("parallel.submitter_gold", None, "1"),
        in_file("schedules.submitter_gold", ""),
    ),
    (
        Sensor::CanonicalRebuild,
        number("parallel.canonical_rebuild", None, "1"),
        in_file("schedules.canonical_rebuild", ""),
    ),
];

#[derive(Debug, Clone)]
pub(crate) struct DaemonSettings {
    pub(crate) orchestrator: Orchestrator,
    /// How long a sensor that found nothing due waits before it asks again.
    pub(crate) poll: Duration,
    /// How often the whole inbox is listed.
    pub(crate) listing: Duration,
    /// How many submissions of one submitter are worked on at a time, by all processes.
    pub(crate) submitter_limit: Option<u32>,
    pub(crate) parallel: BTreeMap<Sensor, usize>,
    /// Sensors that work at set times only.
    pub(crate) schedules: BTreeMap<Sensor, Schedule>,
    pub(crate) listen: SocketAddr,
    pub(crate) tls: Option<TlsFiles>,
    /// What those who tell of new objects must present. Without it nobody may.
    pub(crate) events_token: Option<String>,
}

/// Who decides that a sensor runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Orchestrator {
    Daemon,
    /// Dagster calls the commands; `lazaret up` serves HTTP alone.
    Dagster,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// Times of a day and a week, in the wall clock of a place.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    cron: Cron,
    zone: Tz,
    text: String,
}

impl Schedule {
    /// The first time after that one.
    pub(crate) fn next_after(&self, time: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let local = time.with_timezone(&self.zone);
        let next = self.cron.find_next_occurrence(&local, false).ok()?;
        Some(next.with_timezone(&Utc))
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl DaemonSettings {
    pub(super) fn read(project: &Path, reader: &mut Reader<'_>) -> Option<Self> {
        let seconds = |text: &str, max| whole_number(text, 1, max).map(Duration::from_secs);
        let orchestrator = reader.read(ORCHESTRATOR, |text, _| orchestrator(text));
        let poll = reader.read(POLL_SECONDS, |text, _| seconds(text, 3_600));
        let listing = reader.read(LISTING_MINUTES, |text, _| {
            whole_number(text, 1, 10_080).map(|minutes| Duration::from_secs(60 * minutes))
        });
        let submitter_limit = reader.read(SUBMITTER_LIMIT, |text, _| {
            whole_number(text, 0, PIECES_MAX).map(|limit| (limit > 0).then_some(limit as u32))
        });
        let mut parallel = BTreeMap::new();
        let mut schedules = BTreeMap::new();
        for (sensor, pieces, times) in SENSORS {
            let pieces = reader.read(pieces, |text, _| whole_number(text, 0, PIECES_MAX));
            parallel.insert(sensor, pieces? as usize);
            if let Some(schedule) = reader.read(times, |text, _| schedule(text))? {
                schedules.insert(sensor, schedule);
            }
        }
        let listen = reader.read(LISTEN, |text, _| address(text));
        let certificate = reader.read(CERTIFICATE, |text, _| Ok(file(project, text)));
        let key = reader.read(KEY, |text, _| match (file(project, text), &certificate) {
            (None, Some(Some(_))) => Err(Wrong::new(
                "is missing, and `http.certificate` is set",
                "name the file of the certificate's private key, in PEM",
            )),
            (Some(_), Some(None)) => Err(Wrong::new(
                "is set without `http.certificate`",
                "name the file of the certificate, in PEM",
            )),
            (key, _) => Ok(key),
        });
        let events_token = reader.read(EVENTS_TOKEN, |text, _| token(text));
        Some(Self {
            orchestrator: orchestrator?,
            poll: poll?,
            listing: listing?,
            submitter_limit: submitter_limit?,
            parallel,
            schedules,
            listen: listen?,
            tls: certificate?
                .zip(key?)
                .map(|(certificate, key)| TlsFiles { certificate, key }),
            events_token: events_token?,
        })
    }
}

fn orchestrator(text: &str) -> Result<Orchestrator, Wrong> {
    match text {
        "daemon" => Ok(Orchestrator::Daemon),
        "dagster" => Ok(Orchestrator::Dagster),
        _ => Err(Wrong::new(
            format!("is `{text}`, which is no orchestrator"),
            "write `daemon` (lazaret runs its own sensors) or `dagster` (Dagster calls lazaret)",
        )),
    }
}

/// A schedule, or none: then the sensor works whenever something is due.
fn schedule(text: &str) -> Result<Option<Schedule>, Wrong> {
    const EXAMPLE: &str = "write five fields and a time zone, for example \
        `30 2 * * * Pacific/Auckland` (every day at 02:30 there), or an empty text";
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [times @ .., zone] = &fields[..] else {
        return Ok(None);
    };
    let zone = Tz::from_str(zone).map_err(|_| {
        Wrong::new(
            format!("is `{text}`, and `{zone}` is no time zone"),
            EXAMPLE,
        )
    })?;
    let times = times.join(" ");
    let cron = Cron::from_str(&times).map_err(|error| {
        Wrong::new(
            format!("is `{text}`, and `{times}` is no schedule: {error}"),
            EXAMPLE,
        )
    })?;
    let schedule = Schedule {
        cron,
        zone,
        text: text.to_owned(),
    };
    if schedule.next_after(Utc::now()).is_none() {
        return Err(Wrong::new(
            format!("is `{text}`, which never comes"),
            EXAMPLE,
        ));
    }
    Ok(Some(schedule))
}

pub(crate) fn address(text: &str) -> Result<SocketAddr, Wrong> {
    text.parse().map_err(|_| {
        Wrong::new(
            format!("is `{text}`, which is no address and port"),
            "write for example `127.0.0.1:3000`, or `0.0.0.0:3000` to be reached from elsewhere",
        )
    })
}

/// A file below the project, or none.
fn file(project: &Path, text: &str) -> Option<PathBuf> {
    (!text.is_empty()).then(|| project.join(text))
}

fn token(text: &str) -> Result<Option<String>, Wrong> {
    match text.len() {
        0 => Ok(None),
        TOKEN_LENGTH_MIN.. => Ok(Some(text.to_owned())),
        length => Err(Wrong::new(
            format!("is {length} characters long, and can be guessed"),
            format!("write a secret of {TOKEN_LENGTH_MIN} or more: `openssl rand -hex 32`"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    #[test]
    fn a_schedule_follows_the_wall_clock_of_its_place() {
        let schedule = schedule("30 2 * * * Pacific/Auckland").unwrap().unwrap();
        let at = |day, hour, minute| Utc.with_ymd_and_hms(2026, 9, day, hour, minute, 0).unwrap();
        // Summer time begins there on 27 September at 02:00: that night has no 02:30.
        assert_eq!(schedule.next_after(at(24, 0, 0)), Some(at(24, 14, 30)));
        assert_eq!(schedule.next_after(at(24, 14, 30)), Some(at(25, 14, 30)));
        assert_eq!(schedule.next_after(at(27, 0, 0)), Some(at(27, 13, 30)));
        let skipped = schedule.next_after(at(25, 15, 0)).unwrap();
        assert!(
            (at(26, 13, 59)..at(27, 13, 31)).contains(&skipped),
            "{skipped}"
        );
    }
}
