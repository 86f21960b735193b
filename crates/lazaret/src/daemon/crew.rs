use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use metrics::histogram;
use pipeline::{Patience, Pipeline, PipelineError, Sensor};
use store::Job;
use tokio_util::sync::CancellationToken;

use super::wakes::Wakes;
use super::{Documents, heard, stopped_within};
use crate::configuration::DaemonSettings;

/// The pause after a look that found nothing more to do.
const FIRST_LOOK: Duration = Duration::from_millis(100);
/// The pause after the database could not be asked; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// One worker of a sensor: does what is due, one piece after another, then waits until it is woken.
pub(super) struct Crew {
    pub(super) sensor: Sensor,
    pub(super) documents: Arc<Documents>,
    pub(super) wakes: Wakes,
    pub(super) stop: CancellationToken,
    pub(super) settings: DaemonSettings,
    pub(super) worker: usize,
}

impl Crew {
    pub(super) async fn run(self) {
        let mut woken = self.wakes.listen(self.sensor);
        let mut outage = Outage::default();
        let mut idle = Idle::default();
        while until_its_time(self.sensor, &self.settings, &self.stop).await {
            let done = self.work_off().await;
            let pause = match done {
                Ok(pieces) => outage.over(idle.pause(pieces, self.settings.poll)),
                Err(error) => outage.pause(self.sensor, &error),
            };
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = heard(&mut woken) => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Does everything that is due for the sensor; says how many pieces that were.
    async fn work_off(&self) -> Result<u64, PipelineError> {
        let mut pieces = 0;
        for &job in self.sensor.jobs() {
            // Groups are registered by the finder, which knows when they were looked at.
            if job == Job::Register {
                continue;
            }
            loop {
                let pipeline = self.documents.pipeline().as_worker(self.worker);
                if self.stop.is_cancelled() || !self.work_one(&pipeline, job).await? {
                    break;
                }
                pieces += 1;
            }
        }
        Ok(pieces)
    }

    /// `false`: nothing is due.
    async fn work_one(&self, pipeline: &Pipeline, job: Job) -> Result<bool, PipelineError> {
        let mut patience = Patience::of_a_worker(self.settings.submitter_limit);
        let started = Instant::now();
        let Some(worked) = pipeline.work_next(job, &mut patience).await? else {
            return Ok(false);
        };
        histogram!("lazaret_run_seconds", "job" => job.as_str()).record(started.elapsed());
        self.wakes.has_ended();
        if worked.failure().is_none() {
            for &sensor in Sensor::woken_by(job) {
                self.wakes.wake(sensor);
            }
        }
        Ok(true)
    }
}

/// Waits for the next time of the sensor's schedule, if it has one; `false`: stopped meanwhile.
pub(super) async fn until_its_time(
    sensor: Sensor,
    settings: &DaemonSettings,
    stop: &CancellationToken,
) -> bool {
    let schedule = settings.schedules.get(&sensor);
    let Some(next) = schedule.and_then(|schedule| schedule.next_after(Utc::now())) else {
        return !stop.is_cancelled();
    };
    // The wall clock may be set meanwhile: it is asked again every minute.
    loop {
        let left = (next - Utc::now()).to_std().unwrap_or_default();
        if left.is_zero() {
            return true;
        }
        if stopped_within(stop, left.min(Duration::from_secs(60))).await {
            return false;
        }
    }
}

/// A time in which nothing was due. Another process may make work at any moment and wakes nobody
/// here, so where there was some it is asked for soon, and ever more seldom after that.
#[derive(Default)]
struct Idle {
    looks: u32,
}

impl Idle {
    fn pause(&mut self, pieces: u64, longest: Duration) -> Duration {
        self.looks = if pieces > 0 { 0 } else { self.looks + 1 };
        doubled(FIRST_LOOK, self.looks).min(longest)
    }
}

fn doubled(pause: Duration, times: u32) -> Duration {
    pause.saturating_mul(2_u32.saturating_pow(times))
}

/// A time in which the database does not answer: told once, asked ever more seldom.
#[derive(Default)]
pub(super) struct Outage {
    failures: u32,
}

impl Outage {
    pub(super) fn pause(&mut self, sensor: Sensor, error: &PipelineError) -> Duration {
        if self.failures == 0 {
            tracing::error!(%sensor, %error, "the sensor cannot work; it goes on trying");
        }
        self.failures += 1;
        doubled(FIRST_PAUSE, self.failures).min(LONGEST_PAUSE)
    }

    pub(super) fn over(&mut self, pause: Duration) -> Duration {
        if self.failures > 0 {
            tracing::info!(failures = self.failures, "the sensor works again");
            self.failures = 0;
        }
        pause
    }
}
