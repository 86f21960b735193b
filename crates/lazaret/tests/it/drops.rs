//! The demo's deliveries, in the order in which they arrive.

use serde_json::Value;

use crate::project::{Project, repository};

/// The resubmission that changes a winner; it arrives after all the others.
pub(crate) const CORRECTED: &str = "evergreen/medical_claim/20110212-corrected";
pub(crate) const UNKNOWN: &str = "cascade/medical_claim/20200131";

/// What an independent reading says that becomes of each delivery.
pub(crate) fn expected() -> Value {
    let text = std::fs::read_to_string(repository().join("demo/expected.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

pub(crate) fn expected_drops() -> Vec<Value> {
    expected()["drops"].as_array().unwrap().clone()
}

pub(crate) fn names() -> Vec<String> {
    expected_drops()
        .iter()
        .map(|drop| drop["drop"].as_str().unwrap().to_owned())
        .collect()
}

/// Everything but the resubmission.
pub(crate) fn drop_first_wave(project: &Project) {
    for name in names().iter().filter(|name| *name != CORRECTED) {
        drop_one(project, name);
    }
}

pub(crate) fn drop_one(project: &Project, name: &str) {
    project.drop_folder(&repository().join("demo/inbox").join(name), name);
}

/// Both waves, each followed by a run.
pub(crate) fn carry_through(project: &Project) {
    drop_first_wave(project);
    project.run_once();
    drop_one(project, CORRECTED);
    project.run_once();
}

/// Deliveries of two submitters that share months with the resubmission: enough to pass every
/// step, few enough to repeat often.
pub(crate) fn drop_early(project: &Project) {
    drop_one(project, "evergreen/medical_claim/20110115");
    drop_one(project, "cascade/medical_claim/20110131");
}
