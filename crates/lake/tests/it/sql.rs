use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use contract::{
    CanonicalColumn, CanonicalSchema, Column, ColumnType, Completeness, Contract, FileFormat,
    Mapping, MappingSource, Rule, RuleScope, Severity,
};
use lake::{FileRules, Measures, RowRule, RowRules, Tally, check_mapping};

fn rule(sql: &str, scope: RuleScope) -> Rule {
    Rule::new("r", scope, sql, Severity::Reject)
}

/// A contract of nothing but rules.
fn of_rules(rules: &[Rule]) -> Contract {
    let layout = "claim@v1".parse().unwrap();
    Contract {
        rules: rules.to_vec(),
        ..Contract::new(layout, FileFormat::default(), Vec::new())
    }
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("paid", DataType::Int64, true),
        Field::new("sex", DataType::Utf8, true),
    ]))
}

#[test]
fn a_row_rule_holds_where_it_is_true_or_null() {
    let rules =
        RowRules::compile(&of_rules(&[rule("paid >= 0", RuleScope::Row)]), &schema()).unwrap();
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
    let rules = RowRules::compile(
        &of_rules(&[rule("10 / paid >= 0", RuleScope::Row)]),
        &schema(),
    )
    .unwrap();
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
        let rules = RowRules::compile(&of_rules(&[rule(sql, RuleScope::Row)]), &schema()).unwrap();
        assert_eq!(rules.broken(&batch).unwrap()[0].1, expected, "{sql}");
    }
}

/// Columns `paid` and `sex` of the batch `[(1, m), (-1, m), (null, f), (0, null), (5, f)]`.
fn five_rows() -> RecordBatch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![
            Some(1),
            Some(-1),
            None,
            Some(0),
            Some(5),
        ])),
        Arc::new(StringArray::from(vec![
            Some("m"),
            Some("m"),
            Some("f"),
            None,
            Some("f"),
        ])),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

fn columns(paid: impl Fn(&mut Column), sex: impl Fn(&mut Column)) -> Contract {
    let mut columns = [
        Column::new("paid", ColumnType::Integer),
        Column::new("sex", ColumnType::String),
    ];
    paid(&mut columns[0]);
    sex(&mut columns[1]);
    Contract {
        columns: columns.to_vec(),
        ..of_rules(&[])
    }
}

#[test]
fn a_column_is_required_where_its_condition_is_true() {
    for (condition, expected) in [
        ("sex = 'f'", vec![2]),
        ("sex IS NOT NULL", vec![2]),
        // Null, not true.
        ("paid > 0", vec![]),
        // Impossible to compute, and asked only of a row without a value.
        ("10 / (length(sex) - 1) > 0", vec![2]),
    ] {
        let contract = columns(
            |paid| {
                paid.required_when = Some(condition.to_owned());
                paid.severity = Severity::Warn;
            },
            |_| {},
        );
        let rules = RowRules::compile(&contract, &schema()).unwrap();
        let batch = five_rows();
        let broken = rules.broken(&batch).unwrap();
        assert_eq!(broken[0].1, expected, "{condition}");
        let RowRule::RequiredWhen {
            column, severity, ..
        } = broken[0].0
        else {
            panic!("{:?} is of the column", broken[0].0);
        };
        assert_eq!((column.as_str(), *severity), ("paid", Severity::Warn));
    }
    for condition in ["length(sex)", "sexx = 'f'"] {
        let contract = columns(
            |paid| paid.required_when = Some(condition.to_owned()),
            |_| {},
        );
        let error = RowRules::compile(&contract, &schema())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("`required_when` of column `paid`"),
            "{error}"
        );
    }
}

#[test]
fn a_denominator_says_which_rows_a_rule_is_about() {
    let about = |denominator: &str, threshold| Rule {
        denominator: Some(denominator.to_owned()),
        threshold,
        ..rule("paid > 0", RuleScope::Row)
    };
    let contract = of_rules(&[about("sex = 'm'", None)]);
    let rules = RowRules::compile(&contract, &schema()).unwrap();
    assert_eq!(rules.broken(&five_rows()).unwrap()[0].1, [1]);
    assert_eq!(
        Measures::compile(&contract, &schema())
            .unwrap()
            .iter()
            .len(),
        0
    );

    // With a threshold the rows are counted, not judged.
    for (rule, rows, short, first) in [
        (about("sex = 'm'", Some(0.5)), 2, 1, vec![1]),
        (about("true", Some(0.5)), 5, 2, vec![1, 3]),
        (about("sex = 'x'", Some(0.5)), 0, 0, vec![]),
        // The row of 0 makes it impossible to compute: it counts.
        (about("10 / paid > 0", Some(0.5)), 3, 1, vec![3]),
    ] {
        let contract = of_rules(std::slice::from_ref(&rule));
        assert!(RowRules::compile(&contract, &schema()).unwrap().is_empty());
        let measures = Measures::compile(&contract, &schema()).unwrap();
        let expected = Tally { rows, short, first };
        assert_eq!(
            measures.tally(&five_rows()).unwrap(),
            [expected],
            "{rule:?}"
        );
    }
}

#[test]
fn completeness_counts_rows_without_a_value() {
    let complete = |of_rows: Option<&str>| {
        Some(Completeness {
            min: 0.9,
            of_rows: of_rows.map(str::to_owned),
            severity: Severity::Warn,
        })
    };
    let contract = columns(
        |paid| paid.completeness = complete(None),
        |sex| sex.completeness = complete(Some("paid <= 0")),
    );
    let measures = Measures::compile(&contract, &schema()).unwrap();
    let tally = |rows, short, first: &[usize]| Tally {
        rows,
        short,
        first: first.to_vec(),
    };
    let expected = [tally(5, 1, &[2]), tally(2, 1, &[3])];
    assert_eq!(measures.tally(&five_rows()).unwrap(), expected);
    let none = RecordBatch::new_empty(schema());
    assert_eq!(
        measures.tally(&none).unwrap(),
        [tally(0, 0, &[]), tally(0, 0, &[])]
    );
}

#[test]
fn rules_that_do_not_plan_or_are_not_boolean_are_refused() {
    for (sql, expected) in [
        ("payd > 0", "payd"),
        ("paid + 1", "Int64"),
        ("paid >", "rule `r`"),
    ] {
        let error = RowRules::compile(&of_rules(&[rule(sql, RuleScope::Row)]), &schema())
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
