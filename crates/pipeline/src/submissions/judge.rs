//! A layout's SQL rules and thresholds, applied for one submitter on one day: a waiver that stands
//! on that day makes a warning of what would reject or fail.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use contract::{Rule, Severity, SubmitterId, Waiver};
use inspect::{Inspected, Problem, Warning};
use lake::{Measure, RowRule, Tally};

use super::report::ReasonCount;
use super::threshold::ThresholdReport;
use crate::PipelineError;
use crate::catalog::Layout;

pub(crate) struct Judge {
    pub(super) layout: Arc<Layout>,
    /// None: nobody who could have a waiver.
    submitter: Option<SubmitterId>,
    today: NaiveDate,
}

impl Judge {
    pub(crate) fn new(
        layout: Arc<Layout>,
        submitter: Option<SubmitterId>,
        today: NaiveDate,
    ) -> Self {
        Self {
            layout,
            submitter,
            today,
        }
    }

    /// Rows that break a rule of severity `reject` or `fail` leave the accepted ones with their
    /// raw text; others are warned of.
    pub(super) fn apply_row_rules(&self, inspected: &mut Inspected) -> Result<(), PipelineError> {
        let rules = &self.layout.row_rules;
        if rules.is_empty() || inspected.accepted.num_rows() == 0 {
            return Ok(());
        }
        let rows = inspected.rows();
        let mut refused: BTreeMap<usize, Vec<Problem>> = BTreeMap::new();
        let mut warned = Vec::new();
        for (rule, broken) in rules.broken(&inspected.accepted)? {
            if broken.is_empty() {
                continue;
            }
            let (severity, problem) = self.sentence(rule);
            for index in broken {
                let row = rows.row(index);
                let warning = || Warning {
                    row,
                    problem: problem.clone(),
                };
                match severity {
                    Severity::Warn => warned.push((index, warning())),
                    Severity::Reject => refused.entry(index).or_default().push(problem.clone()),
                    Severity::Fail => {
                        inspected.failures.push(warning());
                        refused.entry(index).or_default().push(problem.clone());
                    }
                }
            }
        }
        // A warning is of an accepted row.
        warned.retain(|(index, _)| !refused.contains_key(index));
        inspected.refuse(refused);
        let warned = warned.into_iter().map(|(_, warning)| warning);
        inspected.warnings.extend(warned);
        Ok(())
    }

    /// What a row that breaks the rule gets.
    fn sentence(&self, rule: &RowRule) -> (Severity, Problem) {
        match rule {
            RowRule::RequiredWhen {
                column,
                condition,
                severity,
            } => {
                let problem = Problem {
                    column: Some(column.as_str().into()),
                    rule: "required_when".into(),
                    detail: format!("a value where {condition}").into(),
                };
                (*severity, problem)
            }
            RowRule::Of(rule) => {
                let (severity, waiver) = self.severity(rule);
                let problem = Problem {
                    column: None,
                    rule: rule.id.as_str().into(),
                    detail: explanation(rule, waiver).into(),
                };
                (severity, problem)
            }
        }
    }

    /// What a broken rule over the whole submission does, and what is said of it.
    pub(crate) fn file_rule(&self, rule: &Rule) -> (Severity, String) {
        let (severity, waiver) = self.severity(rule);
        let mut told = rule.id.clone();
        if let Some(tier) = rule.tier {
            told += &format!(" (tier {tier})");
        }
        if let Some(waiver) = waiver {
            told += &format!(" (waived until {})", waiver.until);
        }
        (severity, told)
    }

    fn severity<'r>(&self, rule: &'r Rule) -> (Severity, Option<&'r Waiver>) {
        let Some(submitter) = &self.submitter else {
            return (rule.severity, None);
        };
        let waiver = rule.waiver_for(submitter, self.today);
        (rule.severity_for(submitter, self.today), waiver)
    }

    pub(super) fn tally(&self, inspected: &Inspected) -> Result<Vec<Tally>, PipelineError> {
        Ok(self.layout.measures.tally(&inspected.accepted)?)
    }

    /// What the counts of a whole file come to, one for each measure.
    pub(super) fn thresholds(&self, counts: &[FileTally]) -> Vec<ThresholdReport> {
        let measures = self.layout.measures.iter().zip(counts);
        measures
            .map(|(measure, count)| match measure {
                Measure::Completeness {
                    column,
                    completeness,
                } => ThresholdReport::of_completeness(column, completeness, count),
                Measure::Rule(rule) => {
                    let (severity, waiver) = self.severity(rule);
                    ThresholdReport::of_rule(rule, severity, waiver, count)
                }
            })
            .collect()
    }

    /// Adds what the contract says of the rules themselves.
    pub(super) fn described(&self, mut reasons: Vec<ReasonCount>) -> Vec<ReasonCount> {
        for reason in reasons.iter_mut().filter(|reason| reason.column.is_none()) {
            let mut rules = self.layout.contract.rules.iter();
            if let Some(rule) = rules.find(|rule| rule.id == reason.rule) {
                reason.tier = rule.tier;
                reason.category.clone_from(&rule.category);
                reason.waived_until = self.severity(rule).1.map(|waiver| waiver.until);
            }
        }
        reasons
    }
}

