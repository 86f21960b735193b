//! One stored row, for tracing it to its bytes.

use arrow::array::{Array, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::prelude::SessionContext;

use crate::session::read_parquet;
use crate::{LakeError, Objects};

/// A row of a Parquet file as text: column name and value (`None` for null).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRow {
    pub columns: Vec<(String, Option<String>)>,
}

impl StoredRow {
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.columns.iter().find(|(column, _)| column == name)?;
        found.1.as_deref()
    }
}

/// The row at `index` (0 is the first) of the Parquet file at `key`, or `None` past its end.
pub async fn read_row(
    context: &SessionContext,
    objects: &Objects,
    key: &str,
    index: usize,
) -> Result<Option<StoredRow>, LakeError> {
    // One partition: parts of the file that are read side by side would come in any order.
    let mut state = context.state();
    state.config_mut().options_mut().execution.target_partitions = 1;
    let context = SessionContext::new_with_state(state);
    let rows = read_parquet(&context, objects, &[key.to_owned()], key).await?;
    let batches = rows
        .limit(index, Some(1))
        .map_err(LakeError::plan(key))?
        .collect()
        .await
        .map_err(LakeError::execution(key))?;
    match batches.iter().find(|batch| batch.num_rows() > 0) {
        None => Ok(None),
        Some(batch) => Ok(Some(first_row(batch)?)),
    }
}

fn first_row(batch: &RecordBatch) -> Result<StoredRow, LakeError> {
    let options = FormatOptions::default();
    let schema = batch.schema();
    let text = |(field, column): (&arrow::datatypes::FieldRef, &arrow::array::ArrayRef)| {
        let formatter =
            ArrayFormatter::try_new(column, &options).map_err(LakeError::arrow("showing a row"))?;
        let value = column.is_valid(0).then(|| formatter.value(0).to_string());
        Ok((field.name().clone(), value))
    };
    let columns = schema.fields().iter().zip(batch.columns()).map(text);
    Ok(StoredRow {
        columns: columns.collect::<Result<_, LakeError>>()?,
    })
}
