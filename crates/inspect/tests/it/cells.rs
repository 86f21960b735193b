//! Cells, one by one: those of accepted rows, which a row's text cannot tell apart, and what
//! becomes of the cells of one column.

use arrow::array::{Array, StringArray};
use contract::Column;

use crate::reading::{Read, contract, read, text};

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

/// One column `v`; its cells; what is accepted and what is rejected.
pub(crate) fn check(column: Column, cells: &[&str], accepted: &[&str], rejects: &[&str]) {
    let mut bytes = String::from("v,n\n");
    for (at, cell) in cells.iter().enumerate() {
        bytes += &format!("{cell},{at}\n");
    }
    let read = read(&contract(vec![column, text("n")]), bytes.as_bytes()).expect("readable");
    let values: Vec<String> = read
        .accepted()
        .iter()
        .map(|row| row.rsplit_once('|').expect("two columns").0.to_owned())
        .collect();
    assert_eq!(values, accepted);
    assert_eq!(read.rejects(), rejects);
}
