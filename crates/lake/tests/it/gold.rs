use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::Duration;
use contract::AtomicMonth;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::TryStreamExt;
use lake::{GoldRows, LakeError, MonthTable, Objects, session};

use crate::places::on_each_place;

const FOLDER: &str = "gold_canonical/wa/claim/";
const MARCH: AtomicMonth = AtomicMonth::Known {
    year: 2024,
    month: 3,
};
const APRIL: AtomicMonth = AtomicMonth::Known {
    year: 2024,
    month: 4,
};

fn schema(fields: &[(&str, DataType)]) -> SchemaRef {
    Arc::new(Schema::new(
        fields
            .iter()
            .map(|(name, kind)| Field::new(*name, kind.clone(), true))
            .collect::<Vec<_>>(),
    ))
}

fn claims() -> SchemaRef {
    schema(&[("claim_id", DataType::Utf8), ("paid", DataType::Int64)])
}

fn rows(values: &[(&str, i64)]) -> GoldRows {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(
            values.iter().map(|row| row.0),
        )),
        Arc::new(Int64Array::from_iter_values(values.iter().map(|row| row.1))),
    ];
    let batch = RecordBatch::try_new(claims(), columns).unwrap();
    stream_of(batch)
}

fn stream_of(batch: RecordBatch) -> GoldRows {
    let schema = batch.schema();
    let rows = RecordBatchStreamAdapter::new(schema, futures::stream::iter([Ok(batch)]));
    GoldRows {
        subject: "rows of a test".into(),
        rows: Box::pin(rows),
    }
}

fn table(objects: &Objects, schema: SchemaRef) -> MonthTable {
    MonthTable::new(objects, FOLDER.to_owned(), schema, Duration::zero())
}

async fn replace_month(
    table: &MonthTable,
    month: AtomicMonth,
    sources: Vec<GoldRows>,
    attempt: &str,
) -> Result<u64, LakeError> {
    let mut replacement = table.replace().await?;
    let rows = replacement.write(month, sources, attempt).await?;
    replacement.commit(serde_json::json!({})).await?;
    Ok(rows)
}

/// What a plain Parquet reader of the whole folder sees.
async fn plain_read(objects: &Objects) -> Vec<String> {
    let context = session(objects).unwrap();
    let url = objects.url().join(FOLDER).unwrap();
    context.sql(&format!("CREATE EXTERNAL TABLE t STORED AS PARQUET PARTITIONED BY (atomic_month) LOCATION '{url}'"))
        .await
        .unwrap();
    let found = context
        .sql("SELECT concat_ws(' ', atomic_month, claim_id, cast(paid AS varchar)) FROM t ORDER BY 1")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    let text = |batch: &RecordBatch| {
        let column = arrow::compute::cast(batch.column(0), &DataType::Utf8).unwrap();
        let column = column
            .as_any()
            .downcast_ref::<StringArray>()
            .unwrap()
            .clone();
        column
            .iter()
            .map(|row| row.unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    found.iter().flat_map(text).collect()
}

#[test]
fn a_month_is_replaced_and_the_others_stay() {
    on_each_place(|objects| async move {
        let table = table(&objects, claims());
        replace_month(&table, MARCH, vec![rows(&[("a", 1), ("b", 2)])], "one")
            .await
            .unwrap();
        replace_month(&table, APRIL, vec![rows(&[("c", 3)])], "two")
            .await
            .unwrap();
        let replaced = replace_month(
            &table,
            MARCH,
            vec![rows(&[("a", 9)]), rows(&[("d", 4)])],
            "three",
        )
        .await
        .unwrap();
        assert_eq!(replaced, 2);
        assert_eq!(
            plain_read(&objects).await,
            ["2024-03 a 9", "2024-03 d 4", "2024-04 c 3"]
        );
        let march: Vec<_> = objects
            .list(&format!("{FOLDER}atomic_month=2024-03/"))
            .try_collect()
            .await
            .unwrap();
        assert_eq!(march.len(), 1, "retired files are gone: {march:?}");
    });
}

#[test]
fn what_a_crashed_attempt_left_is_swept() {
    on_each_place(|objects| async move {
        let left = format!("{FOLDER}atomic_month=2024-03/part-00000-crashed.parquet");
        objects.put(&left, "not even Parquet".into()).await.unwrap();
        let table = table(&objects, claims());
        replace_month(&table, MARCH, vec![rows(&[("a", 1)])], "next")
            .await
            .unwrap();
        assert_eq!(plain_read(&objects).await, ["2024-03 a 1"]);
    });
}

#[test]
fn new_columns_join_and_changed_types_are_refused() {
    on_each_place(|objects| async move {
        replace_month(
            &table(&objects, claims()),
            MARCH,
            vec![rows(&[("a", 1)])],
            "one",
        )
        .await
        .unwrap();
        let grown = schema(&[
            ("claim_id", DataType::Utf8),
            ("paid", DataType::Int64),
            ("charged", DataType::Int64),
        ]);
        let batch = RecordBatch::try_new(
            grown.clone(),
            vec![
                Arc::new(StringArray::from(vec!["b"])) as ArrayRef,
                Arc::new(Int64Array::from(vec![2])),
                Arc::new(Int64Array::from(vec![3])),
            ],
        );
        replace_month(
            &table(&objects, grown),
            APRIL,
            vec![stream_of(batch.unwrap())],
            "two",
        )
        .await
        .unwrap();
        assert_eq!(plain_read(&objects).await, ["2024-03 a 1", "2024-04 b 2"]);

        let changed = schema(&[("claim_id", DataType::Utf8), ("paid", DataType::Utf8)]);
        let refused = replace_month(&table(&objects, changed), MARCH, vec![], "three")
            .await
            .unwrap_err();
        let LakeError::Delta { problem, .. } = &refused else {
            panic!("{refused}")
        };
        assert!(problem.contains("column `paid`"), "{problem}");
        assert_eq!(
            plain_read(&objects).await.len(),
            2,
            "a refused replacement changes nothing"
        );
    });
}

#[test]
fn an_empty_required_column_stops_its_month_and_says_which() {
    on_each_place(|objects| async move {
        let strict = Arc::new(Schema::new(vec![
            Field::new("claim_id", DataType::Utf8, false),
            Field::new("paid", DataType::Int64, true),
        ]));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec![Some("a"), None])),
            Arc::new(Int64Array::from(vec![1, 2])),
        ];
        let batch = RecordBatch::try_new(claims(), columns).unwrap();
        let error = replace_month(
            &table(&objects, strict),
            MARCH,
            vec![stream_of(batch)],
            "one",
        )
        .await
        .unwrap_err();
        assert!(
            error
                .to_string()
                .contains("rows of a test: `claim_id` is required"),
            "{error}"
        );
    });
}

