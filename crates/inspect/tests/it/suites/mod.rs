//! Public suites of files that readers get wrong, compared with the results that they expect.
//! Where we differ on purpose, the test says why.
//!
//! The suites lie in the shared data; see `testkit::shared_data` for what happens without them.

mod arrow_testing;
mod csv_spectrum;
mod csv_test_data;
mod duckdb;
mod json;
mod polars;

use std::path::{Path, PathBuf};

use contract::{Column, Contract, FileFormat, Header};
use inspect::{Limits, Unreadable, header_names};

use crate::cells::cells;
use crate::reading::{Read, With, contract, dialect, read_in_pieces, text};

/// The files below a folder with that ending, in order.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the suite's folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_str().is_some_and(|path| path.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "{} has no {ending}", folder.display());
    found
}

fn stem(path: &Path) -> &str {
    path.file_stem()
        .and_then(|stem| stem.to_str())
        .expect("a file's name")
}

fn json(path: &Path) -> serde_json::Value {
    let bytes = std::fs::read(path).expect("the expected result");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// Columns of text, as they stand in the file, under the names in its header.
fn by_header(file: &[u8]) -> Contract {
    let names = header_names(&FileFormat::default(), file).expect("a header");
    let named = |(at, name): (usize, &String)| text_column(at).header(name);
    contract(names.iter().enumerate().map(named).collect())
}

/// That many columns of text in a file without a header.
fn by_position(columns: usize) -> Contract {
    let mut contract = contract((0..columns).map(text_column).collect());
    dialect(&mut contract).header = Header::Absent;
    contract
}

fn text_column(at: usize) -> Column {
    text(&format!("c{at}")).untrimmed()
}

/// Read whole, after making sure that pieces of other sizes give the same.
fn read(contract: &Contract, file: &[u8]) -> Result<Read, Unreadable> {
    read_within(contract, Limits::default(), file)
}

fn read_within(contract: &Contract, limits: Limits, file: &[u8]) -> Result<Read, Unreadable> {
    let in_pieces = |size: usize| read_in_pieces(contract, limits, file.chunks(size));
    let whole = in_pieces(file.len().max(1));
    let shown = |read: &Result<Read, Unreadable>| match read {
        Ok(read) => read.whole(),
        Err(unreadable) => unreadable.to_string(),
    };
    for size in [3, 1000] {
        assert_eq!(shown(&in_pieces(size)), shown(&whole), "pieces of {size}");
    }
    whole
}

/// The cells of every row, none of which may be rejected. An empty cell is null to us.
fn all_cells(read: &Read) -> Vec<Vec<String>> {
    assert_eq!(read.rejects(), Vec::<String>::new());
    let plain = |row: Vec<Option<String>>| row.into_iter().map(Option::unwrap_or_default);
    cells(read)
        .into_iter()
        .map(|row| plain(row).collect())
        .collect()
}

/// What the `csv` crate reads, for files that bring no expected result.
fn by_the_csv_crate(file: &[u8], header: bool) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(header)
        .from_reader(file);
    let row = |record: csv::StringRecord| record.iter().map(str::to_owned).collect();
    reader
        .records()
        .map(|record| row(record.expect("well formed")))
        .collect()
}
