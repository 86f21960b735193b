//! Rules in SQL, and what a broken rule does.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::SubmitterId;

/// A rule in SQL over the typed rows; it holds where its expression is true or null.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Unique within the contract; appears in reasons and reports.
    pub id: String,
    pub scope: RuleScope,
    /// A boolean SQL expression: over one row's columns, or (`file`) with aggregates over all.
    pub sql: String,
    pub severity: Severity,
    /// How much it matters to the one who asks for the data: `1` is the gravest.
    pub tier: Option<u8>,
    /// What it is about: `completeness`, `validity`, `plausibility`, as the programme names it.
    pub category: Option<String>,
    /// A SQL condition: the rows that the rule is about. `None`: all.
    pub denominator: Option<String>,
    /// The share of the denominator's rows that may break the rule, 0 to 1. With a threshold the
    /// rows that break it are accepted, and the file is judged at its end.
    pub threshold: Option<f64>,
    /// What it means and what the submitter should do. Never contains a value.
    pub explanation: String,
    pub waivers: Vec<Waiver>,
}

/// A submitter's leave to break a rule until a day: the rule is then a warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    pub submitter_id: SubmitterId,
    /// The last day on which it stands.
    pub until: NaiveDate,
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleScope {
    Row,
    File,
}

impl Rule {
    /// A rule about all rows, without a threshold or a waiver.
    pub fn new(id: &str, scope: RuleScope, sql: &str, severity: Severity) -> Self {
        Self {
            id: id.to_owned(),
            scope,
            sql: sql.to_owned(),
            severity,
            tier: None,
            category: None,
            denominator: None,
            threshold: None,
            explanation: String::new(),
            waivers: Vec::new(),
        }
    }

    /// The leave that this submitter has on that day, the longest if several.
    pub fn waiver_for(&self, submitter: &SubmitterId, today: NaiveDate) -> Option<&Waiver> {
        let waivers = self.waivers.iter();
        waivers
            .filter(|waiver| waiver.submitter_id == *submitter && today <= waiver.until)
            .max_by_key(|waiver| waiver.until)
    }

    /// What a broken rule does when this submitter breaks it on that day.
    pub fn severity_for(&self, submitter: &SubmitterId, today: NaiveDate) -> Severity {
        match self.waiver_for(submitter, today) {
            Some(_) => Severity::Warn,
            None => self.severity,
        }
    }
}

/// What a broken rule does. Ordered: the later, the graver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The row is accepted and counted as a warning.
    Warn,
    /// The row goes to quarantine.
    Reject,
    /// The submission fails.
    Fail,
}
