//! The cells of accepted rows, one by one: what a row's text cannot tell apart.

use arrow::array::{Array, StringArray};

use crate::reading::Read;

/// Of every accepted row the cells of the contract's columns, all of which are text.
pub(crate) fn cells(read: &Read) -> Vec<Vec<Option<String>>> {
    let mut rows = Vec::new();
    for block in &read.blocks {
        let lineage = inspect::LINEAGE_COLUMNS.len();
        let columns = &block.accepted.columns()[..block.accepted.num_columns() - lineage];
        let columns: Vec<&StringArray> = columns
            .iter()
            .map(|column| column.as_any().downcast_ref().expect("a column of text"))
            .collect();
        let cell =
            |column: &StringArray, row| column.is_valid(row).then(|| column.value(row).to_owned());
        rows.extend((0..block.accepted.num_rows()).map(|row| {
            columns
                .iter()
                .map(|column| cell(column, row))
                .collect::<Vec<_>>()
        }));
    }
    rows
}
