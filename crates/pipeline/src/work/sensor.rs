use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use store::Job;

/// A reconciler: it asks what is due for its jobs and does that. It takes no input, so it can be
/// woken at any time, by anybody, any number of times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sensor {
    InboxDiscovery,
    Parse,
    Validate,
    SubmitterGold,
    CanonicalRebuild,
}

impl Sensor {
    /// In the order in which data passes them.
    pub const ALL: [Self; 5] = [
        Self::InboxDiscovery,
        Self::Parse,
        Self::Validate,
        Self::SubmitterGold,
        Self::CanonicalRebuild,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::InboxDiscovery => "inbox_discovery",
            Self::Parse => "parse",
            Self::Validate => "validate",
            Self::SubmitterGold => "submitter_gold",
            Self::CanonicalRebuild => "canonical_rebuild",
        }
    }

    /// What it does, in order.
    pub fn jobs(self) -> &'static [Job] {
        match self {
            Self::InboxDiscovery => &[Job::Register, Job::Stage],
            Self::Parse => &[Job::Parse],
            Self::Validate => &[Job::Validate, Job::Compete],
            Self::SubmitterGold => &[Job::SubmitterGold],
            Self::CanonicalRebuild => &[Job::CanonicalRebuild],
        }
    }

    /// The sensor that does the job.
    pub fn of(job: Job) -> Self {
        match job {
            Job::Register | Job::Stage => Self::InboxDiscovery,
            Job::Parse => Self::Parse,
            Job::Validate | Job::Compete => Self::Validate,
            Job::SubmitterGold => Self::SubmitterGold,
            Job::CanonicalRebuild => Self::CanonicalRebuild,
        }
    }

    /// The sensors that have more to do once the job is done.
    pub fn woken_by(job: Job) -> &'static [Self] {
        match job {
            Job::Register => &[Self::InboxDiscovery],
            Job::Stage => &[Self::Parse],
            Job::Parse | Job::Validate => &[Self::Validate],
            Job::Compete => &[Self::SubmitterGold, Self::CanonicalRebuild],
            Job::SubmitterGold | Job::CanonicalRebuild => &[],
        }
    }
}

impl fmt::Display for Sensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Sensor {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|sensor| sensor.as_str() == text);
        found.ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            format!("`{text}` is not a sensor: write one of {known}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_belongs_to_one_sensor() {
        for &job in Job::ALL {
            let sensors: Vec<_> = Sensor::ALL
                .into_iter()
                .filter(|sensor| sensor.jobs().contains(&job))
                .collect();
            assert_eq!(sensors, [Sensor::of(job)], "{job}");
        }
    }
}
