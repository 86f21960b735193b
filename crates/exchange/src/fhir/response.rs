//! The bundle that answers a bundle: an entry for each entry, in the same order.

use contract::RecordId;
use serde_json::{Value, json};

use super::BundleType;
use super::outcome::{operation_outcome, operation_outcome_of, single};
use crate::ingest::ProblemType;
use crate::records::Violation;

/// What became of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryAnswer {
    Accepted {
        record_id: RecordId,
        /// The same entry was accepted before, as this record.
        replayed: bool,
    },
    NotTaken,
    /// Pointers begin at the bundle.
    Refused(Vec<Violation>),
    /// A conflict, or a refusal that is not about what the entry says.
    Failed(ProblemType),
}

pub fn respond(bundle_type: BundleType, answers: &[EntryAnswer]) -> Value {
    let entries: Vec<_> = answers
        .iter()
        .map(|answer| json!({ "response": response(answer) }))
        .collect();
    json!({
        "resourceType": "Bundle",
        "type": bundle_type.response(),
        "entry": entries,
    })
}

fn response(answer: &EntryAnswer) -> Value {
    match answer {
        EntryAnswer::Accepted {
            record_id,
            replayed,
        } => {
            let told = if *replayed {
                "accepted before, as this record"
            } else {
                "accepted"
            };
            json!({
                "status": "202 Accepted",
                "location": format!("records/{record_id}"),
                "outcome": single("information", "informational", told),
            })
        }
        EntryAnswer::NotTaken => {
            let told = "not kept: only Encounter, Claim and Observation are taken as records";
            json!({
                "status": "200 OK",
                "outcome": single("information", "not-supported", told),
            })
        }
        EntryAnswer::Refused(violations) => json!({
            "status": status(ProblemType::InvalidRecord),
            "outcome": operation_outcome("Bundle", violations),
        }),
        EntryAnswer::Failed(problem) => json!({
            "status": status(*problem),
            "outcome": operation_outcome_of(*problem),
        }),
    }
}

/// FHIR asks for the code; words behind it are for people.
fn status(problem: ProblemType) -> String {
    format!("{} {}", problem.status(), problem.title())
}
