use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use contract::{
    CanonicalColumn, CanonicalSchema, ColumnType, Mapping, MappingSource, Rule, RuleScope, Severity,
};
use lake::{FileRules, RowRules, check_mapping};

fn rule(sql: &str, scope: RuleScope) -> Rule {
    Rule::new("r", scope, sql, Severity::Reject)
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("paid", DataType::Int64, true),
        Field::new("sex", DataType::Utf8, true),
    ]))
}

#[test]
fn a_row_rule_holds_where_it_is_true_or_null() {
    let rules = RowRules::compile(&[rule("paid >= 0", RuleScope::Row)], &schema()).unwrap();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![Some(1), Some(-1), None, Some(-2)])),
        Arc::new(StringArray::from(vec!["m"; 4])),
    ];
    let batch = RecordBatch::try_new(schema(), columns).unwrap();
    let broken = rules.broken(&batch).unwrap();
    assert_eq!(broken[0].1, [1, 3]);
}

#[test]
fn a_row_rule_that_a_row_makes_impossible_is_broken_there() {
    let rules = RowRules::compile(&[rule("10 / paid >= 0", RuleScope::Row)], &schema()).unwrap();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![Some(1), Some(0), None, Some(-2)])),
        Arc::new(StringArray::from(vec!["m"; 4])),
    ];
    let batch = RecordBatch::try_new(schema(), columns).unwrap();
    let broken = rules.broken(&batch).unwrap();
    assert_eq!(broken[0].1, [1, 3]);
}

#[test]
fn functions_that_exist_in_plans_only_can_be_used() {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![Some(1), None])),
        Arc::new(StringArray::from(vec!["m"; 2])),
    ];
    let batch = RecordBatch::try_new(schema(), columns).unwrap();
    for (sql, expected) in [
        ("coalesce(paid, -1) >= 0", vec![1]),
        ("nvl(paid, 0) >= 0", vec![]),
        ("current_date > DATE '2020-01-01'", vec![]),
    ] {
        let rules = RowRules::compile(&[rule(sql, RuleScope::Row)], &schema()).unwrap();
        assert_eq!(rules.broken(&batch).unwrap()[0].1, expected, "{sql}");
    }
}

#[test]
fn rules_that_do_not_plan_or_are_not_boolean_are_refused() {
    for (sql, expected) in [
        ("payd > 0", "payd"),
        ("paid + 1", "Int64"),
        ("paid >", "rule `r`"),
    ] {
        let error = RowRules::compile(&[rule(sql, RuleScope::Row)], &schema())
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{sql}: {error}");
    }
}

#[tokio::test]
async fn file_rules_need_aggregates_over_known_columns() {
    FileRules::compile(
        &[rule("count(*) > 10 AND min(paid) > 0", RuleScope::File)],
        &schema(),
    )
    .await
    .unwrap();
    for sql in ["count(payd) > 0", "sum(paid)", "paid > 0"] {
        assert!(
            FileRules::compile(&[rule(sql, RuleScope::File)], &schema())
                .await
                .is_err(),
            "{sql}"
        );
    }
}

#[test]
fn a_mapping_is_checked_against_both_sides() {
    let column = |name: &str, column_type, required| CanonicalColumn {
        name: name.into(),
        column_type,
        required,
        description: String::new(),
    };
    let canonical = CanonicalSchema {
        file_type: "claim".parse().unwrap(),
        version: 1,
        title: String::new(),
        columns: vec![
            column(
                "paid_amount",
                ColumnType::Decimal {
                    precision: 12,
                    scale: 2,
                },
                true,
            ),
            column("gender", ColumnType::String, false),
        ],
        content_hash: String::new(),
    };
    let map = |column: &str| MappingSource::DomainMap {
        column: column.into(),
        values: BTreeMap::from([("1".into(), "M".into())]),
        otherwise: None,
    };
    let problems = |columns: &[(&str, MappingSource)]| {
        let mapping = Mapping {
            layout: "claim@v1".parse().unwrap(),
            version: 1,
            canonical_schema_version: 1,
            columns: columns
                .iter()
                .map(|(name, source)| ((*name).into(), source.clone()))
                .collect(),
            content_hash: String::new(),
        };
        check_mapping(&mapping, &schema(), &canonical)
    };
    let sql = |text: &str| MappingSource::Sql(text.into());
    assert_eq!(
        problems(&[("paid_amount", sql("paid / 100.0")), ("gender", map("sex"))]),
        [""; 0]
    );
    for (columns, expected) in [
        (vec![("paid_amount", sql("payd"))], "payd"),
        (
            vec![("paid_amount", sql("paid")), ("gender", map("seks"))],
            "seks",
        ),
        (vec![("gender", map("sex"))], "`paid_amount` is required"),
        (
            vec![("paid_amount", sql("paid")), ("age", sql("1"))],
            "`age` is not a column",
        ),
    ] {
        let found = problems(&columns);
        assert!(
            found.iter().any(|problem| problem.contains(expected)),
            "{expected}: {found:?}"
        );
    }
}
