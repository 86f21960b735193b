//! The CSV files of Polars' own tests; some with the same rows as JSON lines.

use std::io::Read as _;
use std::path::PathBuf;

use inspect::Unreadable;
use testkit::shared_data;

use super::{all_cells, by_header, by_position, by_the_csv_crate, files, read, stem};

fn suite() -> Option<PathBuf> {
    shared_data::folder("suites/polars_csv")
}

#[test]
fn foods_are_the_same_rows_as_their_json_lines() {
    let Some(folder) = suite() else {
        return;
    };
    let pairs = files(&folder, ".ndjson");
    assert_eq!(pairs.len(), 2);
    for path in pairs {
        let file = std::fs::read(path.with_extension("csv")).unwrap();
        let contract = by_header(&file);
        let rows = all_cells(&read(&contract, &file).unwrap());
        let lines = std::fs::read_to_string(&path).unwrap();
        let expect: Vec<serde_json::Value> = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert!(rows.len() == 27 && expect.len() == 27);
        for (row, expect) in rows.iter().zip(&expect) {
            for (column, cell) in contract.columns.iter().zip(row) {
                match &expect[&column.header] {
                    serde_json::Value::String(text) => assert_eq!(cell, text),
                    number => assert_eq!(cell.parse::<f64>().ok(), number.as_f64()),
                }
            }
        }
    }
}

#[test]
fn every_file_reads_as_the_csv_crate_reads_it() {
    let Some(folder) = suite() else {
        return;
    };
    let files = files(&folder, ".csv");
    assert!(files.len() >= 9);
    for path in files {
        let file = std::fs::read(&path).unwrap();
        match stem(&path) {
            "empty" => assert_eq!(read(&by_position(1), &file).unwrap_err(), Unreadable::Empty),
            "only_header" => {
                let read = read(&by_header(&file), &file).unwrap();
                assert_eq!((read.end.rows, read.blocks.len()), (0, 0));
            }
            "follows" | "user" => {
                let expect = by_the_csv_crate(&file, false);
                let read = read(&by_position(expect[0].len()), &file).unwrap();
                assert_eq!(all_cells(&read), expect, "{}", path.display());
            }
            _ => {
                let read = read(&by_header(&file), &file).unwrap();
                assert_eq!(
                    all_cells(&read),
                    by_the_csv_crate(&file, true),
                    "{}",
                    path.display()
                );
                assert!(read.end.rows > 0);
            }
        }
    }
}

/// The splitter takes the file's own bytes: what is compressed is named, not split.
#[test]
fn a_compressed_file_is_named_as_one() {
    let Some(folder) = suite() else {
        return;
    };
    for path in files(&folder, ".gz") {
        let packed = std::fs::read(&path).unwrap();
        let message = read(&by_position(1), &packed).unwrap_err().to_string();
        assert!(message.contains("gzip"), "{message}");
        let mut file = Vec::new();
        flate2::read::GzDecoder::new(&packed[..])
            .read_to_end(&mut file)
            .unwrap();
        let read = read(&by_header(&file), &file).unwrap();
        // Polars' test of the same file: its second row has a field too many.
        assert_eq!(read.accepted(), ["1|a|1.0", "3|c|3.0"]);
        assert_eq!(read.rejects(), ["row 2: the record field_count (3 fields)"]);
    }
}
