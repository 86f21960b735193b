//! Rules in SQL: what can be judged without an engine. The expression itself is checked where it
//! is planned.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::check_ratio;
use super::raw::RawRule;
use crate::document::Review;
use crate::names::{BUILT_IN_RULES, is_snake_case};
use crate::{Rule, RuleScope, Severity, SubmitterId, Waiver};

pub(super) fn check(raw: &[RawRule], review: &mut Review<'_>) -> Vec<Rule> {
    let mut ids = BTreeSet::new();
    for rule in raw {
        let id = rule.id.value.as_str();
        let wrong = if !is_snake_case(id) {
            Some((format!("`{id}` cannot name a rule"), "expected snake_case"))
        } else if BUILT_IN_RULES.contains(&id) {
            Some((
                format!("`{id}` is the name of a built-in check"),
                "expected another name",
            ))
        } else if !ids.insert(id) {
            Some((format!("the rule `{id}` stands twice"), "expected once"))
        } else {
            None
        };
        if let Some((message, expected)) = wrong {
            let help = "name what the rule demands, for example `thru_not_before_from`";
            review.refuse(&rule.id, message, expected, help);
        }
        for (key, text) in [("sql", &rule.sql), ("explanation", &rule.explanation)] {
            if text.value.trim().is_empty() {
                let help = match key {
                    "sql" => "write what must hold, for example `thru_date >= from_date`",
                    _ => "write what the rule means and what the submitter should do",
                };
                review.refuse(text, format!("`{key}` is empty"), "expected text", help);
            }
        }
        check_threshold(rule, review);
        if let (Some(RuleScope::File), Some(severity)) = (rule.scope, &rule.severity)
            && severity.value == Severity::Reject
        {
            let help = "write `fail` or `warn`, or give the rule the scope `row`";
            let message = "a rule over the whole file cannot reject a row";
            review.refuse(severity, message, "expected `fail` or `warn`", help);
        }
    }
    raw.iter().map(|raw| rule(raw, review)).collect()
}

/// A threshold judges the file at its end, over the rows of the denominator.
fn check_threshold(raw: &RawRule, review: &mut Review<'_>) {
    let is_file = raw.scope == Some(RuleScope::File);
    if let Some(threshold) = &raw.threshold {
        let help = "write the share of rows that may break the rule: `0.02` is one in fifty";
        check_ratio(threshold, help, review);
        if is_file {
            let help = "give the rule the scope `row`: its broken rows are then counted";
            let message = "a rule over the whole file has no rows to count";
            review.refuse(threshold, message, "expected on a rule of rows", help);
        }
        if let Some(severity) = &raw.severity
            && severity.value == Severity::Reject
        {
            let message = "a rule with a threshold judges the file and cannot reject a row";
            let help = "write `fail` or `warn`, or remove `threshold`";
            review.refuse(severity, message, "expected `fail` or `warn`", help);
        }
    }
    if let Some(denominator) = &raw.denominator
        && is_file
    {
        let help = "put the condition into `sql`: `count(*) filter (where …)`";
        let message = "a rule over the whole file has no denominator";
        review.refuse(denominator, message, "expected on a rule of rows", help);
    }
}

fn waivers(raw: &RawRule, review: &mut Review<'_>) -> Vec<Waiver> {
    let mut waivers = Vec::with_capacity(raw.waivers.len());
    for waiver in &raw.waivers {
        let submitter_id = waiver.submitter.value.parse::<SubmitterId>();
        if let Err(error) = &submitter_id {
            let help = "write the submitter id as in its feed";
            review.refuse(
                &waiver.submitter,
                error.to_string(),
                "expected a submitter id",
                help,
            );
        }
        let until = NaiveDate::parse_from_str(&waiver.until.value, "%Y-%m-%d");
        if until.is_err() {
            let message = format!("`{}` is not a day", waiver.until.value);
            let help = "write the last day on which it stands: `2027-06-30`";
            review.refuse(&waiver.until, message, "expected YYYY-MM-DD", help);
        }
        if let (Ok(submitter_id), Ok(until)) = (submitter_id, until) {
            waivers.push(Waiver {
                submitter_id,
                until,
                reason: waiver.reason.value.trim().to_owned(),
            });
        }
    }
    waivers
}

fn rule(raw: &RawRule, review: &mut Review<'_>) -> Rule {
    let scope = raw.scope.unwrap_or(RuleScope::Row);
    let default = match scope {
        RuleScope::Row if raw.threshold.is_none() => Severity::Reject,
        RuleScope::Row | RuleScope::File => Severity::Fail,
    };
    Rule {
        id: raw.id.value.clone(),
        scope,
        sql: raw.sql.value.trim().to_owned(),
        severity: raw
            .severity
            .as_ref()
            .map_or(default, |severity| severity.value),
        tier: raw.tier.as_ref().map(|tier| tier.value),
        category: raw
            .category
            .as_ref()
            .map(|category| category.value.trim().to_owned()),
        denominator: raw
            .denominator
            .as_ref()
            .map(|sql| sql.value.trim().to_owned()),
        threshold: raw.threshold.as_ref().map(|threshold| threshold.value),
        waivers: waivers(raw, review),
        explanation: raw.explanation.value.trim().to_owned(),
    }
}
