use clap::Subcommand;
use pipeline::{Preview, Sensor};
use serde::Serialize;

use super::output::{Answer, Table, count, instant, show};
use super::{Done, Failure, Globals, project};

#[derive(Debug, Subcommand)]
pub(crate) enum Call {
    /// Every sensor, its jobs, and how much is due
    List,
    /// What a sensor would do now; nothing is done
    Preview {
        /// inbox_discovery, parse, validate, submitter_gold or canonical_rebuild
        sensor: Sensor,
    },
}

#[derive(Debug, Serialize)]
struct Listed {
    sensors: Vec<ListedSensor>,
}

#[derive(Debug, Serialize)]
struct ListedSensor {
    sensor: Sensor,
    jobs: &'static [store::Job],
    due: usize,
    waiting: usize,
    stopped: usize,
    /// When it works; `null`: whenever something is due.
    schedule: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Previewed(Preview);

pub(crate) async fn run(globals: &Globals, call: Call) -> Result<Done, Failure> {
    match call {
        Call::List => list(globals).await?,
        Call::Preview { sensor } => preview(globals, sensor).await?,
    }
    Ok(Done::Well)
}

async fn list(globals: &Globals) -> Result<(), Failure> {
    let configuration = project::configuration(globals)?;
    let pipeline = project::open_to_read(globals).await?;
    let mut sensors = Vec::new();
    for sensor in Sensor::ALL {
        let preview = pipeline.preview(sensor).await?;
        let schedule = configuration.daemon.schedules.get(&sensor);
        sensors.push(ListedSensor {
            sensor,
            jobs: sensor.jobs(),
            due: preview.due.len(),
            waiting: preview.waiting.len(),
            stopped: preview.stopped.len(),
            schedule: schedule.map(ToString::to_string),
        });
    }
    show(globals.format, &Listed { sensors })
}

async fn preview(globals: &Globals, sensor: Sensor) -> Result<(), Failure> {
    let pipeline = project::open_to_read(globals).await?;
    if sensor == Sensor::InboxDiscovery {
        // What lies in the inbox is known once it was looked at; noting it decides nothing.
        pipeline.discover().await?;
    }
    show(globals.format, &Previewed(pipeline.preview(sensor).await?))
}

impl Answer for Listed {
    fn text(&self) -> String {
        let mut table = Table::new(["sensor", "jobs", "#due", "#waiting", "#stopped", "schedule"]);
        for listed in &self.sensors {
            let jobs: Vec<_> = listed.jobs.iter().map(|job| job.as_str()).collect();
            table.row([
                listed.sensor.to_string(),
                jobs.join(", "),
                count(listed.due as u64),
                count(listed.waiting as u64),
                count(listed.stopped as u64),
                listed
                    .schedule
                    .clone()
                    .unwrap_or_else(|| "when due".to_owned()),
            ]);
        }
        table.to_string()
    }
}

impl Answer for Previewed {
    fn text(&self) -> String {
        let Preview {
            sensor,
            due,
            waiting,
            stopped,
        } = &self.0;
        let mut table = Table::new(["what", "job", "subject", "why"]);
        for work in due {
            table.row(["due", work.job.as_str(), &work.subject, ""].map(str::to_owned));
        }
        for work in waiting {
            let until = format!("until {}", instant(work.until));
            let why = match &work.error {
                Some(error) => format!("{until}, after: {error}"),
                None => format!("{until}, unless it changes"),
            };
            table.row([
                "waits".to_owned(),
                work.job.to_string(),
                work.subject.clone(),
                why,
            ]);
        }
        for work in stopped {
            let error = work.error.as_deref().unwrap_or_default();
            table.row([
                "stopped".to_owned(),
                work.job.to_string(),
                work.subject.clone(),
                format!("after {} attempts: {error}", work.attempts),
            ]);
        }
        if due.is_empty() && waiting.is_empty() && stopped.is_empty() {
            return format!("nothing is due for {sensor}");
        }
        table.to_string()
    }
}
