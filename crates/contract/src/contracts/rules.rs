//! Rules in SQL: what can be judged without an engine. The expression itself is checked where it
//! is planned.

use std::collections::BTreeSet;

use super::raw::RawRule;
use crate::document::Review;
use crate::names::{BUILT_IN_RULES, is_snake_case};
use crate::{Rule, RuleScope, Severity};

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
        if let (Some(RuleScope::File), Some(severity)) = (rule.scope, &rule.severity)
            && severity.value == Severity::Reject
        {
            let help = "write `fail` or `warn`, or give the rule the scope `row`";
            let message = "a rule over the whole file cannot reject a row";
            review.refuse(severity, message, "expected `fail` or `warn`", help);
        }
    }
    raw.iter().map(rule).collect()
}

fn rule(raw: &RawRule) -> Rule {
    let scope = raw.scope.unwrap_or(RuleScope::Row);
    let default = match scope {
        RuleScope::Row => Severity::Reject,
        RuleScope::File => Severity::Fail,
    };
    Rule {
        id: raw.id.value.clone(),
        scope,
        sql: raw.sql.value.trim().to_owned(),
        severity: raw
            .severity
            .as_ref()
            .map_or(default, |severity| severity.value),
        explanation: raw.explanation.value.trim().to_owned(),
    }
}
