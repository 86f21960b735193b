//! What a twin makes of rules in SQL: a column that a rule speaks of always has a value, and
//! where a rule compares two columns of numbers, they come in that order.

use contract::{ColumnType, Contract, RuleScope};
use regex::Regex;

/// Whether a rule speaks of the column.
pub(super) fn mention(contract: &Contract, column: &str) -> bool {
    let texts = contract.rules.iter().map(|rule| rule.sql.as_str());
    let conditions = (contract.columns.iter()).filter_map(|one| one.required_when.as_deref());
    texts.chain(conditions).any(|text| {
        text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .any(|word| word == column)
    })
}

/// Pairs of columns of which the first is to be no greater than the second.
pub(super) fn orders(contract: &Contract) -> Vec<(usize, usize)> {
    let comparison = Regex::new(r"\b([a-z][a-z0-9_]*)\s*(<=|>=|<|>)\s*([a-z][a-z0-9_]*)\b")
        .expect("a regular expression");
    let place = |name: &str| {
        let is_number =
            |kind: &ColumnType| matches!(kind, ColumnType::Integer | ColumnType::Decimal { .. });
        let mut columns = contract.columns.iter();
        columns.position(|one| one.name == name && is_number(&one.column_type))
    };
    let rows = contract
        .rules
        .iter()
        .filter(|rule| rule.scope == RuleScope::Row);
    let found = rows.flat_map(|rule| comparison.captures_iter(&rule.sql));
    let pairs = found.filter_map(|found| {
        let (left, right) = (place(&found[1])?, place(&found[3])?);
        let same = contract.columns[left].column_type == contract.columns[right].column_type;
        let key = &contract.natural_key;
        let free = |at: usize| !key.contains(&contract.columns[at].name);
        let ordered = match &found[2] {
            "<" | "<=" => (left, right),
            _ => (right, left),
        };
        (same && free(left) && free(right)).then_some(ordered)
    });
    pairs.collect()
}
