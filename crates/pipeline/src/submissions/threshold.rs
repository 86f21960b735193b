//! What a file comes to under the contract's thresholds: rules that some of its rows may break,
//! and how much of a column must be populated. Holds counts, row numbers and the contract's own
//! words, never values.

use chrono::NaiveDate;
use contract::{Completeness, Rule, Severity, Waiver};
use serde::{Deserialize, Serialize};

use super::judge::{FileTally, explanation};

/// One threshold over one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThresholdReport {
    /// The rule's id, or `completeness`.
    pub rule: String,
    pub column: Option<String>,
    /// False: the file is warned of, or fails, by `severity`.
    pub holds: bool,
    pub severity: Severity,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    pub expected: String,
    /// The accepted rows that it is about.
    pub rows: u64,
    /// Of a rule the share of `rows` that break it; of completeness the share with a value.
    pub found: f64,
    /// `found` may be no less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// `found` may be no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Of `rows` those that break the rule, or have no value.
    pub short: u64,
    /// The first of those.
    pub first_rows: Vec<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived_until: Option<NaiveDate>,
}

impl ThresholdReport {
    /// Where no row counts, there is nothing to fall short.
    pub(super) fn of_completeness(
        column: &str,
        completeness: &Completeness,
        count: &FileTally,
    ) -> Self {
        let found = match count.rows {
            0 => 1.0,
            rows => (rows - count.short) as f64 / rows as f64,
        };
        let of_rows = match &completeness.of_rows {
            None => "rows".to_owned(),
            Some(condition) => format!("rows where {condition}"),
        };
        Self {
            rule: "completeness".to_owned(),
            column: Some(column.to_owned()),
            holds: found >= completeness.min,
            severity: completeness.severity,
            tier: None,
            category: None,
            expected: format!("a value in {} of {of_rows}", percent(completeness.min)),
            rows: count.rows,
            found,
            min: Some(completeness.min),
            max: None,
            short: count.short,
            first_rows: count.first_rows.clone(),
            waived_until: None,
        }
    }

    pub(super) fn of_rule(
        rule: &Rule,
        severity: Severity,
        waiver: Option<&Waiver>,
        count: &FileTally,
    ) -> Self {
        let found = match count.rows {
            0 => 0.0,
            rows => count.short as f64 / rows as f64,
        };
        let threshold = rule.threshold.unwrap_or(0.0);
        Self {
            rule: rule.id.clone(),
            column: None,
            holds: found <= threshold,
            severity,
            tier: rule.tier,
            category: rule.category.clone(),
            expected: explanation(rule, waiver),
            rows: count.rows,
            found,
            min: None,
            max: Some(threshold),
            short: count.short,
            first_rows: count.first_rows.clone(),
            waived_until: waiver.map(|waiver| waiver.until),
        }
    }

    /// What is wrong, if anything, in few words.
    pub(super) fn fault(&self) -> Option<String> {
        if self.holds {
            return None;
        }
        let name = match &self.column {
            Some(column) => format!("`{column}`: {}", self.rule),
            None => self.rule.clone(),
        };
        let (found, rows) = (percent(self.found), self.rows);
        let mut fault = match (self.min, self.max) {
            (Some(min), _) => {
                let (with, min) = (rows - self.short, percent(min));
                format!("{name} {found} ({with} of {rows} rows), and {min} is expected")
            }
            (None, max) => {
                let (short, max) = (self.short, percent(max.unwrap_or(0.0)));
                format!("{name} broken by {found} ({short} of {rows} rows), and {max} may be")
            }
        };
        if let Some(until) = self.waived_until {
            fault += &format!(", waived until {until}");
        }
        Some(fault)
    }
}

/// With as many decimals as it has, at most two.
pub fn percent(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}%")
}

#[cfg(test)]
mod tests {
    use contract::RuleScope;

    use super::*;

    fn count(rows: u64, short: u64) -> FileTally {
        FileTally {
            rows,
            short,
            first_rows: (1..=short.min(5)).collect(),
        }
    }

    #[test]
    fn completeness_is_the_share_with_a_value() {
        let completeness = Completeness {
            min: 0.98,
            of_rows: Some("kind = 'I'".to_owned()),
            severity: Severity::Fail,
        };
        for (rows, short, fault) in [
            (100, 2, None),
            (0, 0, None),
            (
                1000,
                21,
                Some("`npi`: completeness 97.9% (979 of 1000 rows), and 98% is expected"),
            ),
        ] {
            let report =
                ThresholdReport::of_completeness("npi", &completeness, &count(rows, short));
            assert_eq!(report.fault().as_deref(), fault, "{rows} {short}");
            assert_eq!(report.expected, "a value in 98% of rows where kind = 'I'");
        }
    }

    #[test]
    fn a_rule_may_be_broken_by_so_many() {
        let rule = Rule {
            threshold: Some(0.02),
            tier: Some(1),
            explanation: "Pay first.".to_owned(),
            ..Rule::new("paid_early", RuleScope::Row, "true", Severity::Fail)
        };
        let of = |rows, short| {
            let report = ThresholdReport::of_rule(&rule, Severity::Fail, None, &count(rows, short));
            (report.fault(), report.first_rows.len())
        };
        assert_eq!(of(50, 1), (None, 1));
        assert_eq!(of(0, 0), (None, 0));
        let fault = "paid_early broken by 3% (3 of 100 rows), and 2% may be";
        assert_eq!(of(100, 3), (Some(fault.to_owned()), 3));

        let waiver = Waiver {
            submitter_id: "evergreen".parse().unwrap(),
            until: NaiveDate::from_ymd_opt(2027, 6, 30).unwrap(),
            reason: "A new system.".to_owned(),
        };
        let waived = ThresholdReport::of_rule(&rule, Severity::Warn, Some(&waiver), &count(100, 3));
        assert_eq!(
            waived.fault(),
            Some(format!("{fault}, waived until 2027-06-30"))
        );
        assert_eq!(waived.expected, "Pay first. (waived until 2027-06-30)");
    }

    #[test]
    fn percentages_are_short() {
        for (share, text) in [(0.98, "98%"), (0.975, "97.5%"), (0.0, "0%"), (1.0, "100%")] {
            assert_eq!(percent(share), text);
        }
    }
}