/// The rule's explanation, with its waiver if one stands.
pub(super) fn explanation(rule: &Rule, waiver: Option<&Waiver>) -> String {
    match waiver {
        None => rule.explanation.clone(),
        Some(waiver) => format!("{} (waived until {})", rule.explanation, waiver.until),
    }
}

/// A measure of a whole file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FileTally {
    pub(super) rows: u64,
    pub(super) short: u64,
    /// The numbers of the first rows that fall short.
    pub(super) first_rows: Vec<u64>,
}

impl FileTally {
    /// Adds a block's count, in file order; `row` gives the number of a row of the block.
    pub(super) fn add(&mut self, tally: &Tally, row: impl Fn(usize) -> u64) {
        self.rows += tally.rows;
        self.short += tally.short;
        let room = lake::ROWS_NAMED_MAX - self.first_rows.len();
        let first = tally.first.iter().take(room);
        self.first_rows.extend(first.map(|&index| row(index)));
    }
}

#[cfg(test)]
mod tests {
    use contract::{Column, ColumnType, Contract, FileFormat, RuleScope};
    use inspect::Splitter;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// What becomes of a row that breaks a rule which `evergreen` may break until mid-2027.
    async fn outcome(submitter: &str, today: &str) -> (usize, Vec<String>) {
        let waiver = |until: &str| Waiver {
            submitter_id: "evergreen".parse().unwrap(),
            until: day(until),
            reason: "A new system.".to_owned(),
        };
        let rule = Rule {
            explanation: "A claim has a payer.".to_owned(),
            waivers: vec![waiver("2026-12-31"), waiver("2027-06-30")],
            ..Rule::new(
                "has_payer",
                RuleScope::Row,
                "payer <> 'none'",
                Severity::Reject,
            )
        };
        let payer = Column::new("payer", ColumnType::String);
        let contract = Contract {
            rules: vec![rule],
            ..Contract::new(
                "claim@v1".parse().unwrap(),
                FileFormat::default(),
                vec![payer],
            )
        };
        let layout = Layout::compile(contract, String::new()).await.unwrap();
        let judge = Judge::new(Arc::new(layout), submitter.parse().ok(), day(today));
        let mut splitter = Splitter::new(&judge.layout.plan.for_file("claims.csv"));
        let mut blocks = splitter.push(b"payer\nnone\naetna\n").unwrap();
        blocks.extend(splitter.finish().unwrap().0);
        let mut inspected = blocks[0].inspect();
        judge.apply_row_rules(&mut inspected).unwrap();
        let warnings = inspected.warnings.iter();
        let warnings = warnings.map(|warning| warning.problem.detail.to_string());
        (inspected.rejects.len(), warnings.collect())
    }

    #[tokio::test]
    async fn a_waiver_warns_its_submitter_until_its_last_day() {
        let waived = "A claim has a payer. (waived until 2027-06-30)".to_owned();
        for (submitter, today, expected) in [
            ("evergreen", "2026-11-21", (0, vec![waived.clone()])),
            ("evergreen", "2027-06-30", (0, vec![waived])),
            ("evergreen", "2027-07-01", (1, vec![])),
            ("cascade", "2026-11-21", (1, vec![])),
        ] {
            assert_eq!(
                outcome(submitter, today).await,
                expected,
                "{submitter} {today}"
            );
        }
    }

    #[test]
    fn the_first_rows_of_a_file_are_named_in_any_blocks() {
        let mut count = FileTally::default();
        for first_row in [1, 101, 201] {
            let tally = Tally {
                rows: 100,
                short: 3,
                first: vec![0, 50, 99],
            };
            count.add(&tally, |index| first_row + index as u64);
        }
        let expected = FileTally {
            rows: 300,
            short: 9,
            first_rows: vec![1, 51, 100, 101, 151],
        };
        assert_eq!(count, expected);
    }
}
