//! A contract for a file of which nothing is known but its rows.

use contract::{Column, ColumnType, Contract, Delimited, Pii, Severity, Thresholds};
use inspect::{Plan, Splitter, header_names};

use crate::Failure;

/// Every column as text or, where `typed`, as the first type that all of its values have.
pub(crate) fn contract(file: &[u8], format: Delimited, typed: bool) -> Result<Contract, Failure> {
    let header_end = memchr::memchr(b'\n', file).ok_or("the file has no line")? + 1;
    let names = header_names(&format, &file[..header_end])?;
    let texts = names.iter().map(|name| column(name, ColumnType::String));
    let mut contract = of_columns(format, texts.collect());
    if !typed {
        return Ok(contract);
    }
    let candidates = [
        ColumnType::Date {
            formats: owned(&["%Y%m%d"]),
        },
        ColumnType::Integer,
        ColumnType::Decimal {
            precision: 12,
            scale: 2,
        },
        ColumnType::Date {
            formats: owned(&["%Y-%m-%d", "%m/%d/%Y", "%d-%b-%Y"]),
        },
        ColumnType::Timestamp {
            formats: owned(&["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S"]),
            zoned: false,
        },
    ];
    let mut found = vec![None; names.len()];
    for candidate in candidates {
        let mut trial = contract.clone();
        for column in &mut trial.columns {
            column.column_type = candidate.clone();
        }
        for (found, holds) in found.iter_mut().zip(holding(&trial, file)?) {
            if found.is_none() && holds {
                *found = Some(candidate.clone());
            }
        }
    }
    for (column, found) in contract.columns.iter_mut().zip(found) {
        column.column_type = found.unwrap_or(ColumnType::String);
    }
    Ok(contract)
}

/// Of each column, whether it has values and all are of their type.
fn holding(contract: &Contract, file: &[u8]) -> Result<Vec<bool>, Failure> {
    let mut contract = contract.clone();
    // So that a bad cell hides nothing of its row.
    for column in &mut contract.columns {
        column.severity = Severity::Warn;
    }
    let mut splitter = Splitter::new(&Plan::compile(&contract)?.for_file("guess.csv"));
    let mut blocks = splitter.push(file)?;
    blocks.extend(splitter.finish()?.0);
    let mut broken = vec![0; contract.columns.len()];
    for block in &blocks {
        for (sum, column) in broken.iter_mut().zip(block.inspect().statistics) {
            *sum += column.broken;
        }
    }
    let mut filled = vec![false; contract.columns.len()];
    let mut csv = crate::reader(file, contract.format.delimiter);
    for record in csv.byte_records().skip(1) {
        for (filled, field) in filled.iter_mut().zip(&record?) {
            *filled |= !field.is_empty();
        }
    }
    let holds = broken.iter().zip(filled);
    Ok(holds
        .map(|(broken, filled)| filled && *broken == 0)
        .collect())
}

pub(crate) fn owned(list: &[&str]) -> Vec<String> {
    list.iter().map(|item| (*item).to_owned()).collect()
}

pub(crate) fn column(name: &str, column_type: ColumnType) -> Column {
    Column {
        name: name.to_owned(),
        header: name.to_owned(),
        column_type,
        required: false,
        nulls: vec![String::new()],
        trim: true,
        transforms: Vec::new(),
        length: None,
        range: None,
        pattern: None,
        domain: None,
        severity: Severity::Reject,
        pii: Pii::None,
        description: String::new(),
    }
}

pub(crate) fn of_columns(format: Delimited, columns: Vec<Column>) -> Contract {
    Contract {
        layout: "throughput@v1".parse().expect("a layout id"),
        title: String::new(),
        description: String::new(),
        source: None,
        format,
        file_name: None,
        columns,
        natural_key: Vec::new(),
        atomic_month: None,
        rules: Vec::new(),
        thresholds: Thresholds {
            reject_ratio: 1.0,
            min_rows: 0,
        },
        content_hash: String::new(),
    }
}
