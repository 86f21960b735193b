//! What an inspection found, as tables: reasons, thresholds, months.

use contract::AtomicMonth;
use pipeline::{ReasonCount, ThresholdReport, percent};

use super::output::{Table, count, plural};

/// More months than this are shown as their range; `--format json` lists all.
const MONTHS_SHOWN_MAX: usize = 24;

/// The rows of each month, ascending.
pub(super) fn months_text(months: &[(AtomicMonth, i64)]) -> String {
    if months.len() <= MONTHS_SHOWN_MAX {
        let mut table = Table::new(["month", "#rows"]);
        for (month, rows) in months {
            table.row([month.to_string(), count(*rows)]);
        }
        return table.to_string();
    }
    let known = || {
        months
            .iter()
            .map(|(month, _)| *month)
            .filter(|month| month.is_known())
    };
    let range = match (known().min(), known().max()) {
        (Some(first), Some(last)) => format!(", {first} to {last}"),
        _ => String::new(),
    };
    format!(
        "{}{range} (--format json lists them)",
        plural(months.len() as u64, "month")
    )
}

pub(super) fn thresholds_table(thresholds: &[ThresholdReport]) -> Table {
    let mut table = Table::new(["column", "rule", "#rows", "#found", "#limit", "outcome"]);
    for threshold in thresholds {
        let limit = match (threshold.min, threshold.max) {
            (Some(min), _) => format!("at least {}", percent(min)),
            (None, max) => format!("at most {}", percent(max.unwrap_or(0.0))),
        };
        let outcome = match (threshold.holds, threshold.waived_until) {
            (true, _) => "holds".to_owned(),
            (false, None) => threshold.severity.as_str().to_owned(),
            (false, Some(until)) => {
                format!("{}, waived until {until}", threshold.severity.as_str())
            }
        };
        table.row([
            threshold.column.clone().unwrap_or_default(),
            rule_name(
                &threshold.rule,
                threshold.tier,
                threshold.category.as_deref(),
            ),
            count(threshold.rows as i64),
            percent(threshold.found),
            limit,
            outcome,
        ]);
    }
    table
}

/// A rule with what its contract says of its weight: `paid_early (tier 1, validity)`.
fn rule_name(rule: &str, tier: Option<u8>, category: Option<&str>) -> String {
    let tier = tier.map(|tier| format!("tier {tier}"));
    let said: Vec<String> = tier
        .into_iter()
        .chain(category.map(str::to_owned))
        .collect();
    if said.is_empty() {
        rule.to_owned()
    } else {
        format!("{rule} ({})", said.join(", "))
    }
}

pub(super) fn reasons_table(reasons: &[ReasonCount]) -> Table {
    let mut table = Table::new(["#rows", "column", "rule", "expected", "first at"]);
    for reason in reasons {
        table.row([
            count(reason.rows),
            reason.column.clone().unwrap_or_else(|| "(row)".to_owned()),
            rule_name(&reason.rule, reason.tier, reason.category.as_deref()),
            reason.expected.clone(),
            format!("{} row {}", reason.first_file, reason.first_row),
        ]);
    }
    table
}