#[test]
fn retired_files_stay_for_their_retention() {
    on_each_place(|objects| async move {
        let table = MonthTable::new(&objects, FOLDER.to_owned(), claims(), Duration::hours(1));
        for attempt in ["one", "two"] {
            replace_month(&table, MARCH, vec![rows(&[("a", 1)])], attempt)
                .await
                .unwrap();
        }
        let march = format!("{FOLDER}atomic_month=2024-03/");
        let kept: Vec<_> = objects.list(&march).try_collect().await.unwrap();
        assert_eq!(kept.len(), 2, "the retired file is an hour too young");
    });
}

#[test]
fn replacements_that_overlap_in_time_all_get_in() {
    on_each_place(|objects| async move {
        replace_month(
            &table(&objects, claims()),
            MARCH,
            vec![rows(&[("a", 1)])],
            "first",
        )
        .await
        .unwrap();
        let months: Vec<AtomicMonth> = (1..=6).map(|month| AtomicMonth::new(2023, month)).collect();
        let tables: Vec<MonthTable> = months.iter().map(|_| table(&objects, claims())).collect();
        let mut open = Vec::new();
        for (table, month) in tables.iter().zip(&months) {
            let mut replacement = table.replace().await.unwrap();
            replacement
                .write(*month, vec![rows(&[("b", 2)])], "attempt")
                .await
                .unwrap();
            open.push(replacement);
        }
        let note = serde_json::json!({});
        let commits = open
            .into_iter()
            .map(|replacement| replacement.commit(note.clone()));
        for committed in futures::future::join_all(commits).await {
            committed.unwrap();
        }
        assert_eq!(plain_read(&objects).await.len(), 7);
    });
}

#[test]
fn of_two_that_replace_a_month_at_once_the_later_is_refused() {
    on_each_place(|objects| async move {
        let table = table(&objects, claims());
        replace_month(&table, MARCH, vec![rows(&[("a", 1)])], "first")
            .await
            .unwrap();
        let mut one = table.replace().await.unwrap();
        let mut two = table.replace().await.unwrap();
        one.write(MARCH, vec![rows(&[("b", 2), ("c", 3)])], "one")
            .await
            .unwrap();
        two.write(MARCH, vec![rows(&[("d", 4)])], "two")
            .await
            .unwrap();
        one.commit(serde_json::json!({})).await.unwrap();
        let refused = two.commit(serde_json::json!({})).await.unwrap_err();
        assert!(refused.is_transient(), "{refused}");
        assert_eq!(plain_read(&objects).await, ["2024-03 b 2", "2024-03 c 3"]);
    });
}
